//! What lies over a screen: help, the filter's field, the export dialog, the question before leaving.

use crate::report::{Format, Redaction};
use crate::secret::Secret;
use crate::tui::keys::Context;
use tui_input::Input;

/// What lies over the screen.
#[derive(Clone, Debug)]
pub enum Dialog {
    /// A text is written to a file.
    Export(Export),
    /// The keys of a context; lines scrolled past.
    Help(Context, usize),
    /// Leave although the run goes on?
    Quit,
    /// The filter's field, while it is typed in.
    Filter(Input),
    /// A token is asked for.
    Token(TokenField),
    /// Whether Rails may be asked.
    Runner(Reading),
}

/// The field for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenField {
    /// What was typed or pasted so far.
    pub token: Secret,
    /// What is wrong with what was pasted.
    pub wrong: Option<&'static str>,
}

/// What is shown before Rails is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The question.
    Question,
    /// The Ruby; lines scrolled past.
    Script(usize),
}

/// What is written to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writing {
    /// A report.
    Report {
        /// Its form.
        format: Format,
        /// What is hidden.
        redaction: Redaction,
    },
    /// A snippet of an article.
    Snippet,
}

/// The fields of the export dialog, in the order of Tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The form.
    Format,
    /// What is hidden.
    Redaction,
    /// The path.
    Path,
    /// What to do about a file that exists.
    Conflict,
}

/// The export dialog.
#[derive(Clone, Debug)]
pub struct Export {
    /// What is written.
    pub what: Writing,
    /// The field with the focus.
    pub field: Field,
    /// Where to.
    pub path: Input,
    /// Whether the path was typed: then choosing a form leaves it alone.
    pub typed: bool,
    /// The text as it will be written; `None`: on its way.
    pub text: Option<String>,
    /// Lines of the preview scrolled past.
    pub scroll: usize,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was tried.
    Open,
    /// The file exists; which way out is chosen.
    Exists(String, Way),
    /// It could not be written, and why.
    Failed(String),
    /// It was written: where, how many bytes.
    Written(String, u64),
}

/// Ways out where a file exists, the safe one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Keep it, take another name.
    Beside,
    /// Write over it.
    Over,
    /// Type another name.
    Rename,
}
