//! What people read: text, Markdown, HTML, two runs.

use crate::story::{failing, inconclusive, passing, written};
use duo_doctor::report::{Charset, Colour, FailOn, Format, Options, Redaction, Report, diff, render};
use duo_doctor::run::event::Event;
use duo_doctor::run::{Run, Status};
use duo_doctor::subject::doors::DoorAbout;
use duo_doctor::subject::place::Door;

#[test]
fn a_page_needs_nothing_from_elsewhere() {
    let html = written(&failing(), Format::Html, Redaction::Share);
    for mark in ["<script", "src=", "@import", "url(", "<link"] {
        assert!(!html.contains(mark), "{mark}");
    }
    assert!(html.contains("prefers-color-scheme: dark") && html.contains("@media print"));
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

#[test]
fn every_door_has_a_line_with_its_address_how_it_is_known_and_the_cable_there() {
    let door = |door, address: Option<&str>, source: &str| DoorAbout {
        door,
        address: address.map(str::to_owned),
        source: source.to_owned(),
    };
    let mut events = failing();
    if let Some(Event::Planned { about, .. }) = events.first_mut() {
        about.doors = vec![
            door(Door::Public, Some("gitlab.acme.corp:443"), "external_url"),
            door(Door::Nginx, None, "nginx['enable'] = false"),
            door(Door::Workhorse, Some("/var/opt/gitlab/gitlab-workhorse/sockets/socket"), "its run script"),
        ];
    }
    let text = written(&events, Format::Text, Redaction::Full);
    for line in [
        "Door public: gitlab.acme.corp:443 (external_url), cable: FAIL 404.\n",
        "Door nginx: not here (nginx['enable'] = false).\n",
        "Door workhorse: /var/opt/gitlab/gitlab-workhorse/sockets/socket (its run\nscript), cable: not tried.\n",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
    let ticket = written(&events, Format::Markdown, Redaction::Full);
    assert!(ticket.contains("<summary>Doors in</summary>"), "{ticket}");
    assert!(ticket.contains("| public | gitlab.acme.corp:443 | `external_url` | FAIL 404 |\n"), "{ticket}");
    assert!(ticket.contains("| nginx | not here | "), "{ticket}");
    let page = written(&events, Format::Html, Redaction::Full);
    assert!(page.contains("<h2>Doors into the instance</h2>"), "{page}");
    assert!(page.contains("<td>public</td><td class=\"what\">gitlab.acme.corp:443</td>"), "{page}");
    let shared = written(&events, Format::Text, Redaction::Share);
    assert!(shared.contains("Door public: host-") && !shared.contains("acme"), "{shared}");
}

#[test]
fn a_report_without_doors_does_not_speak_of_them() {
    for format in [Format::Text, Format::Markdown, Format::Html] {
        let text = written(&failing(), format, Redaction::Full);
        assert!(!text.contains("Door") && !text.contains("cable: "), "{text}");
    }
}
