//! What comes in from the shell, and what it is asked to do.

use crate::report::file::{Overwrite, SaveError, Saved};
use crate::report::{Format, Redaction};
use crate::run::event::Event;
use crate::secret::Secret;
use crate::tui::keys::Key;
use crate::tui::model::asking::Offer;
use jiff::Timestamp;
use std::time::Duration;

/// Something happened.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(Key, Timestamp),
    /// A text was pasted.
    Paste(Secret, Timestamp),
    /// The terminal has another size: columns and lines.
    Resize(u16, u16),
    /// A run was started: the demo's title, and what its fault is.
    Begun {
        /// The demo's scenario.
        title: Option<String>,
        /// What mending does, where there is something to mend.
        mends: Option<String>,
    },
    /// What could be asked for more, found out before a round.
    Offered(Offer),
    /// What the node is was found out, and a round begins.
    Ready,
    /// It could not be found out.
    Unready(String),
    /// The engine says something.
    Event(Box<Event>),
    /// The round ended.
    Ended(Timestamp),
    /// A second went by while a round goes on: since its start.
    Tick(Duration),
    /// The text of a report.
    Rendered(String),
    /// A text was written, or not.
    Saved(Result<Saved, SaveError>),
    /// What became of copying: a sentence.
    Copied(String),
    /// The demo's fault was mended (`true`) or broken.
    Fault(Mended, Timestamp),
}

/// Which way the demo's fault was turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mended {
    /// It is gone.
    Yes,
    /// It is back.
    No,
}

/// Which steps a round takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rerun {
    /// All.
    All,
    /// These, what they need, and what needs them.
    Around(Vec<usize>),
    /// These, and what runs on request alone is asked for.
    OnRequest(Vec<usize>),
}

/// What the shell is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cmd {
    /// Start a scenario of the demo, by its name.
    Start(String),
    /// Run.
    Run(Rerun),
    /// Run anew with this token.
    UseToken(Secret),
    /// Run anew, and ask Rails on this node.
    AskRails,
    /// Stop the round.
    Stop,
    /// Mend or break the demo's fault.
    Fault(Mended),
    /// Make a report's text.
    Render(Format, Redaction),
    /// Write a text.
    Save {
        /// Where.
        path: String,
        /// What.
        text: String,
        /// Over what stands there?
        over: Overwrite,
    },
    /// Put a text on the clipboard of the terminal.
    Copy(String),
    /// To the shell, and back later.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Leave.
    Quit,
}
