//! The ways out: four endpoints by four ways each on a healthy lab, and how long it takes to find out about a node.

use duo_doctor::cli;
use duo_doctor::engine::{Round, run};
use duo_doctor::lab::{Lab, scenario};
use duo_doctor::node::{self, root::Root};
use duo_doctor::plan::{Selection, What};
use duo_doctor::probe::{Probe, Then};
use duo_doctor::run::{Run, RunVerdict};
use duo_doctor::subject::doors::Aim;
use duo_doctor::subject::limits::Limits;
use duo_doctor::subject::place::{Endpoint, Stack};
use duo_doctor::subject::{Route, Shell, StoreId, Subject};
use jiff::Timestamp;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What a run over all ways took.
pub(crate) struct Ways {
    pub(crate) count: usize,
    pub(crate) wall: Duration,
    /// The longest chain of requests that need each other.
    pub(crate) chain: Duration,
    /// Processor time of this process, in which the lab's servers run too.
    pub(crate) busy: Duration,
}

/// A lab with all four endpoints, and four ways to each that differ in whom they trust.
fn everywhere(lab: &Lab) -> Subject {
    let mut subject = lab.subject(Limits::DEFAULT, Timestamp::now());
    let stacks = [Stack::Rails, Stack::Sidekiq, Stack::Workhorse, Stack::Shell];
    let endpoints = [Endpoint::Customers, Endpoint::Cloud, Endpoint::Workflow, Endpoint::Gateway];
    let store = subject.stores[0].clone();
    subject.stores = stacks.map(|_| store.clone()).to_vec();
    let route = |endpoint: Endpoint, n: usize| Route {
        stacks: vec![stacks[n]],
        trust: StoreId(n),
        endpoint,
        ..subject.routes[0].clone()
    };
    subject.routes = endpoints.iter().flat_map(|e| (0..stacks.len()).map(|n| route(*e, n))).collect();
    subject.shell = Shell::Examined;
    subject
}

/// All outbound checks over all ways.
pub(crate) fn all() -> Ways {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let scenario = scenario::scenario("unusual-hybrid").expect("a scenario");
        let lab = Lab::start(&scenario, Timestamp::now()).await.expect("the lab starts");
        let parts = ["network", "agent-platform"];
        let only = parts.iter().filter_map(|p| What::parse(p, duo_doctor::checks::CHECKS).ok()).collect();
        let subject = everywhere(&lab);
        let count = subject.routes.len();
        let rig = cli::subject::rig(subject, &Selection { only, skip: Vec::new() });
        let (_keep, stop) = watch::channel(false);
        let mut events = Vec::new();
        let (began, before) = (Instant::now(), busy());
        run(&rig, Round::Whole, |event| events.push(event), stop).await;
        let (wall, busy) = (began.elapsed(), busy().saturating_sub(before));
        let run = Run::of(&events);
        assert_eq!(run.verdict(), RunVerdict::Pass, "a healthy lab passes");
        Ways { count, wall, chain: chain(&run), busy }
    })
}

/// The slowest walk, and behind it the slowest of what waits for a walk: further requests, samples of the latency.
fn chain(run: &Run) -> Duration {
    let whole = |probe: &duo_doctor::run::ProbeState| probe.samples.iter().map(|s| s.took).sum::<Duration>();
    let (mut first, mut then) = (Duration::ZERO, Duration::ZERO);
    for probe in &run.probes {
        let waits = match &probe.what {
            Probe::Walk(walk) => {
                walk.aim != Aim::Name
                    || matches!(&walk.then, Then::Request(r) if r.path.contains("monitoring"))
            }
            Probe::Fetch(_) | Probe::Rails | Probe::Logs(_) => true,
            Probe::Resolve(_) | Probe::Connect { .. } | Probe::Knock(_) => false,
        };
        let slot = if waits { &mut then } else { &mut first };
        *slot = (*slot).max(whole(probe));
    }
    first + then
}

fn busy() -> Duration {
    Duration::from_nanos(crate::process::busy_ns(std::process::id().cast_signed()))
}

/// How long it takes to find out about a fixture node with the roots of this machine.
pub(crate) fn discovery() -> Vec<Duration> {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nodes/package");
    let tree = tempfile::tempdir().expect("a temporary directory");
    let copied = std::process::Command::new("cp").arg("-a").arg(fixture.join(".")).arg(tree.path()).status();
    assert!(copied.is_ok_and(|s| s.success()), "the fixture can be copied");
    let bundle = std::fs::read("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    for place in ["etc/ssl/certs/ca-certificates.crt", "opt/gitlab/embedded/ssl/cert.pem"] {
        let path = tree.path().join(place);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        std::fs::write(path, &bundle).expect("a file");
    }
    let once = || {
        let began = Instant::now();
        let found = node::discover(&Root::open(tree.path()).expect("a directory"));
        assert!(found.node.install.is_some() && found.trust.rails.is_some(), "it was found out about");
        began.elapsed()
    };
    (0..15).map(|_| once()).collect()
}
