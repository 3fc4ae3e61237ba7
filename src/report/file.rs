//! A report as a file: what becomes of one that stands there, what was written, why nothing was. Pure: `save`
//! writes.

use std::path::PathBuf;
use thiserror::Error;

/// What happens to a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// It stays, and nothing is written.
    Never,
    /// It is replaced in one step.
    Yes,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Where.
    pub path: PathBuf,
    /// How much.
    pub bytes: u64,
}

/// Why nothing was written. Exit code 73.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SaveError {
    /// The path names no file.
    #[error("{0} names no file")]
    NoName(String),
    /// The folder is missing.
    #[error("{0} does not exist")]
    NoFolder(String),
    /// What should be the folder is none.
    #[error("{0} is no folder")]
    NotFolder(String),
    /// The folder may not be written to.
    #[error("{0}: uid {1} may not write there")]
    Denied(String, u32),
    /// The disk cannot be written to at all.
    #[error("{0} is read-only")]
    ReadOnly(String),
    /// The target is a symbolic link.
    #[error("{0} is a link to {1}. Reports are not written through links.")]
    Link(String, String),
    /// The target is a folder, a device, a pipe.
    #[error("{0} is {1}, not a file")]
    NotFile(String, &'static str),
    /// The target exists and may not be replaced.
    #[error("{0} exists: {1} bytes, written {2}")]
    Exists(String, String, String),
    /// No room on the disk.
    #[error("no room: {0} needed, {1} free on {2}. Nothing was written, no part is left.")]
    NoRoom(String, String, String),
    /// Others may replace files in the folder.
    #[error("{0} belongs to uid {1} and others may write there: a report could be replaced.")]
    Shared(String, u32),
    /// Anything else.
    #[error("{0} could not be written: {1}")]
    Other(String, String),
}
