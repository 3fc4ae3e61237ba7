//! A report of GitLab's as it is shown: what is said of it, what is hidden, what is refused, how long it takes.

use crate::{report, reports, run};
use duo_doctor::report::import::read;
use duo_doctor::report::join::{JoinError, join};
use duo_doctor::report::{FailOn, Format, JSON_SCHEMA, Options, Redaction, Report, diff, exit_code, render};
use duo_doctor::run::Run;
use duo_doctor::tui::keys::Key;
use duo_doctor::tui::model::message::Msg;
use duo_doctor::tui::model::{Model, Origin, Screen};
use duo_doctor::tui::theme::{Colour, Glyphs, Look};
use duo_doctor::tui::update::{open_saved, update};
use duo_doctor::tui::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::time::Instant;

fn shown(run: &Run, format: Format, redaction: Redaction) -> String {
    render(run, None, format, redaction, &Options::default())
}

#[test]
fn nobodys_name_comes_out_in_any_format() {
    for (name, bytes) in reports() {
        let run = run(&bytes);
        for format in Format::ALL {
            for redaction in [Redaction::Full, Redaction::Share] {
                let text = shown(&run, format, redaction).to_lowercase();
                assert!(!text.contains("canary"), "{name} as {format}, {redaction:?}");
            }
        }
        assert!(!format!("{run:?}").to_lowercase().contains("canary"), "{name} is not even kept");
    }
}

#[test]
fn internal_hosts_in_gitlabs_words_are_hidden_for_sharing() {
    for name in ["19.3-self-hosted", "19.3-hybrid"] {
        let run = run(&report(name));
        for format in Format::ALL {
            assert!(!shown(&run, format, Redaction::Share).contains("acme"), "{name} as {format}");
        }
        assert!(shown(&run, Format::Gitlab, Redaction::Full).contains("ai.acme.corp"));
    }
}

#[test]
fn the_text_says_whose_report_it_is_and_what_it_lacks() {
    insta::assert_snapshot!(shown(&run(&report("18.9-intercepted")), Format::Text, Redaction::Full));
}

#[test]
fn a_report_of_passes_says_how_little_that_is() {
    let text = shown(&run(&report("18.9-healthy")), Format::Text, Redaction::Full);
    for words in [
        "GitLab's own report\n",
        "It does not say when, or on which node, it was made.",
        "PASS: GitLab's own tests found nothing",
        "Not in this report: Workhorse, Sidekiq, inbound, WebSocket, proxies, trust.",
        "7 checks, exit code 0.",
    ] {
        assert!(text.contains(words), "{words:?} is missing in\n{text}");
    }
}

#[test]
fn no_format_names_a_time_or_a_node() {
    let run = run(&report("18.9-silent"));
    for format in [Format::Text, Format::Markdown, Format::Html, Format::Gitlab] {
        let text = shown(&run, format, Redaction::Full);
        for word in ["1970", "a node without a name", "no GitLab on this node", "<node>"] {
            assert!(!text.contains(word), "{format} says {word}:\n{text}");
        }
    }
}

#[test]
fn the_exit_code_is_that_of_its_verdict() {
    for (name, code) in [("18.9-healthy", 0), ("18.9-silent", 1), ("19.2-flows", 0)] {
        assert_eq!(exit_code(&run(&report(name)), FailOn::Fail), code, "{name}");
    }
    assert_eq!(exit_code(&run(&report("19.2-flows")), FailOn::Warn), 2);
}

#[test]
fn a_report_made_of_it_obeys_the_schema_and_reads_back() {
    let schema: serde_json::Value = serde_json::from_str(JSON_SCHEMA).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    for (name, bytes) in reports() {
        let run = run(&bytes);
        for redaction in [Redaction::Full, Redaction::Share] {
            let json = shown(&run, Format::Json, redaction);
            let value = serde_json::from_str(&json).expect("JSON");
            let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
            assert_eq!(errors, [""; 0], "{name}");
        }
        let again = read(shown(&run, Format::Json, Redaction::Full).as_bytes()).expect("our own report").run;
        assert_eq!(Report::of(&again), Report::of(&run), "{name}");
    }
}

#[test]
fn every_step_has_an_id_of_its_own() {
    for (name, bytes) in reports() {
        let mut ids: Vec<String> = run(&bytes).steps.iter().map(duo_doctor::run::StepState::id).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{name}");
    }
}

#[test]
fn a_file_that_is_no_whole_report_is_one_sentence() {
    let refused = br#"{"data": {"cloudConnectorStatus": null}, "errors": [{"message": "may not"}]}"#;
    let many = format!("[{}]", vec![r#"{"name": "a", "success": true}"#; 101].join(","));
    let large =
        format!(r#"[{{"name": "a", "success": true, "message": "{}"}}]"#, "x".repeat(2 * 1024 * 1024));
    let whole = report("18.9-silent");
    for (bytes, says) in [
        (&b"[]"[..], "is a health check report of GitLab's without a result"),
        (refused, "GitLab answered \"may not\""),
        (many.as_bytes(), "has 101 results"),
        (large.as_bytes(), "is larger than 2 MiB"),
        (&whole[..whole.len() / 2], "it was cut"),
    ] {
        let error = read(bytes).expect_err("no report").to_string();
        assert!(error.contains(says) && !error.contains('\n'), "{error:?} does not say {says:?}");
    }
}

#[test]
fn it_is_read_alone_and_held_against_another() {
    let (before, after) = (run(&report("18.9-silent")), run(&report("18.9-healthy")));
    let alone = join(before.clone(), after.clone());
    assert_eq!(alone.err(), Some(JoinError::NotOurs("GitLab's own report")));
    let diff = diff::diff(&Report::of(&before), &Report::of(&after));
    let mended: Vec<&str> = diff.mended.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(mended, ["access_probe@instance", "token_probe@instance", "end_to_end_probe@instance"]);
    assert_eq!(diff.old, "GitLab's own report, 7 checks, FAIL");
}

#[test]
fn a_report_of_200_kb_opens_at_once() {
    let mut rows: Vec<serde_json::Value> = serde_json::from_slice(&report("18.9-intercepted")).expect("JSON");
    let filler = "CanaryLicenceBlock".repeat(11_500);
    rows[0]["details"]["license"]["data"] = filler.into();
    let bytes = serde_json::to_vec_pretty(&rows).expect("JSON");
    assert!(bytes.len() > 200_000);
    let started = Instant::now();
    let run = run(&bytes);
    let took = started.elapsed();
    assert_eq!(run.steps.len(), 7);
    // A debug build on a busy machine; the figure itself is a few milliseconds.
    assert!(took.as_millis() < 1_000, "{took:?}");
}

fn model(name: &str, size: (u16, u16)) -> Model {
    let look = Look {
        glyphs: Glyphs::Unicode,
        colour: Colour::Off,
        redaction: Redaction::Share,
        fail_on: FailOn::Fail,
    };
    let now = "2026-11-22T02:47:05Z".parse().expect("a time");
    let mut model = Model::new(size, look, Origin::Saved("health_check_report.json".to_owned()), now);
    open_saved(&mut model, run(&report(name)));
    model
}

fn picture(model: &Model) -> String {
    let area = Rect::new(0, 0, model.size.0, model.size.1);
    let mut buf = Buffer::empty(area);
    view::draw(model, &mut buf);
    let line = |y: u16| {
        let cells = (0..area.width).filter_map(|x| buf.cell((x, y)));
        cells.map(|c| c.symbol().to_owned()).collect::<String>().trim_end().to_owned()
    };
    (0..area.height).map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_screen_says_whose_report_it_is() {
    for size in [(40, 10), (80, 17), (80, 24), (120, 40)] {
        let name = format!("screen_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, picture(&model("18.9-intercepted", size)));
    }
    insta::assert_snapshot!("screen_healthy_80x24", picture(&model("18.9-healthy", (80, 24))));
}

#[test]
fn a_result_drilled_into_shows_gitlabs_words() {
    let mut model = model("18.9-intercepted", (80, 24));
    let now = model.now;
    for key in [Key::Down, Key::Down, Key::Down, Key::Enter] {
        update(&mut model, Msg::Key(key, now));
    }
    assert!(matches!(model.screen(), Screen::Drill(_)), "{:?}", model.screen());
    insta::assert_snapshot!("screen_drill_80x24", picture(&model));
}
