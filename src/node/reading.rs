//! Reading with a memory of what could not be read, so that it can be said, with the command that would tell.

use super::root::{Contents, Root, Unreadable};
use crate::subject::facts::Unread;
use crate::text;
use std::cell::RefCell;
use std::path::Path;

/// The node's files, and what of them could not be read so far.
pub(super) struct Reading<'a> {
    pub(super) root: &'a Root,
    unread: RefCell<Vec<Unread>>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(root: &'a Root) -> Self {
        Self { root, unread: RefCell::default() }
    }

    /// A file as text. What is not there is no loss; anything else is remembered.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        self.try_text(path).ok()
    }

    /// The same, with the reason.
    pub(super) fn try_text(&self, path: &str) -> Result<String, Unreadable> {
        self.read(path).map(|contents| String::from_utf8_lossy(&contents.bytes).into_owned())
    }

    /// A file. What cannot be read is remembered.
    pub(super) fn read(&self, path: &str) -> Result<Contents, Unreadable> {
        let found = self.root.read(path);
        if let Err(why) = &found {
            self.lost(path, *why, &format!("sudo cat {path}"));
        }
        found
    }

    /// The names in a directory. What cannot be listed is remembered.
    pub(super) fn list(&self, path: &str) -> Result<Vec<String>, Unreadable> {
        let found = self.root.list(path);
        if let Err(why) = &found {
            self.lost(path, *why, &format!("sudo ls {path}"));
        }
        found
    }

    /// Remembers that something is there and could not be read.
    pub(super) fn lost(&self, what: &str, why: Unreadable, command: &str) {
        match why {
            Unreadable::Absent => {}
            Unreadable::Denied => self.note(what, why.why(), command),
            // More rights would not help.
            Unreadable::NoFile(why) | Unreadable::Odd(why) => self.note(what, why, &format!("ls -lL {what}")),
        }
    }

    /// Remembers something that was read and not understood.
    pub(super) fn note(&self, what: &str, why: &str, command: &str) {
        let unread =
            Unread { what: text::foreign(what), why: why.to_owned(), command: text::foreign(command) };
        let mut all = self.unread.borrow_mut();
        if !all.iter().any(|known| known.what == unread.what) {
            all.push(unread);
        }
    }

    /// Everything that could not be read.
    pub(super) fn into_unread(self) -> Vec<Unread> {
        self.unread.into_inner()
    }
}

/// Whether a file's name ends so, behind a dot.
pub(super) fn has_ending(path: &str, ending: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == ending)
}
