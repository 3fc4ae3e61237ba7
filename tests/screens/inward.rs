//! The story with the doors behind the public one tried too: which hop loses the upgrade is the plot.

use super::story::{self, Log, Plot};
use duo_doctor::check::Group;
use duo_doctor::failure::{Attempt, Failure, Layer, WebSocketFailure};
use duo_doctor::probe::{
    Connected, Method, Probe, Reading, Request, Sample, Then, Tls, TlsAsk, Upgrade, Upgraded, Version, Walk,
};
use duo_doctor::run::event::{Event, Settled};
use duo_doctor::subject::address::Target;
use duo_doctor::subject::doors::{Aim, DoorAbout};
use duo_doctor::subject::place::Door;
use duo_doctor::subject::{StoreId, Via};
use std::time::Duration;

/// Which hop lost the upgrade, and which doors there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Apache in front; all behind it is well.
    FrontEnd,
    /// Somebody before this node, who does not say his name.
    Unknown,
    /// GitLab's own NGINX.
    Nginx,
    /// Puma refuses at every door.
    Puma,
    /// Nobody.
    Healthy,
    /// Apache, and NGINX is turned off on this node.
    NginxOff,
    /// Apache, seen from a machine without GitLab.
    Client,
}

pub(crate) const SOCKET: &str = "/var/opt/gitlab/gitlab-workhorse/sockets/socket";
const CONF: &str = "/var/opt/gitlab/nginx/conf/service_conf/gitlab-rails.conf";
pub(crate) const NO_GITLAB: &str = "no GitLab on this machine: only what can be seen from outside is checked";

fn about(way: Way) -> Vec<DoorAbout> {
    let door = |door, address: Option<&str>, source: &str| DoorAbout {
        door,
        address: address.map(str::to_owned),
        source: source.to_owned(),
    };
    let public = door(Door::Public, Some("gitlab.example.com:443"), "external_url");
    let nginx = door(Door::Nginx, Some("10.20.0.11:443"), CONF);
    let workhorse = door(Door::Workhorse, Some(SOCKET), "/opt/gitlab/sv/gitlab-workhorse/run");
    match way {
        Way::Client => {
            vec![public, door(Door::Nginx, None, NO_GITLAB), door(Door::Workhorse, None, NO_GITLAB)]
        }
        Way::NginxOff => {
            let off = "nginx['enable'] = false (/etc/gitlab/gitlab.rb, line 12)";
            vec![public, door(Door::Nginx, None, off), workhorse]
        }
        Way::FrontEnd | Way::Unknown | Way::Nginx | Way::Puma | Way::Healthy => {
            vec![public, nginx, workhorse]
        }
    }
}

fn aim(door: Door) -> Aim {
    match door {
        Door::Public => Aim::Name,
        Door::Nginx => Aim::Address("10.20.0.11:443".parse().expect("an address")),
        Door::Workhorse => Aim::Socket(SOCKET.into()),
    }
}

fn probe(door: Door, then: Then) -> Probe {
    let tls = (door != Door::Workhorse).then(|| TlsAsk::lenient(StoreId(0)));
    Probe::Walk(Walk {
        target: Target::new("gitlab.example.com", 443),
        via: Via::Direct,
        tls,
        then,
        aim: aim(door),
        nth: 1,
    })
}

fn connected(address: &str) -> Sample {
    let address = address.parse().expect("an address");
    let attempt = Attempt { address, failed: None, words: String::new(), took: Duration::from_micros(900) };
    story::read(Layer::Tcp, 10, 9, Reading::Connected(Connected { address, attempts: vec![attempt] }))
}

fn channel() -> Sample {
    let tls = Tls {
        host: "gitlab.example.com".to_owned(),
        version: "TLS 1.3".to_owned(),
        cipher: "TLS13_AES_256_GCM_SHA384".to_owned(),
        alpn: Some("http/1.1".to_owned()),
        chain: vec![story::certificate("gitlab.example.com", "R11", 1_792_368_000, 1_800_576_000)],
        public: true,
        bad_certificate: None,
        client_certificate_asked: false,
        server_hello: None,
    };
    story::read(Layer::Tls, 19, 11, Reading::Tls(Box::new(tls)))
}

fn opened(took: u64) -> Vec<Sample> {
    let headers = story::headers(&[
        ("server", "nginx"),
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-protocol", "actioncable-v1-json"),
    ]);
    let up = Upgraded { protocol: Some("actioncable-v1-json".to_owned()), headers };
    vec![
        story::read(Layer::Upgrade, 30, took, Reading::Upgraded(up)),
        story::read(Layer::Welcome, 30 + took, 4, Reading::Welcome),
        story::read(Layer::Ping, 34 + took, 30_000, Reading::Ping { after: Duration::from_secs(3) }),
    ]
}

fn refused(server: &[(&str, &str)], took: u64) -> Sample {
    let answer = story::required(server);
    let failure = Failure::WebSocket(WebSocketFailure::Refused(Box::new(answer)));
    story::failed(Layer::Upgrade, 30, took, failure)
}

/// What answers at the public door says of itself.
fn front(way: Way) -> [(&'static str, &'static str); 1] {
    match way {
        Way::FrontEnd | Way::NginxOff | Way::Client => [("server", "Apache/2.4.57 (Debian)")],
        Way::Unknown | Way::Nginx | Way::Puma | Way::Healthy => [("server", "nginx")],
    }
}

/// The handshake at an inner door carries what the hop before it would add.
fn handshake(door: Door, path: &str) -> Upgrade {
    let mut upgrade = story::upgrade(path);
    if door == Door::Workhorse {
        let forwarded = [("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Proto", "https")];
        upgrade.headers = forwarded.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
    }
    upgrade
}

/// Every event of the story, with the checks at every door.
pub(crate) fn events(way: Way) -> Vec<Event> {
    let plot = if way == Way::Healthy { Plot::Healthy } else { Plot::Broken };
    let mut events = story::events(plot);
    let end = events.pop();
    let from = story::steps().len();
    let doors: Vec<Door> = about(way).iter().filter(|d| d.address.is_some()).map(|d| d.door).collect();
    let inner: Vec<Door> = doors.iter().copied().filter(|d| *d != Door::Public).collect();
    let step = |id: String, title: &str, needs: &[usize]| story::planned(&id, Group::Inbound, title, needs);
    let mut plan = vec![
        step("certificate@public".to_owned(), "clients trust the certificate", &[12]),
        step("workflow-socket@public".to_owned(), "agent WebSocket opens", &[12]),
    ];
    for door in &inner {
        let first = from + plan.len();
        plan.extend([
            step(format!("reach@{door}"), "GitLab answers over https", &[]),
            step(format!("health@{door}"), "GitLab is ready", &[first]),
            step(format!("cable@{door}"), "/-/cable takes the upgrade", &[first]),
            step(format!("pings@{door}"), "pings arrive", &[first + 2]),
            step(format!("workflow-socket@{door}"), "agent WebSocket opens", &[first]),
        ]);
    }
    if let Some(Event::Planned { about: known, steps }) = events.first_mut() {
        known.doors = about(way);
        if way == Way::Client {
            known.node.install = None;
            known.node.roles.clear();
            known.node.gitlab_version = None;
        }
        steps.extend(plan);
    }
    // The public door's handshake: the connection before it, and another product where the story has one.
    let public = events.iter().position(|e| matches!(e, Event::Sampled { probe: 4, .. }));
    let public = public
        .or_else(|| events.iter().position(|e| matches!(e, Event::Asked { probe: 4, .. })).map(|i| i + 1));
    let mut answers = match way {
        Way::Healthy => opened(120),
        Way::FrontEnd | Way::Unknown | Way::Nginx | Way::Puma | Way::NginxOff | Way::Client => {
            vec![refused(&front(way), 480)]
        }
    };
    let at = public.expect("the story has that probe");
    if way != Way::Healthy {
        events.remove(at);
    }
    let mut samples = vec![connected("203.0.113.20:443"), channel()];
    samples.append(&mut answers);
    for sample in samples.into_iter().rev() {
        events.insert(at, Event::Sampled { probe: 4, sample: Box::new(sample) });
    }
    let named = match way {
        Way::Unknown => Some(("between DNS and this node's NGINX", "unknown")),
        Way::Nginx => Some(("this node's NGINX", "NGINX")),
        Way::Puma => Some(("Puma", "unknown")),
        Way::FrontEnd | Way::Healthy | Way::NginxOff | Way::Client => None,
    };
    for event in &mut events {
        if let (Event::Settled { step: 14, how: Settled::Findings(found), .. }, Some((hop, product))) =
            (&mut *event, named)
        {
            *found = vec![story::lost_at(hop, product, "400")];
        }
    }
    let mut log = Log(events);
    log.pass(from, "R11, public", "to 22 Jan 2027", 40);
    let lost = |door: Door| match way {
        Way::Puma => true,
        Way::Nginx => door == Door::Nginx,
        Way::FrontEnd | Way::Unknown | Way::Healthy | Way::NginxOff | Way::Client => false,
    };
    let finding = || {
        let (hop, product) = named.unwrap_or(("front end", "Apache"));
        story::lost_at(hop, product, "400")
    };
    // Steps before the probe's number: the controls of the public door.
    let mut next = 5;
    let mut ask = |log: &mut Log, step: usize, what: Probe, samples: Vec<Sample>| {
        // A control is asked while the step runs; it does not begin anew.
        let before = log.0.len();
        log.ask(&[step], next, what, Layer::Upgrade, samples);
        if step == 14 {
            log.0.remove(before + 1);
        }
        next += 1;
    };
    if way != Way::Healthy {
        let origin = Upgrade { origin: "https://elsewhere.example".to_owned(), ..story::upgrade("/-/cable") };
        ask(&mut log, 14, probe(Door::Public, Then::Upgrade(origin)), vec![refused(&front(way), 31)]);
        let bare = Then::Request(Request {
            method: Method::Get,
            headers: vec![("Origin".to_owned(), "https://gitlab.example.com".to_owned())],
            ..Request::get("/-/cable")
        });
        let answer = Reading::Answer(Box::new(story::required(&[])));
        let innermost = inner.last().copied().unwrap_or(Door::Public);
        ask(&mut log, 14, probe(innermost, bare), vec![story::read(Layer::Http, 90, 12, answer)]);
        let h2 = Upgrade { version: Version::Http2, ..story::upgrade("/-/cable") };
        let words = "the server takes no WebSocket over HTTP/2 (RFC 8441)".to_owned();
        let failure = Failure::WebSocket(WebSocketFailure::BadHandshake { words });
        ask(
            &mut log,
            14,
            probe(Door::Public, Then::Upgrade(h2)),
            vec![story::failed(Layer::Upgrade, 99, 9, failure)],
        );
        let answer = Reading::Answer(Box::new(story::required(&front(way))));
        ask(&mut log, 14, probe(Door::Public, Then::Nonsense), vec![story::read(Layer::Http, 99, 9, answer)]);
    }
    let agent = "/api/v4/ai/duo_workflows/ws";
    let public = if way == Way::Healthy { opened(110) } else { vec![refused(&front(way), 440)] };
    ask(&mut log, from + 1, probe(Door::Public, Then::Upgrade(handshake(Door::Public, agent))), public);
    if way == Way::Healthy {
        log.pass(from + 1, "101 Switching Protocols", "11 ms", 80);
    } else {
        log.settle(from + 1, Settled::Findings(vec![finding()]), 80);
    }
    for (i, door) in inner.iter().enumerate() {
        let first = from + 2 + 5 * i;
        log.pass(first, "GitLab 18.9.1 answers", if *door == Door::Nginx { "3.1 ms" } else { "2.0 ms" }, 40);
        log.pass(first + 1, "ready", "ready", 45);
        let took = if *door == Door::Nginx { 90 } else { 40 };
        let mut samples = if *door == Door::Nginx { vec![connected("10.20.0.11:443")] } else { Vec::new() };
        if lost(*door) {
            samples.push(refused(&[("server", "nginx")], took));
        } else {
            samples.extend(opened(took));
        }
        ask(&mut log, first + 2, probe(*door, Then::Upgrade(handshake(*door, "/-/cable"))), samples.clone());
        log.0.push(Event::Asked {
            step: first + 3,
            probe: next_of(&log),
            what: None,
            from: Layer::Welcome,
            until: Layer::Ping,
        });
        if lost(*door) {
            log.settle(first + 2, Settled::Findings(vec![finding()]), 90);
            log.settle(first + 3, Settled::Blocked { by: first + 2 }, 90);
        } else {
            let ms = if *door == Door::Nginx { "9.0 ms" } else { "4.0 ms" };
            log.pass(first + 2, "101 and welcome", ms, 90);
            log.pass(first + 3, "a ping every 3 s", "3.0 s", 3_200);
        }
        ask(&mut log, first + 4, probe(*door, Then::Upgrade(handshake(*door, agent))), samples);
        if lost(*door) {
            log.settle(first + 4, Settled::Findings(vec![finding()]), 95);
        } else {
            log.pass(first + 4, "101 Switching Protocols", "8.0 ms", 95);
        }
    }
    log.0.extend(end);
    log.0
}

/// The number of the newest probe.
fn next_of(log: &Log) -> usize {
    let asked = log.0.iter().filter(|e| matches!(e, Event::Asked { what: Some(_), .. }));
    asked.count() - 1
}
