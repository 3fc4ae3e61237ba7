//! Knocking at addresses of a large range: TCP, then TLS with a name, a few at a time and each within one limit
//! for both, so that many silent addresses neither flood a network nor outlast the run.

use super::stream::Stream;
use super::{Net, Teller, tcp, tls};
use crate::failure::{Attempt, Failure, Layer, TcpFailure, TcpKind, TlsFailure, TlsKind};
use crate::probe::{Knock, Reading};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::time::timeout_at;

/// How many knocks are under way at a time: too few to look like a scan.
const AT_ONCE: usize = 6;

/// What an address that answers at all takes at most: two round trips, and one lost packet sent again after 1 s.
const PATIENCE: Duration = Duration::from_secs(3);

/// Two addresses of 22 ranges, six at a time, come in eight turns; with the deadline's tenth for each the last one
/// ends well before the run does.
const OF_THE_DEADLINE: u32 = 10;

/// Lets a few knocks through at a time, in the order in which they came.
pub(super) struct Pace(Semaphore);

impl Default for Pace {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

/// Knocks. `None`: a layer failed, and its failure has been delivered.
pub(super) async fn knock(net: &Net, knock: &Knock, teller: &mut Teller<'_>) -> Option<()> {
    // The semaphore is never closed; if it were, nothing would be sent.
    let _place = net.knocks.0.acquire().await.ok()?;
    let limits = &net.subject.limits;
    let limit = PATIENCE.min(limits.timeout).min(limits.deadline / OF_THE_DEADLINE);
    let began = Instant::now();
    let until = tokio::time::Instant::now() + limit;
    let to = [SocketAddr::new(knock.address, knock.target.port)];
    let connecting = tcp::connect(net, &knock.target, &to, knock.tls.packets);
    let connected = match timeout_at(until, connecting).await {
        Ok(connected) => connected,
        Err(_) => Err(silent(knock, to[0], began)),
    };
    let connected = connected.map(|(stream, connected)| (stream, Reading::Connected(connected)));
    let stream = Stream::new(teller.tell(Layer::Tcp, began, connected)?, Vec::new());
    let began = Instant::now();
    let shaking = tls::handshake(net, &knock.target.host, &knock.tls, stream);
    let shaken = match timeout_at(until, shaking).await {
        Ok(shaken) => shaken,
        Err(_) => Err(mute(net, knock, began)),
    };
    teller.tell(Layer::Tls, began, shaken.map(|secured| ((), Reading::Tls(Box::new(secured.reading)))))
}

fn silent(knock: &Knock, to: SocketAddr, began: Instant) -> Failure {
    let after = began.elapsed();
    let attempt =
        Attempt { address: to, failed: Some(TcpKind::Timeout), words: "no answer".to_owned(), took: after };
    let target = knock.target.clone();
    Failure::Tcp(TcpFailure { kind: TcpKind::Timeout, target, attempts: vec![attempt], after })
}

fn mute(net: &Net, knock: &Knock, began: Instant) -> Failure {
    Failure::Tls(Box::new(TlsFailure {
        kind: TlsKind::Timeout,
        host: knock.target.host.clone(),
        chain: Vec::new(),
        public: None,
        first_bytes: String::new(),
        words: "no answer".to_owned(),
        received: net.now(),
        after: began.elapsed(),
    }))
}
