//! One question to Rails on this node, by `gitlab-rails runner`: what is asked, what is run, and why no answer came.
//!
//! Plain data. `node` carries the call out; nothing is run without the user's word.

use crate::text;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The Ruby that Rails is asked with: it reads, and prints one JSON document between `BEGIN` and `END`.
pub const SCRIPT: &str = include_str!("../../assets/node/facts.rb");

/// The line before the document: Rails may print warnings around it.
pub const BEGIN: &str = "duo-doctor:begin";

/// The line after the document.
pub const END: &str = "duo-doctor:end";

/// How long Rails may take: it starts in 10 to 60 s, on a busy node in two minutes (`domain` 9.3).
pub const LIMIT: Duration = Duration::from_mins(3);

/// How many lines the script has, for the question whether it may run.
pub fn lines() -> usize {
    SCRIPT.lines().count()
}

/// A program and its arguments; the script goes to its standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What is started: `nice`.
    pub program: String,
    /// `-n`, `19`, `/opt/gitlab/bin/gitlab-rails`, `runner`, `-`
    pub arguments: Vec<String>,
    /// Where it is started; `None`: where this program was.
    pub folder: Option<PathBuf>,
    /// The environment that it gets.
    pub surroundings: Surroundings,
}

/// The environment of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surroundings {
    /// A search path, a home and a locale, nothing of this process: GitLab's wrappers bring what Rails needs.
    Clean,
    /// This process's own, without our token: in a pod the container's environment is GitLab's configuration.
    Container,
}

impl Call {
    /// These words behind `nice`, so that Rails gives way to what serves users.
    pub fn gently(words: &[&str]) -> Self {
        let words = ["-n", "19"].iter().chain(words);
        Self {
            program: "nice".to_owned(),
            arguments: words.map(|word| (*word).to_owned()).collect(),
            folder: None,
            surroundings: Surroundings::Clean,
        }
    }
}

impl Default for Call {
    fn default() -> Self {
        Self::gently(&["gitlab-rails", "runner", "-"])
    }
}

/// The command as a person would type it, without the folder.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program)?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {argument}"))
    }
}

/// Why Rails told nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// Only root and GitLab's own user may start Rails.
    #[error("gitlab-rails runner needs root, or the user git")]
    NotRoot,
    /// The program is not there.
    #[error("{program} is not there")]
    NotFound {
        /// What was looked for.
        program: String,
    },
    /// It was ended, with everything that it had started.
    #[error("Rails gave no answer within {} and was stopped", text::duration(*after))]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// It ended without a document, and said that it failed.
    #[error("gitlab-rails runner {ending}{}", said(words))]
    Exited {
        /// How.
        ending: Ending,
        /// The class of the exception where one was named, else the first line of what it said without anything
        /// that looks like a secret. Empty: it said nothing.
        words: String,
    },
    /// It ended well and printed no document of ours.
    #[error("gitlab-rails runner ended and printed no answer")]
    NoDocument,
    /// It printed more than any answer has, and was ended.
    #[error("gitlab-rails runner printed far more than an answer and was stopped")]
    TooLarge,
}

fn said(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(": {words}") }
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this exit code.
    Code(i32),
    /// By this signal. 9 that is not ours is mostly the kernel's, which was short of memory.
    Signal(i32),
    /// The system would not start it.
    NotStarted,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Code(code) => write!(f, "ended with exit code {code}"),
            Ending::Signal(9) => {
                f.write_str("was ended by signal 9, as the kernel does when memory is short")
            }
            Ending::Signal(signal) => write!(f, "was ended by signal {signal}"),
            Ending::NotStarted => f.write_str("could not be started"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_reads_as_it_would_be_typed() {
        assert_eq!(Call::default().to_string(), "nice -n 19 gitlab-rails runner -");
    }

    #[test]
    fn a_failure_says_what_was_seen_and_no_more() {
        let exited = |ending, words: &str| Failed::Exited { ending, words: words.into() }.to_string();
        let connection = exited(Ending::Code(1), "PG::ConnectionBad");
        assert_eq!(connection, "gitlab-rails runner ended with exit code 1: PG::ConnectionBad");
        assert!(exited(Ending::Signal(9), "").ends_with("when memory is short"));
        let late = Failed::TimedOut { after: LIMIT }.to_string();
        assert_eq!(late, "Rails gave no answer within 3 min 0 s and was stopped");
    }

    #[test]
    fn the_script_names_the_markers_that_are_looked_for() {
        assert!(SCRIPT.contains(&format!("\\n{BEGIN}\\n")) && SCRIPT.contains(&format!("\\n{END}\\n")));
    }
}
