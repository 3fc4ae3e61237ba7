//! `cloudflare-ranges`: which of Cloudflare's published ranges can be reached, by a sample. Only when asked.
//!
//! Silence proves nothing: many addresses of a range need not serve this name. A reject does.

use super::name_does_not_matter;
use crate::check::Want;
use crate::check::{Ask, Check, Group, Seen, Verdict};
use crate::checks::serves;
use crate::failure::{Failure, TcpKind, TlsKind};
use crate::finding::Code;
use crate::probe::{Knock, Outcome, Probe, Reading, TlsAsk};
use crate::subject::address::Target;
use crate::subject::place::{Endpoint, Place};
use crate::subject::ranges::{SAMPLES, Sampling};
use crate::subject::{Route, StoreId, Subject, Via};
use crate::text;
use ipnet::IpNet;
use std::net::IpAddr;

/// The id of the check, which selections and the UI ask for by name.
pub(in crate::checks) const ID: &str = "cloudflare-ranges";

/// Cloudflare's ranges are let through.
pub(in crate::checks) static CLOUDFLARE_RANGES: Check = Check {
    id: ID,
    title: "Cloudflare's ranges are let through",
    group: Group::Network,
    about: "Knocks at two addresses of each published range, a few at a time, and tells which a firewall refuses. \
            Runs only when asked: `--only cloudflare-ranges`, or `S` in the UI.",
    codes: &[Code::CloudflareRangesRefused],
    needs: &[],
    serves: serves::nothing,
    places,
    ask,
    judge,
};

/// More ranges than this are not listed in a finding: the article carries them all.
const LISTED: usize = 8;

fn places(subject: &Subject) -> Vec<Place> {
    let behind_cloudflare = subject.services.is_gitlabs(Endpoint::Cloud);
    let routed = subject.routes_to(Endpoint::Cloud).next().is_some();
    if behind_cloudflare && routed { vec![Place::Endpoint(Endpoint::Cloud)] } else { Vec::new() }
}

/// Whom to knock for and whose roots count, where this node connects by itself and sampling was asked for.
fn asked(subject: &Subject) -> Result<(Target, StoreId), Verdict> {
    let Some(target) = subject.target(Endpoint::Cloud) else {
        return Err(Verdict::Unknown("the endpoint is not known here".to_owned()));
    };
    let direct = |r: &&Route| r.via == Via::Direct;
    let Some(route) = subject.routes_to(Endpoint::Cloud).find(direct) else {
        return Err(Verdict::NotApplicable(
            "connections go through a proxy, which needs the ranges".to_owned(),
        ));
    };
    if let Some(why) = name_does_not_matter(subject, Endpoint::Cloud) {
        return Err(Verdict::NotApplicable(why));
    }
    match subject.limits.sampling {
        Sampling::Asked => Ok((target, route.trust)),
        Sampling::NotAsked => Err(Verdict::wants(
            Want::Sampling,
            "only on request: `S` in the UI, or `--only cloudflare-ranges`",
        )),
    }
}

/// What an address showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// TLS, with a public certificate or an alert.
    Answer,
    /// TLS with a certificate that is not public: a device on the way answers in Cloudflare's place.
    Foreign,
    /// RST in answer to the first packet.
    Refusal,
    /// ICMP, or a rule of this node.
    Prohibition,
    /// No route.
    NoRoute,
    /// Nothing that proves anything.
    Silence,
}

fn shown(probe: &Probe, seen: Seen) -> Option<Shown> {
    let last = seen.samples(probe).last()?;
    Some(match &last.outcome {
        Outcome::Read(Reading::Tls(tls)) if !tls.public => Shown::Foreign,
        Outcome::Read(Reading::Tls(_)) => Shown::Answer,
        // A connection whose handshake is still open is not answered yet.
        Outcome::Read(_) => return None,
        Outcome::Failed(Failure::Tcp(tcp)) => match tcp.kind {
            TcpKind::Refused => Shown::Refusal,
            TcpKind::HostUnreachable => Shown::Prohibition,
            TcpKind::Unreachable => Shown::NoRoute,
            TcpKind::Timeout | TcpKind::Reset => Shown::Silence,
        },
        Outcome::Failed(Failure::Tls(tls)) => match tls.kind {
            TlsKind::Reset | TlsKind::Timeout | TlsKind::NotSpoken => Shown::Silence,
            TlsKind::UnknownIssuer
            | TlsKind::SelfSigned
            | TlsKind::ChainIncomplete
            | TlsKind::Expired
            | TlsKind::NotYetValid
            | TlsKind::WrongName
            | TlsKind::VersionUnsupported
            | TlsKind::NoCommonCipher
            | TlsKind::NoCommonProtocol
            | TlsKind::ClientCertificateWanted
            | TlsKind::Other => {
                if tls.public == Some(false) {
                    Shown::Foreign
                } else {
                    Shown::Answer
                }
            }
        },
        Outcome::Failed(
            Failure::Dns(_)
            | Failure::Socket(_)
            | Failure::Proxy(_)
            | Failure::Http(_)
            | Failure::WebSocket(_)
            | Failure::Grpc(_)
            | Failure::Rails(_)
            | Failure::Other { .. },
        ) => Shown::Silence,
    })
}

/// What the addresses of a range show together: an answer counts, a reject only if every address tried shows one.
fn together(all: &[Shown]) -> Shown {
    for wins in [Shown::Answer, Shown::Foreign] {
        if all.contains(&wins) {
            return wins;
        }
    }
    let rejects = |s: &Shown| matches!(s, Shown::Refusal | Shown::Prohibition);
    match all.first() {
        Some(first) if all.iter().all(|s| s == first) => *first,
        Some(first) if all.iter().all(rejects) => *first,
        Some(_) | None => Shown::Silence,
    }
}

fn knock(target: &Target, trust: StoreId, address: IpAddr) -> Probe {
    Probe::Knock(Knock { target: target.clone(), address, tls: TlsAsk::lenient(trust) })
}

fn ask(subject: &Subject, _: Place, seen: Seen) -> Vec<Ask> {
    let Ok((target, trust)) = asked(subject) else { return Vec::new() };
    let probe = |address: IpAddr| knock(&target, trust, address);
    let all: Vec<_> = subject.cloudflare.samples().collect();
    let first = |shown_is: fn(Shown) -> bool| {
        move |addresses: &[IpAddr; SAMPLES]| shown(&probe(addresses[0]), seen).is_some_and(shown_is)
    };
    // Without a route out by IPv6 the second addresses would tell nothing more.
    let no_route = first(|s| s == Shown::NoRoute);
    let (mut six, mut lost) = (0, 0);
    for (_, addresses) in all.iter().filter(|(range, _)| is_v6(range)) {
        six += 1;
        lost += usize::from(no_route(addresses));
    }
    let no_ipv6 = six > 0 && lost == six;
    let wants_second = first(|s| s != Shown::Answer);
    let mut asks: Vec<Ask> = all.iter().map(|(_, addresses)| Ask::whole(probe(addresses[0]))).collect();
    for (range, addresses) in &all {
        if wants_second(addresses) && !(no_ipv6 && is_v6(range)) {
            asks.push(Ask::whole(probe(addresses[1])));
        }
    }
    asks
}

fn is_v6(range: &IpNet) -> bool {
    matches!(range, IpNet::V6(_))
}

fn judge(subject: &Subject, _: Place, seen: Seen) -> Verdict {
    let (target, trust) = match asked(subject) {
        Ok(asked) => asked,
        Err(verdict) => return verdict,
    };
    let of = |addresses: [IpAddr; SAMPLES]| {
        let tried: Vec<Shown> =
            addresses.into_iter().filter_map(|a| shown(&knock(&target, trust, a), seen)).collect();
        together(&tried)
    };
    let all: Vec<(IpNet, Shown)> =
        subject.cloudflare.samples().map(|(range, addresses)| (range, of(addresses))).collect();
    verdict(&all)
}

fn verdict(all: &[(IpNet, Shown)]) -> Verdict {
    let no_ipv6 = all.iter().filter(|(r, _)| is_v6(r)).all(|(_, s)| *s == Shown::NoRoute);
    let counted: Vec<&(IpNet, Shown)> = all.iter().filter(|(r, _)| !(no_ipv6 && is_v6(r))).collect();
    let of = |wanted: Shown| -> Vec<String> {
        counted.iter().filter(|(_, s)| *s == wanted).map(|(r, _)| r.to_string()).collect()
    };
    let family_answers =
        |range: &IpNet| counted.iter().any(|(r, s)| *s == Shown::Answer && is_v6(r) == is_v6(range));
    let (answer, foreign) = (of(Shown::Answer), of(Shown::Foreign));
    let (refused, silent) = (of(Shown::Refusal), [of(Shown::Silence), of(Shown::NoRoute)].concat());
    // That the neighbour is down looks the same; it is up where another range of the family answers.
    let (prohibited, vague): (Vec<_>, Vec<_>) =
        counted.iter().filter(|(_, s)| *s == Shown::Prohibition).partition(|(r, _)| family_answers(r));
    let names = |ranges: Vec<&&(IpNet, Shown)>| ranges.iter().map(|(r, _)| r.to_string()).collect::<Vec<_>>();
    let (prohibited, silent) = (names(prohibited), [silent, names(vague)].concat());
    let rejected = [refused.as_slice(), prohibited.as_slice()].concat();
    let total = counted.len();
    if !rejected.is_empty() {
        let how = match (refused.is_empty(), prohibited.is_empty()) {
            (false, true) => "is refused",
            (true, _) => "is unreachable",
            (false, false) => "is refused or unreachable",
        };
        let count = format!("{} of {total}", rejected.len());
        let args = [("ranges", &*listed(&rejected)), ("count", &*count), ("how", how)];
        return Verdict::found(Code::CloudflareRangesRefused, &args);
    }
    if answer.is_empty() && !foreign.is_empty() {
        return Verdict::NotApplicable(
            "a device on the way answers in Cloudflare's place: what is behind it cannot be told".to_owned(),
        );
    }
    if answer.is_empty() {
        let why = format!("none of {} answers, and none refuses", text::count(total, "range"));
        return Verdict::Unknown(why);
    }
    let mut words = format!("{} of {} answer", answer.len(), text::count(total, "range"));
    for (ranges, said) in [(&silent, "no answer from"), (&foreign, "a certificate that is not public at")] {
        if !ranges.is_empty() {
            words = format!("{words}; {said} {}", listed(ranges));
        }
    }
    if no_ipv6 && counted.len() < all.len() {
        words += "; this node has no way out by IPv6";
    }
    Verdict::pass_with(format!("{words}."), format!("{} of {total} answer", answer.len()))
}

fn listed(ranges: &[String]) -> String {
    match ranges {
        [few @ .., _, _] if ranges.len() > LISTED + 1 => {
            let more = format!("{} more", ranges.len() - LISTED);
            let mut first: Vec<String> = few.iter().take(LISTED).cloned().collect();
            first.push(more);
            text::list(&first)
        }
        all => text::list(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Shown::{Answer, Foreign, NoRoute, Prohibition, Refusal, Silence};

    fn ranges(each: &[(&str, Shown)]) -> Vec<(IpNet, Shown)> {
        each.iter().map(|(range, shown)| (range.parse().expect("a range"), *shown)).collect()
    }

    #[track_caller]
    fn said(each: &[(&str, Shown)]) -> String {
        match verdict(&ranges(each)) {
            Verdict::Pass(note) => format!("pass: {}", note.figure.unwrap_or_default()),
            Verdict::Findings(found) => {
                format!("{}: {} {}", found[0].arg("count"), found[0].arg("ranges"), found[0].arg("how"))
            }
            Verdict::NotApplicable(_) => "skip".to_owned(),
            Verdict::NotAsked(_) | Verdict::Wants(..) => "not asked".to_owned(),
            Verdict::Unknown(_) => "unknown".to_owned(),
        }
    }

    const A: &str = "104.16.0.0/13";
    const B: &str = "172.64.0.0/13";
    const SIX: &str = "2606:4700::/32";

    #[test]
    fn only_a_reject_names_a_firewall() {
        for (each, wanted) in [
            (&[(A, Answer), (B, Answer), (SIX, Answer)][..], "pass: 3 of 3 answer"),
            (&[(A, Answer), (B, Silence), (SIX, NoRoute)], "pass: 1 of 2 answer"),
            (&[(A, Answer), (B, NoRoute), (SIX, Silence)], "pass: 1 of 3 answer"),
            (&[(A, Answer), (B, Refusal), (SIX, NoRoute)], "1 of 2: 172.64.0.0/13 is refused"),
            (&[(A, Answer), (B, Prohibition), (SIX, NoRoute)], "1 of 2: 172.64.0.0/13 is unreachable"),
            (&[(A, Refusal), (B, Refusal)], "2 of 2: 104.16.0.0/13 and 172.64.0.0/13 is refused"),
            // A dead neighbour and a prohibition look alike where nothing of the family answers.
            (&[(A, Prohibition), (B, Prohibition), (SIX, Answer)], "pass: 1 of 3 answer"),
            (&[(A, Prohibition), (B, Silence)], "unknown"),
            (&[(A, Silence), (B, Silence), (SIX, NoRoute)], "unknown"),
            (&[(A, Foreign), (B, Silence)], "skip"),
            (&[(A, Foreign), (B, Answer)], "pass: 1 of 2 answer"),
        ] {
            assert_eq!(said(each), wanted, "{each:?}");
        }
    }

    #[test]
    fn one_address_that_answers_speaks_for_its_range_and_one_that_refuses_does_not() {
        for (all, wanted) in [
            (&[Refusal, Answer][..], Answer),
            (&[Refusal, Refusal], Refusal),
            (&[Prohibition, Refusal], Prohibition),
            (&[Refusal, Silence], Silence),
            (&[NoRoute, Silence], Silence),
            (&[NoRoute], NoRoute),
            (&[], Silence),
        ] {
            assert_eq!(together(all), wanted, "{all:?}");
        }
    }

    #[test]
    fn a_long_list_is_cut() {
        let many: Vec<String> = (0..12).map(|i| format!("{i}.0.0.0/8")).collect();
        assert!(listed(&many).ends_with("7.0.0.0/8 and 4 more"), "{}", listed(&many));
        assert_eq!(listed(&many[..2]), "0.0.0.0/8 and 1.0.0.0/8");
    }
}
