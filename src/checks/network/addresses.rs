//! `addresses` and `address-range`: what kind of addresses a name has, and whether IPv6 works where offered.

use super::{endpoints, name_does_not_matter, named, only_proxy, rubys};
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::serves;
use crate::failure::{Failure, Layer, TcpFailure, TcpKind};
use crate::finding::{Code, Finding};
use crate::probe::{Probe, Reading};
use crate::subject::address::Target;
use crate::subject::dial::NameSource;
use crate::subject::place::{Place, Stack};
use crate::subject::{Subject, Via};
use crate::text;
use std::net::IpAddr;

/// Every address family that DNS offers connects.
pub(in crate::checks) static ADDRESSES: Check = Check {
    id: "addresses",
    title: "IPv6 works where offered",
    group: Group::Network,
    about: "Connects to each address by itself, so that a family that does not work shows although the other does.",
    codes: &[Code::Ipv6Broken, Code::FirstAddressUnreachable],
    needs: &["dns"],
    serves: serves::first_address,
    places: endpoints,
    ask: ask_addresses,
    judge: judge_addresses,
};

/// The addresses are public and Cloudflare's.
pub(in crate::checks) static ADDRESS_RANGE: Check = Check {
    id: "address-range",
    title: "address is Cloudflare's",
    group: Group::Network,
    about: "The addresses are public and inside the ranges that Cloudflare publishes.",
    codes: &[Code::DnsPrivateAddress, Code::AddressOutsideCloudflare],
    needs: &["dns"],
    serves: serves::nothing,
    places: |subject| endpoints(subject).into_iter().filter(|p| is_gitlabs(subject, *p)).collect(),
    ask: |subject, place, _| {
        applies(subject, place).map(|t| Ask::whole(Probe::Resolve(t))).into_iter().collect()
    },
    judge: judge_range,
};

/// Cloudflare stands before GitLab's own hosts, and before none that somebody put in their place.
fn is_gitlabs(subject: &Subject, place: Place) -> bool {
    place.endpoint().is_some_and(|e| subject.services.is_gitlabs(e))
}

/// More addresses than this are not tried: Cloudflare's names have four.
const MOST: usize = 8;

/// The target, where its addresses matter to this node; else why not.
fn applies(subject: &Subject, place: Place) -> Result<Target, String> {
    let known = place.endpoint().and_then(|e| Some((e, subject.target(e)?)));
    let Some((endpoint, target)) = known else { return Err("this endpoint is not known here".to_owned()) };
    if let Some(why) = name_does_not_matter(subject, endpoint) {
        return Err(why);
    }
    match only_proxy(subject, endpoint) {
        Some(proxy) => Err(format!("connections go through {proxy}, which looks the name up itself")),
        None => Ok(target),
    }
}

fn addresses(target: &Target, seen: Seen) -> Vec<IpAddr> {
    match seen.reached(&Probe::Resolve(target.clone()), Layer::Dns) {
        Reached::Here(Reading::Resolved(resolved)) => resolved.addresses.iter().copied().take(MOST).collect(),
        Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => Vec::new(),
    }
}

/// Where the addresses come from.
fn source<'a>(target: &Target, seen: Seen<'a>) -> &'a NameSource {
    match seen.reached(&Probe::Resolve(target.clone()), Layer::Dns) {
        Reached::Here(Reading::Resolved(resolved)) => &resolved.source,
        Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => &NameSource::Given,
    }
}

fn ask_addresses(subject: &Subject, place: Place, seen: Seen) -> Vec<Ask> {
    let Ok(target) = applies(subject, place) else { return Vec::new() };
    let connects = addresses(&target, seen);
    let connects =
        connects.into_iter().map(|address| Ask::whole(Probe::Connect { target: target.clone(), address }));
    std::iter::once(Ask::layer(Probe::Resolve(target.clone()), Layer::Dns)).chain(connects).collect()
}

fn judge_addresses(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    let target = match applies(subject, place) {
        Ok(target) => target,
        Err(why) => return Verdict::NotApplicable(why),
    };
    let (mut open, mut closed): (Vec<IpAddr>, Vec<(IpAddr, TcpKind)>) = (Vec::new(), Vec::new());
    let all = addresses(&target, seen);
    for address in &all {
        match seen.reached(&Probe::Connect { target: target.clone(), address: *address }, Layer::Tcp) {
            Reached::Here(_) => open.push(*address),
            Reached::Failed(Failure::Tcp(TcpFailure { kind, .. })) => closed.push((*address, *kind)),
            Reached::Failed(_) | Reached::NotYet => {
                return Verdict::Unknown(format!("whether {address} connects could not be found out"));
            }
        }
    }
    if let Some(verdict) =
        first_address(subject, place, &target, (&all, source(&target, seen)), &open, &closed)
    {
        return verdict;
    }
    let six: Vec<&(IpAddr, TcpKind)> = closed.iter().filter(|(a, _)| a.is_ipv6()).collect();
    let counted = format!("{} of {}", open.len(), all.len());
    match six.first() {
        None if open.is_empty() => {
            Verdict::NotApplicable("no address connects: see the ways to it".to_owned())
        }
        None => Verdict::pass_with(format!("{counted} addresses connect."), counted),
        Some(_) if open.iter().any(IpAddr::is_ipv6) => {
            Verdict::pass_with(format!("{counted} addresses connect, some of them by IPv6."), counted)
        }
        Some(_) if open.is_empty() => {
            Verdict::NotApplicable("no address connects: see the ways to it".to_owned())
        }
        // A node without IPv6 says so at once, and nothing is lost by asking.
        Some(_) if six.iter().all(|(_, kind)| says_so(*kind)) => Verdict::pass_with(
            "This node has no way out by IPv6 and says so at once; IPv4 connects.",
            "IPv4 only",
        ),
        Some((address, kind)) => {
            let (address, how) = (address.to_string(), how(*kind));
            Verdict::found(Code::Ipv6Broken, &[("host", &target.host), ("address", &address), ("how", how)])
        }
    }
}

/// The finding of a first address that does not connect, where somebody takes no other: Rails connects to the first
/// address of a name only, because the protection against DNS rebinding pins it (`field-notes` 13).
fn first_address(
    subject: &Subject,
    place: Place,
    target: &Target,
    (all, source): (&[IpAddr], &NameSource),
    open: &[IpAddr],
    closed: &[(IpAddr, TcpKind)],
) -> Option<Verdict> {
    let direct = subject.routes_to(place.endpoint()?).filter(|r| r.via == Via::Direct);
    let stacks: Vec<Stack> = direct.flat_map(rubys).collect();
    let works = open.first()?;
    let ended = |address: &IpAddr| closed.iter().find(|(a, _)| a == address).map(|(_, kind)| *kind);
    // The system puts an address that it has no way to behind the others (RFC 6724, 6, rule 1); an order of our own
    // has to do the same.
    let usable = |a: &&IpAddr| source == &NameSource::System || !ended(a).is_some_and(says_so);
    let first = all.iter().find(usable)?;
    let kind = ended(first)?;
    if stacks.is_empty() {
        return None;
    }
    let args = [
        ("host", target.host.as_str()),
        ("address", &first.to_string()),
        ("how", how(kind)),
        ("works", &works.to_string()),
        ("stacks", &named(&stacks)),
    ];
    Some(Verdict::found(Code::FirstAddressUnreachable, &args))
}

/// Whether an attempt ended at once because there is no way, and not by silence or a refusal.
fn says_so(kind: TcpKind) -> bool {
    matches!(kind, TcpKind::Unreachable | TcpKind::HostUnreachable)
}

/// How a connection failed, for the middle of a sentence.
pub(in crate::checks) fn how(kind: TcpKind) -> &'static str {
    match kind {
        TcpKind::Refused => "is refused",
        TcpKind::Timeout => "gets no answer",
        TcpKind::Unreachable | TcpKind::HostUnreachable => "is unreachable",
        TcpKind::Reset => "is cut at once",
    }
}

fn judge_range(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    let target = match applies(subject, place) {
        Ok(target) => target,
        Err(why) => return Verdict::NotApplicable(why),
    };
    let all = addresses(&target, seen);
    if all.is_empty() {
        return Verdict::Unknown("the addresses could not be found out".to_owned());
    }
    let mut findings = Vec::new();
    for address in &all {
        let text = address.to_string();
        let host = ("host", target.host.as_str());
        if let Some(kind) = special(*address) {
            let args = [host, ("address", &text), ("kind", kind)];
            findings.push(Finding::new(Code::DnsPrivateAddress, &args));
        } else if !subject.cloudflare.contains(*address) {
            let args = [host, ("address", &text), ("date", &subject.cloudflare.date)];
            findings.push(Finding::new(Code::AddressOutsideCloudflare, &args));
        }
    }
    // One of each kind says it: the others are in the evidence.
    findings.dedup_by_key(|f| f.code);
    if findings.is_empty() {
        let counted = format!("{0} of {0}", all.len());
        let plural = text::count(all.len(), "address");
        return Verdict::pass_with(
            format!("{plural} inside Cloudflare's ranges of {}.", subject.cloudflare.date),
            counted,
        );
    }
    Verdict::Findings(findings)
}

/// What kind of address no public service has, if it is one.
pub(in crate::checks) fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(a) => match a.octets() {
            [127, ..] => Some("loopback"),
            [10, ..] | [192, 168, ..] => Some("private"),
            [172, b, ..] if (16..32).contains(&b) => Some("private"),
            [100, b, ..] if (64..128).contains(&b) => Some("shared (100.64.0.0/10)"),
            [169, 254, ..] => Some("link-local"),
            [0, ..] => Some("unspecified"),
            _ => None,
        },
        IpAddr::V6(a) => match a.segments() {
            [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
            [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
            [s, ..] if s & 0xfe00 == 0xfc00 => Some("private"),
            [s, ..] if s & 0xffc0 == 0xfe80 => Some("link-local"),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_told_from_public_ones() {
        for (address, kind) in [
            ("10.1.2.3", Some("private")),
            ("172.31.0.1", Some("private")),
            ("172.32.0.1", None),
            ("100.64.0.9", Some("shared (100.64.0.0/10)")),
            ("100.128.0.1", None),
            ("104.18.26.123", None),
            ("::1", Some("loopback")),
            ("fd00::1", Some("private")),
            ("2606:4700::1", None),
        ] {
            assert_eq!(special(address.parse().expect("an address")), kind, "{address}");
        }
    }
}
