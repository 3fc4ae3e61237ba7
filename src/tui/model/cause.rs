//! Letters of causes. While a run goes on they are provisional; when it ends they are fixed for the session
//! and never go to another cause.

use crate::diagnosis::{RootCause, diagnose};
use crate::finding::Code;
use crate::run::Run;

/// A root cause with its letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// A, B, C …
    pub letter: char,
    /// What to mend.
    pub root: RootCause,
}

impl Cause {
    /// How many steps follow from it.
    pub fn follow(&self) -> usize {
        self.root.explains.len()
    }

    /// Every step of it: the ones that show it, then the ones that follow.
    pub fn steps(&self) -> Vec<usize> {
        self.root.shown_by.iter().chain(&self.root.explains).copied().collect()
    }
}

/// The letters given away for good: to which fault, shown by which steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letters(Vec<(char, Code, Vec<usize>)>);

impl Letters {
    /// The causes of a run with the letters that are theirs, and the next free ones for new causes.
    pub fn name(&self, run: &Run) -> Vec<Cause> {
        let mut taken: Vec<char> = Vec::new();
        let mut causes: Vec<(Option<char>, RootCause)> = Vec::new();
        for root in diagnose(run) {
            let free =
                |(letter, code, _): &&(char, Code, Vec<usize>)| *code == root.code && !taken.contains(letter);
            let meets = |steps: &[usize]| steps.iter().any(|s| root.shown_by.contains(s));
            let known = (self.0.iter().filter(free).find(|(_, _, steps)| meets(steps)))
                .or_else(|| self.0.iter().find(free))
                .map(|(letter, _, _)| *letter);
            taken.extend(known);
            causes.push((known, root));
        }
        let mut fresh = letters().filter(|l| !self.0.iter().any(|(given, _, _)| given == l));
        let mut next = || fresh.next().unwrap_or('*');
        causes
            .into_iter()
            .map(|(known, root)| Cause { letter: known.unwrap_or_else(&mut next), root })
            .collect()
    }

    /// Keeps the letters as they stand.
    pub fn fix(&mut self, causes: &[Cause]) {
        for cause in causes {
            match self.0.iter_mut().find(|(letter, _, _)| *letter == cause.letter) {
                Some((_, _, steps)) => {
                    steps.extend(&cause.root.shown_by);
                    steps.sort_unstable();
                    steps.dedup();
                }
                None => self.0.push((cause.letter, cause.root.code, cause.root.shown_by.clone())),
            }
        }
    }

    /// The letters given away so far, in their order.
    pub fn given(&self) -> String {
        self.0.iter().map(|(letter, _, _)| *letter).collect()
    }
}

fn letters() -> impl Iterator<Item = char> {
    ('A'..='Z').chain('a'..='z')
}
