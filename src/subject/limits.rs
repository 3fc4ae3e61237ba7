//! Time limits of a run, and what it may do beyond the usual: each costs something, or somebody's word.

use super::ranges::Sampling;
use std::time::Duration;

/// Time limits of a run, and what it may do beyond the usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For one step of a connection. Default 10 s.
    pub timeout: Duration,
    /// For the whole run. Default 30 s, grown by `hold` and by what takes longer and was asked for.
    pub deadline: Duration,
    /// Whether the deadline is the default, which grows.
    pub deadline_grows: bool,
    /// How long a WebSocket is held open; `None`: until the first ping after the welcome, at most 7 s.
    pub hold: Option<Duration>,
    /// Whether Cloudflare's ranges are sampled.
    pub sampling: Sampling,
    /// Whether one real code completion may be asked for.
    pub completion: Completion,
    /// Whether Rails may be started once on this node to say what it knows.
    pub rails: RailsRunner,
    /// How far back lines of logs count. Default 24 h.
    pub since: Duration,
    /// Whether GitLab's own health check is run where a token is given.
    pub own_check: OwnCheck,
}

/// Whether `gitlab-rails runner` may be called: it takes up to minutes and about 1 GB of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RailsRunner {
    /// `--rails-runner` was given, or the question was answered with yes.
    Allowed,
    /// It was not.
    #[default]
    NotAsked,
}

impl RailsRunner {
    /// After so long the call is stopped.
    pub const LIMIT: Duration = Duration::from_mins(3);
}

/// Whether GitLab's own health check is run: it sends one completion and holds a thread of Puma.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnCheck {
    /// It is run, as the Admin page runs it.
    #[default]
    Run,
    /// `--skip gitlab-check` was given.
    Skipped,
}

impl OwnCheck {
    /// After so long no answer is waited for: Puma ends the request after 60 s.
    pub const LIMIT: Duration = Duration::from_secs(65);
}

/// Whether one real code completion may be asked for: it counts as use of GitLab Duo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Completion {
    /// `--allow-completion` was given.
    Allowed,
    /// It was not.
    #[default]
    NotAsked,
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Limits {
    /// The limits of the contract, section 2.
    pub const DEFAULT: Limits = Limits {
        timeout: Duration::from_secs(10),
        deadline: Duration::from_secs(30),
        deadline_grows: true,
        hold: None,
        sampling: Sampling::NotAsked,
        completion: Completion::NotAsked,
        rails: RailsRunner::NotAsked,
        since: Duration::from_hours(24),
        own_check: OwnCheck::Run,
    };

    /// The same with the deadline that leaves room for what takes longer: Rails, and GitLab's own health check where a
    /// token is given. A deadline that was given holds as given.
    #[must_use]
    pub fn grown(self, has_token: bool) -> Limits {
        if !self.deadline_grows {
            return self;
        }
        let rails = if self.rails == RailsRunner::Allowed { RailsRunner::LIMIT } else { Duration::ZERO };
        let check =
            if has_token && self.own_check == OwnCheck::Run { OwnCheck::LIMIT } else { Duration::ZERO };
        Limits { deadline: self.deadline + rails.max(check), deadline_grows: false, ..self }
    }

    /// How long to wait for the first ping: Action Cable sends one every 3 s, so two may be missed.
    pub const FIRST_PING: Duration = Duration::from_secs(7);
}
