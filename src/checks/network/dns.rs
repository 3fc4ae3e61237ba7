//! `dns`: the name of an endpoint becomes addresses, soon, and by DNS.

use super::{endpoints, name_does_not_matter, named, only_proxy, rubys, walk};
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::serves;
use crate::failure::{DnsFailure, DnsKind, Failure, Layer, Lookup};
use crate::finding::{Code, Finding};
use crate::probe::{Probe, Reading, Resolved};
use crate::subject::Subject;
use crate::subject::dial::NameSource;
use crate::subject::place::{Endpoint, Place, Stack};
use crate::subject::services::Deployment;
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
    serves: serves::way,
    places: |subject| endpoints(subject).into_iter().chain(unnamed_gateway(subject)).collect(),
    ask,
    judge,
};

/// A gateway of one's own that is used here, as somebody said, and that this node's files do not name.
fn unnamed_gateway(subject: &Subject) -> Option<Place> {
    let is_used = matches!(subject.deployment, Deployment::SelfHosted | Deployment::Hybrid);
    (is_used && subject.services.gateway.is_none()).then_some(Place::Endpoint(Endpoint::Gateway))
}

/// A name that takes longer delays every request: GitLab's own checks give up after a few seconds.
const SLOW: Duration = Duration::from_secs(1);

fn probe(subject: &Subject, place: Place) -> Option<(Endpoint, Probe)> {
    let endpoint = place.endpoint()?;
    Some((endpoint, Probe::Resolve(subject.target(endpoint)?)))
}

fn ask(subject: &Subject, place: Place, seen: Seen) -> Vec<Ask> {
    match probe(subject, place) {
        Some((e, probe)) if name_does_not_matter(subject, e).is_none() => {
            let failed = seen.failure(&probe).is_some() && only_proxy(subject, e).is_some();
            let tunnels =
                tunnels(subject, e).filter(|_| failed).map(|p| Ask::layers(p, Layer::Proxy, Layer::Proxy));
            std::iter::once(Ask::whole(probe)).chain(tunnels).collect()
        }
        Some(_) | None => Vec::new(),
    }
}

/// The walks by which a proxy shows that it knows the name itself.
fn tunnels(subject: &Subject, endpoint: Endpoint) -> impl Iterator<Item = Probe> {
    subject.routes_to(endpoint).filter_map(|route| walk(subject, route.place()))
}

/// Whether a proxy connected to the name.
fn is_resolved_by_proxy(subject: &Subject, endpoint: Endpoint, seen: Seen) -> bool {
    tunnels(subject, endpoint).any(|p| matches!(seen.reached(&p, Layer::Proxy), Reached::Here(_)))
}

fn judge(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    let Some((endpoint, probe)) = probe(subject, place) else {
        return match unnamed_gateway(subject) {
            Some(gateway) if gateway == place => Verdict::NotAsked(
                "this node's files name no gateway (AI_GATEWAY_URL): its URL stands in Admin > GitLab Duo"
                    .to_owned(),
            ),
            Some(_) | None => Verdict::NotApplicable("this endpoint is not known here".to_owned()),
        };
    };
    if let Some(why) = name_does_not_matter(subject, endpoint) {
        return Verdict::NotApplicable(why);
    }
    let took = seen.sample(&probe, Layer::Dns).map(|s| s.took).unwrap_or_default();
    match (seen.reached(&probe, Layer::Dns), only_proxy(subject, endpoint)) {
        (Reached::Here(Reading::Resolved(resolved)), None) => resolves(subject, resolved, took),
        (Reached::Here(Reading::Resolved(resolved)), Some(proxy)) => {
            if let (true, Some(waits)) = (took > SLOW, waiting(subject, endpoint)) {
                return Verdict::Findings(vec![slow(subject, &resolved.host, took, &waits)]);
            }
            let count = text::count(resolved.addresses.len(), "address");
            Verdict::pass(format!("{} has {count}; {proxy} looks the name up again.", resolved.host))
        }
        (Reached::Failed(Failure::Dns(failure)), Some(proxy)) => {
            fails_behind_proxy(subject, endpoint, failure, &proxy, seen)
        }
        (Reached::Failed(Failure::Dns(failure)), None) => fails(subject, failure, EVERYBODY),
        (Reached::Failed(_) | Reached::Here(_) | Reached::NotYet, _) => {
            Verdict::Unknown("the lookup ended without an answer".to_owned())
        }
    }
}

/// Who waits for a name that every way needs.
const EVERYBODY: &str = "every request waits for it";

/// Who waits for the name although the proxy looks it up itself: Ruby resolves a name before it decides on a proxy,
/// and so does Rails' outbound filter (GitLab's `url_blocker.rb`; `URI::Generic#find_proxy`).
fn waiting(subject: &Subject, endpoint: Endpoint) -> Option<String> {
    let stacks: Vec<Stack> = subject.routes_to(endpoint).flat_map(rubys).collect();
    let verb = if stacks.len() == 1 { "looks" } else { "look" };
    (!stacks.is_empty()).then(|| format!("{} {verb} it up before the proxy is used", named(&stacks)))
}

/// A name that does not resolve here, where the proxy resolves it: a quick no is a usual set-up (`field-notes` 12),
/// silence is not.
fn fails_behind_proxy(
    subject: &Subject,
    endpoint: Endpoint,
    failure: &DnsFailure,
    proxy: &str,
    seen: Seen,
) -> Verdict {
    let quick_no = |failure| {
        if is_resolved_by_proxy(subject, endpoint, seen) {
            quick_no(failure, proxy)
        } else {
            Verdict::NotApplicable(format!("{proxy} looks the name up itself, and did not connect"))
        }
    };
    match waiting(subject, endpoint) {
        Some(waits) if failure.kind == DnsKind::Timeout => fails(subject, failure, &waits),
        Some(waits) if failure.after > SLOW => {
            Verdict::Findings(vec![slow(subject, &failure.host, failure.after, &waits)])
        }
        Some(_) => quick_no(failure),
        None if subject.routes_to(endpoint).all(|r| r.stacks == [Stack::Shell]) => quick_no(failure),
        None => Verdict::NotApplicable(format!(
            "{proxy} looks the name up, and nothing on this node waits for it"
        )),
    }
}

fn quick_no(failure: &DnsFailure, proxy: &str) -> Verdict {
    let args = [("host", failure.host.as_str()), ("answer", &answer(failure)), ("proxy", proxy)];
    Verdict::found(Code::DnsFailsBehindProxy, &args)
}

fn slow(subject: &Subject, host: &str, took: Duration, waits: &str) -> Finding {
    let (server, took) = (servers(subject), text::duration(took));
    Finding::new(Code::DnsSlow, &[("host", host), ("server", &server), ("took", &took), ("waits", waits)])
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
        findings.push(slow(subject, host, took, EVERYBODY));
    }
    if !findings.is_empty() {
        return Verdict::Findings(findings);
    }
    let addresses: Vec<String> = resolved.addresses.iter().map(ToString::to_string).collect();
    Verdict::pass(format!("{host} is {}.", text::list(&addresses)))
}

fn fails(subject: &Subject, failure: &DnsFailure, waits: &str) -> Verdict {
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
            let args = [("host", host), ("server", &server), ("seconds", &seconds), ("waits", waits)];
            Verdict::found(Code::DnsTimeout, &args)
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

/// What the resolver said, in its own word: the answer by record type; the system's sentence serves without one.
fn answer(failure: &DnsFailure) -> String {
    let by_record = |l: &&Lookup| ["A", "AAAA"].contains(&l.asked.as_str());
    let telling = |l: &&Lookup| !["", "NOERROR", "NODATA"].contains(&l.answer.as_str());
    let lookups = || failure.lookups.iter().filter(telling);
    let said = lookups().find(by_record).or_else(|| lookups().next()).map(|l| l.answer.as_str());
    let by_kind = match failure.kind {
        DnsKind::NoSuchHost => "NXDOMAIN",
        DnsKind::NoAddress => "no address",
        DnsKind::ServerFailed => "SERVFAIL",
        DnsKind::Timeout => "no answer",
    };
    said.unwrap_or(by_kind).to_owned()
}
