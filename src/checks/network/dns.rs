//! `dns`: the name of an endpoint becomes addresses, soon, and by DNS.

use super::{endpoints, name_does_not_matter, only_proxy};
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::failure::{DnsFailure, DnsKind, Failure, Layer};
use crate::finding::{Code, Finding};
use crate::probe::{Probe, Reading, Resolved};
use crate::subject::Subject;
use crate::subject::dial::NameSource;
use crate::subject::place::{Endpoint, Place};
use crate::text;
use std::time::Duration;

/// The name of an endpoint resolves.
pub(in crate::checks) static DNS: Check = Check {
    id: "dns",
    title: "name resolves",
    group: Group::Network,
    about: "The name of the service becomes addresses on this node, in under a second, and by DNS.",
    codes: &[
        Code::DnsNoSuchHost,
        Code::DnsNoAddress,
        Code::DnsServerFailed,
        Code::DnsTimeout,
        Code::DnsSlow,
        Code::DnsFailsBehindProxy,
        Code::DnsOverridden,
    ],
    needs: &[],
    places: endpoints,
    ask,
    judge,
};

/// A name that takes longer delays every request: GitLab's own checks give up after a few seconds.
const SLOW: Duration = Duration::from_secs(1);

fn probe(subject: &Subject, place: Place) -> Option<(Endpoint, Probe)> {
    let endpoint = place.endpoint()?;
    Some((endpoint, Probe::Resolve(subject.target(endpoint)?)))
}

fn ask(subject: &Subject, place: Place, _: Seen) -> Vec<Ask> {
    match probe(subject, place) {
        Some((e, probe)) if name_does_not_matter(subject, e).is_none() => vec![Ask::whole(probe)],
        Some(_) | None => Vec::new(),
    }
}

fn judge(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    let Some((endpoint, probe)) = probe(subject, place) else {
        return Verdict::NotApplicable("this endpoint is not known here".to_owned());
    };
    if let Some(why) = name_does_not_matter(subject, endpoint) {
        return Verdict::NotApplicable(why);
    }
    let proxy = only_proxy(subject, endpoint);
    let took = seen.sample(&probe, Layer::Dns).map(|s| s.took).unwrap_or_default();
    match (seen.reached(&probe, Layer::Dns), proxy) {
        (Reached::Here(Reading::Resolved(resolved)), None) => resolves(subject, resolved, took),
        (Reached::Here(Reading::Resolved(resolved)), Some(proxy)) => {
            let count = text::count(resolved.addresses.len(), "address");
            Verdict::pass(format!("{} has {count}; {proxy} looks the name up again.", resolved.host))
        }
        (Reached::Failed(Failure::Dns(failure)), Some(proxy)) => {
            let answer = answer(failure);
            let args = [("host", failure.host.as_str()), ("answer", &answer), ("proxy", &proxy)];
            Verdict::found(Code::DnsFailsBehindProxy, &args)
        }
        (Reached::Failed(Failure::Dns(failure)), None) => fails(subject, failure),
        (Reached::Failed(_) | Reached::Here(_) | Reached::NotYet, _) => {
            Verdict::Unknown("the lookup ended without an answer".to_owned())
        }
    }
}

fn resolves(subject: &Subject, resolved: &Resolved, took: Duration) -> Verdict {
    let mut findings = Vec::new();
    let host = resolved.host.as_str();
    let hosts = subject.node.hosts_for(host);
    let by_system = matches!(resolved.source, NameSource::System | NameSource::Nameserver(_));
    if let Some(address) = resolved.addresses.iter().find(|a| by_system && hosts.contains(a)) {
        let address = address.to_string();
        let args = [("host", host), ("address", &address), ("file", "/etc/hosts")];
        findings.push(Finding::new(Code::DnsOverridden, &args));
    }
    if took > SLOW {
        let (server, took) = (servers(subject), text::duration(took));
        findings.push(Finding::new(Code::DnsSlow, &[("host", host), ("server", &server), ("took", &took)]));
    }
    if !findings.is_empty() {
        return Verdict::Findings(findings);
    }
    let addresses: Vec<String> = resolved.addresses.iter().map(ToString::to_string).collect();
    Verdict::pass(format!("{host} is {}.", text::list(&addresses)))
}

fn fails(subject: &Subject, failure: &DnsFailure) -> Verdict {
    let server = servers(subject);
    let host = failure.host.as_str();
    match failure.kind {
        DnsKind::NoSuchHost => Verdict::found(Code::DnsNoSuchHost, &[("host", host), ("server", &server)]),
        DnsKind::NoAddress => Verdict::found(Code::DnsNoAddress, &[("host", host), ("server", &server)]),
        DnsKind::ServerFailed => {
            let answer = answer(failure);
            Verdict::found(Code::DnsServerFailed, &[("host", host), ("server", &server), ("answer", &answer)])
        }
        DnsKind::Timeout => {
            let seconds = text::seconds(failure.after);
            Verdict::found(Code::DnsTimeout, &[("host", host), ("server", &server), ("seconds", &seconds)])
        }
    }
}

/// The resolvers as people know them.
fn servers(subject: &Subject) -> String {
    if let Some(server) = subject.dial.nameserver {
        return server.to_string();
    }
    let servers: Vec<String> = subject.node.nameservers.iter().map(|s| s.ip().to_string()).collect();
    if servers.is_empty() { "the system's resolver".to_owned() } else { text::list(&servers) }
}

/// What the resolver said, in its own word.
fn answer(failure: &DnsFailure) -> String {
    let said = failure.lookups.iter().map(|l| l.answer.as_str()).find(|a| !a.is_empty() && *a != "NOERROR");
    let by_kind = match failure.kind {
        DnsKind::NoSuchHost => "NXDOMAIN",
        DnsKind::NoAddress => "no address",
        DnsKind::ServerFailed => "SERVFAIL",
        DnsKind::Timeout => "no answer",
    };
    said.unwrap_or(by_kind).to_owned()
}
