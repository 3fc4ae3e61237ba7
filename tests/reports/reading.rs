//! Reading saved files back.

use crate::story::{failing, passing, written};
use duo_doctor::report::import::{ImportError, MAX_BYTES, read};
use duo_doctor::report::{Format, Options, Redaction, Report, render};
use duo_doctor::run::Run;
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
            br#"[{"name": "host_probe", "success": "yes", "message": "ok"}]"#.to_vec(),
            "is not a health check report of GitLab's: result 1 says neither true nor false",
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
    assert!(matches!(read(&vec![b' '; MAX_BYTES + 1]), Err(ImportError::TooLarge)));
}

#[test]
fn control_characters_of_a_file_do_not_reach_the_terminal() {
    let file =
        written(&passing(), Format::Json, Redaction::Full).replace("0.4 s apart", "0.4\\u001b[2J\\u202e");
    let run = read(file.as_bytes()).expect("a report").run;
    let markdown = render(&run, None, Format::Markdown, Redaction::Full, &Options::default());
    assert!(!markdown.contains(['\u{1b}', '\u{202e}']) && markdown.contains("x1b"), "{markdown}");
}
