//! `latency`: how far away a service is, and whether packets get lost on the way.

use super::{by, slice, walk, ways};
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::serves;
use crate::failure::Layer;
use crate::finding::Code;
use crate::probe::{OnBadCertificate, Probe, Reading, Then, TlsAsk, Walk};
use crate::subject::doors::Aim;
use crate::subject::place::Place;
use crate::subject::{Route, Subject};
use crate::text;
use std::time::Duration;

/// The round trip is short.
pub(in crate::checks) static LATENCY: Check = Check {
    id: "latency",
    title: "round trip is short",
    group: Group::Network,
    about: "Five handshakes at once: the median time to connect, that of TLS, how much they differ, what was resent.",
    codes: &[Code::LatencyHigh, Code::PacketLossSuspected],
    needs: &["http"],
    serves: serves::nothing,
    places: ways,
    ask,
    judge,
};

/// Enough to tell a single slow one from the rule, and few enough to be no load.
const SAMPLES: u8 = 5;
/// Limits of `field-notes.md` 37.
const CONNECT: Duration = Duration::from_millis(300);
const HANDSHAKE: Duration = Duration::from_secs(1);
const JITTER: Duration = Duration::from_millis(300);
/// The first retransmission of a SYN comes after 1 s (RFC 6298): a connect that took so long lost one.
const RESENT: Duration = Duration::from_millis(900);

/// The samples, once the walk of the way has been answered: all at the address that it took.
fn samples(subject: &Subject, place: Place, seen: Seen) -> Vec<Probe> {
    let (Some(walked), Some(route)) = (walk(subject, place), subject.route(place)) else { return Vec::new() };
    // How far a service is does not depend on whom its certificate convinces: ways that differ in that alone share
    // their samples.
    let alike = |r: &&Route| r.endpoint == route.endpoint && r.via == route.via;
    let trust = subject.examined().find(alike).map_or(route.trust, |r| r.trust);
    let onlooker = |tls: &mut TlsAsk| tls.on_bad_certificate = OnBadCertificate::Record;
    let (Reached::Here(Reading::Connected(connected)), Reached::Here(_), Some(Probe::Walk(way))) = (
        seen.reached(&walked, Layer::Tcp),
        seen.reached(&walked, Layer::Http),
        by(subject, route, &route.via, trust, onlooker, Then::Close),
    ) else {
        return Vec::new();
    };
    let address = connected.address;
    (1..=SAMPLES).map(|nth| Probe::Walk(Walk { aim: Aim::Address(address), nth, ..way.clone() })).collect()
}

fn ask(subject: &Subject, place: Place, seen: Seen) -> Vec<Ask> {
    match samples(subject, place, seen) {
        none if none.is_empty() => slice(subject, place, Layer::Http, Layer::Http),
        samples => samples.into_iter().map(|p| Ask::layers(p, Layer::Tcp, Layer::Tls)).collect(),
    }
}

fn judge(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    let host = place.endpoint().and_then(|e| subject.target(e)).map(|t| t.host).unwrap_or_default();
    let probes = samples(subject, place, seen);
    // The connection to a proxy is short; the way behind it shows in the time that CONNECT takes.
    let connect = |p: &Probe| {
        let tcp = seen.sample(p, Layer::Tcp).filter(|s| s.reading().is_some())?.took;
        let proxy = seen.sample(p, Layer::Proxy).map_or(Duration::ZERO, |s| s.took);
        Some(tcp + proxy)
    };
    let handshake = |p: &Probe| Some(seen.sample(p, Layer::Tls).filter(|s| s.reading().is_some())?.took);
    let mut connects: Vec<Duration> = probes.iter().filter_map(connect).collect();
    let mut handshakes: Vec<Duration> = probes.iter().filter_map(handshake).collect();
    if connects.len() < 3 || handshakes.len() < 3 {
        return Verdict::Unknown(format!("only {} of {SAMPLES} handshakes came through", handshakes.len()));
    }
    connects.sort_unstable();
    handshakes.sort_unstable();
    let (tcp, tls) = (connects[connects.len() / 2], handshakes[handshakes.len() / 2]);
    let before = walk(subject, place).as_ref().and_then(connect);
    if let Some(resent) = resent(&connects, before) {
        let (times, samples) = (resent.to_string(), connects.len().to_string());
        let args = [("host", host.as_str()), ("times", &times), ("samples", &samples)];
        return Verdict::found(Code::PacketLossSuspected, &args);
    }
    let slowest = connects[connects.len() - 1];
    let far = |figure: String, limit: String| {
        Verdict::found(Code::LatencyHigh, &[("host", &host), ("figure", &figure), ("limit", &limit)])
    };
    if tcp > CONNECT {
        return far(format!("median connect {}", text::duration(tcp)), text::duration(CONNECT));
    }
    if tls > HANDSHAKE {
        return far(format!("median TLS handshake {}", text::duration(tls)), text::duration(HANDSHAKE));
    }
    if slowest > 3 * tcp && slowest > JITTER {
        return far(
            format!("connects take {} to {}", text::duration(connects[0]), text::duration(slowest)),
            format!("{} and three times the median", text::duration(JITTER)),
        );
    }
    let summary = format!(
        "Median of {}: connect {}, TLS {}.",
        connects.len(),
        text::duration(tcp),
        text::duration(tls)
    );
    Verdict::pass_with(summary, text::duration(tcp))
}

/// How many of some connects lost their first packet, where packets get lost; `None`: no such sign.
///
/// One may be chance, and a way may be so long that each takes this long: a short connect, among them or `before`
/// them, shows that it is not.
fn resent(connects: &[Duration], before: Option<Duration>) -> Option<usize> {
    let resent = connects.iter().filter(|c| **c >= RESENT).count();
    let shortest = connects.iter().copied().chain(before).min()?;
    (resent >= 2 && shortest < RESENT).then_some(resent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_get_lost_where_two_connects_take_a_resend_and_another_does_not() {
        let ms = Duration::from_millis;
        let rows: [(&[u64], Option<u64>, Option<usize>); 6] = [
            (&[20, 20, 21, 1020, 1021], None, Some(2)),
            (&[20, 20, 21, 22, 1021], None, None),
            (&[20, 20, 21, 22, 23], Some(1020), None),
            (&[1020, 1020, 1021, 1022, 1023], Some(20), Some(5)),
            (&[1020, 1020, 1021, 1022, 1023], Some(1020), None),
            (&[1020, 1020, 1021, 1022, 1023], None, None),
        ];
        for (connects, before, wanted) in rows {
            let connects: Vec<Duration> = connects.iter().map(|c| ms(*c)).collect();
            assert_eq!(resent(&connects, before.map(ms)), wanted, "{connects:?} {before:?}");
        }
    }
}
