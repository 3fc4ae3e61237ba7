//! `proxy-config`: each component gets the proxy that it needs, in a form that it reads.
//!
//! A setting alone proves nothing (`field-notes` 11): that a proxy is missing, ignored or bypassed is said only
//! where the component's real way fails on the wire and a proxy that is named elsewhere on this node leads
//! further. Where every way works, differences are worth a warning at most.

use super::proxies::{self, Reaches, detour, known, reaches};
use super::{running, settings};
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::network::{self, named};
use crate::checks::serves;
use crate::egress::{self, Decision, Rules};
use crate::failure::Layer;
use crate::finding::{Code, Finding};
use crate::probe::{Probe, Reading};
use crate::subject::facts::Unread;
use crate::subject::place::{Place, Stack};
use crate::subject::services::Requirement;
use crate::subject::{Route, Subject, Via};
use crate::text;

/// Every component has the proxy that it needs.
pub(in crate::checks) static PROXY_CONFIG: Check = Check {
    id: "proxy-config",
    title: "each component has its proxy",
    group: Group::Instance,
    about: "Each component gets the proxy that it needs, in a form that it reads, and its processes run with it.",
    codes: &[
        Code::ProxyMissingInRails,
        Code::ProxyMissingInWorkhorse,
        Code::ProxyVariableIgnored,
        Code::NoProxyBypassesDuo,
        Code::ProxyUrlInvalid,
        Code::ProxyDiffers,
        Code::ProxyNotApplied,
        Code::NoProxyUnsupported,
        Code::EnvAssignedTwice,
        Code::SidekiqEnvUnsupported,
    ],
    needs: &[],
    serves: serves::nothing,
    places: |subject| if subject.node.install.is_some() { vec![Place::Node] } else { Vec::new() },
    ask,
    judge,
};

/// The routes that GitLab's components take to services over HTTP, apart for those who read environments of their
/// own: who shares a way may owe it to different variables.
fn routes(subject: &Subject) -> impl Iterator<Item = Route> {
    const READERS: [&[Stack]; 2] = [&[Stack::Rails, Stack::Sidekiq], &[Stack::Workhorse]];
    let is_needed = |r: &&Route| subject.requirement(r.endpoint) == Requirement::Needed;
    let asked = subject.examined().filter(|r| network::ENDPOINTS.contains(&r.endpoint)).filter(is_needed);
    let of_reader = |route: &Route, reader: &[Stack]| {
        let stacks: Vec<Stack> = route.stacks.iter().copied().filter(|s| reader.contains(s)).collect();
        (!stacks.is_empty()).then(|| Route { stacks, ..route.clone() })
    };
    asked.flat_map(move |route| READERS.iter().filter_map(move |reader| of_reader(route, reader)))
}

/// The way as the component takes it once the name has its address: Ruby holds the networks of `no_proxy` against
/// that, which nobody knows when the routes are made.
fn really(subject: &Subject, route: Route, seen: Seen) -> Route {
    let (Some(decided), Some(again)) =
        (decision(subject, &route, None), decision(subject, &route, Some(seen)))
    else {
        return route;
    };
    // `--proxy` decides otherwise, and nothing changes that.
    if decided.via == route.via { Route { via: again.via, ..route } } else { route }
}

/// Whether the address of a name decides which way a component takes.
fn depends_on_the_address(subject: &Subject, route: &Route) -> bool {
    let environment = route.stacks.first().and_then(|s| subject.facts.component(*s)?.configured.as_ref());
    let lists = |name: &&str| environment.and_then(|e| e.value(name)).is_some_and(|list| list.contains('/'));
    ["no_proxy", "NO_PROXY"].iter().any(lists)
}

/// Every way is walked; where a direct one fails, each proxy that is named on this node is tried in its place.
fn ask(subject: &Subject, _: Place, seen: Seen) -> Vec<Ask> {
    let mut asks = Vec::new();
    for route in routes(subject) {
        if depends_on_the_address(subject, &route) {
            asks.extend(subject.target(route.endpoint).map(|t| Ask::whole(Probe::Resolve(t))));
        }
        let route = really(subject, route, seen);
        let Some(own) = network::walk_by(subject, &route, &route.via) else { continue };
        let stuck = reaches(subject, &route, &own, seen).is_some_and(|r| r < Reaches::Service);
        asks.push(Ask::whole(own));
        if stuck && route.via == Via::Direct {
            let detours = known(subject).into_iter().filter_map(|k| detour(subject, &route, &k.proxy));
            asks.extend(detours.map(Ask::whole));
        }
    }
    asks
}

fn judge(subject: &Subject, _: Place, seen: Seen) -> Verdict {
    let mut found: Vec<Finding> = Vec::new();
    for route in routes(subject).map(|route| really(subject, route, seen)) {
        if let Some(finding) = stuck(subject, &route, seen)
            && !found.iter_mut().any(|f| joins(f, &finding))
        {
            found.push(finding);
        }
    }
    if found.is_empty() {
        found.extend(differs(subject, seen));
    }
    found.extend(running::not_applied(subject));
    found.extend(unsupported(subject));
    found.extend(subject.facts.repeated.iter().filter(|r| !r.lost.is_empty()).map(|r| {
        let args =
            [("key", r.key.as_str()), ("places", &text::list(&r.places)), ("lost", &text::list(&r.lost))];
        Finding::new(Code::EnvAssignedTwice, &args)
    }));
    found.extend(
        (subject.facts.sidekiq_env.iter())
            .map(|place| Finding::new(Code::SidekiqEnvUnsupported, &[("place", place)])),
    );
    if !found.is_empty() {
        return Verdict::Findings(found);
    }
    if let Some(why) = unread(subject) {
        return Verdict::Unknown(why);
    }
    if routes(subject).next().is_none() {
        return Verdict::NotApplicable("no component of this node goes out for Duo".to_owned());
    }
    let ways = ways(&routes(subject).map(|route| really(subject, route, seen)).collect::<Vec<_>>());
    Verdict::pass(format!("{}.{}", text::list(&ways), running::unknown(subject)))
}

/// What could not be found out about the components of this node, with the command that would tell.
fn unread(subject: &Subject) -> Option<String> {
    let facts = &subject.facts;
    let tells = |place: &str| {
        let about = |u: &&Unread| place.starts_with(&u.what) || u.what.starts_with(place);
        let unread = facts.unread.iter().find(about).or(facts.unread.first());
        unread.map_or_else(String::new, |u| format!(" ({}: {}); `{}` would tell", u.what, u.why, u.command))
    };
    if let Some(component) = facts.components.iter().find(|c| c.configured.is_none()) {
        let (name, place) = (component.stack.name(), &component.configured_in);
        let ruby = match facts.unevaluated.as_slice() {
            [] => String::new(),
            only => format!("; only Ruby can tell {}", text::list(only)),
        };
        return Some(format!("what {name} is started with is not known from {place}{}{ruby}", tells(place)));
    }
    let is_empty = subject.node.roles.is_empty() && facts.components.is_empty();
    is_empty
        .then(|| format!("which parts of GitLab run on this node could not be read{}", tells("/opt/gitlab")))
}

/// The way of each component in words, equal ones once.
fn ways(routes: &[Route]) -> Vec<String> {
    let mut ways: Vec<String> = Vec::new();
    for route in routes {
        let way = match &route.via {
            Via::Direct => format!("{} directly", named(&route.stacks)),
            Via::Proxy(proxy) => format!("{} through {}", named(&route.stacks), proxy.target),
            Via::Unusable { variable, .. } => {
                format!("{} nowhere, for {variable} is no proxy", named(&route.stacks))
            }
        };
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    ways
}

/// What the component's own environment decides for a route, by the address that its name was seen to have, else by
/// what the hosts file says. `None`: what it gets is not known.
fn decision(subject: &Subject, route: &Route, seen: Option<Seen>) -> Option<Decision> {
    let stack = *route.stacks.first()?;
    let environment = subject.facts.component(stack)?.configured.as_ref()?;
    let base = subject.services.base(route.endpoint)?;
    let resolved =
        seen.and_then(|seen| match seen.reached(&Probe::Resolve(base.target.clone()), Layer::Dns) {
            Reached::Here(Reading::Resolved(resolved)) => Some(resolved.addresses.clone()),
            Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => None,
        });
    let addresses = resolved.unwrap_or_else(|| subject.node.hosts_for(&base.target.host));
    Some(egress::decide(Rules::of(stack), base, environment, &addresses))
}

/// The finding of a direct way that does not lead to the service where a proxy named on this node leads further.
fn stuck(subject: &Subject, route: &Route, seen: Seen) -> Option<Finding> {
    let host = subject.target(route.endpoint)?.host;
    let stacks = named(&route.stacks);
    match &route.via {
        Via::Direct => {}
        Via::Proxy(_) => return None,
        Via::Unusable { variable, why } => {
            let args = [("stacks", &*stacks), ("hosts", &host), ("variable", variable), ("why", why)];
            return Some(Finding::new(Code::ProxyUrlInvalid, &args));
        }
    }
    let own = reaches(subject, route, &network::walk_by(subject, route, &route.via)?, seen)?;
    let decision = decision(subject, route, Some(seen)).filter(|d| d.via == route.via)?;
    let better = |k: &proxies::Known| {
        let probe = detour(subject, route, &k.proxy)?;
        reaches(subject, route, &probe, seen).filter(|reach| *reach > own)
    };
    let known = known(subject);
    let best = known.iter().filter_map(|k| Some((better(k)?, k))).max_by_key(|(reach, _)| *reach)?.1;
    let stack = *route.stacks.first()?;
    if let (Some(variable), Some(why)) = (&decision.variable, &decision.passed_over) {
        let why = format!("{why}; {} goes out directly then", Rules::of(stack).name());
        let args = [("stacks", stacks.as_str()), ("hosts", &host), ("variable", variable), ("why", &why)];
        return Some(Finding::new(Code::ProxyUrlInvalid, &args));
    }
    let proxy = best.proxy.to_string();
    let environment = subject.facts.component(stack)?.configured.as_ref()?;
    let from = |variable: &str| environment.get(variable).map_or("", |v| v.from.as_str());
    if let (Some(_), Some(exception)) = (&decision.variable, &decision.exception) {
        let args = [
            ("stacks", stacks.as_str()),
            ("hosts", &host),
            ("variable", &exception.variable),
            ("entry", &exception.entry),
            ("proxy", &proxy),
            ("from", from(&exception.variable)),
        ];
        return Some(Finding::new(Code::NoProxyBypassesDuo, &args));
    }
    let (merged, no_proxy) = settings::ready(subject, stack, &best.proxy);
    let other = if stack == Stack::Workhorse { Stack::Rails } else { Stack::Workhorse };
    let (other_env, _) = settings::ready(subject, other, &best.proxy);
    let with_lines = |finding: Finding| {
        let finding = finding.with_lines("env", &merged).with_lines("other_env", &other_env);
        finding.with_lines("no_proxy", &no_proxy)
    };
    if let Some(variable) = decision.ignored.first() {
        let wanted = match Rules::of(stack) {
            Rules::Ruby => "http_proxy",
            Rules::Go | Rules::Grpc | Rules::Curl => "https_proxy",
        };
        let args = [
            ("stacks", stacks.as_str()),
            ("hosts", &host),
            ("variable", variable),
            ("wanted", wanted),
            ("proxy", &proxy),
            ("from", from(variable)),
            ("env", ""),
            ("other_env", ""),
            ("no_proxy", ""),
        ];
        let finding = Finding::new(Code::ProxyVariableIgnored, &args);
        return Some(with_lines(finding));
    }
    let code = match stack {
        Stack::Workhorse => Code::ProxyMissingInWorkhorse,
        Stack::Rails | Stack::Sidekiq | Stack::Grpc | Stack::Shell => Code::ProxyMissingInRails,
    };
    let args = [
        ("stacks", stacks.as_str()),
        ("hosts", &host),
        ("proxy", &proxy),
        ("known_from", &best.from),
        ("env", ""),
        ("other_env", ""),
        ("no_proxy", ""),
    ];
    Some(with_lines(Finding::new(code, &args)))
}

/// Whether a finding says the same of another host, or an entry that of another component: then these are joined.
fn joins(first: &mut Finding, second: &Finding) -> bool {
    let is_an_entry = first.code == Code::NoProxyBypassesDuo;
    let joined: &[&str] = if is_an_entry { &["hosts", "stacks", "from"] } else { &["hosts"] };
    let same = |k: &String| joined.contains(&k.as_str()) || first.args.get(k) == second.args.get(k);
    if first.code != second.code || !second.args.keys().all(same) {
        return false;
    }
    for name in joined {
        let (one, other) = (first.arg(name), second.arg(name));
        if !one.split(", ").any(|part| part == other) {
            let both = format!("{one}, {other}");
            first.args.insert((*name).to_owned(), both);
        }
    }
    true
}

/// Components that go out in different ways, where every way leads to the service.
fn differs(subject: &Subject, seen: Seen) -> Option<Finding> {
    let works = |route: &Route| {
        let probe = network::walk_by(subject, route, &route.via)?;
        Some(reaches(subject, route, &probe, seen)? == Reaches::Service)
    };
    let all: Vec<Route> = routes(subject).map(|route| really(subject, route, seen)).collect();
    let all_work = all.iter().all(|r| works(r) == Some(true));
    let differ = all.iter().any(|a| all.iter().any(|b| a.endpoint == b.endpoint && a.via != b.via));
    (all_work && differ).then(|| Finding::new(Code::ProxyDiffers, &[("ways", &text::list(&ways(&all)))]))
}

/// Exceptions that a component does not understand, where it has a proxy at all.
fn unsupported(subject: &Subject) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for route in routes(subject) {
        let Some(decision) =
            decision(subject, &route, None).filter(|d| d.variable.is_some() && !d.unsupported.is_empty())
        else {
            continue;
        };
        let Some(component) = route.stacks.first().and_then(|s| subject.facts.component(*s)) else {
            continue;
        };
        let listed = ["no_proxy", "NO_PROXY"]
            .into_iter()
            .find_map(|name| Some((name, component.configured.as_ref()?.get(name)?)));
        let (variable, from) = listed.map_or(("no_proxy", ""), |(name, v)| (name, v.from.as_str()));
        let args = [
            ("stacks", named(&route.stacks)),
            ("entries", text::list(&decision.unsupported)),
            ("variable", variable.to_owned()),
            ("from", from.to_owned()),
        ];
        let finding = Finding::new(Code::NoProxyUnsupported, &args.each_ref().map(|(k, v)| (*k, v.as_str())));
        if !found.iter().any(|f| {
            f.arg("entries") == finding.arg("entries") && f.arg("stacks").contains(finding.arg("stacks"))
        }) {
            found.push(finding);
        }
    }
    found
}
