//! What is up for users: for each feature of GitLab Duo, whether its way is open. Pure.
//!
//! Failures stop, warnings do not. A feature counts as open only where its proofs were seen and nothing on its way
//! stayed without a verdict: a way that is not known is never open. What only the instance or Rails can tell (licence,
//! settings, a real completion) stops a feature where it fails; where nobody asked for it, the way may be open all the
//! same, and `is_all_asked` says that something is missing.

use super::RootCause;
use crate::check::Want;
use crate::check::{By, Feature, Proof};
use crate::checks::requirement::UNNEEDED;
use crate::checks::serves;
use crate::finding::{Code, Severity};
use crate::remedy;
use crate::run::event::{Settled, Skip};
use crate::run::{Run, Status, StepState};
use crate::subject::place::{Door, Endpoint, Place};
use jiff::Timestamp;

/// A feature and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub feature: Feature,
    /// How it stands.
    pub state: State,
}

/// How a feature stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Its way is open.
    Open,
    /// It is, until then: what it lives on ends, and what renews that is broken.
    OpenUntil(Timestamp),
    /// It is not, by these causes: indexes into what was given, in its order.
    Stopped(Vec<usize>),
    /// It is not known.
    Unknown {
        /// What would tell, or why nothing does.
        tells: String,
        /// What was wanted and not given, where that can be given.
        want: Option<Want>,
    },
}

/// What tells until when something holds, and what renews it: while all of that stands, its end is no end.
struct Renewed {
    check: &'static str,
    over: Endpoint,
    by: &'static [&'static str],
}

/// The access token is fetched anew by Sidekiq, from the portal (`domain` 1.3).
const RENEWED: &[Renewed] = &[Renewed {
    check: "access-token",
    over: Endpoint::Customers,
    by: &["silent-mode", "outbound-filter", "licence", "sync", "access-data", "sidekiq"],
}];

/// Every feature, in order. `causes` are the run's root causes.
pub fn features(run: &Run, causes: &[&RootCause]) -> Vec<Standing> {
    Feature::ALL.map(|feature| Standing { feature, state: state(run, causes, feature) }).into()
}

/// Whether everything that serves a feature was asked, but for what costs something to ask.
pub fn is_all_asked(run: &Run) -> bool {
    let serves_any = |s: &StepState| Feature::ALL.iter().any(|f| is_served(run, s, *f));
    let unasked = |s: &&StepState| match &s.settled {
        Some(Settled::Skip { kind: Skip::NotAsked, want, .. }) => !want.is_some_and(Want::is_extra),
        Some(_) | None => false,
    };
    !run.steps.iter().filter(unasked).any(|s| is_behind(s.plan.place).is_none() && serves_any(s))
}

/// How many checks that serve some feature reached no verdict.
pub fn unknown_checks(run: &Run) -> usize {
    let serves_any = |s: &StepState| Feature::ALL.iter().any(|f| is_served(run, s, *f));
    let steps = run.steps.iter().filter(|s| is_behind(s.plan.place).is_none());
    steps.filter(|s| !has_verdict(s) && serves_any(s)).count()
}

fn state(run: &Run, causes: &[&RootCause], feature: Feature) -> State {
    let serving: Vec<usize> = (0..run.steps.len()).filter(|s| counts(run, *s, feature)).collect();
    let stops = |cause: &RootCause| {
        let is_stopped = |step: &usize| {
            matches!(run.steps[*step].status, Status::Fail | Status::Blocked)
                && (cause.shown_by.contains(step) || cause.explains.contains(step))
        };
        cause.code.severity() == Severity::Fail && serving.iter().any(is_stopped)
    };
    let stopped: Vec<usize> = (0..causes.len()).filter(|i| stops(causes[*i])).collect();
    if !stopped.is_empty() {
        return State::Stopped(stopped);
    }
    let open =
        |step: &&usize| is_behind(run.steps[**step].plan.place).is_none() && is_open(&run.steps[**step]);
    if let Some(step) = serving.iter().find(open) {
        return unknown(run, &run.steps[*step]);
    }
    if let Some(missing) = feature.proofs().iter().find(|proof| !is_proven(run, feature, **proof)) {
        return unproven(run, feature, *missing);
    }
    until(run, feature).map_or(State::Open, State::OpenUntil)
}

/// Whether a step serves a feature: where several components share a way, for any of them.
fn is_served(run: &Run, step: &StepState, feature: Feature) -> bool {
    let check = step.plan.check.as_str();
    let own = || serves(check, step.plan.place).contains(&feature);
    match (step.plan.place, run.route(step.plan.place)) {
        (Place::Way(endpoint, _), Some(route)) => {
            route.stacks.iter().any(|stack| serves(check, Place::Way(endpoint, *stack)).contains(&feature))
        }
        (Place::Way(..), None)
        | (Place::Node | Place::Instance | Place::Endpoint(_) | Place::Stack(_) | Place::Door(_), _) => own(),
    }
}

/// The door of a place behind the one that users come in by.
fn is_behind(place: Place) -> Option<Door> {
    match place {
        Place::Door(door @ (Door::Nginx | Door::Workhorse)) => Some(door),
        Place::Door(Door::Public)
        | Place::Node
        | Place::Instance
        | Place::Endpoint(_)
        | Place::Stack(_)
        | Place::Way(..) => None,
    }
}

/// Whether a step counts for a feature. Users come in by the public door: a door behind it counts where the same
/// check reached no verdict there.
fn counts(run: &Run, step: usize, feature: Feature) -> bool {
    let state = &run.steps[step];
    let at_public =
        |s: &&StepState| s.plan.check == state.plan.check && s.plan.place == Place::Door(Door::Public);
    let is_decided = || run.steps.iter().find(at_public).is_some_and(has_verdict);
    is_served(run, state, feature) && (is_behind(state.plan.place).is_none() || !is_decided())
}

fn has_verdict(step: &StepState) -> bool {
    matches!(step.status, Status::Pass | Status::Warn | Status::Fail)
}

/// Whether a place lies on the way between users, the instance and a service.
fn is_on_the_way(place: Place) -> bool {
    match place {
        Place::Way(..) | Place::Endpoint(_) | Place::Stack(_) | Place::Door(_) => true,
        Place::Node | Place::Instance => false,
    }
}

/// Whether a step was to tell something and did not; what means nothing here was not.
fn is_open(step: &StepState) -> bool {
    match (&step.settled, step.status) {
        (Some(Settled::Skip { kind, .. }), _) => *kind == Skip::NotAsked && is_on_the_way(step.plan.place),
        (_, Status::Pass | Status::Warn | Status::Fail | Status::Skip) => false,
        (_, Status::Pending | Status::Running | Status::Blocked | Status::Error | Status::Cancelled) => true,
    }
}

/// Whether a step holds, or only just. A way that is not needed and fails is a warning that proves nothing.
fn holds(step: &StepState) -> bool {
    // Action Cable refuses a credential behind its 101, which proves the way; the agent's socket in place of it.
    let refused = |code: Code| code == Code::WebsocketUnauthorized && step.plan.check == "workflow-socket";
    let proves_nothing =
        |code: Code| code == UNNEEDED || code == Code::WorkflowNotReachableUnused || refused(code);
    match step.status {
        Status::Pass => true,
        Status::Warn => !step.findings().iter().any(|f| proves_nothing(f.code)),
        Status::Pending
        | Status::Running
        | Status::Fail
        | Status::Skip
        | Status::Blocked
        | Status::Error
        | Status::Cancelled => false,
    }
}

/// The steps at which a proof would be found.
fn places_of(run: &Run, proof: Proof) -> impl Iterator<Item = &StepState> {
    let is_there = move |step: &&StepState| match (proof.by, step.plan.place) {
        (By::Door(door), Place::Door(at)) => door == at,
        (By::Stack(stack), place @ Place::Way(_, first)) => match run.route(place) {
            Some(route) => route.stacks.contains(&stack),
            None => stack == first,
        },
        (By::Door(_) | By::Stack(_), _) => false,
    };
    run.steps.iter().filter(move |s| s.plan.check == proof.check).filter(is_there)
}

fn is_proven(run: &Run, feature: Feature, proof: Proof) -> bool {
    places_of(run, proof).any(|step| holds(step) && is_served(run, step, feature))
}

/// Why a proof is missing: what the check said where it would be found, else that it was not there to run.
fn unproven(run: &Run, feature: Feature, proof: Proof) -> State {
    let served = |s: &&StepState| is_served(run, s, feature);
    if let Some(step) = places_of(run, proof).find(served) {
        return unknown(run, step);
    }
    let tells = match proof.by {
        By::Stack(stack) => format!("the way out of {} was not seen from here", stack.name()),
        By::Door(door) => format!("{} at the {door} door was not tried", proof.check),
    };
    State::Unknown { tells, want: None }
}

/// What a step says of its own silence.
fn unknown(run: &Run, step: &StepState) -> State {
    let tells = match &step.settled {
        Some(Settled::Skip { why, .. } | Settled::Error { why } | Settled::Cancelled { why }) => why.clone(),
        Some(Settled::Blocked { by }) => match run.steps.get(*by) {
            Some(by) => format!("{} comes first, and that is {}", by.id(), by.status.as_str()),
            None => "what it needs did not hold".to_owned(),
        },
        Some(Settled::Findings(found)) => found
            .first()
            .map_or_else(String::new, |f| remedy::short(f.code, &f.args, &remedy::Values::default())),
        Some(Settled::Pass(_)) | None => "it was not settled".to_owned(),
    };
    State::Unknown { tells: format!("{}: {tells}", step.id()), want: step.want() }
}

/// When a feature ends that is open now: something that serves it holds until then, and what renews it fails.
fn until(run: &Run, feature: Feature) -> Option<Timestamp> {
    let is_broken = |renewed: &Renewed| {
        let renews = |s: &&StepState| {
            s.plan.place.endpoint() == Some(renewed.over) || renewed.by.contains(&s.plan.check.as_str())
        };
        run.steps.iter().filter(renews).any(|s| s.status == Status::Fail)
    };
    let ends = |step: &StepState| {
        let renewed = RENEWED.iter().find(|r| r.check == step.plan.check)?;
        let until = step.until().filter(|_| is_served(run, step, feature))?;
        is_broken(renewed).then_some(until)
    };
    run.steps.iter().filter_map(ends).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Group, Note};
    use crate::diagnosis::diagnose;
    use crate::finding::Finding;
    use crate::run::event::Planned;
    use std::time::Duration;

    const HEALTHY: [&str; 7] = [
        "tls@cloud/rails",
        "http@cloud/sidekiq",
        "http@cloud/workhorse",
        "reach@public",
        "cable@public",
        "workflow@workflow/workhorse",
        "workflow-socket@public",
    ];

    fn pass() -> Settled {
        Settled::Pass(Note::default())
    }

    fn found(code: Code) -> Settled {
        let args: Vec<(&str, &str)> = code.row().args.iter().map(|name| (*name, "x")).collect();
        Settled::Findings(vec![Finding::new(code, &args)])
    }

    fn not_asked(want: Option<Want>) -> Settled {
        Settled::Skip { kind: Skip::NotAsked, why: "a token tells".into(), want }
    }

    /// Everything passes but these steps; new ones stand behind.
    fn run(changed: &[(&str, Settled)]) -> Run {
        let others = changed.iter().map(|(id, _)| *id).filter(|id| !HEALTHY.contains(id));
        let step = |id: &str| {
            let (check, place) = id.split_once('@').expect("an id");
            let place: Place = place.parse().expect("a place");
            let group = if matches!(place, Place::Door(_)) { Group::Inbound } else { Group::Network };
            let plan = Planned { check: check.into(), place, group, title: String::new(), needs: Vec::new() };
            let mut state = StepState::of(plan);
            let how =
                changed.iter().find(|(other, _)| *other == id).map_or_else(pass, |(_, how)| how.clone());
            state.settle(&how, Duration::ZERO);
            state
        };
        Run { steps: HEALTHY.into_iter().chain(others).map(step).collect(), ..Run::default() }
    }

    /// A word for each feature: `open`, the letters that stop it, `?`.
    fn words(run: &Run) -> [String; 4] {
        let causes = diagnose(run);
        let standings = features(run, &causes.iter().collect::<Vec<_>>());
        let word = |standing: &Standing| match &standing.state {
            State::Open => "open".to_owned(),
            State::OpenUntil(until) => until.to_string(),
            State::Stopped(causes) => {
                causes.iter().map(|c| char::from(b'A' + u8::try_from(*c).expect("few causes"))).collect()
            }
            State::Unknown { .. } => "?".to_owned(),
        };
        [0, 1, 2, 3].map(|i| word(&standings[i]))
    }

    #[test]
    fn failures_stop_what_they_serve_and_nothing_else() {
        let untrusted = || found(Code::TlsUnknownIssuer);
        let lost = || found(Code::WebsocketUpgradeStripped);
        for (changed, expected) in [
            (vec![], ["open", "open", "open", "open"]),
            (vec![("tls@cloud/rails", untrusted())], ["open", "A", "open", "open"]),
            (vec![("http@cloud/workhorse", untrusted())], ["A", "open", "open", "open"]),
            (vec![("cable@public", lost())], ["open", "A", "open", "open"]),
            (
                vec![("tls@cloud/rails", untrusted()), ("cable@public", lost())],
                ["open", "AB", "open", "open"],
            ),
            (vec![("workflow-socket@public", lost())], ["open", "open", "A", "A"]),
            (vec![("certificate@public", found(Code::TlsExpired))], ["A", "A", "A", "A"]),
            (vec![("http2@public", found(Code::Http2NotOffered))], ["open", "open", "open", "open"]),
            (vec![("tls@customers/rails", untrusted())], ["open", "open", "open", "open"]),
        ] {
            assert_eq!(words(&run(&changed)), expected, "{changed:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_never_open() {
        let error = || Settled::Error { why: "the answer could not be read".into() };
        let cancelled = || Settled::Cancelled { why: "a key".into() };
        let nothing = || Settled::Skip { kind: Skip::NotApplicable, why: "not here".into(), want: None };
        for (changed, expected) in [
            (vec![("workflow-socket@public", not_asked(Some(Want::Token)))], ["open", "open", "?", "?"]),
            (vec![("cable@public", error())], ["open", "?", "open", "open"]),
            (vec![("pings@public", cancelled())], ["open", "?", "open", "open"]),
            (vec![("http@cloud/workhorse", nothing())], ["?", "open", "open", "open"]),
            (
                vec![("workflow@workflow/workhorse", found(Code::UnneededWayFails))],
                ["open", "open", "?", "?"],
            ),
            (
                vec![("workflow-socket@public", found(Code::WebsocketUnauthorized))],
                ["open", "open", "?", "?"],
            ),
            (vec![("cable@public", found(Code::WebsocketUnauthorized))], ["open"; 4]),
            (vec![("http@cloud/workhorse", Settled::Blocked { by: 3 }), ("reach@public", error())], ["?"; 4]),
        ] {
            assert_eq!(words(&run(&changed)), expected, "{changed:?}");
        }
        assert_eq!(words(&Run::default()), ["?"; 4]);
    }

    #[test]
    fn what_nobody_asked_the_instance_leaves_the_way_open_and_is_said_to_be_missing() {
        let run = run(&[("licence@instance", not_asked(Some(Want::Token)))]);
        assert_eq!(words(&run), ["open"; 4]);
        assert!(!is_all_asked(&run) && is_all_asked(&super::tests::run(&[])));
        let failed = || Settled::Error { why: "the API said nothing".into() };
        assert_eq!(words(&super::tests::run(&[("licence@instance", failed())])), ["?"; 4]);
        let expired = found(Code::LicenseExpired);
        assert_eq!(words(&super::tests::run(&[("licence@instance", expired)])), ["A"; 4]);
    }

    #[test]
    fn a_feature_ends_with_the_access_token_where_nothing_renews_it() {
        let until: Timestamp = "2026-11-23T09:14:00Z".parse().expect("a time");
        let token =
            || ("access-token@instance", Settled::Pass(Note { until: Some(until), ..Note::default() }));
        assert_eq!(words(&run(&[token()])), ["open"; 4]);
        let refused = ("tls@customers/rails", found(Code::TlsUnknownIssuer));
        assert_eq!(words(&run(&[token(), refused])), ["2026-11-23T09:14:00Z"; 4]);
        let silent = ("silent-mode@instance", found(Code::SilentModeOn));
        let ends = "2026-11-23T09:14:00Z";
        assert_eq!(words(&run(&[token(), silent])), [ends, "A", ends, ends]);
    }

    #[test]
    fn a_door_behind_counts_where_the_public_one_says_nothing() {
        let inner = || ("cable@workhorse", found(Code::WebsocketUpgradeStripped));
        assert_eq!(words(&run(&[inner()]))[1], "open");
        assert_eq!(words(&run(&[inner(), ("cable@public", not_asked(None))]))[1], "A");
        assert_eq!(words(&run(&[("cable@workhorse", not_asked(None))]))[1], "open");
    }

    #[test]
    fn who_would_tell_is_said() {
        let run = run(&[("workflow-socket@public", not_asked(Some(Want::Token)))]);
        let state = features(&run, &[])[2].state.clone();
        let tells = "workflow-socket@public: a token tells".to_owned();
        assert_eq!(state, State::Unknown { tells, want: Some(Want::Token) });
        assert_eq!(unknown_checks(&run), 1);
    }
}
