//! What is hidden, and what from outside can do no harm.

use crate::story::{Story, failing, found, pass, sample, walk, written};
use duo_doctor::check::Group;
use duo_doctor::failure::{Answer, Failure, Headers, Layer, ProxyFailure, ProxyKind};
use duo_doctor::finding::Code;
use duo_doctor::probe::{Outcome, Reading};
use duo_doctor::report::import::read;
use duo_doctor::report::{Format, Redaction};
use duo_doctor::run::event::{Ending, Event, Settled};
use duo_doctor::subject::address::Target;
const HOSTILE: &str = "<script>alert(1)</script> [click](https://evil.example) @all `x` | y";

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
fn what_a_way_says_of_itself_is_hidden_in_every_place_of_it() {
    let json = written(&failing(), Format::Json, Redaction::Share);
    let report: serde_json::Value = serde_json::from_str(&json).expect("the report is JSON");
    let route = &report["routes"][0];
    assert_eq!(route["stacks"], serde_json::json!(["rails", "sidekiq"]));
    let texts = [&route["and_not"][0], &route["trusts"]].map(|t| t.as_str().unwrap_or_default());
    assert!(texts[0].starts_with("no_proxy has host-"), "{texts:?}");
    assert!(texts[1].starts_with("the roots of host-") && texts[1].ends_with(", 142 roots"), "{texts:?}");
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
        settings: Vec::new(),
        pieces: Vec::new(),
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
    let args = Code::WebsocketUpgradeStripped.row().args.iter().map(|name| (*name, HOSTILE));
    let args: Vec<(&str, &str)> = args.collect();
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
