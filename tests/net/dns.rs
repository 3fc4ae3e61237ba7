use crate::support::{carry_out, failure, impatient, reading, subject};
use duo_doctor::failure::{DnsFailure, DnsKind, Failure};
use duo_doctor::probe::{Probe, Reading, Resolved};
use duo_doctor::subject::Subject;
use duo_doctor::subject::address::Target;
use duo_doctor::subject::dial::NameSource;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::UdpSocket;

/// What the name server says to a question for A and for AAAA: a code and addresses. `None`: nothing.
type Says = Option<(u8, &'static [&'static [u8]])>;

async fn name_server(a: Says, aaaa: Says) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let address = socket.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        while let Ok((_, from)) = socket.recv_from(&mut buffer).await {
            let end = 12 + buffer[12..].iter().position(|b| *b == 0).expect("a name") + 5;
            let (says, kind) = if buffer[end - 3] == 28 { (aaaa, 28) } else { (a, 1) };
            let Some((code, addresses)) = says else { continue };
            let count = u8::try_from(addresses.len()).expect("few addresses");
            let mut reply = vec![buffer[0], buffer[1], 0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0];
            reply.extend_from_slice(&buffer[12..end]);
            for address in addresses {
                let length = u8::try_from(address.len()).expect("an address");
                reply.extend_from_slice(&[0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, length]);
                reply.extend_from_slice(address);
            }
            let _ = socket.send_to(&reply, from).await;
        }
    });
    address
}

fn asking(server: SocketAddr, mut subject: Subject) -> Subject {
    subject.dial.names.clear();
    subject.dial.nameserver = Some(server);
    subject
}

fn resolve() -> Probe {
    Probe::Resolve(Target::new("gitlab.test", 443))
}

async fn dns_failure(subject: Subject) -> DnsFailure {
    match failure(subject, &resolve()).await.1 {
        Failure::Dns(failed) => failed,
        other => panic!("{other:?}"),
    }
}

async fn resolved(subject: Subject, probe: &Probe) -> Resolved {
    match reading(subject, probe).await {
        Reading::Resolved(resolved) => resolved,
        other => panic!("{other:?}"),
    }
}

const V4: &[u8] = &[192, 0, 2, 1];
const V6: &[u8] = &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

#[tokio::test]
async fn a_name_server_gives_addresses_by_turns_ipv6_first() {
    let server = name_server(Some((0, &[V4, &[192, 0, 2, 2]])), Some((0, &[V6]))).await;
    let resolved = resolved(asking(server, subject()), &resolve()).await;
    let addresses: Vec<String> = resolved.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses[0], "2001:db8::1");
    assert_eq!(addresses.len(), 3, "{addresses:?}");
    assert_eq!(resolved.source, NameSource::Nameserver(server));
    let answers: Vec<_> = resolved.lookups.iter().map(|l| (l.asked.as_str(), l.answer.as_str())).collect();
    assert_eq!(answers, [("A", "NOERROR"), ("AAAA", "NOERROR")]);
}

#[tokio::test]
async fn the_ways_in_which_a_name_does_not_resolve_are_told_apart() {
    for (says, kind, answer) in [
        (Some((3, [].as_slice())), DnsKind::NoSuchHost, "NXDOMAIN"),
        (Some((0, &[])), DnsKind::NoAddress, "NODATA"),
        (Some((2, &[])), DnsKind::ServerFailed, "SERVFAIL"),
        (Some((5, &[])), DnsKind::ServerFailed, "REFUSED"),
        (None, DnsKind::Timeout, "timeout"),
    ] {
        let server = name_server(says, says).await;
        let failed = dns_failure(asking(server, impatient())).await;
        assert_eq!((failed.kind, failed.servers.as_slice()), (kind, [server].as_slice()), "{failed:?}");
        assert!(failed.lookups.iter().all(|l| l.answer == answer), "{failed:?}");
        assert!(failed.after < Duration::from_secs(2), "{failed:?}");
    }
}

#[tokio::test]
async fn a_name_server_that_does_not_listen_gives_no_answer() {
    let closed = UdpSocket::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("an address");
    let failed = dns_failure(asking(closed, impatient())).await;
    assert_eq!(failed.kind, DnsKind::Timeout, "{failed:?}");
}

#[tokio::test]
async fn a_name_with_one_silent_type_resolves_and_the_silence_is_told() {
    let server = name_server(Some((0, &[V4])), None).await;
    let resolved = resolved(asking(server, impatient()), &resolve()).await;
    assert_eq!(resolved.addresses.len(), 1);
    let silent = resolved.lookups.iter().find(|l| l.asked == "AAAA").expect("a lookup");
    assert_eq!(silent.answer, "timeout");
}

#[tokio::test]
async fn an_address_is_taken_as_it_is() {
    let mut subject = subject();
    subject.dial.names.clear();
    let resolved = resolved(subject, &Probe::Resolve(Target::new("::1", 443))).await;
    assert_eq!((resolved.source, resolved.addresses.len()), (NameSource::Literal, 1));
}

#[tokio::test]
async fn the_systems_own_way_resolves_localhost() {
    let mut subject = subject();
    subject.dial.names.clear();
    let resolved = resolved(subject, &Probe::Resolve(Target::new("localhost", 443))).await;
    assert_eq!(resolved.source, NameSource::System);
    assert!(resolved.addresses.iter().all(std::net::IpAddr::is_loopback), "{resolved:?}");
}

#[tokio::test]
async fn connect_to_leads_elsewhere_and_says_so() {
    let to = crate::support::says("HTTP/1.1 204 No Content\r\n\r\n").await;
    let mut subject = subject();
    let rule = format!("gitlab.test:443:127.0.0.1:{}", to.port());
    subject.dial.names = vec![rule.parse::<duo_doctor::subject::dial::ConnectTo>().expect("a rule").0];
    let mut probe = crate::support::get(to, None);
    if let Probe::Walk(walk) = &mut probe {
        walk.target.port = 443;
    }
    let samples = carry_out(subject.clone(), &probe).await;
    let Some(Reading::Resolved(resolved)) = samples[0].reading() else { panic!("{samples:?}") };
    assert_eq!(resolved.source, NameSource::ConnectTo(Target::new("127.0.0.1", to.port())));
    assert!(matches!(samples.last().and_then(|s| s.reading()), Some(Reading::Answer(_))), "{samples:?}");
    let connect = Probe::Connect { target: Target::new("gitlab.test", 443), address: to.ip() };
    assert!(matches!(reading(subject, &connect).await, Reading::Connected(c) if c.address == to));
}
