//! Two reports of one instance, read together: what a client sees of the public door, and what a node sees of the
//! doors behind it. Where the client fails and the node does not, the hop between is named. Pure.

use super::redact;
use crate::checks::{self, Fares, Hop};
use crate::finding::Finding;
use crate::run::event::{Settled, Skip};
use crate::run::{Run, Slice, Status, StepState};
use crate::subject::About;
use crate::subject::address::BaseUrl;
use crate::subject::place::{Door, Place};
use std::collections::HashMap;
use thiserror::Error;

/// Why reports cannot be read together: one sentence. Exit code 65.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum JoinError {
    /// Neither or both were made on a node of GitLab.
    #[error("are not a client's report and a node's: one of each is read together, others one by one")]
    NotOneOfEach,
    /// One of them is another program's, which names neither instance nor node.
    #[error("cannot be read together: {0} names no instance; open it alone")]
    NotOurs(&'static str),
    /// The instance's name is hidden in one of them, so nobody knows whether they speak of the same.
    #[error("hide the instance's name: --redact full writes it when the check runs")]
    Hidden,
    /// They speak of different instances.
    #[error("speak of different instances: {0} and {1}")]
    OtherInstance(String, String),
}

/// The public door.
const PUBLIC: Place = Place::Door(Door::Public);

/// A client's run and a node's, in any order, as one: the node's, with the public door as the client sees it.
///
/// # Errors
/// They are not one of each, or not of the same instance.
pub fn join(first: Run, second: Run) -> Result<Run, JoinError> {
    let source = |run: &Run| Some(run.about.as_ref()?.source.as_ref()?.kind.title());
    if let Some(title) = source(&first).or_else(|| source(&second)) {
        return Err(JoinError::NotOurs(title));
    }
    let is_node = |run: &Run| run.about.as_ref().is_some_and(|about| about.node.install.is_some());
    let (client, node) = match (is_node(&first), is_node(&second)) {
        (false, true) => (first, second),
        (true, false) => (second, first),
        (true, true) | (false, false) => return Err(JoinError::NotOneOfEach),
    };
    let url = |run: &Run| run.about.as_ref().and_then(|about| about.instance.clone()).unwrap_or_default();
    // Whoever names the instance himself may write it in another way.
    let host = |url: &str| url.parse::<BaseUrl>().map(|url| url.target.host).unwrap_or_default();
    let (seen, known) = (url(&client), url(&node));
    if [&seen, &known].iter().any(|url| redact::is_hidden_host(&host(url))) {
        return Err(JoinError::Hidden);
    }
    if host(&seen) != host(&known) {
        return Err(JoinError::OtherInstance(seen, known));
    }
    Ok(joined(&client, &node))
}

fn joined(client: &Run, node: &Run) -> Run {
    let mut run = Run {
        about: node.about.clone().map(|about| told(about, client)),
        steps: Vec::new(),
        probes: node.probes.iter().chain(&client.probes).cloned().collect(),
        at: node.at.max(client.at),
        ending: node.ending,
    };
    let is_public = |step: &&StepState| step.plan.place == PUBLIC;
    let outside: Vec<(usize, &StepState)> =
        client.steps.iter().enumerate().filter(|(_, step)| is_public(step)).collect();
    let mut from_node = HashMap::new();
    let mut from_client = HashMap::new();
    let at = node.steps.iter().position(|step| is_public(&step)).unwrap_or(node.steps.len());
    for (old, step) in node.steps.iter().enumerate() {
        if old == at {
            put_outside(&mut run, &outside, &mut from_client);
        }
        if !is_public(&step) {
            from_node.insert(old, run.steps.len());
            run.steps.push(step.clone());
        }
    }
    if at == node.steps.len() {
        put_outside(&mut run, &outside, &mut from_client);
    }
    let shift = node.probes.len();
    for step in &mut run.steps {
        let (numbers, shift) =
            if step.plan.place == PUBLIC { (&from_client, shift) } else { (&from_node, 0) };
        renumber(step, numbers, shift);
    }
    name_hops(&mut run, node);
    run
}

fn put_outside(run: &mut Run, outside: &[(usize, &StepState)], numbers: &mut HashMap<usize, usize>) {
    for (old, step) in outside {
        numbers.insert(*old, run.steps.len());
        run.steps.push((*step).clone());
    }
}

/// Makes a step point to the steps and probes of the joined run.
fn renumber(step: &mut StepState, numbers: &HashMap<usize, usize>, shift: usize) {
    step.plan.needs = step.plan.needs.iter().filter_map(|need| numbers.get(need).copied()).collect();
    for Slice { probe, .. } in &mut step.slices {
        *probe += shift;
    }
    if let Some(Settled::Blocked { by }) = &mut step.settled {
        if let Some(new) = numbers.get(by) {
            *by = *new;
        } else {
            let why = "what it needs was seen from the other machine alone".to_owned();
            step.status = Status::Skip;
            step.settled = Some(Settled::Skip { kind: Skip::NotAsked, why, want: None });
        }
    }
}

/// The node's own words, and from where the public door was seen.
fn told(mut about: About, client: &Run) -> About {
    let from = client.about.as_ref().and_then(|about| about.node.hostname.clone());
    let from = from.unwrap_or_else(|| "a client".to_owned());
    for door in about.doors.iter_mut().filter(|door| door.door == Door::Public) {
        door.source = format!("seen from {from}");
    }
    about
}

/// Names the hop in what the client found, by how the same check went at the doors behind.
fn name_hops(run: &mut Run, node: &Run) {
    for step in run.steps.iter_mut().filter(|step| step.plan.place == PUBLIC) {
        let check = step.plan.check.clone();
        let Some(Settled::Findings(findings)) = &mut step.settled else { continue };
        for finding in findings.iter_mut().filter(|f| f.args.contains_key("hop")) {
            let (hop, product) = blamed(node, &check, finding);
            finding.args.insert("hop".to_owned(), hop);
            finding.args.insert("product".to_owned(), product);
        }
    }
}

/// The hop at fault and who stands there: in the node's own words where it found the same.
fn blamed(node: &Run, check: &str, finding: &Finding) -> (String, String) {
    let found = |door| same_at(node, check, door, finding);
    if let Some(same) = found(Door::Public) {
        return (same.arg("hop").to_owned(), same.arg("product").to_owned());
    }
    let fares = [Door::Nginx, Door::Workhorse].map(|door| (door, fared(node, check, door, finding)));
    let seen = finding.arg("product");
    let hop = checks::between(finding.code, &fares, seen);
    let product = match hop {
        Hop::FrontEnd | Hop::BeforeNginx => seen,
        Hop::Nginx => found(Door::Nginx).map_or("unknown", |same| same.arg("product")),
        Hop::Workhorse | Hop::Puma => hop.as_str(),
    };
    (hop.as_str().to_owned(), product.to_owned())
}

/// The step of a check at a door of the node.
fn at_door<'a>(node: &'a Run, check: &str, door: Door) -> Option<&'a StepState> {
    node.steps.iter().find(|step| step.plan.check == check && step.plan.place == Place::Door(door))
}

/// The same finding at a door of the node.
fn same_at<'a>(node: &'a Run, check: &str, door: Door, finding: &Finding) -> Option<&'a Finding> {
    at_door(node, check, door)?.findings().iter().find(|inner| inner.code == finding.code)
}

/// How a check went at a door of the node.
fn fared(node: &Run, check: &str, door: Door, finding: &Finding) -> Fares {
    let status = at_door(node, check, door).map(|step| step.status);
    match status {
        Some(Status::Pass) => Fares::Works,
        Some(Status::Fail | Status::Warn) if same_at(node, check, door, finding).is_some() => Fares::Fails,
        _ => Fares::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Group, Note};
    use crate::finding::Code;
    use crate::run::event::Planned;
    use crate::subject::{Install, Node};
    use std::time::Duration;

    fn step(check: &str, door: Door, how: &Settled) -> StepState {
        let plan = Planned {
            check: check.to_owned(),
            place: Place::Door(door),
            group: Group::Inbound,
            title: String::new(),
            needs: Vec::new(),
        };
        let mut state = StepState::of(plan);
        state.settle(how, Duration::ZERO);
        state
    }

    fn pass() -> Settled {
        Settled::Pass(Note::default())
    }

    fn lost() -> Settled {
        let code = Code::WebsocketUpgradeStripped;
        let args: Vec<(&str, &str)> = code
            .row()
            .args
            .iter()
            .map(|name| (*name, if *name == "hop" { "front end" } else { "unknown" }))
            .collect();
        Settled::Findings(vec![Finding::new(code, &args)])
    }

    fn run(install: Option<Install>, instance: &str, steps: Vec<StepState>) -> Run {
        let node = Node { install, hostname: Some("here".into()), ..Node::default() };
        let about = About { node, instance: Some(instance.to_owned()), ..About::default() };
        Run { about: Some(about), steps, ..Run::default() }
    }

    const URL: &str = "https://gitlab.example.com";

    fn hop(joined: &Run) -> String {
        let public = joined.steps.iter().find(|s| s.plan.place == PUBLIC).expect("the public door");
        public.findings().first().map(|f| f.arg("hop").to_owned()).unwrap_or_default()
    }

    #[test]
    fn what_the_client_misses_and_the_node_has_gets_lost_between() {
        let client = || run(None, URL, vec![step("cable", Door::Public, &lost())]);
        for (nginx, workhorse, expected) in [
            (pass(), pass(), "between DNS and this node's NGINX"),
            (lost(), pass(), "this node's NGINX"),
            (lost(), lost(), "Workhorse"),
        ] {
            let steps = vec![
                step("cable", Door::Public, &pass()),
                step("cable", Door::Nginx, &nginx),
                step("cable", Door::Workhorse, &workhorse),
            ];
            let node = run(Some(Install::Omnibus), URL, steps);
            let joined = join(node, client()).expect("one of each");
            assert_eq!(joined.steps.len(), 3);
            assert_eq!(hop(&joined), expected);
        }
    }

    #[test]
    fn steps_that_are_blocked_still_point_to_what_blocks_them() {
        let mut blocked = step("pings", Door::Public, &Settled::Blocked { by: 1 });
        blocked.plan.needs = vec![1];
        let client = run(
            None,
            URL,
            vec![step("reach", Door::Public, &pass()), step("cable", Door::Public, &lost()), blocked],
        );
        let node = run(Some(Install::Omnibus), URL, vec![step("reach", Door::Nginx, &pass())]);
        let joined = join(client, node).expect("one of each");
        let pings = joined.steps.iter().find(|s| s.plan.check == "pings").expect("pings");
        let by = pings.blocked_by().expect("blocked");
        assert_eq!(joined.steps[by].plan.check, "cable");
    }

    #[test]
    fn two_of_a_kind_and_two_instances_are_refused_with_a_sentence() {
        let node = || run(Some(Install::Omnibus), URL, Vec::new());
        assert_eq!(join(node(), node()).err(), Some(JoinError::NotOneOfEach));
        let hidden = run(None, "https://host-1", Vec::new());
        assert_eq!(join(node(), hidden).err(), Some(JoinError::Hidden), "any instance is called so");
        let other = run(None, "https://git.example.org", Vec::new());
        let error = join(node(), other).expect_err("two instances").to_string();
        assert_eq!(
            error,
            "speak of different instances: https://git.example.org and https://gitlab.example.com"
        );
    }
}
