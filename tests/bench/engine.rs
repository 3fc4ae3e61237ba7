//! A run of twelve probes through the engine against peers on loopback that answer late: its wall time beside its
//! slowest probe.

use duo_doctor::check::{Ask, Check, Group, Reached, Seen, Verdict};
use duo_doctor::engine::{CarryOut, Rig, Round, run};
use duo_doctor::failure::Layer;
use duo_doctor::plan::{Head, Plan, Step};
use duo_doctor::probe::{Outcome, Probe, Reading, Resolved, Sample};
use duo_doctor::run::{Run, Status};
use duo_doctor::subject::About;
use duo_doctor::subject::Subject;
use duo_doctor::subject::address::Target;
use duo_doctor::subject::dial::NameSource;
use duo_doctor::subject::place::Place;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The answers come after 100 ms, and so on in equal steps, to 1000 ms.
const LONGEST: u64 = 1_000;
const SHORTEST: u64 = 100;

fn probe(port: u16) -> Probe {
    Probe::Resolve(Target::new("peer.test".to_owned(), port))
}

/// The port of the peer comes by the place of the check in the plan: one check for each number.
fn ask<const N: u16>(_: &Subject, _: Place, _: Seen) -> Vec<Ask> {
    vec![Ask::whole(probe(N))]
}

fn judge<const N: u16>(_: &Subject, _: Place, seen: Seen) -> Verdict {
    match seen.reached(&probe(N), Layer::Dns) {
        Reached::Here(_) => Verdict::pass("answered"),
        Reached::Failed(_) | Reached::NotYet => Verdict::Unknown("no answer".into()),
    }
}

macro_rules! checks {
    ($($n:literal)+) => { [$(
        &Check {
            id: concat!("peer-", $n), title: "answers", group: Group::Network, about: "", codes: &[],
            needs: &[], serves: |_| &[], places: |_| vec![Place::Node], ask: ask::<$n>, judge: judge::<$n>,
        }
    ),+] };
}

static CHECKS: [&Check; 12] = checks!(1 2 3 4 5 6 7 8 9 10 11 12);

fn delay(n: usize) -> Duration {
    let steps = CHECKS.len() as u64 - 1;
    Duration::from_millis(SHORTEST + (LONGEST - SHORTEST) * n as u64 / steps)
}

/// Peers that answer one byte late; gives their ports.
async fn peers() -> Vec<u16> {
    let mut ports = Vec::new();
    for n in 0..CHECKS.len() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has free ports");
        ports.push(listener.local_addr().expect("a listener has an address").port());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("somebody connects");
            tokio::time::sleep(delay(n)).await;
            stream.write_all(b"!").await.expect("somebody listens");
        });
    }
    ports
}

fn rig(ports: Vec<u16>) -> Rig {
    let carry_out: CarryOut = Arc::new(move |probe, mut deliver| {
        let Probe::Resolve(target) = &probe else { panic!("the checks ask for nothing else") };
        let port = ports[usize::from(target.port) - 1];
        Box::pin(async move {
            let started = Instant::now();
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the peer listens");
            stream.read_u8().await.expect("the peer answers");
            deliver(Sample {
                layer: Layer::Dns,
                at: Duration::ZERO,
                took: started.elapsed(),
                outcome: Outcome::Read(Reading::Resolved(Resolved {
                    host: "peer.test".to_owned(),
                    addresses: Vec::new(),
                    source: NameSource::System,
                    lookups: Vec::new(),
                })),
            });
        })
    });
    let steps =
        CHECKS.iter().map(|check| Step { head: Head { check, place: Place::Node }, needs: Vec::new() });
    let (about, subject) = (About::default(), Subject::default());
    Rig { carry_out, subject: Arc::new(subject), plan: Arc::new(Plan { steps: steps.collect() }), about }
}

/// The wall time of a run of twelve probes, and the time of its slowest probe.
pub(crate) fn wall_and_slowest() -> (Duration, Duration) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let rig = rig(peers().await);
        let (_keep, stop) = watch::channel(false);
        let mut events = Vec::new();
        let started = Instant::now();
        run(&rig, Round::Whole, |event| events.push(event), stop).await;
        let wall = started.elapsed();
        let run = Run::of(&events);
        assert!(run.steps.iter().all(|s| s.status == Status::Pass), "every peer answered");
        let slowest = run.probes.iter().flat_map(|p| &p.samples).map(|s| s.took).max();
        (wall, slowest.expect("there are samples"))
    })
}
