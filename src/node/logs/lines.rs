//! A file line by line, through a buffer that does not grow: what is longer than it is passed over.

use std::io::{ErrorKind, Read, Result};

/// Where in the file the reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// At its first line.
    Start,
    /// Somewhere in it: the rest of a line comes first, and counts for nothing.
    Middle,
}

/// Gives each whole line that fits into the buffer to `each`, without its end, and says how many bytes were read. A
/// last line without its end is still being written, and is passed over.
pub(super) fn each_line(
    source: &mut impl Read,
    begin: Begin,
    buffer: &mut [u8],
    mut each: impl FnMut(&[u8]),
) -> (u64, Result<()>) {
    let (mut filled, mut total) = (0, 0);
    // While this is set, everything up to the next line's end is passed over.
    let mut is_lost = begin == Begin::Middle;
    loop {
        let read = match source.read(&mut buffer[filled..]) {
            Ok(0) => return (total, Ok(())),
            Ok(read) => read,
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(e) => return (total, Err(e)),
        };
        total += read as u64;
        let known = filled;
        filled += read;
        let (mut start, mut look) = (0, known);
        while let Some(end) = memchr::memchr(b'\n', &buffer[look..filled]) {
            let end = look + end;
            if !std::mem::take(&mut is_lost) {
                each(&buffer[start..end]);
            }
            (start, look) = (end + 1, end + 1);
        }
        if is_lost || (start == 0 && filled == buffer.len()) {
            (is_lost, filled) = (true, 0);
        } else {
            buffer.copy_within(start..filled, 0);
            filled -= start;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
            let most = self.1.min(buffer.len());
            self.0.read(&mut buffer[..most])
        }
    }

    fn lines(text: &str, begin: Begin, room: usize, step: usize) -> Vec<String> {
        let mut found = Vec::new();
        let mut buffer = vec![0; room];
        let (read, end) = each_line(&mut Slow(text.as_bytes(), step), begin, &mut buffer, |line| {
            found.push(String::from_utf8_lossy(line).into_owned());
        });
        assert!(end.is_ok() && read == text.len() as u64);
        found
    }

    #[test]
    fn every_whole_line_comes_once_whatever_the_pieces() {
        for step in 1..20 {
            assert_eq!(lines("one\n\ntwo\nthr", Begin::Start, 8, step), ["one", "", "two"], "{step}");
            assert_eq!(lines("one\ntwo\n", Begin::Middle, 8, step), ["two"], "{step}");
        }
    }

    #[test]
    fn a_line_without_room_is_passed_over_and_the_next_one_is_not() {
        let long = "x".repeat(50);
        for step in 1..20 {
            assert_eq!(lines(&format!("a\n{long}\nb\n"), Begin::Start, 8, step), ["a", "b"], "{step}");
            assert_eq!(lines(&format!("{long}\nb\n"), Begin::Middle, 8, step), ["b"], "{step}");
        }
    }
}
