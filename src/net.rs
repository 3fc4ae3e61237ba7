//! All I/O on the wire: carries out probes, stage by stage, so that the layer that fails is known.
//!
//! Decides how a connection is made, how long each stage may take and how much of an answer is kept.
//! What an outcome means is decided by the checks; where connections go, by the dial table of the subject.

mod answer;
mod cable;
mod dns;
mod echo;
mod fetch;
mod grpc;
mod hello;
mod http;
mod knock;
mod lookup;
mod proxy;
mod raw;
mod roots;
mod server_hello;
mod settings;
mod stream;
mod tcp;
mod tls;
mod unix;
mod verify;
mod walk;
mod watch;
mod websocket;

use crate::failure::{Failure, Layer};
use crate::probe::{Probe, Reading, Sample};
use crate::subject::Subject;
use crate::subject::address::Target;
use crate::{failure, probe};
use rustls_pki_types::UnixTime;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What all probes of one run share: name resolutions, trust stores, clients, the moment the run began.
pub struct Net {
    subject: Arc<Subject>,
    began: Instant,
    names: dns::Names,
    roots: roots::Roots,
    clients: fetch::Clients,
    crypto: Arc<rustls::crypto::CryptoProvider>,
    knocks: knock::Pace,
}

impl Net {
    /// Starts the run's clock. Nothing is read or sent before the first probe asks for it.
    pub fn new(subject: Arc<Subject>) -> Self {
        let roots = roots::Roots::new(&subject);
        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        let (names, clients) = (dns::Names::default(), fetch::Clients::default());
        let knocks = knock::Pace::default();
        Self { subject, began: Instant::now(), names, roots, clients, crypto, knocks }
    }

    /// Carries out one probe and delivers a sample per layer as each ends; a failure is the last one.
    ///
    /// Dropping the future ends the probe and closes its connection.
    pub async fn carry_out(&self, probe: &Probe, deliver: &mut (dyn FnMut(Sample) + Send)) {
        let mut teller = Teller { net: self, deliver };
        // `None` says only that a layer failed, and the failure has been delivered.
        let _ended = match probe {
            Probe::Resolve(target) => self.resolve(target, &mut teller).await.map(drop),
            Probe::Connect { target, address } => {
                let to = SocketAddr::new(*address, dns::port(self, target));
                let began = Instant::now();
                let connected = tcp::connect(self, target, &[to], probe::Packets::Any).await;
                teller.tell(Layer::Tcp, began, connected.map(|(_, c)| ((), Reading::Connected(c))))
            }
            Probe::Knock(knock) => knock::knock(self, knock, &mut teller).await,
            Probe::Walk(walk) => walk::walk(self, walk, &mut teller).await,
            Probe::Fetch(fetch) => fetch::fetch(self, fetch, &mut teller).await,
            // Nothing of this goes over a wire.
            Probe::Rails | Probe::Logs(_) => None,
        };
    }

    /// Resolves a target and delivers the sample. The times are those of the one resolution in this run.
    async fn resolve(&self, target: &Target, teller: &mut Teller<'_>) -> Option<dns::Found> {
        let dns::Resolution { began, took, outcome } = dns::resolve(self, target).await;
        let outcome = match outcome {
            Ok(found) => Ok((found.clone(), Reading::Resolved(found.resolved))),
            Err(failure) => Err(Failure::Dns(failure)),
        };
        teller.tell_timed(Layer::Dns, began, took, outcome)
    }

    /// How long one stage may take.
    fn timeout(&self) -> Duration {
        self.subject.limits.timeout
    }

    /// This node's clock: the subject's start and what has passed since. The wall clock is never asked, so
    /// that a simulated clock holds everywhere.
    fn now(&self) -> i64 {
        let passed = i64::try_from(self.began.elapsed().as_secs()).unwrap_or(i64::MAX);
        self.subject.started_at.as_second().saturating_add(passed)
    }
}

/// A moment in the form that the verification of certificates takes; before 1970 counts as 1970.
fn unix_time(seconds: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// Delivers samples of one probe.
struct Teller<'a> {
    net: &'a Net,
    deliver: &'a mut (dyn FnMut(Sample) + Send),
}

impl Teller<'_> {
    /// Delivers what a layer brought, timed from `began` until now, and hands on what the next layer needs.
    fn tell<T>(&mut self, layer: Layer, began: Instant, outcome: Result<(T, Reading), Failure>) -> Option<T> {
        self.tell_timed(layer, began, began.elapsed(), outcome)
    }

    fn tell_timed<T>(
        &mut self,
        layer: Layer,
        began: Instant,
        took: Duration,
        outcome: Result<(T, Reading), Failure>,
    ) -> Option<T> {
        let at = began.saturating_duration_since(self.net.began);
        let (next, outcome) = match outcome {
            Ok((next, reading)) => (Some(next), probe::Outcome::Read(reading)),
            Err(failure) => (None, probe::Outcome::Failed(failure)),
        };
        let mut outcome = outcome;
        if let Some(credential) = &self.net.subject.token {
            echo::hide(credential, &mut outcome);
        }
        (self.deliver)(Sample { layer, at, took, outcome });
        next
    }
}

/// Finds a cause of a certain type in a chain of errors, also inside `std::io::Error`.
fn cause<'a, E: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// How a stream ended, by the library's error.
fn ended(error: &(dyn std::error::Error + 'static)) -> Option<failure::Ended> {
    use std::io::ErrorKind;
    match cause::<std::io::Error>(error)?.kind() {
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            Some(failure::Ended::Reset)
        }
        ErrorKind::UnexpectedEof => Some(failure::Ended::Eof),
        ErrorKind::TimedOut => Some(failure::Ended::Timeout),
        _ => None,
    }
}

/// The innermost words of an error with those around them, for one line.
fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut out = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let inner = error.to_string();
        if !out.contains(&inner) {
            out = format!("{out}: {inner}");
        }
        next = error.source();
    }
    crate::text::foreign(&out)
}
