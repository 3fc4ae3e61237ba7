//! The ways in: every inbound check over three healthy doors, with a token, against the wait for one ping.

use duo_doctor::cli;
use duo_doctor::engine::{Round, run};
use duo_doctor::failure::Layer;
use duo_doctor::lab::{Lab, scenario};
use duo_doctor::plan::{Selection, What};
use duo_doctor::run::{Run, RunVerdict};
use duo_doctor::subject::limits::Limits;
use jiff::Timestamp;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What a run over all doors took.
pub(crate) struct Doors {
    pub(crate) steps: usize,
    pub(crate) wall: Duration,
    /// The longest wait for a first ping in it.
    pub(crate) ping: Duration,
}

/// All inbound checks over the three doors of a healthy lab.
pub(crate) fn all() -> Doors {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let scenario = scenario::scenario("token-accepted").expect("a scenario");
        let lab = Lab::start(&scenario, Timestamp::now()).await.expect("the lab starts");
        let inbound = What::parse("inbound", duo_doctor::checks::CHECKS).expect("a group");
        let selection = Selection { only: vec![inbound], skip: Vec::new() };
        let rig = cli::subject::rig(lab.subject(Limits::DEFAULT, Timestamp::now()), &selection);
        let (_keep, stop) = watch::channel(false);
        let mut events = Vec::new();
        let began = Instant::now();
        run(&rig, Round::Whole, |event| events.push(event), stop).await;
        let wall = began.elapsed();
        let run = Run::of(&events);
        assert_eq!(run.verdict(), RunVerdict::Pass, "a healthy lab passes");
        let pings = run.probes.iter().flat_map(|p| &p.samples).filter(|s| s.layer == Layer::Ping);
        Doors { steps: run.steps.len(), wall, ping: pings.map(|s| s.took).max().unwrap_or_default() }
    })
}
