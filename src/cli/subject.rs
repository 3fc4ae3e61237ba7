//! From options to what a run needs: the files that they name, the subject, the selection, the rig.

use super::Options;
use super::carry::carry_out;
use super::inputs::{Inputs, Unfit, unfit};
use crate::check::Group;
use crate::checks::{CHECKS, CLOUDFLARE_RANGES, GITLAB_CHECK};
use crate::egress::routes::{Ways, routes};
use crate::egress::{Given, Rules, decide};
use crate::engine::Rig;
use crate::node;
use crate::plan::{Plan, Selection, What, plan};
use crate::subject::dial::{Dial, Logs, NameRule, NameTo, Rails};
use crate::subject::doors::{Certainty, Doors, Entry, doors};
use crate::subject::environment::Environment;
use crate::subject::limits::{Completion, Limits, OwnCheck, RailsRunner};
use crate::subject::place::{Place, Stack};
use crate::subject::ranges::Sampling;
use crate::subject::runner::Failed;
use crate::subject::services::{Deployment, Services};
use crate::subject::{
    About, Cloudflare, Install, Node, PublicRoots, Route, Shell, Store, StoreId, Subject, Via,
};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// The limits that the options give.
pub fn limits(options: &Options) -> Limits {
    let hold = options.hold.map(|s| s.0);
    let rails = if options.rails_runner { RailsRunner::Allowed } else { RailsRunner::NotAsked };
    let usual = Limits::DEFAULT.deadline + hold.unwrap_or_default();
    Limits {
        timeout: options.timeout.map_or(Limits::DEFAULT.timeout, |s| s.0),
        deadline: options.deadline.map_or(usual, |s| s.0),
        deadline_grows: options.deadline.is_none(),
        hold,
        sampling: Sampling::NotAsked,
        completion: if options.allow_completion { Completion::Allowed } else { Completion::NotAsked },
        rails,
        since: options.since.map_or(Limits::DEFAULT.since, |s| s.0),
        own_check: OwnCheck::Run,
    }
}

/// Finds out about this node. Reads files; asks nobody.
///
/// # Errors
/// The directory of `--sysroot` cannot be opened.
pub fn of_node(
    options: &Options,
    inputs: &Inputs,
    environment: &Environment,
    now: Timestamp,
) -> Result<Subject, Unfit> {
    let path = options.sysroot.clone().unwrap_or_else(|| PathBuf::from("/"));
    let root = node::root::Root::open(&path).map_err(|e| unfit("directory", &path, e.to_string()))?;
    let node::Found { node, facts, external_url, trust } = node::discover(&root);
    let with_given = |store: Store| Store { roots: [store.roots, inputs.roots.clone()].concat(), ..store };
    let (stores, trust) = stores([
        (&[Stack::Shell][..], Some(with_given(trust.shell))),
        (&[Stack::Rails, Stack::Sidekiq, Stack::Grpc][..], trust.rails.map(with_given)),
        (&[Stack::Workhorse][..], trust.workhorse.map(with_given)),
    ]);
    let mut subject = Subject {
        instance: options.instance_url.clone().or(external_url),
        services: Services::of(&facts),
        deployment: Deployment::default(),
        agent_platform: None,
        shell: if node.install.is_none() { Shell::Examined } else { Shell::Compared },
        node,
        facts,
        routes: Vec::new(),
        doors: Doors::default(),
        dial: Dial::default(),
        stores,
        public_roots: PublicRoots::Mozilla,
        token: inputs.token.clone(),
        identity: inputs.identity.clone(),
        started_at: now,
        limits: limits(options),
        cloudflare: Cloudflare::embedded(),
        demo: None,
    };
    subject.dial = dial(options, &subject.node);
    if subject.node.install.is_some() {
        subject.dial.logs = Logs::Below(path);
    }
    subject.dial.rails = subject.node.install.map(|install| rails(options, &root, install));
    subject.deployment = match options.deployment {
        Deployment::Unknown => Deployment::detected(subject.instance.as_ref(), &subject.services),
        given => given,
    };
    let ways_in = subject.facts.ways_in.clone();
    let public_via = public_via(options, &subject, environment);
    subject.doors = doors(&Entry {
        instance: subject.instance.as_ref(),
        instance_from: if options.instance_url.is_some() { "--instance-url" } else { "external_url" },
        node: &subject.node,
        ways_in: &ways_in,
        public_via: &public_via,
        certainty: if options.sysroot.is_some() { Certainty::Supposed } else { Certainty::Configured },
    });
    subject.routes = routes(&Ways {
        services: &subject.services,
        facts: &subject.facts,
        shell: environment,
        given: options.proxy.as_ref().map(|p| &p.0),
        trust: &trust,
        addresses: &|host| subject.node.hosts_for(host),
    });
    Ok(subject)
}

/// How the clients of this machine reach the public door: a node asks its own doors directly, a client goes as its
/// environment says, by curl's rules, which those of IDEs come nearest to.
fn public_via(options: &Options, subject: &Subject, environment: &Environment) -> Via {
    let (Some(url), None) = (&subject.instance, subject.node.install) else { return Via::Direct };
    match options.proxy.as_ref().map(|p| &p.0) {
        Some(Given::Direct) => Via::Direct,
        Some(Given::Proxy(proxy)) => Via::Proxy(proxy.clone()),
        None => {
            let addresses = subject.node.hosts_for(&url.target.host);
            decide(Rules::of(Stack::Shell), url, environment, &addresses).via
        }
    }
}

/// The stores of a node, equal ones once, and which one a stack trusts. A store that could not be read has no roots:
/// nothing is trusted by it, and its label says so.
fn stores<const N: usize>(read: [(&[Stack], Option<Store>); N]) -> (Vec<Store>, impl Fn(Stack) -> StoreId) {
    let mut stores: Vec<Store> = Vec::new();
    let mut of: Vec<(Stack, StoreId)> = Vec::new();
    for (stacks, store) in read {
        let store =
            store.unwrap_or(Store { label: "a store that could not be read".to_owned(), roots: Vec::new() });
        // Nothing was read of an empty one: whether it is like another is not known.
        let known = stores.iter().position(|s| s.roots == store.roots && !s.roots.is_empty());
        if let Some(known) = known.map(|at| &mut stores[at]).filter(|known| known.label != store.label) {
            known.label = format!("{}, which has the same roots as {}", store.label, known.label);
        }
        let id = StoreId(known.unwrap_or_else(|| {
            stores.push(store);
            stores.len() - 1
        }));
        of.extend(stacks.iter().map(|stack| (*stack, id)));
    }
    (stores, move |stack| of.iter().find(|(s, _)| *s == stack).map_or(StoreId(0), |(_, id)| *id))
}

/// What asks Rails on this node. Below `--sysroot` stands somebody else's tree: nothing of it is run.
fn rails(options: &Options, root: &node::root::Root, install: Install) -> Rails {
    if options.sysroot.is_some() {
        return Rails::Cannot(Failed::NotFound {
            program: "a Rails that could be run below --sysroot".to_owned(),
        });
    }
    match node::runner::call(root, install) {
        Ok(call) => Rails::Ask(call),
        Err(failed) => Rails::Cannot(failed),
    }
}

/// The dial table that the options fill. Below `--sysroot` names are resolved by its own files where it has them.
fn dial(options: &Options, node: &Node) -> Dial {
    let given =
        options.connect_to.iter().map(|c| c.0.clone()).chain(options.resolve.iter().map(|r| r.0.clone()));
    let mut dial = Dial { names: given.collect(), nameserver: options.nameserver, ..Dial::default() };
    if options.sysroot.is_some() && options.nameserver.is_none() {
        let names: BTreeSet<&String> = node.hosts.iter().flat_map(|entry| &entry.names).collect();
        dial.names.extend(names.into_iter().map(|name| NameRule {
            host: Some(name.clone()),
            port: None,
            to: NameTo::Hosts(node.hosts_for(name)),
        }));
        dial.nameserver = node.nameservers.first().copied();
    }
    dial
}

/// The selection that the options make.
///
/// # Errors
/// A part that does not exist.
pub fn selection(options: &Options) -> Result<Selection, Unfit> {
    let parse = |texts: &[String]| -> Result<Vec<What>, crate::plan::NoSuchPart> {
        texts.iter().map(|t| What::parse(t, CHECKS)).collect()
    };
    Ok(Selection { only: parse(&options.only)?, skip: parse(&options.skip)? })
}

/// What a round of the engine needs: the subject, its plan, and probes carried out on the wire.
pub fn rig(mut subject: Subject, selection: &Selection) -> Rig {
    let asked_for = |wanted: &dyn Fn(&What) -> bool| selection.only.iter().any(wanted);
    if asked_for(&|what| matches!(what, What::At(_, Place::Way(_, Stack::Shell)))) {
        subject.shell = Shell::Examined;
    }
    // Who asks for the Agent Platform means it: what fails there fails.
    if asked_for(&|what| match what {
        What::Group(group) => *group == Group::AgentPlatform,
        What::Check(id) | What::At(id, _) => {
            CHECKS.iter().any(|c| c.id == *id && c.group == Group::AgentPlatform)
        }
    }) {
        subject.agent_platform = Some(true);
    }
    subject.put_trust();
    // Who shares a way is checked under the name of the first.
    let shared = |what: &What| match what {
        What::At(id, place @ Place::Way(..)) => {
            What::At(id, subject.route(*place).map_or(*place, Route::place))
        }
        What::Group(_) | What::Check(_) | What::At(..) => what.clone(),
    };
    let selection = &Selection {
        only: selection.only.iter().map(shared).collect(),
        skip: selection.skip.iter().map(shared).collect(),
    };
    if selection.names(CLOUDFLARE_RANGES) {
        subject.limits.sampling = Sampling::Asked;
    }
    let leaves_out = |what: &What| match what {
        What::Check(id) | What::At(id, _) => *id == GITLAB_CHECK,
        What::Group(group) => *group == Group::Exchange,
    };
    if selection.skip.iter().any(leaves_out) {
        subject.limits.own_check = OwnCheck::Skipped;
    }
    subject.limits = subject.limits.grown(subject.token.is_some());
    let subject = Arc::new(subject);
    let plan: Plan = plan(&subject, CHECKS, selection);
    let about = About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        data_date: subject.cloudflare.date.clone(),
        instance: subject.instance.as_ref().map(ToString::to_string),
        started_at: subject.started_at,
        node: subject.node.clone(),
        routes: subject.routes.clone(),
        doors: subject.doors.about(),
        demo: subject.demo.clone(),
        deployment: subject.deployment.as_str().map(str::to_owned),
        deadline: subject.limits.deadline,
        source: None,
    };
    Rig { carry_out: carry_out(&subject), subject, plan: Arc::new(plan), about }
}
