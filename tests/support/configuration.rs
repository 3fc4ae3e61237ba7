//! A server's configuration file with named places, edited as an administrator does who follows an article.
//!
//! Which places there are is decided by the file of each server. Every edit is in the file at once, and in force only
//! after the server's own `reload`.

use std::fmt::Debug;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A file made of fixed text and of places, each with its present text.
pub(crate) struct Configuration<P> {
    file: PathBuf,
    pieces: Vec<(Option<P>, String)>,
}

impl<P: Copy + Debug + PartialEq> Configuration<P> {
    /// A configuration that will stand in `file`, still empty.
    pub(crate) fn new(file: PathBuf) -> Configuration<P> {
        Configuration { file, pieces: Vec::new() }
    }

    /// Goes on with text that no edit touches.
    pub(crate) fn fixed(mut self, text: impl Into<String>) -> Configuration<P> {
        self.pieces.push((None, text.into()));
        self
    }

    /// Goes on with a place.
    pub(crate) fn place(mut self, place: P, text: impl Into<String>) -> Configuration<P> {
        self.pieces.push((Some(place), text.into()));
        self
    }

    /// Writes the file.
    pub(crate) fn written(self) -> Configuration<P> {
        self.write();
        self
    }

    /// Where the file stands.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The whole file.
    pub(crate) fn text(&self) -> String {
        let texts: Vec<&str> = self.pieces.iter().map(|(_, text)| text.trim_end()).collect();
        format!("{}\n", texts.join("\n"))
    }

    /// Puts `snippet` before all that stands in `place`.
    pub(crate) fn insert_first(&mut self, place: P, snippet: &str) {
        self.edit(place, |text| format!("{snippet}\n{text}"));
    }

    /// Puts `snippet` behind all that stands in `place`.
    pub(crate) fn insert_last(&mut self, place: P, snippet: &str) {
        self.edit(place, |text| format!("{text}\n{snippet}"));
    }

    /// Puts `snippet` into the block that `place` is, before the brace that ends it.
    pub(crate) fn insert_within(&mut self, place: P, snippet: &str) {
        self.edit(place, |text| {
            let end = text.rfind('}').unwrap_or_else(|| panic!("{place:?} is no block: {text}"));
            format!("{}{snippet}\n{}", &text[..end], &text[end..])
        });
    }

    /// Puts `snippet` into the block within `place` whose first line begins with `words`, before the brace that ends it.
    pub(crate) fn insert_into_block(&mut self, place: P, words: &str, snippet: &str) {
        self.edit(place, |text| {
            let (_, end) = block(text, words).unwrap_or_else(|| panic!("no block {words:?} in {text}"));
            format!("{}{snippet}\n{}", &text[..end - 1], &text[end - 1..])
        });
    }

    /// Takes the block whose first line begins with `words` out of `place`. Ends the test if there is none.
    pub(crate) fn take_out_block(&mut self, place: P, words: &str) {
        self.edit(place, |text| {
            let (start, end) = block(text, words).unwrap_or_else(|| panic!("no block {words:?} in {text}"));
            format!("{}{}", &text[..start], &text[end..])
        });
    }

    /// What stands in `place`.
    pub(crate) fn at(&self, place: P) -> &str {
        let piece = self.pieces.iter().find(|(own, _)| *own == Some(place));
        piece.map_or_else(|| panic!("this configuration has no {place:?}"), |(_, text)| text)
    }

    /// Puts `snippet` in the stead of all that stands in `place`.
    pub(crate) fn replace(&mut self, place: P, snippet: &str) {
        self.edit(place, |_| snippet.to_owned());
    }

    /// Takes the lines that begin with `words` out of `place`. Ends the test if there are none.
    pub(crate) fn take_out(&mut self, place: P, words: &str) {
        self.edit(place, |text| {
            let kept: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with(words)).collect();
            assert!(kept.len() < text.lines().count(), "no line of {place:?} begins with {words:?}: {text}");
            kept.join("\n")
        });
    }

    fn edit(&mut self, place: P, change: impl Fn(&str) -> String) {
        let piece = self.pieces.iter_mut().find(|(own, _)| *own == Some(place));
        let (_, text) = piece.unwrap_or_else(|| panic!("this configuration has no {place:?}"));
        *text = change(text);
        self.write();
    }

    fn write(&self) {
        fs::write(&self.file, self.text()).expect("the test's own directory is writable");
    }
}

/// Where the block whose first line begins with `words` starts, and the end of the brace that ends it.
fn block(text: &str, words: &str) -> Option<(usize, usize)> {
    let mut at = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        at += line.len();
        (at - line.len(), line)
    });
    let (start, _) = lines.into_iter().find(|(_, line)| line.trim_start().starts_with(words))?;
    let mut depth = 0usize;
    for (index, character) in text[start..].char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 1 => return Some((start, start + index + 1)),
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// What a server says about its configuration without running it.
#[derive(Debug)]
pub(crate) struct Syntax {
    /// Whether it would start with it.
    pub(crate) accepted: bool,
    /// All that it printed.
    pub(crate) said: String,
}

/// Runs a server's own check.
pub(crate) fn check(mut command: Command) -> Syntax {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    Syntax { accepted: output.status.success(), said: String::from_utf8_lossy(&said).into_owned() }
}

/// A directory for a server that gives up root: its other user has to read the files here.
pub(crate) fn directory() -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("the directory is ours");
    directory
}
