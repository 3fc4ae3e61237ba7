//! Asking for more: a token, a word of consent. What is given starts the run anew; the token goes to the shell and
//! stays nowhere here.

use super::press::scroll;
use crate::check::Want;
use crate::run::event::Settled;
use crate::secret::Secret;
use crate::subject::place::Place;
use crate::subject::runner;
use crate::text;
use crate::tui::keys::Action;
use crate::tui::model::Model;
use crate::tui::model::asking::waiting;
use crate::tui::model::dialog::{Dialog, Reading, TokenField};
use crate::tui::model::message::Cmd;
use crate::tui::view::{asking as drawn, words};
use tui_input::InputRequest;

/// The check that says whether a token is taken.
const TOKEN: &str = "token";

/// Opens the field for a token.
pub(super) fn open_token(model: &mut Model) {
    model.dialog = Some(Dialog::Token(TokenField { token: Secret::empty(), wrong: None }));
}

/// A key beside the field.
pub(super) fn on_token(model: &mut Model, action: Action) -> Vec<Cmd> {
    let Some(Dialog::Token(field)) = &mut model.dialog else { return Vec::new() };
    match action {
        Action::Back => model.dialog = None,
        Action::Clear => *field = TokenField { token: Secret::empty(), wrong: None },
        Action::Open => {
            let token = field.token.trimmed();
            if token.letters() == 0 {
                return Vec::new();
            }
            model.asked = Some(waiting(model, Want::is_met_by_a_token).len());
            begin_anew(model, "a token was given");
            return vec![Cmd::UseToken(token)];
        }
        _ => {}
    }
    Vec::new()
}

/// A letter of the token. White space is none.
pub(super) fn type_in(field: &mut TokenField, request: InputRequest) {
    match request {
        InputRequest::InsertChar(letter) if letter.is_ascii_graphic() => field.token.push(letter),
        InputRequest::DeletePrevChar => field.token.pop(),
        InputRequest::DeleteLine => field.token = Secret::empty(),
        _ => {}
    }
    field.wrong = None;
}

/// A token is pasted whole, in place of what stood there. What is no token is not taken.
pub(super) fn paste(field: &mut TokenField, text: &Secret) {
    let pasted = text.trimmed();
    let letters = pasted.expose();
    field.wrong = if letters.is_empty() {
        Some("What was pasted is empty.")
    } else if letters.len() > Secret::LONGEST {
        Some("What was pasted is longer than any token.")
    } else if letters.chars().any(char::is_whitespace) {
        Some("More than one word was pasted: a token is one.")
    } else if !letters.chars().all(|c| c.is_ascii_graphic()) {
        Some("What was pasted holds characters that no token has.")
    } else {
        None
    };
    if field.wrong.is_none() {
        field.token = pasted;
    }
}

/// A key beside the question to Rails, or above its Ruby.
pub(super) fn on_runner(model: &mut Model, action: Action) {
    let Some(Dialog::Runner(reading)) = model.dialog else { return };
    let rows = drawn::script_rows(model);
    let next = match (action, reading) {
        (Action::Back, Reading::Question) => None,
        (Action::Shown, Reading::Question) => Some(Reading::Script(0)),
        (Action::Back | Action::Shown, Reading::Script(_)) | (_, Reading::Question) => {
            Some(Reading::Question)
        }
        (_, Reading::Script(mut at)) => {
            scroll(&mut at, action, rows);
            Some(Reading::Script(at.min(runner::lines().saturating_sub(rows))))
        }
    };
    model.dialog = next.map(Dialog::Runner);
}

/// Yes: Rails is asked.
pub(super) fn ask_rails(model: &mut Model) -> Vec<Cmd> {
    begin_anew(model, "Rails may be asked");
    vec![Cmd::AskRails]
}

fn begin_anew(model: &mut Model, what: &str) {
    model.dialog = None;
    model.session.push((model.now, what.to_owned()));
    super::begin(model);
}

/// What became of a token that was given, once its check says so.
pub(super) fn settled(model: &mut Model, step: usize, how: &Settled) {
    let is_it = |s: &crate::run::StepState| s.plan.check == TOKEN && s.plan.place == Place::Instance;
    let Some(waited) = model.asked.filter(|_| model.run.steps.get(step).is_some_and(is_it)) else { return };
    model.asked = None;
    model.note = match how {
        Settled::Pass(note) => {
            // `The instance takes it: GitLab 18.9.1, an administrator, …`: all but the last is known.
            let who = note.summary.rsplit_once(": ").map_or(note.summary.as_str(), |(_, who)| who);
            let version = note.figure.as_ref().map(|version| format!("GitLab {version}, "));
            let who = version.and_then(|version| who.strip_prefix(&version)).unwrap_or(who);
            let who = who.trim_end_matches('.');
            Some(format!("✓ accepted: {who}. {} run now.", text::count(waited, "check")))
        }
        Settled::Findings(_) => Some(format!("! {}", words::short(model, step))),
        Settled::Error { why } => Some(format!("? not known whether it is accepted: {why}")),
        Settled::Skip { .. } | Settled::Blocked { .. } | Settled::Cancelled { .. } => None,
    };
}
