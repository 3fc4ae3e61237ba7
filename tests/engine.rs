//! The engine's contract, on scripted probes: every step settles exactly once, `Finished` is last, folding the
//! events gives the run, a blocked host does not block another, and the wall time is the longest chain.

use duo_doctor::check::{Ask, Check, Group, Reached, Seen, Verdict};
use duo_doctor::engine::{CarryOut, Rig, Round, run};
use duo_doctor::failure::{DnsFailure, DnsKind, Failure, Layer};
use duo_doctor::finding::Code;
use duo_doctor::plan::{Head, Plan, Step};
use duo_doctor::probe::{Outcome, Probe, Reading, Resolved, Sample};
use duo_doctor::run::event::{Ending, Event, Settled, Skip};
use duo_doctor::run::{Run, Status};
use duo_doctor::subject::About;
use duo_doctor::subject::Subject;
use duo_doctor::subject::address::Target;
use duo_doctor::subject::dial::NameSource;
use duo_doctor::subject::limits::Limits;
use duo_doctor::subject::place::Place;
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// What the scripted probe of a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Script {
    Pass,
    Fail,
    NotApplicable,
    NotAsked,
    /// The probe ends and brings nothing: the check cannot be carried out.
    Nothing,
    Panic,
    Hang,
    /// Answers after so many milliseconds.
    After(u64),
}

fn probe(n: usize) -> Probe {
    Probe::Resolve(Target::new(format!("step-{n}"), 443))
}

fn ask<const N: usize>(_: &Subject, _: Place, seen: Seen) -> Vec<Ask> {
    let mut asks = vec![Ask::whole(probe(N))];
    // A control probe after a failure, shared by all steps: a second round.
    if matches!(seen.reached(&probe(N), Layer::Dns), Reached::Failed(_)) {
        asks.push(Ask::whole(probe(99)));
    }
    asks
}

fn judge<const N: usize>(_: &Subject, _: Place, seen: Seen) -> Verdict {
    match seen.reached(&probe(N), Layer::Dns) {
        Reached::Here(Reading::Resolved(r)) if r.host == "n/a" => Verdict::NotApplicable("scripted".into()),
        Reached::Here(Reading::Resolved(r)) if r.host == "not asked" => Verdict::NotAsked("scripted".into()),
        Reached::Here(_) => Verdict::pass("scripted"),
        Reached::Failed(_) => {
            assert!(!seen.samples(&probe(99)).is_empty(), "the control probe was awaited");
            Verdict::found(Code::DnsNoAddress, &[("host", "h"), ("server", "s")])
        }
        Reached::NotYet => Verdict::Unknown("the probe brought nothing".into()),
    }
}

macro_rules! scripted {
    ($($n:literal)+) => { [$(
        &Check {
            id: concat!("step-", $n), title: "is scripted", group: Group::Network, about: "", codes: &[],
            needs: &[], serves: |_| &[], places: |_| vec![Place::Node], ask: ask::<$n>, judge: judge::<$n>,
        }
    ),+] };
}

static CHECKS: [&Check; 10] = scripted!(0 1 2 3 4 5 6 7 8 9);

fn subject(deadline: Duration) -> Subject {
    Subject { limits: Limits { deadline, ..Limits::DEFAULT }, ..Subject::default() }
}

fn sample(outcome: Outcome) -> Sample {
    Sample { layer: Layer::Dns, at: Duration::ZERO, took: Duration::from_millis(1), outcome }
}

fn read(host: &str) -> Sample {
    sample(Outcome::Read(Reading::Resolved(Resolved {
        host: host.to_owned(),
        addresses: Vec::new(),
        source: NameSource::System,
        lookups: Vec::new(),
    })))
}

fn failed() -> Sample {
    sample(Outcome::Failed(Failure::Dns(DnsFailure {
        kind: DnsKind::NoAddress,
        host: "h".to_owned(),
        servers: Vec::new(),
        lookups: Vec::new(),
        after: Duration::ZERO,
    })))
}

/// Carries out the script; counts how often each probe is carried out.
fn carry_out(scripts: Vec<Script>, carried: Arc<Vec<AtomicUsize>>) -> CarryOut {
    Arc::new(move |probe, mut deliver| {
        let Probe::Resolve(target) = &probe else { panic!("only names are scripted") };
        let n: usize = target.host.strip_prefix("step-").and_then(|n| n.parse().ok()).expect("a number");
        let script = scripts.get(n).copied().unwrap_or(Script::Pass);
        carried[n].fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            match script {
                Script::Pass => deliver(read("ok")),
                Script::Fail => deliver(failed()),
                Script::NotApplicable => deliver(read("n/a")),
                Script::NotAsked => deliver(read("not asked")),
                Script::Nothing => {}
                Script::Panic => panic!("a scripted panic"),
                Script::Hang => std::future::pending().await,
                Script::After(ms) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    deliver(read("ok"));
                }
            }
        })
    })
}

fn rig(scripts: &[Script], needs: &[Vec<usize>], deadline: Duration) -> (Rig, Arc<Vec<AtomicUsize>>) {
    let steps = (scripts.iter().enumerate())
        .map(|(i, _)| Step {
            head: Head { check: CHECKS[i], place: Place::Node },
            needs: needs.get(i).cloned().unwrap_or_default(),
        })
        .collect();
    let carried: Arc<Vec<AtomicUsize>> = Arc::new((0..100).map(|_| AtomicUsize::new(0)).collect());
    let rig = Rig {
        subject: Arc::new(subject(deadline)),
        plan: Arc::new(Plan { steps }),
        about: About::default(),
        carry_out: carry_out(scripts.to_vec(), carried.clone()),
    };
    (rig, carried)
}

/// Runs with the paused clock of tokio: a wait costs nothing, and every time is exact.
fn events_of(rig: &Rig, round: Round) -> Vec<Event> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let (_keep, stop) = watch::channel(false);
    let mut events = Vec::new();
    runtime.block_on(run(rig, round, |event| events.push(event), stop));
    events
}

fn statuses(run: &Run) -> Vec<Status> {
    run.steps.iter().map(|s| s.status).collect()
}

const LONG: Duration = Duration::from_secs(30);

#[test]
fn each_way_to_settle_is_what_the_contract_says() {
    use Script::{Fail, Hang, NotApplicable, NotAsked, Nothing, Panic, Pass};
    let needs = [vec![], vec![0], vec![], vec![2], vec![3], vec![], vec![5], vec![], vec![7], vec![]];
    let scripts = [Pass, NotApplicable, Fail, Pass, Pass, NotAsked, Pass, Nothing, Pass, Panic];
    let (rig, _) = rig(&scripts, &needs, LONG);
    let run = Run::of(&events_of(&rig, Round::Whole));
    assert_eq!(
        statuses(&run),
        [
            Status::Pass,
            Status::Skip,
            Status::Fail,
            Status::Blocked,
            Status::Blocked,
            Status::Skip,
            Status::Skip,
            Status::Error,
            Status::Blocked,
            Status::Error,
        ]
    );
    assert_eq!(run.steps[4].blocked_by(), Some(2), "the step at the start of the chain is named");
    assert!(matches!(run.steps[6].settled, Some(Settled::Skip { kind: Skip::NotAsked, .. })));
    let (rig, _) = self::rig(&[Hang, Pass], &[vec![], vec![0]], Duration::from_secs(2));
    let run = Run::of(&events_of(&rig, Round::Whole));
    assert_eq!(statuses(&run), [Status::Cancelled, Status::Cancelled]);
    assert_eq!(run.ending, Some(Ending::Deadline));
    assert_eq!(run.at, Duration::from_secs(2), "the deadline is kept");
}

#[test]
fn a_blocked_host_does_not_block_another() {
    let needs = [vec![], vec![0], vec![], vec![2]];
    let (rig, _) = rig(&[Script::Hang, Script::Pass, Script::Pass, Script::Pass], &needs, LONG);
    let events = events_of(&rig, Round::Whole);
    let passed = |e: &Event| matches!(e, Event::Settled { step: 3, how: Settled::Pass(_), at } if *at < LONG);
    assert!(events.iter().any(passed));
}

#[test]
fn the_wall_time_is_the_longest_chain_and_not_the_sum() {
    let scripts: Vec<Script> = (1..=10).map(|i| Script::After(i * 100)).collect();
    let (rig, _) = rig(&scripts, &[], LONG);
    let run = Run::of(&events_of(&rig, Round::Whole));
    assert!(run.at < Duration::from_millis(1_005), "{:?}", run.at);
}

#[test]
fn equal_probes_are_carried_out_once() {
    let (rig, carried) = rig(&[Script::Fail, Script::Fail, Script::Fail], &[], LONG);
    events_of(&rig, Round::Whole);
    assert_eq!(carried[99].load(Ordering::SeqCst), 1, "the control probe is shared by three steps");
}

#[test]
fn a_stop_ends_the_round_and_what_is_open_is_cancelled() {
    let (rig, _) = rig(&[Script::Pass, Script::Hang], &[], LONG);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let (stopper, stop) = watch::channel(false);
    let mut events = Vec::new();
    runtime.block_on(async {
        let first_verdict = |event: Event| {
            if matches!(event, Event::Settled { .. }) {
                let _ = stopper.send(true);
            }
            events.push(event);
        };
        run(&rig, Round::Whole, first_verdict, stop).await;
    });
    let run = Run::of(&events);
    assert_eq!(statuses(&run), [Status::Pass, Status::Cancelled]);
    assert_eq!(run.ending, Some(Ending::Cancelled));
}

#[test]
fn a_second_round_leaves_the_other_steps_alone() {
    let needs = [vec![], vec![0], vec![]];
    let (broken, _) = rig(&[Script::Fail, Script::Pass, Script::Pass], &needs, LONG);
    let mut events = events_of(&broken, Round::Whole);
    let so_far = Run::of(&events);
    assert_eq!(statuses(&so_far), [Status::Fail, Status::Blocked, Status::Pass]);
    let (mended, carried) = rig(&[Script::Pass; 3], &needs, LONG);
    let steps = mended.plan.around(&[0]);
    assert_eq!(steps, [0, 1]);
    events.extend(events_of(&mended, Round::Again { steps, so_far: Box::new(so_far) }));
    assert_eq!(statuses(&Run::of(&events)), [Status::Pass; 3]);
    assert_eq!(carried[2].load(Ordering::SeqCst), 0);
}

fn script() -> impl Strategy<Value = Script> {
    prop_oneof![
        4 => Just(Script::Pass),
        2 => Just(Script::Fail),
        1 => Just(Script::NotApplicable),
        1 => Just(Script::NotAsked),
        1 => Just(Script::Nothing),
        1 => Just(Script::Hang),
        1 => (1..40_000u64).prop_map(Script::After),
    ]
}

/// Random scripts, with random needs that only look back (a plan has no circles).
fn plans() -> impl Strategy<Value = (Vec<Script>, Vec<Vec<usize>>)> {
    (1..10usize).prop_flat_map(|n| {
        let needs: Vec<_> = (0..n).map(|i| prop::collection::vec(0..i.max(1), 0..=i.min(3))).collect();
        let needs = needs.prop_map(|all| {
            all.into_iter().enumerate().map(|(i, n)| n.into_iter().filter(|x| *x < i).collect()).collect()
        });
        (prop::collection::vec(script(), n), needs)
    })
}

proptest! {
    #[test]
    fn every_plan_settles_every_step_once_and_finishes_last((scripts, needs) in plans()) {
        let (rig, carried) = rig(&scripts, &needs, LONG);
        let events = events_of(&rig, Round::Whole);
        for step in 0..scripts.len() {
            let settled = |e: &&Event| matches!(e, Event::Settled { step: s, .. } if *s == step);
            prop_assert_eq!(events.iter().filter(settled).count(), 1);
        }
        prop_assert!(matches!(events.first(), Some(Event::Planned { .. })), "the plan comes first");
        prop_assert!(matches!(events.last(), Some(Event::Finished { .. })), "the end comes last");
        prop_assert_eq!(events.iter().filter(|e| matches!(e, Event::Finished { .. })).count(), 1);
        prop_assert!(carried.iter().all(|c| c.load(Ordering::SeqCst) <= 1), "nothing is asked twice");
        let run = Run::of(&events);
        prop_assert!(run.at <= LONG + Duration::from_millis(5));
        for (i, state) in run.steps.iter().enumerate() {
            if state.status == Status::Pass {
                let holds = |n: &usize| matches!(run.steps[*n].status, Status::Pass | Status::Warn | Status::Skip);
                prop_assert!(needs[i].iter().all(holds), "a pass stands on needs that hold");
            }
            if let Some(by) = state.blocked_by() {
                prop_assert!(matches!(run.steps[by].status, Status::Fail | Status::Error));
            }
        }
        let again: Vec<Event> = events.iter()
            .map(|e| serde_json::from_str(&serde_json::to_string(e).expect("an event writes")).expect("and reads"))
            .collect();
        prop_assert_eq!(Run::of(&again), run, "the log as JSON folds to the same run");
    }
}
