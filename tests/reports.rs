//! Reports by behaviour: what is written, what is hidden, what is read back. Runs are folded from events made
//! by hand; nothing here touches the network.

use duo_doctor::check::{Group, Note};
use duo_doctor::failure::{
    Answer, Attempt, Certificate, Failure, Headers, Layer, ProxyFailure, ProxyKind, TlsFailure, TlsKind,
};
use duo_doctor::finding::{Code, Finding};
use duo_doctor::probe::{Connected, Outcome, Probe, Reading, Request, Resolved, Sample, Then, TlsAsk, Walk};
use duo_doctor::report::import::{ImportError, read};
use duo_doctor::report::{
    self, Charset, Colour, FailOn, Format, JSON_SCHEMA, Options, Redaction, Report, diff, render,
};
use duo_doctor::run::{About, Ending, Event, Planned, Run, Settled, Skip, Status};
use duo_doctor::subject::address::Target;
use duo_doctor::subject::dial::NameSource;
use duo_doctor::subject::place::{Endpoint, Stack};
use duo_doctor::subject::{HostsEntry, Install, Node, Route, StoreId, Via};
use std::net::SocketAddr;
use std::time::Duration;

const HOSTILE: &str = "<script>alert(1)</script> [click](https://evil.example) @all `x` | y";

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn place(text: &str) -> duo_doctor::subject::place::Place {
    text.parse().expect("a place")
}

/// A run in the making: steps with how they settle, and the probes they were judged by.
struct Story {
    about: About,
    steps: Vec<Planned>,
    events: Vec<Event>,
    probes: usize,
    at: u64,
}

impl Story {
    fn new() -> Self {
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
        };
        let about = About {
            version: "0.1.0".into(),
            data_date: "2026-09-30".into(),
            instance: Some("https://gitlab.acme.corp".into()),
            started_at: "2026-11-22T02:47:05Z".parse().expect("a time"),
            node,
            routes: vec![route("r1", Endpoint::Customers), route("r2", Endpoint::Cloud)],
            demo: None,
            deadline: Duration::from_secs(30),
        };
        Self { about, steps: Vec::new(), events: Vec::new(), probes: 0, at: 10 }
    }

    fn step(&mut self, check: &str, at: &str, group: Group, needs: &[usize], how: Settled) -> usize {
        let step = self.steps.len();
        let title = format!("{check} holds");
        let check = check.to_owned();
        self.steps.push(Planned { check, place: place(at), group, title, needs: needs.to_vec() });
        self.events.push(Event::Started { step, at: ms(self.at) });
        self.at += 10;
        self.events.push(Event::Settled { step, how, at: ms(self.at) });
        step
    }

    fn probe(&mut self, step: usize, what: Probe, from: Layer, until: Layer, samples: Vec<Sample>) {
        let probe = self.probes;
        self.probes += 1;
        let what = Some(Box::new(what));
        self.events.push(Event::Asked { step, probe, what, from, until });
        for sample in samples {
            self.events.push(Event::Sampled { probe, sample: Box::new(sample) });
        }
    }

    fn end(self, how: Ending) -> Vec<Event> {
        let mut events = vec![Event::Planned { about: Box::new(self.about), steps: self.steps }];
        events.extend(self.events);
        events.push(Event::Finished { at: ms(3_400), how });
        events
    }
}

fn sample(layer: Layer, at: u64, took: u64, outcome: Outcome) -> Sample {
    Sample { layer, at: ms(at), took: ms(took), outcome }
}

fn pass(summary: &str) -> Settled {
    Settled::Pass(Note { summary: summary.into(), figure: None })
}

fn found(code: Code, args: &[(&str, &str)]) -> Settled {
    Settled::Findings(vec![Finding::new(code, args)])
}

fn walk(host: &str) -> Probe {
    Probe::Walk(Walk {
        target: Target::new(host, 443),
        via: Via::Proxy("http://squid.acme.corp:3128".parse().expect("a proxy")),
        tls: Some(TlsAsk::strict(StoreId(0))),
        then: Then::Request(Request::get("/")),
        nth: 1,
    })
}

fn certificate(subject: &str, issuer: &str, is_ca: bool) -> Certificate {
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

fn intercepted_samples(host: &str) -> Vec<Sample> {
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
fn failing() -> Vec<Event> {
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
                ("url", "wss://gitlab.acme.corp/-/cable"),
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
        Settled::Skip { kind: Skip::NotAsked, why: why.into() },
    );
    story.end(Ending::Complete)
}

fn passing() -> Vec<Event> {
    let mut story = Story::new();
    story.step("clock", "node", Group::Instance, &[], pass("0.4 s apart"));
    let tls = story.step("tls", "cloud/rails", Group::Network, &[], pass("issued by GTS WE1, public"));
    story.step("http", "cloud/rails", Group::Network, &[tls], pass("the gateway answered 200 in 38 ms"));
    story.end(Ending::Complete)
}

fn inconclusive() -> Vec<Event> {
    let mut story = Story::new();
    let why = "the deadline of 30 s came first".to_owned();
    story.step("clock", "node", Group::Instance, &[], pass("0.4 s apart"));
    let tls = story.step("tls", "cloud/rails", Group::Network, &[], Settled::Cancelled { why });
    story.step("http", "cloud/rails", Group::Network, &[tls], Settled::Blocked { by: tls });
    story.end(Ending::Deadline)
}

fn written(events: &[Event], format: Format, redaction: Redaction) -> String {
    render(&Run::of(events), Some(events), format, redaction, &Options::default())
}

fn valid(json: &str) -> serde_json::Value {
    let schema: serde_json::Value = serde_json::from_str(JSON_SCHEMA).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let report: serde_json::Value = serde_json::from_str(json).expect("a report is JSON");
    let errors: Vec<String> =
        validator.iter_errors(&report).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    report
}

#[test]
fn every_report_obeys_the_schema() {
    for events in [failing(), passing(), inconclusive()] {
        for redaction in [Redaction::Full, Redaction::Share] {
            valid(&written(&events, Format::Json, redaction));
        }
        let unfinished = &events[..events.len() - 2];
        let report = valid(&written(unfinished, Format::Json, Redaction::Full));
        assert_ne!(report["verdict"], "pass");
    }
    valid(&render(&Run::default(), None, Format::Json, Redaction::Share, &Options::default()));
}

#[test]
fn the_schema_refuses_what_the_contract_does_not_know() {
    let schema: serde_json::Value = serde_json::from_str(JSON_SCHEMA).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let mut report = valid(&written(&failing(), Format::Json, Redaction::Full));
    report["added_later"] = 1.into();
    assert!(validator.is_valid(&report), "adding is free");
    report["checks"][0]["status"] = "pending".into();
    assert!(!validator.is_valid(&report));
}

#[test]
fn the_contracts_fields_stand_where_the_contract_says() {
    let report = valid(&written(&failing(), Format::Json, Redaction::Full));
    assert_eq!(
        report["coverage"],
        serde_json::json!({ "nodes_checked": 1, "rails_seen": true, "sidekiq_seen": true })
    );
    let tls = report["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .find(|c| c["id"] == "tls@cloud/rails")
        .expect("tls");
    assert_eq!(tls["status"], "fail");
    assert_eq!(tls["duration_ms"], 20.0);
    assert_eq!(tls["phases"][2]["name"], "tls");
    assert_eq!(tls["findings"][0]["args"]["host"], "cloud.gitlab.com");
    let first = &report["root_causes"][0];
    assert_eq!(first["code"], "tls-unknown-issuer");
    assert_eq!(first["check"], "tls@customers/rails");
    assert_eq!(first["seen_at"], serde_json::json!(["tls@customers/rails", "tls@cloud/rails"]));
    assert_eq!(first["explains"], serde_json::json!(["http@customers/rails", "http@cloud/rails"]));
    assert_eq!(report["root_causes"].as_array().map(Vec::len), Some(2));
    assert_eq!(report["routes"][0]["via"]["proxy"], "http://squid.acme.corp:3128");
}

#[test]
fn a_report_becomes_the_run_again() {
    for events in [failing(), passing(), inconclusive()] {
        let run = Run::of(&events);
        let mut again = Report::of(&run).to_run().expect("a run");
        // A proxy's password is in no report.
        let mut plain = run.clone();
        let about = again.about.as_mut().expect("a plan");
        for (route, before) in about.routes.iter().zip(&mut plain.about.as_mut().expect("a plan").routes) {
            before.via = route.via.clone();
        }
        assert_eq!(again, plain);
        assert_eq!(Report::of(&again), Report::of(&plain));
    }
}

#[test]
fn saved_files_are_read_back_whole_or_redacted() {
    let events = failing();
    let run = Run::of(&events);
    for format in [Format::Json, Format::Jsonl] {
        for redaction in [Redaction::Full, Redaction::Share] {
            let file = written(&events, format, redaction);
            let loaded = read(file.as_bytes()).unwrap_or_else(|e| panic!("{format}: {e}\n{file}"));
            assert_eq!(loaded.run.verdict(), run.verdict());
            assert_eq!(loaded.run.steps.len(), run.steps.len());
            assert_eq!(loaded.run.probes.len(), run.probes.len());
            let twice = render(&loaded.run, loaded.events.as_deref(), format, redaction, &Options::default());
            let differs = twice.lines().zip(file.lines()).find(|(a, b)| a != b);
            assert_eq!(differs, None, "{format} {redaction:?} reads back as it was written");
        }
    }
}

#[test]
fn a_run_without_its_log_still_gives_one() {
    let run = read(written(&failing(), Format::Json, Redaction::Full).as_bytes()).expect("a report").run;
    let log = render(&run, None, Format::Jsonl, Redaction::Full, &Options::default());
    let loaded = read(log.as_bytes()).expect("a log");
    assert_eq!(Report::of(&loaded.run), Report::of(&run));
}

#[test]
fn a_file_that_is_none_of_ours_gives_one_clear_sentence() {
    let whole = written(&failing(), Format::Json, Redaction::Full);
    let lines = written(&failing(), Format::Jsonl, Redaction::Full);
    for (bytes, says) in [
        (b"".to_vec(), "is empty"),
        (b"\xff\xfe".to_vec(), "is not text"),
        (b"hello".to_vec(), "is not a report of duo-doctor: line 1 is not JSON"),
        (b"{}".to_vec(), "it does not say"),
        (b"{\"schema\": \"duo-doctor.report/9\"}".to_vec(), "has the schema `duo-doctor.report/9`"),
        (whole.as_bytes()[..whole.len() / 2].to_vec(), "it was cut"),
        (lines.as_bytes()[..lines.len() - 9].to_vec(), "it was cut"),
        (
            br#"[{"name": "host_probe", "success": true, "message": "ok"}]"#.to_vec(),
            "GitLab's own health check",
        ),
        (
            whole.replace("tls-unknown-issuer", "tls-martian").into_bytes(),
            "\"tls-martian\" is not a finding code",
        ),
    ] {
        let error = read(&bytes).expect_err("no report").to_string();
        assert!(error.contains(says), "{error:?} does not say {says:?}");
        assert!(!error.contains('\n'), "{error:?}");
    }
    assert!(matches!(read(&vec![b' '; report::import::MAX_BYTES + 1]), Err(ImportError::TooLarge)));
}

#[test]
fn control_characters_of_a_file_do_not_reach_the_terminal() {
    let file =
        written(&passing(), Format::Json, Redaction::Full).replace("0.4 s apart", "0.4\\u001b[2J\\u202e");
    let run = read(file.as_bytes()).expect("a report").run;
    let markdown = render(&run, None, Format::Markdown, Redaction::Full, &Options::default());
    assert!(!markdown.contains(['\u{1b}', '\u{202e}']) && markdown.contains("x1b"), "{markdown}");
}

const SENSITIVE: [&str; 9] =
    ["acme", "gl-rails-01", "10.20.0", "fd00::5", "Acme", "squid.", "jane", "TLS Inspection 2", "hunter2"];

#[test]
fn sharing_hides_names_addresses_and_private_issuers_in_every_format() {
    let mut events = failing();
    if let Some(Event::Settled { how, .. }) = events.iter_mut().rfind(|e| matches!(e, Event::Settled { .. }))
    {
        *how = Settled::Error { why: "ask Jane.Doe@acme.corp, ldap.acme.corp or 10.20.0.99".into() };
    }
    for format in Format::ALL {
        let text = written(&events, format, Redaction::Share);
        for name in SENSITIVE {
            assert!(!text.to_lowercase().contains(&name.to_lowercase()), "{format} shows {name}:\n{text}");
        }
        assert!(text.contains("cloud.gitlab.com"), "{format} hides a public name");
        assert!(text.contains("host-1"), "{format}");
    }
    let text = written(&events, Format::Text, Redaction::Share);
    assert!(text.contains("issuer-1") && text.contains("node-1") && text.contains("mail-1"), "{text}");
}

#[test]
fn full_keeps_names() {
    let text = written(&failing(), Format::Text, Redaction::Full);
    assert!(text.contains("gitlab.acme.corp") && text.contains("gl-rails-01"), "{text}");
}

#[test]
fn a_short_host_name_does_not_eat_our_own_words() {
    let mut events = failing();
    if let Some(Event::Planned { about, .. }) = events.first_mut() {
        about.instance = Some("https://gitlab".into());
        about.node.hostname = Some("proxy".into());
    }
    let text = written(&events, Format::Text, Redaction::Share);
    assert!(!text.contains("/etc/host-1/") && !text.contains("host-1-ctl"), "{text}");
    let json = written(&events, Format::Json, Redaction::Share);
    assert!(read(json.as_bytes()).is_ok());
}

#[test]
fn a_snippet_that_was_changed_says_so() {
    let mut story = Story::new();
    let args = [("hostname", "gl-rails-01")];
    story.step("gitlab", "node", Group::Instance, &[], found(Code::GitlabNotFound, &args));
    let args = [
        ("host", "gitlab.acme.corp"),
        ("subject", "gitlab.acme.corp"),
        ("until", "2026-11-20"),
        ("ago", "2 days"),
    ];
    story.step("certificate", "public", Group::Inbound, &[], found(Code::TlsExpired, &args));
    let events = story.end(Ending::Complete);
    let changed = |format| {
        let text = written(&events, format, Redaction::Share);
        (text.matches("# names hidden by --redact share").count(), text.matches("host-1").count())
    };
    let full = written(&events, Format::Markdown, Redaction::Full);
    assert!(!full.contains("names hidden"), "{full}");
    let snippets = full.split("```").skip(1).step_by(2).filter(|s| s.contains("gitlab.acme.corp")).count();
    for format in [Format::Markdown, Format::Text, Format::Html] {
        let (notes, names) = changed(format);
        assert!(names > 0);
        assert_eq!(notes, snippets, "{format}");
    }
}

#[test]
fn secrets_are_in_no_output() {
    let secrets =
        ["glpat-AbCdEf0123456789", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "s3cr3tvalue99"];
    let planted = format!(
        "{} and {} Authorization: Bearer {} http://me:{}@squid.acme.corp:3128",
        secrets[0], secrets[1], secrets[2], secrets[2]
    );
    let mut story = Story::new();
    story.about.demo = Some(planted.clone());
    story.about.version = planted.clone();
    story.about.node.hostname = Some(planted.clone());
    story.about.node.roles = vec![planted.clone()];
    story.about.routes[0].source = planted.clone();
    story.step("dns", "cloud", Group::Network, &[], pass(&planted));
    story.step("tls", "cloud/rails", Group::Network, &[], Settled::Error { why: planted.clone() });
    let args =
        [("host", planted.as_str()), ("status", planted.as_str()), ("by", &planted), ("words", &planted)];
    let http = story.step("http", "cloud/rails", Group::Network, &[], found(Code::HttpBlockPage, &args));
    let answer = Answer {
        version: "HTTP/1.1".into(),
        status: 200,
        reason: planted.clone(),
        headers: Headers(vec![
            ("authorization".into(), secrets[2].into()),
            ("server".into(), planted.clone()),
        ]),
        body: format!("{{\"private-token\": \"{}\"}}\n{planted}", secrets[2]),
        body_bytes: 1,
        cut: false,
        date: None,
        received: 0,
    };
    let samples = vec![sample(Layer::Http, 1, 1, Outcome::Read(Reading::Answer(Box::new(answer))))];
    story.probe(http, walk("cloud.gitlab.com"), Layer::Http, Layer::Http, samples);
    let refused = ProxyFailure {
        kind: ProxyKind::Refused,
        proxy: Target::new("squid.acme.corp", 3128),
        target: Target::new("cloud.gitlab.com", 443),
        status: Some(407),
        reason: planted.clone(),
        headers: Headers::default(),
        body: planted.clone(),
    };
    let samples = vec![sample(Layer::Proxy, 1, 1, Outcome::Failed(Failure::Proxy(refused)))];
    story.probe(http, walk("customers.gitlab.com"), Layer::Http, Layer::Http, samples);
    let events = story.end(Ending::Complete);
    for format in Format::ALL {
        for redaction in [Redaction::Full, Redaction::Share] {
            let text = written(&events, format, redaction);
            for secret in secrets {
                assert!(!text.contains(secret), "{format} {redaction:?} shows {secret}:\n{text}");
            }
        }
    }
}

#[test]
fn nothing_from_outside_becomes_a_mark() {
    let mut story = Story::new();
    story.about.node.hostname = Some(HOSTILE.into());
    let args = [("host", "cloud.gitlab.com"), ("status", "403"), ("by", HOSTILE), ("words", HOSTILE)];
    story.step("http", "cloud/rails", Group::Network, &[], found(Code::HttpBlockPage, &args));
    story.step("dns", "cloud", Group::Network, &[], pass(HOSTILE));
    let args =
        [("url", HOSTILE), ("host", HOSTILE), ("hop", HOSTILE), ("product", HOSTILE), ("status", HOSTILE)];
    story.step("cable", "public", Group::Inbound, &[], found(Code::WebsocketUpgradeStripped, &args));
    let events = story.end(Ending::Complete);
    let html = written(&events, Format::Html, Redaction::Full);
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{html}");
    assert!(!html.contains("href=\"https://evil.example"), "{html}");
    let markdown = written(&events, Format::Markdown, Redaction::Full);
    let mut links = 0;
    let mut inline = 0;
    for event in pulldown_cmark::Parser::new_ext(&markdown, pulldown_cmark::Options::ENABLE_TABLES) {
        match event {
            pulldown_cmark::Event::Start(pulldown_cmark::Tag::Link { dest_url, .. }) => {
                links += usize::from(dest_url.contains("evil"));
            }
            pulldown_cmark::Event::InlineHtml(html) | pulldown_cmark::Event::Html(html) => {
                inline += usize::from(html.contains("script"));
            }
            _ => {}
        }
    }
    assert_eq!((links, inline), (0, 0), "{markdown}");
}

#[test]
fn a_page_needs_nothing_from_elsewhere() {
    let html = written(&failing(), Format::Html, Redaction::Share);
    for mark in ["<script", "src=", "@import", "url(", "<link"] {
        assert!(!html.contains(mark), "{mark}");
    }
    assert!(html.contains("prefers-color-scheme: dark") && html.contains("@media print"));
}

/// For a look at the page: `REPORT_PAGE=report.html cargo test --test reports -- --ignored`.
#[test]
#[ignore = "writes a file for a look at it"]
fn the_page_can_be_looked_at() {
    let path = std::env::var_os("REPORT_PAGE").expect("REPORT_PAGE names a file");
    std::fs::write(path, written(&failing(), Format::Html, Redaction::Share))
        .expect("the file can be written");
}

#[test]
fn text_is_wrapped_at_80_but_for_snippets_and_links() {
    for events in [failing(), passing(), inconclusive()] {
        let text = written(&events, Format::Text, Redaction::Full);
        let ticket = written(&events, Format::Markdown, Redaction::Full);
        let snippets: Vec<&str> =
            ticket.split("```").skip(1).step_by(2).flat_map(str::lines).map(str::trim).collect();
        let long = |l: &&str| {
            l.chars().count() > 80 && !l.contains("https://docs.") && !snippets.contains(&l.trim())
        };
        assert_eq!(text.lines().find(long), None, "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}

#[test]
fn text_is_ascii_or_coloured_only_if_asked() {
    let run = Run::of(&failing());
    let with = |charset, colour| {
        let options = Options { charset, colour, fail_on: FailOn::Fail };
        render(&run, None, Format::Text, Redaction::Full, &options)
    };
    assert!(with(Charset::Ascii, Colour::Never).is_ascii());
    assert!(with(Charset::Unicode, Colour::Always).contains("\u{1b}[1;31mFAIL"));
}

#[test]
fn the_exit_code_follows_the_verdict() {
    let code = |events: &[Event], fail_on| report::exit_code(&Run::of(events), fail_on);
    assert_eq!(code(&failing(), FailOn::Fail), 1);
    assert_eq!(code(&passing(), FailOn::Warn), 0);
    assert_eq!(code(&inconclusive(), FailOn::Fail), 3);
    assert_eq!(report::exit_code(&Run::default(), FailOn::Fail), 3);
    let mut story = Story::new();
    let args = [("host", "cloud.gitlab.com"), ("figure", "400 ms"), ("limit", "300 ms")];
    story.step("latency", "cloud/rails", Group::Network, &[], found(Code::LatencyHigh, &args));
    let warning = story.end(Ending::Complete);
    assert_eq!((code(&warning, FailOn::Fail), code(&warning, FailOn::Warn)), (0, 2));
}

#[test]
fn two_runs_tell_what_broke_and_what_was_mended() {
    let (old, new) = (Report::of(&Run::of(&passing())), Report::of(&Run::of(&failing())));
    let worse = diff::diff(&old, &new);
    assert_eq!(worse.exit_code(), 1);
    assert!(worse.broken.iter().any(|c| c.id == "tls@cloud/rails" && c.from == "pass" && c.to == "FAIL"));
    assert_eq!((worse.new_causes.len(), worse.follow), (2, 1));
    let better = diff::diff(&new, &old);
    assert_eq!((better.exit_code(), better.mended.len(), better.gone_causes.len()), (0, 2, 2));
    let same = diff::diff(&new, &new);
    assert!(diff::text(&same, &Options::default()).contains(": the same"));
    let lost = diff::diff(&old, &Report::of(&Run::of(&inconclusive())));
    assert_eq!(lost.unknown.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["tls@cloud/rails"]);
    insta::assert_snapshot!("diff", diff::text(&worse, &Options::default()));
}

#[test]
fn slower_means_a_quarter_and_20_ms() {
    let report = |took: f64| {
        let mut report = Report::of(&Run::of(&passing()));
        report.checks[2].duration_ms = Some(took);
        assert_eq!(report.checks[2].status, Status::Pass);
        report
    };
    for (was, is, slower) in [(38.0, 71.0, 1), (38.0, 57.0, 0), (100.0, 121.0, 0), (100.0, 125.0, 1)] {
        assert_eq!(diff::diff(&report(was), &report(is)).slower.len(), slower, "{was} {is}");
    }
}

/// Without what articles advise: their words have tests of their own.
fn frame(text: &str, from: &str, until: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let mut skipping = false;
    for line in text.lines() {
        skipping = (skipping || line.starts_with(from)) && !line.starts_with(until);
        if !skipping {
            out.push(line);
        }
    }
    out.join("\n")
}

#[test]
fn a_failing_run_reads_as_causes_groups_and_what_is_not_known() {
    let text = written(&failing(), Format::Text, Redaction::Share);
    insta::assert_snapshot!("text_failing", frame(&text, "   means", "   docs"));
}

#[test]
fn a_passing_run_is_short() {
    insta::assert_snapshot!("text_passing", written(&passing(), Format::Text, Redaction::Full));
}

#[test]
fn an_inconclusive_run_says_why() {
    insta::assert_snapshot!("text_inconclusive", written(&inconclusive(), Format::Text, Redaction::Full));
}

#[test]
fn markdown_is_a_ticket() {
    let text = written(&failing(), Format::Markdown, Redaction::Share);
    insta::assert_snapshot!("markdown_failing", frame(&text, "### What to do", "- <https"));
}
