//! Runs for the tests, folded from events made by hand.

use duo_doctor::check::{Group, Note};
use duo_doctor::failure::certificate::Certificate;
use duo_doctor::failure::{Attempt, Failure, Layer, TlsFailure, TlsKind};
use duo_doctor::finding::{Code, Finding};
use duo_doctor::probe::{Connected, Outcome, Probe, Reading, Request, Resolved, Sample, Then, TlsAsk, Walk};
use duo_doctor::report::{Format, Options, Redaction, render};
use duo_doctor::run::Run;
use duo_doctor::run::event::{Ending, Event, Planned, Settled, Skip};
use duo_doctor::subject::About;
use duo_doctor::subject::address::Target;
use duo_doctor::subject::dial::NameSource;
use duo_doctor::subject::doors::Aim;
use duo_doctor::subject::place::{Endpoint, Stack};
use duo_doctor::subject::{HostsEntry, Install, Node, Route, StoreId, Via};
use std::net::SocketAddr;
use std::time::Duration;
pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) fn place(text: &str) -> duo_doctor::subject::place::Place {
    text.parse().expect("a place")
}

/// A run in the making: steps with how they settle, and the probes they were judged by.
pub(crate) struct Story {
    pub(crate) about: About,
    steps: Vec<Planned>,
    events: Vec<Event>,
    probes: usize,
    at: u64,
}

impl Story {
    pub(crate) fn new() -> Self {
        let proxy: duo_doctor::subject::address::ProxyUrl =
            "http://user:hunter2@squid.acme.corp:3128".parse().expect("a proxy");
        let node = Node {
            hostname: Some("gl-rails-01".into()),
            install: Some(Install::Omnibus),
            roles: vec!["rails".into(), "sidekiq".into()],
            gitlab_version: Some("18.9.1".into()),
            edition: Some("ee".into()),
            hosts: vec![HostsEntry {
                address: "10.20.0.11".parse().expect("an address"),
                names: vec!["gitlab.acme.corp".into()],
            }],
            nameservers: vec!["10.20.0.2:53".parse().expect("an address")],
        };
        let route = |id: &str, endpoint| Route {
            id: id.into(),
            stacks: vec![Stack::Rails, Stack::Sidekiq],
            endpoint,
            via: Via::Proxy(proxy.clone()),
            trust: StoreId(0),
            source: "https_proxy in /opt/gitlab/etc/gitlab-rails/env".into(),
            and_not: vec!["no_proxy has wiki.acme.corp: that is no host of Duo".into()],
            trusts: "the roots of pki.acme.corp, 142 roots".into(),
        };
        let about = About {
            version: "0.1.0".into(),
            data_date: "2026-09-30".into(),
            instance: Some("https://gitlab.acme.corp".into()),
            started_at: "2026-11-22T02:47:05Z".parse().expect("a time"),
            node,
            routes: vec![route("r1", Endpoint::Customers), route("r2", Endpoint::Cloud)],
            doors: Vec::new(),
            deployment: None,
            demo: None,
            deadline: Duration::from_secs(30),
            source: None,
        };
        Self { about, steps: Vec::new(), events: Vec::new(), probes: 0, at: 10 }
    }

    pub(crate) fn step(
        &mut self,
        check: &str,
        at: &str,
        group: Group,
        needs: &[usize],
        how: Settled,
    ) -> usize {
        let step = self.steps.len();
        let title = format!("{check} holds");
        let check = check.to_owned();
        self.steps.push(Planned { check, place: place(at), group, title, needs: needs.to_vec() });
        self.events.push(Event::Started { step, at: ms(self.at) });
        self.at += 10;
        self.events.push(Event::Settled { step, how, at: ms(self.at) });
        step
    }

    pub(crate) fn probe(
        &mut self,
        step: usize,
        what: Probe,
        from: Layer,
        until: Layer,
        samples: Vec<Sample>,
    ) {
        let probe = self.probes;
        self.probes += 1;
        let what = Some(Box::new(what));
        self.events.push(Event::Asked { step, probe, what, from, until });
        for sample in samples {
            self.events.push(Event::Sampled { probe, sample: Box::new(sample) });
        }
    }

    pub(crate) fn end(self, how: Ending) -> Vec<Event> {
        let mut events = vec![Event::Planned { about: Box::new(self.about), steps: self.steps }];
        events.extend(self.events);
        events.push(Event::Finished { at: ms(3_400), how });
        events
    }
}

pub(crate) fn sample(layer: Layer, at: u64, took: u64, outcome: Outcome) -> Sample {
    Sample { layer, at: ms(at), took: ms(took), outcome }
}

pub(crate) fn pass(summary: &str) -> Settled {
    Settled::Pass(Note { summary: summary.into(), ..Note::default() })
}

pub(crate) fn found(code: Code, args: &[(&str, &str)]) -> Settled {
    Settled::Findings(vec![Finding::new(code, args)])
}

pub(crate) fn walk(host: &str) -> Probe {
    Probe::Walk(Walk {
        target: Target::new(host, 443),
        via: Via::Proxy("http://squid.acme.corp:3128".parse().expect("a proxy")),
        tls: Some(TlsAsk::strict(StoreId(0))),
        then: Then::Request(Request::get("/")),
        aim: Aim::Name,
        nth: 1,
    })
}

pub(crate) fn certificate(subject: &str, issuer: &str, is_ca: bool) -> Certificate {
    Certificate {
        subject: subject.into(),
        issuer: issuer.into(),
        names: vec![subject.into()],
        not_before: 1_763_000_000,
        not_after: 1_764_000_000,
        self_issued: false,
        is_ca,
        sha256: "8C1F52A0".into(),
    }
}

const ISSUER: &str = "CN=Acme TLS Inspection 2, O=Acme Corp";

pub(crate) fn intercepted_samples(host: &str) -> Vec<Sample> {
    let address: SocketAddr = "10.20.0.5:3128".parse().expect("an address");
    let resolved = Resolved {
        host: "squid.acme.corp".into(),
        addresses: vec![address.ip(), "fd00::5".parse().expect("an address")],
        source: NameSource::System,
        lookups: Vec::new(),
    };
    let attempt = Attempt { address, failed: None, words: String::new(), took: ms(1) };
    let failure = TlsFailure {
        kind: TlsKind::UnknownIssuer,
        host: host.into(),
        chain: vec![
            certificate(host, ISSUER, false),
            certificate("Acme TLS Inspection 2", "CN=Acme Root", true),
        ],
        public: Some(false),
        first_bytes: String::new(),
        words: "invalid peer certificate: UnknownIssuer".into(),
        after: ms(20),
        received: 1_763_500_000,
    };
    vec![
        sample(Layer::Dns, 10, 1, Outcome::Read(Reading::Resolved(resolved))),
        sample(
            Layer::Tcp,
            11,
            1,
            Outcome::Read(Reading::Connected(Connected { address, attempts: vec![attempt] })),
        ),
        sample(Layer::Tls, 12, 20, Outcome::Failed(Failure::Tls(Box::new(failure)))),
    ]
}

/// Two faults: a certificate that both hosts refuse, and an upgrade that gets lost.
pub(crate) fn failing() -> Vec<Event> {
    let mut story = Story::new();
    story.step("clock", "node", Group::Instance, &[], pass("0.4 s apart from customers.gitlab.com"));
    let refused = |host: &str| {
        found(Code::TlsUnknownIssuer, &[("host", host), ("issuer", ISSUER), ("store", "GitLab's own store")])
    };
    for (endpoint, host) in [("customers", "customers.gitlab.com"), ("cloud", "cloud.gitlab.com")] {
        let at = format!("{endpoint}/rails");
        let dns = story.step("dns", endpoint, Group::Network, &[], pass("4 addresses by 10.20.0.2"));
        let tls = story.step("tls", &at, Group::Network, &[dns], refused(host));
        story.probe(tls, walk(host), Layer::Tls, Layer::Tls, intercepted_samples(host));
        story.step("http", &at, Group::Network, &[tls], Settled::Blocked { by: tls });
    }
    story.step(
        "cable",
        "public",
        Group::Inbound,
        &[],
        found(
            Code::WebsocketUpgradeStripped,
            &[
                ("url", "https://gitlab.acme.corp"),
                ("path", "/-/cable"),
                ("upstream", "http://10.20.30.40:8181"),
                ("upstream_ws", "ws://10.20.30.40:8181"),
                ("upstream_host", "10.20.30.40:8181"),
                ("host", "gitlab.acme.corp"),
                ("hop", "front end"),
                ("product", "Apache"),
                ("status", "404"),
            ],
        ),
    );
    let why = "one code completion costs a call to the model: --allow-completion";
    story.step(
        "workflow-socket",
        "public",
        Group::Inbound,
        &[],
        Settled::Skip { kind: Skip::NotAsked, why: why.into(), want: None },
    );
    story.end(Ending::Complete)
}

pub(crate) fn passing() -> Vec<Event> {
    let mut story = Story::new();
    story.step("clock", "node", Group::Instance, &[], pass("0.4 s apart"));
    let tls = story.step("tls", "cloud/rails", Group::Network, &[], pass("issued by GTS WE1, public"));
    story.step("http", "cloud/rails", Group::Network, &[tls], pass("the gateway answered 200 in 38 ms"));
    story.end(Ending::Complete)
}

pub(crate) fn inconclusive() -> Vec<Event> {
    let mut story = Story::new();
    let why = "the deadline of 30 s came first".to_owned();
    story.step("clock", "node", Group::Instance, &[], pass("0.4 s apart"));
    let tls = story.step("tls", "cloud/rails", Group::Network, &[], Settled::Cancelled { why });
    story.step("http", "cloud/rails", Group::Network, &[tls], Settled::Blocked { by: tls });
    story.end(Ending::Deadline)
}

pub(crate) fn written(events: &[Event], format: Format, redaction: Redaction) -> String {
    render(&Run::of(events), Some(events), format, redaction, &Options::default())
}
