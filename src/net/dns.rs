//! Names become addresses: by the dial table, by the system's own way, by a name server that was given.
//!
//! The system's `getaddrinfo` decides, for it is what GitLab uses; it gives no cause, so the same name is asked
//! for by record type as well. Each name is asked for once in a run.

use super::Net;
use crate::failure::{DnsFailure, DnsKind, Lookup};
use crate::probe::Resolved;
use crate::subject::address::Target;
use crate::subject::dial::{NameSource, NameTo};
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// What the system resolved need not wait for evidence longer than this.
const EVIDENCE: Duration = Duration::from_millis(50);

/// How long the second record type may lag behind the first that brought addresses.
const SECOND_TYPE: Duration = Duration::from_secs(1);

/// The longest silence of a name server: the first timeout of `resolv.conf` is 5 s too.
const SILENCE: Duration = Duration::from_secs(5);

/// What is answered without an answer.
const TIMEOUT: &str = "timeout";

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
    if let (Some(_), Some(NameTo::Addresses(addresses))) = (rule, net.subject.dial.name(&asked_for)) {
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

const SYSTEM: &str = "getaddrinfo";

fn name_of(kind: RecordType) -> &'static str {
    if kind == RecordType::AAAA { "AAAA" } else { "A" }
}

/// Asks the system. The call blocks a thread of the runtime's pool, and nobody waits for that thread.
async fn by_system(host: &str) -> Lookup {
    let began = Instant::now();
    let (answer, addresses) = match tokio::net::lookup_host((host, 0)).await {
        Ok(found) => {
            let mut addresses: Vec<IpAddr> = Vec::new();
            for address in found.map(|a| a.ip()) {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            (if addresses.is_empty() { NODATA } else { "NOERROR" }.to_owned(), addresses)
        }
        Err(error) => (crate::text::foreign(&error.to_string()), Vec::new()),
    };
    Lookup { asked: SYSTEM.to_owned(), answer, addresses, took: began.elapsed() }
}

const NODATA: &str = "NODATA";

/// Asks the name servers for one type of record.
async fn by_record(resolver: Arc<TokioResolver>, host: &str, kind: RecordType, limit: Duration) -> Lookup {
    let began = Instant::now();
    // The final dot keeps the search list of `resolv.conf` out: the answer must be about this very name.
    let asked = tokio::time::timeout(limit, resolver.lookup(format!("{host}."), kind)).await;
    let mut addresses = Vec::new();
    let answer = match asked {
        Err(_) | Ok(Err(NetError::Timeout)) => TIMEOUT.to_owned(),
        Ok(Err(NetError::Dns(DnsError::NoRecordsFound(none)))) => code(none.response_code),
        Ok(Err(NetError::Dns(DnsError::ResponseCode(response)))) => code(response),
        Ok(Err(error)) => format!("no answer: {}", super::words(&error)),
        Ok(Ok(found)) => {
            addresses.extend(found.answers().iter().filter_map(|record| match &record.data {
                RData::A(address) => Some(IpAddr::V4(address.0)),
                RData::AAAA(address) => Some(IpAddr::V6(address.0)),
                _ => None,
            }));
            if addresses.is_empty() { NODATA.to_owned() } else { "NOERROR".to_owned() }
        }
    };
    Lookup { asked: name_of(kind).to_owned(), answer, addresses, took: began.elapsed() }
}

fn code(response: ResponseCode) -> String {
    match response {
        ResponseCode::NoError => NODATA.to_owned(),
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        other => other.to_string(),
    }
}

/// A resolver for these servers; `None` where there is none to ask.
fn resolver(servers: &[SocketAddr], limit: Duration, asks_system: bool) -> Option<TokioResolver> {
    if servers.is_empty() {
        return None;
    }
    let servers = servers.iter().map(|server| {
        // TCP serves truncated answers of the system's own servers; one that was given is asked by UDP alone.
        let config = if asks_system { NameServerConfig::udp_and_tcp } else { NameServerConfig::udp };
        let mut config = config(server.ip());
        config.connections.iter_mut().for_each(|c| c.port = server.port());
        config
    });
    let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options: &mut ResolverOpts = builder.options_mut();
    // Two tries within the limit: one lost packet is not a silent server.
    options.timeout = limit / 2;
    options.attempts = 1;
    options.use_hosts_file = hickory_resolver::config::ResolveHosts::Never;
    builder.build().ok()
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
            && !l.answer.starts_with("no answer")
    };
    if answers("NXDOMAIN") {
        return DnsKind::NoSuchHost;
    }
    if records.clone().any(failed) {
        return DnsKind::ServerFailed;
    }
    let silent = |l: &Lookup| l.answer == TIMEOUT || l.answer.starts_with("no answer");
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
