//! One question to one way of resolving: the system's `getaddrinfo`, or name servers by record type.

use crate::failure::Lookup;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The system's own way.
pub(super) const SYSTEM: &str = "getaddrinfo";

/// An answer without the records asked for.
pub(super) const NODATA: &str = "NODATA";

/// What is said where no answer came in time.
pub(super) const TIMEOUT: &str = "timeout";

/// What is said where a name server cannot be asked; the reason follows.
pub(super) const NO_ANSWER: &str = "no answer";

/// The longest silence of a name server: the first timeout of `resolv.conf` is 5 s too.
pub(super) const SILENCE: Duration = Duration::from_secs(5);

pub(super) fn name_of(kind: RecordType) -> &'static str {
    if kind == RecordType::AAAA { "AAAA" } else { "A" }
}

/// Asks the system. The call blocks a thread of the runtime's pool, and nobody waits for that thread.
pub(super) async fn by_system(host: &str) -> Lookup {
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

/// Asks the name servers for one type of record.
pub(super) async fn by_record(
    resolver: Arc<TokioResolver>,
    host: &str,
    kind: RecordType,
    limit: Duration,
) -> Lookup {
    let began = Instant::now();
    // The final dot keeps the search list of `resolv.conf` out: the answer must be about this very name.
    let asked = tokio::time::timeout(limit, resolver.lookup(format!("{host}."), kind)).await;
    let mut addresses = Vec::new();
    let answer = match asked {
        Err(_) | Ok(Err(NetError::Timeout)) => TIMEOUT.to_owned(),
        Ok(Err(NetError::Dns(DnsError::NoRecordsFound(none)))) => code(none.response_code),
        Ok(Err(NetError::Dns(DnsError::ResponseCode(response)))) => code(response),
        Ok(Err(error)) => format!("{NO_ANSWER}: {}", super::words(&error)),
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
pub(super) fn resolver(servers: &[SocketAddr], limit: Duration, asks_system: bool) -> Option<TokioResolver> {
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
    options.use_hosts_file = ResolveHosts::Never;
    builder.build().ok()
}
