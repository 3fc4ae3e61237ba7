//! Versions of GitLab, as far as they decide what can be asked: major and minor.

use std::fmt;

/// `18.9` of `18.9.1-ee`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u32, pub u32);

impl Version {
    /// Reads the start of a version; `None`: it is none.
    pub fn of(text: &str) -> Option<Self> {
        let mut parts = text.trim().split(['.', '-']).map(str::parse::<u32>);
        Some(Version(parts.next()?.ok()?, parts.next()?.ok()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_a_version_is_read_and_anything_else_is_none() {
        for (text, version) in [
            ("18.9.1-ee", Some(Version(18, 9))),
            ("17.2.0", Some(Version(17, 2))),
            ("19.0.0-pre", Some(Version(19, 0))),
            ("18.10", Some(Version(18, 10))),
            ("master", None),
            ("18", None),
            ("", None),
        ] {
            assert_eq!(Version::of(text), version, "{text}");
        }
        assert!(Version(18, 10) > Version(18, 9));
    }
}
