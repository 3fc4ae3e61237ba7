//! A text that must never be seen: it cannot be printed, formatted or serialised.
//!
//! Decides how secrets are held. Where they may travel is decided by the checks and `net`.

use std::fmt;
use std::hash::{Hash, Hasher};
use zeroize::Zeroizing;

/// A token, password or proxy credential. `Debug` shows `***`; there is no `Display` and no `Serialize`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text into custody; the memory is wiped when the last copy is dropped.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Nothing yet, with room for what is typed: a text that grows beyond its room is left behind in memory.
    pub fn empty() -> Self {
        Self(Zeroizing::new(String::with_capacity(Self::LONGEST)))
    }

    /// The longest text that is taken letter by letter, in bytes: tokens have a few dozen.
    pub const LONGEST: usize = 512;

    /// Takes one more letter in; more than `LONGEST` bytes are not taken.
    pub fn push(&mut self, letter: char) {
        if self.0.len() + letter.len_utf8() > Self::LONGEST {
            return;
        }
        if self.0.capacity() < Self::LONGEST {
            let mut roomy = Self::empty();
            roomy.0.push_str(&self.0);
            *self = roomy;
        }
        self.0.push(letter);
    }

    /// Takes the last letter away.
    pub fn pop(&mut self) {
        self.0.pop();
    }

    /// The text without the white space around it.
    #[must_use]
    pub fn trimmed(&self) -> Self {
        Self::new(self.0.trim())
    }

    /// How many letters it has: all that may be shown of it.
    pub fn letters(&self) -> usize {
        self.0.chars().count()
    }

    /// The text itself, for the one line that puts it on the wire.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.expose().hash(state);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_grows_letter_by_letter_and_never_beyond_its_room() {
        let mut secret = Secret::empty();
        let place = secret.expose().as_ptr();
        for _ in 0..Secret::LONGEST + 9 {
            secret.push('x');
        }
        assert_eq!((secret.letters(), secret.expose().as_ptr()), (Secret::LONGEST, place), "it was moved");
        let mut copy = Secret::new(" ab\n").trimmed();
        copy.push('c');
        copy.pop();
        assert_eq!(copy, Secret::new("ab"));
    }

    #[test]
    fn a_secret_never_shows_in_debug_output() {
        assert_eq!(format!("{:?}", Some(Secret::new("glpat-abc"))), "Some(***)");
    }
}
