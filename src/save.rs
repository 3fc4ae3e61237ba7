//! Writing a report: whole or not at all, for its owner alone, never through a link. Knows nothing of what it
//! writes.
//!
//! The text goes into a fresh file beside the target, is flushed to the disk, and takes the target's name in one
//! step. Nothing is left behind when a step fails.

use crate::report::file::{Overwrite, SaveError, Saved};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// Writes a file of mode 0600.
///
/// # Errors
/// Nothing was written, and why.
pub fn save(path: &Path, bytes: &[u8], overwrite: Overwrite) -> Result<Saved, SaveError> {
    let shown = show(path);
    let name = path.file_name().ok_or_else(|| SaveError::NoName(shown.clone()))?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    let target = Target { folder, name: Path::new(name), path };
    let dir = open_folder(folder)?;
    target.look(dir.as_fd(), overwrite)?;
    let temporary = Temporary::create(dir.as_fd(), &target)?;
    temporary.fill(bytes).map_err(|e| target.error_of(&e, bytes.len(), dir.as_fd()))?;
    temporary.take_name(&target, overwrite).map_err(|e| match e {
        // Somebody was quicker: say what stands there now.
        Errno::EXIST => match target.look(dir.as_fd(), overwrite) {
            Err(error) => error,
            Ok(()) => SaveError::Other(shown.clone(), "it came and went meanwhile".to_owned()),
        },
        e => target.error(e, bytes.len(), dir.as_fd()),
    })?;
    // The name is on the disk only with the folder; a file system that cannot flush folders is none the worse.
    let _ = rustix::fs::fsync(&dir);
    Ok(Saved { path: path.to_owned(), bytes: bytes.len() as u64 })
}

/// A size as people say it: `6.1 KB`.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{}.{} KB", bytes / 1_000, bytes % 1_000 / 100),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

fn show(path: &Path) -> String {
    crate::text::foreign(&path.to_string_lossy())
}

/// Opens the folder and refuses one in which others may replace what is written.
fn open_folder(folder: &Path) -> Result<OwnedFd, SaveError> {
    let shown = show(folder);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = rustix::fs::openat(CWD, folder, flags, Mode::empty()).map_err(|e| match e {
        Errno::NOENT => SaveError::NoFolder(shown.clone()),
        Errno::NOTDIR => SaveError::NotFolder(shown.clone()),
        Errno::ACCESS | Errno::PERM => SaveError::Denied(shown.clone(), uid()),
        e => SaveError::Other(shown.clone(), e.to_string()),
    })?;
    let stat = rustix::fs::fstat(&dir).map_err(|e| SaveError::Other(shown.clone(), e.to_string()))?;
    let mode = Mode::from_raw_mode(stat.st_mode);
    if mode.contains(Mode::WOTH) && !mode.contains(Mode::SVTX) {
        return Err(SaveError::Shared(shown, stat.st_uid));
    }
    Ok(dir)
}

fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Where the report is to stand.
struct Target<'a> {
    folder: &'a Path,
    name: &'a Path,
    path: &'a Path,
}

impl Target<'_> {
    /// What stands there now, if it is in the way.
    fn look(&self, dir: BorrowedFd<'_>, overwrite: Overwrite) -> Result<(), SaveError> {
        let stat = match rustix::fs::statat(dir, self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(()),
            Err(e) => return Err(self.error(e, 0, dir)),
            Ok(stat) => stat,
        };
        let shown = show(self.path);
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => {
                let to = rustix::fs::readlinkat(dir, self.name, Vec::new()).unwrap_or_default();
                Err(SaveError::Link(show(self.name), crate::text::foreign(&to.to_string_lossy())))
            }
            FileType::RegularFile if overwrite == Overwrite::Yes => Ok(()),
            FileType::RegularFile => Err(SaveError::Exists(shown, thousands(&stat), written(&stat))),
            FileType::Directory => Err(SaveError::NotFile(shown, "a folder")),
            FileType::Fifo => Err(SaveError::NotFile(shown, "a pipe")),
            FileType::Socket => Err(SaveError::NotFile(shown, "a socket")),
            FileType::CharacterDevice | FileType::BlockDevice => Err(SaveError::NotFile(shown, "a device")),
            FileType::Unknown => Err(SaveError::NotFile(shown, "of an unknown kind")),
        }
    }

    fn error(&self, errno: Errno, needed: usize, dir: BorrowedFd<'_>) -> SaveError {
        let folder = show(self.folder);
        match errno {
            Errno::ACCESS | Errno::PERM => SaveError::Denied(folder, uid()),
            Errno::ROFS => SaveError::ReadOnly(folder),
            Errno::NOSPC | Errno::DQUOT => {
                let free = rustix::fs::fstatvfs(dir).map_or(0, |s| s.f_bavail.saturating_mul(s.f_frsize));
                SaveError::NoRoom(size(needed as u64), size(free), folder)
            }
            errno => SaveError::Other(show(self.path), errno.to_string()),
        }
    }

    fn error_of(&self, error: &std::io::Error, needed: usize, dir: BorrowedFd<'_>) -> SaveError {
        match Errno::from_io_error(error) {
            Some(errno) => self.error(errno, needed, dir),
            None => SaveError::Other(show(self.path), error.to_string()),
        }
    }
}

/// `5,902`
fn thousands(stat: &Stat) -> String {
    let digits = stat.st_size.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn written(stat: &Stat) -> String {
    let at = jiff::Timestamp::from_second(stat.st_mtime).unwrap_or_default();
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A file beside the target that goes away unless it takes the target's name.
struct Temporary<'a> {
    dir: BorrowedFd<'a>,
    name: String,
    file: File,
}

impl<'a> Temporary<'a> {
    fn create(dir: BorrowedFd<'a>, target: &Target) -> Result<Self, SaveError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // Names of runs that were killed may be left; a hundred of them would be somebody's doing.
        for _ in 0..100 {
            let n = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!(".duo-doctor-{}-{n}.part", std::process::id());
            match rustix::fs::openat(dir, &name, flags, Mode::RUSR | Mode::WUSR) {
                Ok(file) => return Ok(Self { dir, name, file: File::from(file) }),
                Err(Errno::EXIST) => {}
                Err(e) => return Err(target.error(e, 0, dir)),
            }
        }
        Err(SaveError::Other(show(target.path), "leftovers of other runs are in the way".to_owned()))
    }

    fn fill(&self, bytes: &[u8]) -> std::io::Result<()> {
        // A default ACL of the folder can widen what was asked for at creation.
        rustix::fs::fchmod(&self.file, Mode::RUSR | Mode::WUSR)?;
        (&self.file).write_all(bytes)?;
        self.file.sync_all()
    }

    fn take_name(&self, target: &Target, overwrite: Overwrite) -> Result<(), Errno> {
        match overwrite {
            Overwrite::Yes => rustix::fs::renameat(self.dir, &self.name, self.dir, target.name),
            Overwrite::Never => {
                let kept = RenameFlags::NOREPLACE;
                match rustix::fs::renameat_with(self.dir, &self.name, self.dir, target.name, kept) {
                    // Not every file system knows the flag; a second name fails just as well if one is there.
                    Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                        rustix::fs::linkat(self.dir, &self.name, self.dir, target.name, AtFlags::empty())
                    }
                    done => done,
                }
            }
        }
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        // Gone already where the name was taken.
        let _ = rustix::fs::unlinkat(self.dir, &self.name, AtFlags::empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_report_is_for_its_owner_alone_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("duo.md");
        assert_eq!(save(&path, b"text", Overwrite::Never).map(|s| s.bytes), Ok(4));
        let mode = std::fs::metadata(&path).expect("the file").permissions().mode() & 0o7777;
        assert_eq!((mode, names(dir.path())), (0o600, vec!["duo.md".to_owned()]));
    }

    #[test]
    fn an_existing_file_stays_unless_it_may_be_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("duo.md");
        std::fs::write(&path, "x".repeat(5_902)).expect("a file");
        let error = save(&path, b"new", Overwrite::Never).expect_err("it exists").to_string();
        assert!(error.contains("exists: 5,902 bytes, written 20"), "{error}");
        assert_eq!(std::fs::read(&path).expect("the file").len(), 5_902);
        save(&path, b"new", Overwrite::Yes).expect("written");
        assert_eq!(std::fs::read(&path).expect("the file"), b"new");
        assert_eq!(names(dir.path()), ["duo.md"]);
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let dir = tempfile::tempdir().expect("a folder");
        let (path, other) = (dir.path().join("duo.md"), dir.path().join("motd"));
        std::fs::write(&other, "kept").expect("a file");
        symlink(&other, &path).expect("a link");
        for overwrite in [Overwrite::Never, Overwrite::Yes] {
            let error = save(&path, b"new", overwrite).expect_err("a link").to_string();
            assert!(error.starts_with("duo.md is a link to /"), "{error}");
        }
        assert_eq!(std::fs::read(&other).expect("the file"), b"kept");
        assert_eq!(names(dir.path()), ["duo.md", "motd"]);
    }

    #[test]
    fn a_folder_where_others_may_replace_files_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let open = |mode| std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(mode));
        open(0o777).expect("permissions");
        let path = dir.path().join("duo.md");
        assert!(matches!(save(&path, b"x", Overwrite::Never), Err(SaveError::Shared(..))));
        open(0o1777).expect("permissions");
        assert!(save(&path, b"x", Overwrite::Never).is_ok());
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let missing = save(&dir.path().join("no/duo.md"), b"x", Overwrite::Yes).expect_err("no folder");
        assert!(missing.to_string().ends_with("/no does not exist"), "{missing}");
        std::fs::create_dir(dir.path().join("duo.md")).expect("a folder");
        let folder = save(&dir.path().join("duo.md"), b"x", Overwrite::Yes).expect_err("a folder");
        assert!(folder.to_string().ends_with("is a folder, not a file"), "{folder}");
        assert_eq!(names(dir.path()), ["duo.md"]);
    }

    #[test]
    fn a_full_disk_leaves_nothing_behind() {
        let dir = tempfile::tempdir().expect("a folder");
        let target = Target { folder: Path::new("/srv"), name: Path::new("x"), path: Path::new("/srv/x") };
        let fd = open_folder(dir.path()).expect("a folder");
        let error = target.error(Errno::NOSPC, 6_100, fd.as_fd()).to_string();
        assert!(
            error.starts_with("no room: 6.1 KB needed, ") && error.contains(" free on /srv. "),
            "{error}"
        );
        drop(Temporary::create(fd.as_fd(), &target).expect("a file"));
        assert!(names(dir.path()).is_empty());
    }
}
