//! Names become addresses: by the dial table, by the system's own way, by a name server that was given.
//!
//! The system's `getaddrinfo` decides, for it is what GitLab uses; it gives no cause, so the same name is asked
//! for by record type as well. Each name is asked for once in a run.

use super::Net;
use super::lookup::{NO_ANSWER, NODATA, SILENCE, SYSTEM, TIMEOUT, by_record, by_system, name_of, resolver};
use crate::failure::{DnsFailure, DnsKind, Lookup};
use crate::probe::Resolved;
use crate::subject::address::Target;
use crate::subject::dial::{NameSource, NameTo};
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use hickory_resolver::proto::rr::RecordType;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// What the system resolved need not wait for evidence longer than this.
const EVIDENCE: Duration = Duration::from_millis(50);

/// How long the second record type may lag behind the first that brought addresses.
const SECOND_TYPE: Duration = Duration::from_secs(1);

/// The names asked for in this run, each with its one resolution.
#[derive(Default)]
pub(super) struct Names(Mutex<HashMap<String, Arc<OnceCell<Asked>>>>);

/// A resolution with its times.
pub(super) struct Resolution {
    pub(super) began: Instant,
    pub(super) took: Duration,
    pub(super) outcome: Result<Found, DnsFailure>,
}

/// A resolved target: its addresses, and the port to connect to by `--connect-to`.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) resolved: Resolved,
    pub(super) port: u16,
}

impl Found {
    /// The addresses with the port, in the order in which they are tried.
    pub(super) fn sockets(&self) -> Vec<SocketAddr> {
        self.resolved.addresses.iter().map(|a| SocketAddr::new(*a, self.port)).collect()
    }
}

/// A name's addresses as asked for on the wire.
#[derive(Clone)]
struct Asked {
    began: Instant,
    took: Duration,
    lookups: Vec<Lookup>,
    outcome: Result<Vec<IpAddr>, DnsKind>,
}

/// Resolves a target: the dial table first, then literals, then the name servers.
pub(super) async fn resolve(net: &Net, target: &Target) -> Resolution {
    let began = Instant::now();
    let given = |addresses: &[IpAddr], source, port| Resolution {
        began,
        took: began.elapsed(),
        outcome: Ok(found(&target.host, addresses.to_vec(), source, port, Vec::new())),
    };
    let rule = net.subject.dial.name(target);
    let (asked_for, source) = match rule {
        Some(NameTo::Addresses(addresses)) => return given(addresses, NameSource::Given, target.port),
        Some(NameTo::Hosts(addresses)) => return given(addresses, NameSource::System, target.port),
        Some(NameTo::Connect { host, port }) => {
            let host = host.clone().unwrap_or_else(|| target.host.clone());
            let to = Target::new(host, port.unwrap_or(target.port));
            (to.clone(), NameSource::ConnectTo(to))
        }
        None => {
            let nameserver = net.subject.dial.nameserver;
            (target.clone(), nameserver.map_or(NameSource::System, NameSource::Nameserver))
        }
    };
    if let Ok(literal) = asked_for.host.parse::<IpAddr>() {
        let source = if rule.is_some() { source } else { NameSource::Literal };
        return given(&[literal], source, asked_for.port);
    }
    // As curl does: `--resolve` also answers for the host that `--connect-to` names.
    if let (Some(_), Some(NameTo::Addresses(addresses) | NameTo::Hosts(addresses))) =
        (rule, net.subject.dial.name(&asked_for))
    {
        return given(addresses, source, asked_for.port);
    }
    let asked = net.names.once(net, &asked_for.host).await;
    let outcome = match asked.outcome {
        Ok(addresses) => Ok(found(&target.host, addresses, source, asked_for.port, asked.lookups)),
        Err(kind) => Err(DnsFailure {
            kind,
            host: asked_for.host,
            servers: servers(net),
            lookups: asked.lookups,
            after: asked.took,
        }),
    };
    Resolution { began: asked.began, took: asked.took, outcome }
}

/// The port that a target is connected to, by `--connect-to`.
pub(super) fn port(net: &Net, target: &Target) -> u16 {
    match net.subject.dial.name(target) {
        Some(NameTo::Connect { port: Some(port), .. }) => *port,
        Some(NameTo::Connect { port: None, .. } | NameTo::Addresses(_) | NameTo::Hosts(_)) | None => {
            target.port
        }
    }
}

fn found(host: &str, addresses: Vec<IpAddr>, source: NameSource, port: u16, lookups: Vec<Lookup>) -> Found {
    let resolved = Resolved { host: host.to_owned(), addresses, source, lookups };
    Found { resolved, port }
}

/// The name servers that count in this run.
fn servers(net: &Net) -> Vec<SocketAddr> {
    match net.subject.dial.nameserver {
        Some(server) => vec![server],
        None => net.subject.node.nameservers.clone(),
    }
}

impl Names {
    async fn once(&self, net: &Net, host: &str) -> Asked {
        let cell = {
            let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(names.entry(host.to_owned()).or_default())
        };
        cell.get_or_init(|| ask(net, host)).await.clone()
    }
}

/// Asks all ways at once. The system's word decides where it is asked, else the name server's answers.
async fn ask(net: &Net, host: &str) -> Asked {
    let began = Instant::now();
    let asks_system = net.subject.dial.nameserver.is_none();
    let mut running: FuturesUnordered<BoxFuture<'_, Lookup>> = FuturesUnordered::new();
    let mut open = Vec::new();
    if asks_system {
        running.push(by_system(host).boxed());
        open.push(SYSTEM);
    }
    let limit = net.timeout().min(SILENCE);
    if let Some(resolver) = resolver(&servers(net), limit, asks_system) {
        let resolver = Arc::new(resolver);
        for kind in [RecordType::AAAA, RecordType::A] {
            running.push(by_record(Arc::clone(&resolver), host, kind, limit).boxed());
            open.push(name_of(kind));
        }
    }
    let mut deadline = tokio::time::Instant::now() + net.timeout();
    let mut lookups: Vec<Lookup> = Vec::new();
    while !open.is_empty() {
        let Ok(Some(lookup)) = tokio::time::timeout_at(deadline, running.next()).await else { break };
        if !lookup.addresses.is_empty() && (!asks_system || lookup.asked == SYSTEM) {
            let more = if asks_system { EVIDENCE } else { SECOND_TYPE };
            deadline = deadline.min(tokio::time::Instant::now() + more);
        }
        open.retain(|asked| *asked != lookup.asked);
        lookups.push(lookup);
    }
    let system_answered = lookups.iter().any(|l| l.asked == SYSTEM && !l.addresses.is_empty());
    let missing = if system_answered { "no answer yet" } else { TIMEOUT };
    lookups.extend(open.iter().map(|asked| Lookup {
        asked: (*asked).to_owned(),
        answer: missing.to_owned(),
        addresses: Vec::new(),
        took: began.elapsed(),
    }));
    lookups.sort_by_key(|l| [SYSTEM, "A", "AAAA"].iter().position(|a| *a == l.asked));
    let addresses = match lookups.iter().find(|l| l.asked == SYSTEM) {
        Some(system) => system.addresses.clone(),
        None => interleave(&lookups),
    };
    let outcome = if addresses.is_empty() { Err(kind(&lookups)) } else { Ok(addresses) };
    Asked { began, took: began.elapsed(), lookups, outcome }
}

/// IPv6 first, then by turns (RFC 8305, section 4).
fn interleave(lookups: &[Lookup]) -> Vec<IpAddr> {
    let of = |asked: &str| {
        lookups.iter().find(|l| l.asked == asked).map(|l| l.addresses.clone()).unwrap_or_default().into_iter()
    };
    let (mut v6, mut v4) = (of("AAAA"), of("A"));
    let mut out = Vec::new();
    loop {
        let pair = (v6.next(), v4.next());
        if pair == (None, None) {
            return out;
        }
        out.extend([pair.0, pair.1].into_iter().flatten());
    }
}

/// Why a name has no address. Answers by record type say it best; the system's words serve where there are none.
fn kind(lookups: &[Lookup]) -> DnsKind {
    let answers = |answer: &str| lookups.iter().any(|l| l.answer == answer);
    let records = lookups.iter().filter(|l| l.asked != SYSTEM);
    let failed = |l: &Lookup| {
        ![NODATA, "NXDOMAIN", "NOERROR", TIMEOUT].contains(&l.answer.as_str())
            && !l.answer.starts_with(NO_ANSWER)
    };
    if answers("NXDOMAIN") {
        return DnsKind::NoSuchHost;
    }
    if records.clone().any(failed) {
        return DnsKind::ServerFailed;
    }
    let silent = |l: &Lookup| l.answer == TIMEOUT || l.answer.starts_with(NO_ANSWER);
    if records.clone().any(silent) {
        return DnsKind::Timeout;
    }
    if records.clone().count() > 0 && records.clone().all(|l| l.answer == NODATA) {
        return DnsKind::NoAddress;
    }
    by_words(lookups.iter().find(|l| l.asked == SYSTEM).map_or("", |l| l.answer.as_str()))
}

/// The kinds that glibc's `gai_strerror` tells apart; the others mean that the resolver is broken or absent.
fn by_words(words: &str) -> DnsKind {
    if words == TIMEOUT {
        DnsKind::Timeout
    } else if words == NODATA || words.contains("No address associated") {
        DnsKind::NoAddress
    } else if words.contains("not known") {
        DnsKind::NoSuchHost
    } else {
        DnsKind::ServerFailed
    }
}
