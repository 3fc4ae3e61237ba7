//! What the screens know: the run, where one looks, what was ticked and chosen. Plain data; it changes in
//! `update` only and is drawn by `view`.

pub mod asking;
pub mod cause;
pub mod dialog;
pub mod doors;
pub mod list;
pub mod message;
pub mod routes;

use crate::check::Group;
use crate::diagnosis::features::Standing;
use crate::remedy::{Article, Values};
use crate::report;
use crate::run::{Run, Status};
use crate::tui::keys::Context;
use crate::tui::theme::Look;
use asking::Offer;
use cause::{Cause, Letters};
use dialog::Dialog;
use jiff::Timestamp;
use list::List;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the shell was started with, as far as it decides what can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A run on this machine or in the lab.
    Live,
    /// A saved report: its file's name. Nothing is run.
    Saved(String),
    /// The list of the demo's scenarios; what is started from it runs as `Live` does.
    Demos,
}

/// How far the run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing was started yet: the list of scenarios.
    Choosing,
    /// It is being found out what this node is.
    Discovering,
    /// It could not be found out, and why.
    Unready(String),
    /// A round goes on: for how long.
    Running(Duration),
    /// No round goes on.
    Rest,
}

/// One entry of the demo's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoEntry {
    /// What `demo NAME` takes.
    pub name: String,
    /// What people read.
    pub title: String,
    /// `tls`, `dns`, `websocket`; empty for the healthy one.
    pub layer: String,
    /// One or two sentences.
    pub about: String,
    /// How many root causes it ends with.
    pub expects: usize,
}

/// The demo's fault, which a key mends and breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What mending does, in words.
    pub about: String,
    /// Whether it is mended now.
    pub mended: bool,
    /// The steps that it touched when it was mended: what breaking it again checks.
    pub touched: Vec<usize>,
}

/// What is on the screen, with what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Screen {
    /// The demo's scenarios: the chosen one, and what is searched for.
    Demos {
        /// Index into `Model::demos`.
        chosen: usize,
        /// What the titles must hold.
        search: String,
    },
    /// Banner and list.
    Overview,
    /// A check, drilled into.
    Drill(Drill),
    /// The causes, one after the other.
    Guide(Guide),
    /// The ways out of the node: which one is looked at.
    Routes(routes::At),
    /// The doors into the instance: which cell is looked at. `None`: there is none.
    Doors(Option<doors::At>),
}

/// A check, drilled into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drill {
    /// Which step.
    pub step: usize,
    /// Which face.
    pub face: Face,
    /// Lines scrolled past.
    pub scroll: usize,
}

/// The faces of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// What was observed.
    Seen,
    /// What it means and what to do.
    Mend,
    /// Earlier results.
    Before,
}

impl Face {
    /// In the order of the tabs.
    pub const ALL: [Face; 3] = [Face::Seen, Face::Mend, Face::Before];

    /// The name on its tab.
    pub fn name(self) -> &'static str {
        match self {
            Face::Seen => "Seen",
            Face::Mend => "Mend",
            Face::Before => "Before",
        }
    }

    /// The one behind.
    #[must_use]
    pub fn next(self) -> Face {
        match self {
            Face::Seen => Face::Mend,
            Face::Mend => Face::Before,
            Face::Before => Face::Seen,
        }
    }
}

/// Where the guide stands. Ticks live in the model: leaving loses nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Guide {
    /// The cause as it was when the guide came to it: it stays readable when it is gone.
    pub cause: Cause,
    /// The step that is unfolded.
    pub step: usize,
    /// Lines scrolled past.
    pub scroll: usize,
    /// Whether it was checked again since the guide came to this cause.
    pub checked: Option<Timestamp>,
}

/// A result of an earlier round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// When the round ended.
    pub at: Timestamp,
    /// Which step.
    pub step: usize,
    /// What it was.
    pub status: Status,
    /// In a few words.
    pub words: String,
    /// Its figure.
    pub figure: String,
}

/// Everything that the screens know.
#[derive(Clone, Debug)]
pub struct Model {
    /// Columns and lines.
    pub size: (u16, u16),
    /// How things look.
    pub look: Look,
    /// What the program was started with.
    pub origin: Origin,
    /// How far the run is.
    pub phase: Phase,
    /// `Rails does not know the company CA`: the demo's scenario.
    pub title: Option<String>,
    /// The demo's fault.
    pub fault: Option<Fault>,
    /// The demo's list.
    pub demos: Vec<DemoEntry>,
    /// The fold over the events.
    pub run: Run,
    /// When the last round ended.
    pub ended: Option<Timestamp>,
    /// The clock when something last happened.
    pub now: Timestamp,
    /// The steps of the round that goes on, where it is not all of them.
    pub round: BTreeSet<usize>,
    /// Values for articles.
    pub values: Values,
    /// Which letter belongs to which cause.
    pub letters: Letters,
    /// The causes, what to mend first in front.
    pub causes: Vec<Cause>,
    /// Selection, scrolling, folding, filter of the overview.
    pub list: List,
    /// The step that the newest event speaks of: followed while running.
    pub newest: Option<usize>,
    /// Screens on top of each other; never empty, the last one is shown.
    pub screens: Vec<Screen>,
    /// What is up for users, when the last round ended.
    pub users: Vec<Standing>,
    /// What can be asked for more.
    pub offer: Offer,
    /// How many checks waited for the token that was given, until it is known what became of it.
    pub asked: Option<usize>,
    /// What lies over it.
    pub dialog: Option<Dialog>,
    /// A sentence in the footer's place until the next key.
    pub note: Option<String>,
    /// Steps of the guide that are done: by letter and number, and when.
    pub ticks: BTreeMap<(char, usize), Timestamp>,
    /// Results of earlier rounds.
    pub past: Vec<Past>,
    /// What happened in this session.
    pub session: Vec<(Timestamp, String)>,
    /// Where the last report was written.
    pub saved: Option<String>,
    /// Whether a stop was asked for: the next Ctrl-C leaves.
    pub stopping: bool,
}

impl Model {
    /// A model before anything is known.
    pub fn new(size: (u16, u16), look: Look, origin: Origin, now: Timestamp) -> Self {
        Self {
            size,
            look,
            phase: if origin == Origin::Demos { Phase::Choosing } else { Phase::Discovering },
            screens: vec![if origin == Origin::Demos {
                Screen::Demos { chosen: 0, search: String::new() }
            } else {
                Screen::Overview
            }],
            origin,
            title: None,
            fault: None,
            demos: Vec::new(),
            run: Run::default(),
            ended: None,
            now,
            round: BTreeSet::new(),
            values: Values::default(),
            letters: Letters::default(),
            causes: Vec::new(),
            list: List::default(),
            newest: None,
            users: Vec::new(),
            offer: Offer::default(),
            asked: None,
            dialog: None,
            note: None,
            ticks: BTreeMap::new(),
            past: Vec::new(),
            session: Vec::new(),
            saved: None,
            stopping: false,
        }
    }

    /// The screen that is shown.
    ///
    /// # Panics
    /// Never: the last screen is not taken away.
    pub fn screen(&self) -> &Screen {
        self.screens.last().expect("the last screen is never taken away")
    }

    /// The screen that is shown, to change it.
    ///
    /// # Panics
    /// Never: the last screen is not taken away.
    pub fn screen_mut(&mut self) -> &mut Screen {
        self.screens.last_mut().expect("the last screen is never taken away")
    }

    /// Where keys are pressed.
    pub fn context(&self) -> Context {
        match (&self.dialog, self.screen()) {
            (Some(Dialog::Quit), _) => Context::Quit,
            _ if self.is_small() && !matches!(self.dialog, Some(Dialog::Export(_))) => Context::Small,
            (Some(Dialog::Export(_)), _) => Context::Export,
            (Some(Dialog::Help(..)), _) => Context::Help,
            (Some(Dialog::Filter(_)), _) => Context::Filter,
            (Some(Dialog::Token(_)), _) => Context::Token,
            (Some(Dialog::Runner(_)), _) => Context::Runner,
            (None, Screen::Demos { .. }) => Context::Demo,
            (None, Screen::Overview) => Context::List,
            (None, Screen::Drill(_)) => Context::Drill,
            (None, Screen::Guide(_)) => Context::Guide,
            (None, Screen::Routes(_)) => Context::Routes,
            (None, Screen::Doors(_)) => Context::Doors,
        }
    }

    /// Whether the terminal is too small for anything but what it needs.
    pub fn is_small(&self) -> bool {
        self.size.0 < 40 || self.size.1 < 10
    }

    /// Whether a round goes on.
    pub fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running(_))
    }

    /// Whether something can be run: a plan stands and nothing goes on.
    pub fn can_run(&self) -> bool {
        self.phase == Phase::Rest && !matches!(self.origin, Origin::Saved(_)) && !self.run.steps.is_empty()
    }

    /// The cause that shows at a step or explains it.
    pub fn cause_of(&self, step: usize) -> Option<&Cause> {
        self.causes.iter().find(|c| c.root.shown_by.contains(&step) || c.root.explains.contains(&step))
    }

    /// The cause with a letter, if it stands.
    pub fn cause_of_letter(&self, letter: char) -> Option<&Cause> {
        self.causes.iter().find(|c| c.letter == letter)
    }

    /// The article of a step's first finding, filled in.
    pub fn article(&self, step: usize) -> Option<Article> {
        let state = self.run.steps.get(step)?;
        let finding = state.findings().first()?;
        let values = self.values.clone().at(&state.plan.place.to_string());
        Some(crate::remedy::filled(finding.code, &finding.args, &values))
    }

    /// The article of a cause, filled in.
    pub fn remedy(&self, cause: &Cause) -> Article {
        let first = cause.root.shown_by.first().and_then(|s| self.run.steps.get(*s));
        let place = first.map(|s| s.plan.place.to_string()).unwrap_or_default();
        let values = self.values.clone().at(&place);
        // A sentence names every host; a command needs one.
        let message = crate::remedy::message(cause.root.code, &cause.root.args, &values);
        Article { message, ..crate::remedy::filled(cause.root.code, &cause.root.first_args, &values) }
    }

    /// The groups that have checks, in their order. Before the plan stands: the ones that this version has.
    pub fn groups(&self) -> Vec<Group> {
        if self.run.steps.is_empty() {
            return vec![Group::Instance, Group::Network, Group::Inbound, Group::Exchange];
        }
        Group::ALL.into_iter().filter(|g| self.run.group(*g).next().is_some()).collect()
    }

    /// The exit code for the run that is shown (contract, section 3).
    pub fn exit_code(&self) -> u8 {
        if self.phase == Phase::Choosing && self.run.steps.is_empty() {
            return 0;
        }
        // A step that has not settled is open, and so is a run without steps.
        report::exit_code(&self.run, self.look.fail_on)
    }
}
