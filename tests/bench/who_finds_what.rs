//! Who finds what: every outbound and node fault of the lab, examined by this program, by the logic of GitLab's own
//! host test, and by curl's exit code. Prints the table of the README: `cargo bench --bench who_finds_what`.
//!
//! GitLab's test is carried out as `HostProbe` does it: one request from Rails by Rails' way and roots, where any
//! HTTP answer counts as reachable; before 17.10 a bare TCP connection. curl goes the shell's way with the system's
//! roots, and exits with 0 on any HTTP answer.

use duo_doctor::cli;
use duo_doctor::diagnosis::diagnose;
use duo_doctor::engine::{Round, run};
use duo_doctor::failure::Layer;
use duo_doctor::finding::Code;
use duo_doctor::lab::Lab;
use duo_doctor::lab::scenario::{LAYERS, Scenario, scenarios};
use duo_doctor::net::Net;
use duo_doctor::plan::Selection;
use duo_doctor::probe::{Outcome, Probe, Reading, Request, Sample, Then, TlsAsk, Walk};
use duo_doctor::run::{Run, RunVerdict};
use duo_doctor::subject::doors::Aim;
use duo_doctor::subject::limits::Limits;
use duo_doctor::subject::place::{Endpoint, Place, Stack};
use duo_doctor::subject::{Subject, Via};
use jiff::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

const AT_ONCE: usize = 12;
const LIMITS: Limits =
    Limits { timeout: Duration::from_secs(3), deadline: Duration::from_mins(1), ..Limits::DEFAULT };

/// What became of one fault.
struct Row {
    layer: String,
    name: String,
    exact: bool,
    false_pass: bool,
    /// Who else reports a failure of any kind.
    found_by: Vec<Who>,
}

/// Who else was asked.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    /// GitLab's host test.
    GitLab,
    /// Its form before 17.10.
    GitLabBefore,
    /// curl's exit code.
    Curl,
}

fn main() {
    let outbound = |s: &Scenario| {
        !["none", "instance", "websocket", "several", "gitlab", "exchange"].contains(&s.layer.as_str())
    };
    let one_cause = |s: &Scenario| !s.faults.is_empty() && !s.expect.root_causes.is_empty();
    let chosen: Vec<Scenario> = scenarios().into_iter().filter(|s| outbound(s) && one_cause(s)).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let rows = runtime.block_on(async {
        let gate = Arc::new(Semaphore::new(AT_ONCE));
        let tasks: Vec<_> = chosen
            .into_iter()
            .map(|scenario| {
                let gate = gate.clone();
                tokio::spawn(async move {
                    let _place = gate.acquire().await.expect("the gate stays open");
                    examine(&scenario).await
                })
            })
            .collect();
        let mut rows = Vec::new();
        for task in tasks {
            rows.push(task.await.expect("a scenario does not panic"));
        }
        rows
    });
    show(&rows);
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn show(rows: &[Row]) {
    println!(
        "| fault at | faults | duo-doctor: the exact cause | GitLab's host test | before 17.10 | curl |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    let line = |title: &str, of: &[&Row]| {
        let exact = of.iter().filter(|r| r.exact).count();
        let by = |who: Who| of.iter().filter(|r| r.found_by.contains(&who)).count();
        println!(
            "| {title} | {} | {exact} | {} | {} | {} |",
            of.len(),
            by(Who::GitLab),
            by(Who::GitLabBefore),
            by(Who::Curl),
        );
    };
    for layer in LAYERS {
        let of: Vec<&Row> = rows.iter().filter(|r| r.layer == *layer).collect();
        if !of.is_empty() {
            line(layer, &of);
        }
    }
    line("all", &rows.iter().collect::<Vec<_>>());
    for row in rows.iter().filter(|r| !r.exact || r.false_pass) {
        println!("not exact: {}{}", row.name, if row.false_pass { ", and passes" } else { "" });
    }
    println!("false passes of duo-doctor: {}", rows.iter().filter(|r| r.false_pass).count());
}

async fn examine(scenario: &Scenario) -> Row {
    let lab = Lab::start(scenario, Timestamp::now()).await.expect("the lab starts");
    let subject = lab.subject(LIMITS, Timestamp::now());
    let rig = cli::subject::rig(subject, &Selection::default());
    let (_keep, stop) = watch::channel(false);
    let mut events = Vec::new();
    run(&rig, Round::Whole, |event| events.push(event), stop).await;
    let run = Run::of(&events);
    let found: Vec<Code> = diagnose(&run).iter().map(|c| c.code).collect();
    let net = Net::new(rig.subject.clone());
    let hosts = [Endpoint::Customers, Endpoint::Cloud];
    let mut row = Row {
        layer: scenario.layer.clone(),
        name: scenario.name.clone(),
        exact: found == scenario.expect.root_causes,
        false_pass: run.verdict() == RunVerdict::Pass,
        found_by: Vec::new(),
    };
    for endpoint in hosts {
        let passes = [
            (Who::GitLab, host_test(&net, &rig.subject, endpoint).await),
            (Who::GitLabBefore, tcp_test(&net, &rig.subject, endpoint).await),
            (Who::Curl, answers(&net, &rig.subject, endpoint, Stack::Shell).await),
        ];
        row.found_by.extend(passes.into_iter().filter(|(_, passes)| !passes).map(|(who, _)| who));
    }
    row
}

async fn samples(net: &Net, probe: &Probe) -> Vec<Sample> {
    let mut samples = Vec::new();
    net.carry_out(probe, &mut |sample| samples.push(sample)).await;
    samples
}

/// Whether any HTTP answer comes by a stack's way; a way without a route has nothing that could fail.
async fn answers(net: &Net, subject: &Subject, endpoint: Endpoint, stack: Stack) -> bool {
    let (Some(route), Some(target)) = (subject.route(Place::Way(endpoint, stack)), subject.target(endpoint))
    else {
        return true;
    };
    if matches!(route.via, Via::Unusable { .. }) {
        return false;
    }
    let probe = Probe::Walk(Walk {
        target,
        via: route.via.clone(),
        tls: Some(TlsAsk::strict(route.trust)),
        then: Then::Request(Request::get("/")),
        aim: Aim::Name,
        nth: 1,
    });
    samples(net, &probe).await.iter().any(|s| s.layer == Layer::Http && s.failure().is_none())
}

/// GitLab's `HostProbe`: the outbound filter first, then one request.
async fn host_test(net: &Net, subject: &Subject, endpoint: Endpoint) -> bool {
    let Some(target) = subject.target(endpoint) else { return true };
    let resolved = samples(net, &Probe::Resolve(target)).await;
    let addresses: Vec<IpAddr> = resolved
        .iter()
        .filter_map(|s| match &s.outcome {
            Outcome::Read(Reading::Resolved(resolved)) => Some(resolved.addresses.clone()),
            Outcome::Read(_) | Outcome::Failed(_) => None,
        })
        .flatten()
        .collect();
    let private = |a: &IpAddr| match a {
        IpAddr::V4(a) => {
            a.is_private() || a.is_loopback() || (a.octets()[0] == 100 && a.octets()[1] & 0xc0 == 64)
        }
        IpAddr::V6(a) => a.is_loopback(),
    };
    !addresses.iter().any(private) && answers(net, subject, endpoint, Stack::Rails).await
}

/// The test of older versions: a TCP connection to the name, past any proxy.
async fn tcp_test(net: &Net, subject: &Subject, endpoint: Endpoint) -> bool {
    let Some(target) = subject.target(endpoint) else { return true };
    let probe =
        Probe::Walk(Walk { target, via: Via::Direct, tls: None, then: Then::Close, aim: Aim::Name, nth: 1 });
    samples(net, &probe).await.iter().any(|s| s.layer == Layer::Tcp && s.failure().is_none())
}
