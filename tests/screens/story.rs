//! The run that the pictures tell: a proxy re-signs TLS on the way out, Apache in front drops the upgrade.
//! Built by hand, event by event, so that every figure in a picture is fixed.

use duo_doctor::check::{Group, Note};
use duo_doctor::failure::certificate::Certificate;
use duo_doctor::failure::{
    Answer, Attempt, Failure, Headers, Layer, Lookup, TlsFailure, TlsKind, WebSocketFailure,
};
use duo_doctor::finding::{Code, Finding};
use duo_doctor::probe::{
    Connected, Listen, Outcome, Probe, Reading, Request, Resolved, Sample, Then, TlsAsk, Tunnel, Upgrade,
    Version, Walk,
};
use duo_doctor::run::event::{Ending, Event, Planned, Settled, Skip};
use duo_doctor::subject::About;
use duo_doctor::subject::address::Target;
use duo_doctor::subject::dial::NameSource;
use duo_doctor::subject::doors::Aim;
use duo_doctor::subject::place::{Endpoint, Stack};
use duo_doctor::subject::{Install, Node, Route, StoreId, Via};
use std::time::Duration;

/// How the story goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plot {
    /// Two causes.
    Broken,
    /// All is well.
    Healthy,
}

fn tenths(ms: u64) -> Duration {
    Duration::from_micros(ms * 100)
}

fn via() -> Via {
    Via::Proxy("http://squid.example.com:3128".parse().expect("a proxy's URL"))
}

fn about() -> About {
    let route = |id: &str, endpoint| Route {
        id: id.to_owned(),
        stacks: vec![Stack::Rails, Stack::Sidekiq],
        endpoint,
        via: via(),
        trust: StoreId(0),
        source: "http_proxy, read from /opt/gitlab/etc/gitlab-rails/env/http_proxy".to_owned(),
        and_not: Vec::new(),
        trusts: String::new(),
    };
    About {
        version: "0.1.0".to_owned(),
        data_date: "2026-09-30".to_owned(),
        instance: Some("https://gitlab.example.com".to_owned()),
        started_at: "2026-11-22T02:47:05Z".parse().expect("a time"),
        node: Node {
            hostname: Some("gl-rails-01".to_owned()),
            install: Some(Install::Omnibus),
            roles: vec!["rails".to_owned(), "sidekiq".to_owned()],
            gitlab_version: Some("18.9.1".to_owned()),
            edition: Some("ee".to_owned()),
            ..Node::default()
        },
        routes: vec![route("r1", Endpoint::Customers), route("r2", Endpoint::Cloud)],
        doors: Vec::new(),
        deployment: None,
        demo: None,
        deadline: Duration::from_secs(30),
        source: None,
    }
}

pub(crate) fn planned(id: &str, group: Group, title: &str, needs: &[usize]) -> Planned {
    let (check, place) = id.split_once('@').expect("an id");
    Planned {
        check: check.to_owned(),
        place: place.parse().expect("a place"),
        group,
        title: title.to_owned(),
        needs: needs.to_vec(),
    }
}

/// The plan: 2 + 12 + 4 steps.
pub(crate) fn steps() -> Vec<Planned> {
    let network = |id: &str, title: &str, needs: &[usize]| planned(id, Group::Network, title, needs);
    let inbound = |id: &str, title: &str, needs: &[usize]| planned(id, Group::Inbound, title, needs);
    vec![
        planned("gitlab@node", Group::Instance, "GitLab runs on this node", &[]),
        planned("clock@node", Group::Instance, "clock agrees", &[]),
        network("dns@customers", "name resolves", &[]),
        network("dns@cloud", "name resolves", &[]),
        network("proxy@customers/rails", "proxy lets through", &[2]),
        network("tls@customers/rails", "certificate is trusted", &[4]),
        network("http@customers/rails", "the right service answers", &[5]),
        network("latency@customers/rails", "round trip is short", &[5]),
        network("proxy@cloud/rails", "proxy lets through", &[3]),
        network("tls@cloud/rails", "certificate is trusted", &[8]),
        network("http@cloud/rails", "the right service answers", &[9]),
        network("latency@cloud/rails", "round trip is short", &[9]),
        inbound("reach@public", "GitLab answers over https", &[]),
        inbound("http2@public", "HTTP/2 is offered", &[12]),
        inbound("cable@public", "/-/cable takes the upgrade", &[12]),
        inbound("pings@public", "pings arrive", &[14]),
    ]
}

fn walk(host: &str, via: Via, then: Then) -> Probe {
    let tls = Some(TlsAsk::strict(StoreId(0)));
    Probe::Walk(Walk { target: Target::new(host, 443), via, tls, then, aim: Aim::Name, nth: 1 })
}

fn cable() -> Probe {
    walk("gitlab.example.com", Via::Direct, Then::Upgrade(upgrade("/-/cable")))
}

/// The handshake that a browser sends.
pub(crate) fn upgrade(path: &str) -> Upgrade {
    Upgrade {
        path: path.to_owned(),
        authority: "gitlab.example.com".to_owned(),
        origin: "https://gitlab.example.com".to_owned(),
        protocols: vec!["actioncable-v1-json".to_owned()],
        headers: Vec::new(),
        credential: None,
        message: None,
        version: Version::Http1,
        listen: Listen::FirstPing,
    }
}

pub(crate) fn read(layer: Layer, at: u64, took: u64, reading: Reading) -> Sample {
    Sample { layer, at: tenths(at), took: tenths(took), outcome: Outcome::Read(reading) }
}

pub(crate) fn failed(layer: Layer, at: u64, took: u64, failure: Failure) -> Sample {
    Sample { layer, at: tenths(at), took: tenths(took), outcome: Outcome::Failed(failure) }
}

pub(crate) fn certificate(subject: &str, issuer: &str, from: i64, until: i64) -> Certificate {
    Certificate {
        subject: subject.to_owned(),
        issuer: format!("CN={issuer}"),
        names: if subject.contains(' ') { Vec::new() } else { vec![subject.to_owned()] },
        not_before: from,
        not_after: until,
        self_issued: false,
        is_ca: subject.contains(' '),
        sha256: "8C1F52A0".to_owned(),
    }
}

pub(crate) fn headers(of: &[(&str, &str)]) -> Headers {
    Headers(of.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
}

/// Name, connection, CONNECT.
fn through_proxy() -> Vec<Sample> {
    let address = "10.20.0.5:3128".parse().expect("an address");
    let lookup = Lookup {
        asked: "getaddrinfo".to_owned(),
        answer: "NOERROR".to_owned(),
        addresses: vec!["10.20.0.5".parse().expect("an address")],
        took: tenths(12),
    };
    let attempt = Attempt { address, failed: None, words: String::new(), took: tenths(9) };
    vec![
        read(
            Layer::Dns,
            0,
            12,
            Reading::Resolved(Resolved {
                host: "squid.example.com".to_owned(),
                addresses: lookup.addresses.clone(),
                source: NameSource::System,
                lookups: vec![lookup],
            }),
        ),
        read(Layer::Tcp, 12, 9, Reading::Connected(Connected { address, attempts: vec![attempt] })),
        read(
            Layer::Proxy,
            21,
            87,
            Reading::Tunnel(Tunnel {
                proxy: Target::new("squid.example.com", 3128),
                status: 200,
                reason: "Connection established".to_owned(),
                headers: headers(&[("via", "squid/5.7")]),
            }),
        ),
    ]
}

fn refused_by(host: &str) -> Sample {
    let failure = TlsFailure {
        kind: TlsKind::UnknownIssuer,
        host: host.to_owned(),
        chain: vec![
            certificate(host, "Example Corp TLS Inspection 2", 1_795_132_800, 1_795_737_600),
            certificate(
                "Example Corp TLS Inspection 2",
                "Example Corp Root CA 2024",
                1_704_067_200,
                1_861_920_000,
            ),
        ],
        public: Some(false),
        first_bytes: String::new(),
        words: "invalid peer certificate: UnknownIssuer".to_owned(),
        received: 0,
        after: tenths(199),
    };
    failed(Layer::Tls, 108, 199, Failure::Tls(Box::new(failure)))
}

/// The finding of an upgrade that got lost.
pub(crate) fn lost_at(hop: &str, product: &str, status: &str) -> Finding {
    let args = [
        ("url", "https://gitlab.example.com/-/cable"),
        ("host", "gitlab.example.com"),
        ("hop", hop),
        ("path", "/-/cable"),
        ("product", product),
        ("status", status),
    ];
    let args = args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Finding { code: Code::WebsocketUpgradeStripped, args }
}

/// The answer that says so in Workhorse's words.
pub(crate) fn required(server: &[(&str, &str)]) -> Answer {
    let others = [("connection", "close"), ("content-type", "text/plain")];
    let all: Vec<(&str, &str)> = server.iter().chain(&others).copied().collect();
    Answer {
        version: "HTTP/1.1".to_owned(),
        status: 400,
        reason: "Bad Request".to_owned(),
        headers: headers(&all),
        body: "websocket upgrade required\n".to_owned(),
        body_bytes: 27,
        cut: false,
        date: None,
        received: 0,
        settings: Vec::new(),
        pieces: Vec::new(),
    }
}

fn stripped() -> Sample {
    let answer = required(&[("server", "Apache/2.4.57 (Debian)")]);
    failed(Layer::Upgrade, 30, 480, Failure::WebSocket(WebSocketFailure::Refused(Box::new(answer))))
}

pub(crate) struct Log(pub(crate) Vec<Event>);

impl Log {
    pub(crate) fn ask(
        &mut self,
        steps: &[usize],
        probe: usize,
        what: Probe,
        until: Layer,
        samples: Vec<Sample>,
    ) {
        let mut what = Some(Box::new(what));
        for step in steps {
            let what = what.take();
            self.0.push(Event::Asked { step: *step, probe, what, from: until, until });
            self.0.push(Event::Started { step: *step, at: tenths(1) });
        }
        let came = |sample| Event::Sampled { probe, sample: Box::new(sample) };
        self.0.extend(samples.into_iter().map(came));
    }

    pub(crate) fn settle(&mut self, step: usize, how: Settled, ms: u64) {
        self.0.push(Event::Settled { step, how, at: Duration::from_millis(ms) });
    }

    pub(crate) fn pass(&mut self, step: usize, summary: &str, figure: &str, ms: u64) {
        let note = Note { summary: summary.to_owned(), figure: Some(figure.to_owned()), until: None };
        self.settle(step, Settled::Pass(note), ms);
    }
}

/// Every event, in order; the last one is the end.
pub(crate) fn events(plot: Plot) -> Vec<Event> {
    let mut log = Log(vec![Event::Planned { about: Box::new(about()), steps: steps() }]);
    let hosts = [(2, "customers.gitlab.com", 0), (3, "cloud.gitlab.com", 1)];
    for (step, host, probe) in hosts {
        log.ask(&[step], probe, Probe::Resolve(Target::new(host, 443)), Layer::Dns, Vec::new());
    }
    for (first, host, probe) in [(4, "customers.gitlab.com", 2), (8, "cloud.gitlab.com", 3)] {
        let mut samples = through_proxy();
        if plot == Plot::Broken {
            samples.push(refused_by(host));
        }
        let what = walk(host, via(), Then::Request(Request::get("/")));
        log.ask(&[first], probe, what, Layer::Proxy, samples);
        for (step, layer) in [(first + 1, Layer::Tls), (first + 2, Layer::Http)] {
            log.0.push(Event::Asked { step, probe, what: None, from: layer, until: layer });
            log.0.push(Event::Started { step, at: tenths(2) });
        }
    }
    let samples = if plot == Plot::Broken { vec![stripped()] } else { Vec::new() };
    log.ask(&[14], 4, cable(), Layer::Upgrade, samples);
    log.0.push(Event::Asked { step: 15, probe: 4, what: None, from: Layer::Welcome, until: Layer::Ping });
    log.0.push(Event::Started { step: 15, at: tenths(3) });
    log.pass(0, "GitLab 18.9.1-ee", "18.9.1-ee", 10);
    log.pass(2, "104.18.26.123", "4 ms", 12);
    log.pass(3, "104.18.27.123", "4 ms", 13);
    log.pass(12, "GitLab 18.9.1 answers", "22 ms", 40);
    log.pass(13, "h2 is offered", "h2", 41);
    for (step, host) in [(4, "customers.gitlab.com"), (8, "cloud.gitlab.com")] {
        log.pass(step, "200 from squid", "9 ms", 50);
        match plot {
            Plot::Broken => {
                let finding = Finding::new(
                    Code::TlsUnknownIssuer,
                    &[
                        ("host", host),
                        ("issuer", "Example Corp Root CA 2024"),
                        ("store", "GitLab's own store"),
                    ],
                );
                log.settle(step + 1, Settled::Findings(vec![finding]), 60);
                log.settle(step + 2, Settled::Blocked { by: step + 1 }, 60);
                log.settle(step + 3, Settled::Blocked { by: step + 1 }, 60);
            }
            Plot::Healthy => {
                log.pass(step + 1, "GTS WE1, public", "33 ms", 60);
                log.pass(step + 2, "GitLab's service", "44 ms", 90);
                log.pass(step + 3, "5 samples", "38 ms", 120);
            }
        }
    }
    match plot {
        Plot::Broken => {
            log.settle(14, Settled::Findings(vec![lost_at("front end", "Apache", "400")]), 70);
            log.settle(15, Settled::Blocked { by: 14 }, 70);
        }
        Plot::Healthy => {
            log.pass(14, "101 and welcome", "12 ms", 70);
            log.pass(15, "a ping every 3 s", "3.0 s", 3_200);
        }
    }
    let why = "no answer carried a date".to_owned();
    log.settle(1, Settled::Skip { kind: Skip::NotAsked, why, want: None }, 3_300);
    log.0.push(Event::Finished { at: Duration::from_millis(3_400), how: Ending::Complete });
    log.0
}

/// The story with every way of the node: Rails and Sidekiq share theirs, Workhorse trusts the system's roots too,
/// gRPC's way and the shell's are known and not walked.
pub(crate) fn events_with_every_way(plot: Plot) -> Vec<Event> {
    let mut events = events(plot);
    let from = steps().len();
    let way = |id: &str, title: &str, needs: &[usize]| planned(id, Group::Network, title, needs);
    if let Some(Event::Planned { about, steps }) = events.first_mut() {
        about.routes = every_way();
        about.node.roles.push("workhorse".to_owned());
        steps.extend([
            way("proxy@cloud/workhorse", "proxy lets through", &[3]),
            way("tls@cloud/workhorse", "certificate is trusted", &[from]),
            way("http@cloud/workhorse", "the right service answers", &[from + 1]),
        ]);
    }
    let end = events.pop();
    let mut log = Log(events);
    let what = walk("cloud.gitlab.com", via(), Then::Request(Request::get("/")));
    log.ask(&[from], 5, what, Layer::Proxy, through_proxy());
    for (step, layer) in [(from + 1, Layer::Tls), (from + 2, Layer::Http)] {
        log.0.push(Event::Asked { step, probe: 5, what: None, from: layer, until: layer });
        log.0.push(Event::Started { step, at: tenths(2) });
    }
    log.pass(from, "200 from squid", "8 ms", 50);
    log.pass(from + 1, "Example Corp Root CA 2024, trusted", "27 ms", 60);
    log.pass(from + 2, "GitLab's service", "44 ms", 90);
    log.0.extend(end);
    log.0
}

fn every_way() -> Vec<Route> {
    const OWN: &str = "GitLab's own store /opt/gitlab/embedded/ssl/cert.pem and certs/, 142 roots";
    const BOTH: &str = "GitLab's certs/ and the system's store, 143 roots";
    const SYSTEM: &str = "the system's store /etc/ssl/certs/ca-certificates.crt, 143 roots";
    const RUBY: &str = "http_proxy, from /opt/gitlab/etc/gitlab-rails/env/http_proxy";
    const GO: &str = "https_proxy, from /opt/gitlab/etc/gitlab-workhorse/env/https_proxy";
    const IGNORED: &str = "https_proxy is set too, but Ruby never reads it here";
    let route = |endpoint, stacks: &[Stack], via, (store, trusts): (usize, &str), source: &str| Route {
        id: format!("{endpoint}/{}", stacks[0]),
        stacks: stacks.to_vec(),
        endpoint,
        via,
        trust: StoreId(store),
        source: source.to_owned(),
        and_not: if source == RUBY { vec![IGNORED.to_owned()] } else { Vec::new() },
        trusts: trusts.to_owned(),
    };
    let ruby = |endpoint| route(endpoint, &[Stack::Rails, Stack::Sidekiq], via(), (1, OWN), RUBY);
    let workhorse = |endpoint| route(endpoint, &[Stack::Workhorse], via(), (2, BOTH), GO);
    let shell =
        |endpoint| route(endpoint, &[Stack::Shell], via(), (0, SYSTEM), "https_proxy, from this shell");
    let grpc = route(Endpoint::Workflow, &[Stack::Grpc], Via::Direct, (1, OWN), "no proxy variable applies");
    vec![
        ruby(Endpoint::Customers),
        shell(Endpoint::Customers),
        ruby(Endpoint::Cloud),
        workhorse(Endpoint::Cloud),
        shell(Endpoint::Cloud),
        workhorse(Endpoint::Workflow),
        grpc,
        shell(Endpoint::Workflow),
    ]
}

/// The story up to where names and proxy are known and the rest runs.
pub(crate) fn half(plot: Plot) -> Vec<Event> {
    let all = events(plot);
    let tls = |e: &Event| matches!(e, Event::Settled { step: 9, .. });
    let at = all.iter().position(tls).expect("the story has that step");
    all.into_iter().take(at).collect()
}
