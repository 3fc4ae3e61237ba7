//! The export dialog: fields by Tab, choices by the arrows, the preview before anything is written. What goes
//! wrong stays on the screen with the input.

use super::guide;
use super::press::scroll;
use crate::finding::Code;
use crate::report::file::{Overwrite, SaveError, Saved};
use crate::report::{Format, Redaction};
use crate::tui::keys::Action;
use crate::tui::model::Model;
use crate::tui::model::dialog::{Dialog, Export, Field, Outcome, Way, Writing};
use crate::tui::model::message::Cmd;
use tui_input::{Input, InputRequest};

/// The forms, in the order of the dialog.
pub const FORMATS: [Format; 5] = [Format::Markdown, Format::Html, Format::Json, Format::Jsonl, Format::Text];

const WAYS: [Way; 3] = [Way::Beside, Way::Over, Way::Rename];

/// `duo-2026-11-22.md`
fn name(model: &Model, ending: &str) -> String {
    format!("duo-{}.{ending}", model.now.strftime("%Y-%m-%d"))
}

/// Opens the dialog for a report.
pub(super) fn open(model: &mut Model) -> Vec<Cmd> {
    let format = Format::Markdown;
    let redaction = model.look.redaction;
    let path = Input::new(name(model, format.ending()));
    model.dialog = Some(Dialog::Export(Export {
        what: Writing::Report { format, redaction },
        field: Field::Format,
        path,
        typed: false,
        text: None,
        scroll: 0,
        outcome: Outcome::Open,
    }));
    vec![Cmd::Render(format, redaction)]
}

/// Opens the dialog for a snippet.
pub(super) fn open_snippet(model: &mut Model) -> Vec<Cmd> {
    if let Some(snippet) = guide::snippet(model) {
        let path = Input::new(name_of(guide::code(model), &snippet.language));
        model.dialog = Some(Dialog::Export(Export {
            what: Writing::Snippet,
            field: Field::Path,
            path,
            typed: true,
            text: Some(snippet.text),
            scroll: 0,
            outcome: Outcome::Open,
        }));
    }
    Vec::new()
}

/// `duo-doctor-websocket-upgrade-stripped.conf`: what it mends, with the ending that editors know it by.
fn name_of(code: Option<Code>, language: &str) -> String {
    let ending = match language {
        "shell" | "sh" | "bash" => "sh",
        "ruby" => "rb",
        "yaml" => "yml",
        "json" => "json",
        "apache" | "nginx" | "haproxy" | "conf" | "ini" => "conf",
        "text" | "" => "txt",
        other => other,
    };
    format!("duo-doctor-{}.{ending}", code.map_or("snippet", Code::as_str))
}

/// A key in the dialog.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Cmd> {
    let short = name(model, "");
    let page = usize::from(model.size.1).saturating_sub(11).max(1);
    let Some(Dialog::Export(export)) = &mut model.dialog else { return Vec::new() };
    match action {
        Action::Back => model.dialog = None,
        Action::NextPart => export.field = next(export, 1),
        Action::PreviousPart => export.field = next(export, fields(export).len() - 1),
        Action::PageUp | Action::PageDown => {
            scroll(&mut export.scroll, action, page);
            let lines = export.text.as_ref().map_or(0, |t| t.lines().count());
            export.scroll = export.scroll.min(lines.saturating_sub(1));
        }
        Action::Left | Action::Right => return choose(export, action, &short),
        Action::Open => return write(export),
        _ => {}
    }
    Vec::new()
}

/// The fields that the dialog has now.
pub(super) fn fields(export: &Export) -> Vec<Field> {
    let mut fields = match export.what {
        Writing::Report { .. } => vec![Field::Format, Field::Redaction, Field::Path],
        Writing::Snippet => vec![Field::Path],
    };
    if matches!(export.outcome, Outcome::Exists(..)) {
        fields.push(Field::Conflict);
    }
    fields
}

fn next(export: &Export, by: usize) -> Field {
    let fields = fields(export);
    let at = fields.iter().position(|f| *f == export.field).unwrap_or(0);
    fields[(at + by) % fields.len()]
}

fn choose(export: &mut Export, action: Action, short: &str) -> Vec<Cmd> {
    let turn = |at: usize, all: usize| match action {
        Action::Left => (at + all - 1) % all,
        _ => (at + 1) % all,
    };
    match (export.field, &mut export.what, &mut export.outcome) {
        (Field::Format, Writing::Report { format, redaction }, _) => {
            let at = FORMATS.iter().position(|f| f == format).unwrap_or(0);
            *format = FORMATS[turn(at, FORMATS.len())];
            let cmd = Cmd::Render(*format, *redaction);
            if !export.typed {
                export.path = Input::new(format!("{short}{}", format.ending()));
            }
            again(export);
            vec![cmd]
        }
        (Field::Redaction, Writing::Report { format, redaction }, _) => {
            *redaction = match redaction {
                Redaction::Share => Redaction::Full,
                Redaction::Full => Redaction::Share,
            };
            let cmd = Cmd::Render(*format, *redaction);
            again(export);
            vec![cmd]
        }
        (Field::Conflict, _, Outcome::Exists(_, way)) => {
            let at = WAYS.iter().position(|w| w == way).unwrap_or(0);
            *way = WAYS[turn(at, WAYS.len())];
            Vec::new()
        }
        (Field::Path, _, _) => {
            let request = match action {
                Action::Left => InputRequest::GoToPrevChar,
                _ => InputRequest::GoToNextChar,
            };
            export.path.handle(request);
            Vec::new()
        }
        (Field::Format | Field::Redaction | Field::Conflict, _, _) => Vec::new(),
    }
}

/// What was chosen changed: the preview is made anew, what became of the last writing is over.
fn again(export: &mut Export) {
    export.text = None;
    export.scroll = 0;
    export.outcome = Outcome::Open;
}

fn write(export: &mut Export) -> Vec<Cmd> {
    let Some(text) = export.text.clone() else { return Vec::new() };
    let mut over = Overwrite::Never;
    if let (Field::Conflict, Outcome::Exists(_, way)) = (export.field, &export.outcome) {
        match way {
            Way::Over => over = Overwrite::Yes,
            Way::Beside => export.path = Input::new(beside(export.path.value())),
            Way::Rename => {
                export.field = Field::Path;
                export.outcome = Outcome::Open;
                return Vec::new();
            }
        }
    }
    if export.path.value().trim().is_empty() {
        export.outcome = Outcome::Failed("a name is needed".to_owned());
        return Vec::new();
    }
    vec![Cmd::Save { path: export.path.value().to_owned(), text, over }]
}

/// `duo.md` becomes `duo-2.md`, `duo-2.md` becomes `duo-3.md`.
pub fn beside(path: &str) -> String {
    let (folder, file) = path.rsplit_once('/').map_or(("", path), |(f, n)| (f, n));
    let (stem, ending) = match file.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
        _ => (file, String::new()),
    };
    let is_day = |s: &str| {
        let tail: Vec<char> = s.chars().rev().take(7).collect();
        tail.len() == 7
            && tail.iter().enumerate().all(|(i, c)| if i == 2 { *c == '-' } else { c.is_ascii_digit() })
    };
    let counted = stem.rsplit_once('-').filter(|(s, _)| !is_day(s));
    let (stem, number) = match counted.and_then(|(s, n)| Some((s, n.parse::<u32>().ok()?))) {
        Some((s, n)) => (s, n.saturating_add(1)),
        None => (stem, 2),
    };
    let slash = if path.contains('/') { "/" } else { "" };
    format!("{folder}{slash}{stem}-{number}{ending}")
}

/// Typing goes into the path.
pub(super) fn type_in(model: &mut Model, request: InputRequest) -> Vec<Cmd> {
    if let Some(Dialog::Export(export)) = &mut model.dialog {
        export.field = Field::Path;
        export.path.handle(request);
        export.typed = true;
        export.outcome = Outcome::Open;
    }
    Vec::new()
}

/// What became of writing.
pub(super) fn saved(model: &mut Model, result: Result<Saved, SaveError>) {
    let now = model.now;
    let Some(Dialog::Export(export)) = &mut model.dialog else { return };
    match result {
        Ok(saved) => {
            let path = crate::text::foreign(&saved.path.display().to_string());
            model.session.push((now, format!("written to {path}")));
            if export.what != Writing::Snippet {
                model.saved = Some(path.clone());
            }
            export.outcome = Outcome::Written(path, saved.bytes);
        }
        Err(error @ SaveError::Exists(..)) => {
            export.outcome = Outcome::Exists(error.to_string(), Way::Beside);
            export.field = Field::Conflict;
        }
        Err(error) => {
            export.outcome = Outcome::Failed(error.to_string());
            export.field = Field::Path;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{beside, name_of};
    use crate::finding::Code;

    #[test]
    fn a_snippets_file_is_named_after_what_it_mends() {
        for (code, language, name) in [
            (Some(Code::WebsocketUpgradeStripped), "nginx", "duo-doctor-websocket-upgrade-stripped.conf"),
            (Some(Code::WebsocketUpgradeStripped), "apache", "duo-doctor-websocket-upgrade-stripped.conf"),
            (Some(Code::TlsExpired), "shell", "duo-doctor-tls-expired.sh"),
            (None, "", "duo-doctor-snippet.txt"),
        ] {
            assert_eq!(name_of(code, language), name);
        }
    }

    #[test]
    fn the_name_beside_counts_up_and_leaves_dates_alone() {
        for (path, next) in [
            ("duo.md", "duo-2.md"),
            ("duo-2.md", "duo-3.md"),
            ("duo-2026-11-22.md", "duo-2026-11-22-2.md"),
            ("duo-2026-11-22-2.md", "duo-2026-11-22-3.md"),
            ("/srv/tickets/duo", "/srv/tickets/duo-2"),
        ] {
            assert_eq!(beside(path), next);
        }
    }
}
