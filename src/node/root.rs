//! The directory below which a node's files are read: nothing leads out of it, nothing blocks, everything ends.
//!
//! Decides how files are opened, and how far they are read. What they mean is decided by its neighbours.

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, openat2};
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Take};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

/// No file that matters here is longer; one that is longer counts as unreadable, for its last line may decide.
pub const LONGEST: u64 = 4 << 20;

/// The most entries of a directory that are looked at; `/proc` of a large machine has some ten thousand.
const MOST_ENTRIES: usize = 1 << 16;

/// Files with secrets that nothing here needs: they are not even opened.
const NEVER: [&str; 2] = ["gitlab-secrets.json", ".gitlab_workhorse_secret"];

/// The directory below which everything is read: `/`, or what `--sysroot` names. Absolute links resolve inside
/// it, and nothing leads out of it.
#[derive(Debug)]
pub struct Root {
    path: PathBuf,
    dir: OwnedFd,
}

/// Why something could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is not there.
    Absent,
    /// This user may not read it.
    Denied,
    /// It is no ordinary file, so it says nothing: `it is a directory`.
    NoFile(&'static str),
    /// Anything else: `it is longer than 4 MiB`.
    Odd(&'static str),
}

impl Unreadable {
    /// The reason in words.
    pub fn why(self) -> &'static str {
        match self {
            Unreadable::Absent => "it is not there",
            Unreadable::Denied => "permission denied",
            Unreadable::NoFile(why) | Unreadable::Odd(why) => why,
        }
    }
}

impl From<Errno> for Unreadable {
    fn from(errno: Errno) -> Self {
        match errno {
            // The last: a process may vanish while it is read.
            Errno::NOENT | Errno::NOTDIR | Errno::SRCH => Unreadable::Absent,
            Errno::ACCESS | Errno::PERM => Unreadable::Denied,
            Errno::LOOP => Unreadable::NoFile("its links lead in a circle"),
            Errno::NAMETOOLONG => Unreadable::Odd("its name is too long"),
            _ => Unreadable::Odd("it cannot be read"),
        }
    }
}

/// A file's contents and what the kernel says of it.
#[derive(Clone, Debug)]
pub struct Contents {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Which file it is, whatever name led to it: device and inode.
    pub identity: (u64, u64),
    /// When it was last changed, Unix seconds.
    pub changed: i64,
}

/// The end of a file, opened; what is read from it ends where it ended then.
#[derive(Debug)]
pub struct Tail {
    file: Take<File>,
    /// Whether that is all of it. Else it begins with the rest of a line.
    pub whole: bool,
    /// When it was last changed, Unix seconds.
    pub changed: i64,
}

impl Read for Tail {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Root {
    /// Opens the directory.
    ///
    /// # Errors
    /// It does not exist, is no directory, or may not be entered.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let dir = rustix::fs::open(path, OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { path: path.to_owned(), dir })
    }

    fn open_as(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let below = path.trim_start_matches('/');
        let below = if below.is_empty() { "." } else { below };
        let flags = flags | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        // A path descriptor takes few flags beside its own.
        let flags =
            if flags.contains(OFlags::PATH) { flags - OFlags::NONBLOCK - OFlags::NOCTTY } else { flags };
        match openat2(&self.dir, below, flags, Mode::empty(), ResolveFlags::IN_ROOT) {
            // Kernels before 5.6 and some containers do not have the call: `/` needs it for nothing.
            Err(Errno::NOSYS | Errno::PERM) if self.path == Path::new("/") => {
                rustix::fs::open(format!("/{below}"), flags, Mode::empty())
            }
            opened => opened,
        }
    }

    fn stat(&self, path: &str) -> Result<Stat, Errno> {
        rustix::fs::fstat(self.open_as(path, OFlags::PATH)?)
    }

    /// Opens a regular file. It is looked at before it is opened: opening a device can have effects, and a FIFO
    /// is nobody's configuration.
    fn file(&self, path: &str) -> Result<(File, Stat), Unreadable> {
        if path.rsplit('/').next().is_some_and(|name| NEVER.contains(&name)) {
            return Err(Unreadable::Odd("it holds secrets that are not needed"));
        }
        let regular = |stat: &Stat| match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok(()),
            FileType::Directory => Err(Unreadable::NoFile("it is a directory")),
            FileType::Symlink
            | FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => Err(Unreadable::NoFile("it is no ordinary file")),
        };
        regular(&self.stat(path)?)?;
        let opened = self.open_as(path, OFlags::RDONLY)?;
        let stat = rustix::fs::fstat(&opened)?;
        regular(&stat)?;
        Ok((File::from(opened), stat))
    }

    /// A whole file.
    ///
    /// # Errors
    /// It is not there, may not be read, is no ordinary file, or is longer than any file that matters.
    pub fn read(&self, path: &str) -> Result<Contents, Unreadable> {
        let (file, stat) = self.file(path)?;
        let mut bytes = Vec::with_capacity(usize::try_from(stat.st_size).unwrap_or(0).min(1 << 20) + 1);
        let read = file.take(LONGEST + 1).read_to_end(&mut bytes);
        read.map_err(|e| {
            e.raw_os_error().map_or(Unreadable::Odd("it cannot be read"), |code| {
                Unreadable::from(Errno::from_raw_os_error(code))
            })
        })?;
        if bytes.len() as u64 > LONGEST {
            return Err(Unreadable::Odd("it is longer than 4 MiB"));
        }
        Ok(Contents { bytes, identity: (stat.st_dev, stat.st_ino), changed: stat.st_mtime })
    }

    /// The last bytes of a file, at most `most`, to be read piece by piece.
    ///
    /// # Errors
    /// It is not there, may not be read, or is no ordinary file.
    pub fn tail(&self, path: &str, most: u64) -> Result<Tail, Unreadable> {
        let (mut file, stat) = self.file(path)?;
        let length = u64::try_from(stat.st_size).unwrap_or(0);
        let from = length.saturating_sub(most);
        file.seek(SeekFrom::Start(from)).map_err(|_| Unreadable::Odd("it cannot be read"))?;
        Ok(Tail { file: file.take(length - from), whole: from == 0, changed: stat.st_mtime })
    }

    /// A whole file as text; bytes that are no UTF-8 are replaced.
    ///
    /// # Errors
    /// As for [`Root::read`].
    pub fn text(&self, path: &str) -> Result<String, Unreadable> {
        self.read(path).map(|contents| String::from_utf8_lossy(&contents.bytes).into_owned())
    }

    /// Whether there is such a file or directory. It need not be readable.
    pub fn has(&self, path: &str) -> bool {
        self.stat(path).is_ok()
    }

    /// Which file a name leads to: device and inode. It need not be readable.
    pub fn identity(&self, path: &str) -> Option<(u64, u64)> {
        self.stat(path).ok().map(|stat| (stat.st_dev, stat.st_ino))
    }

    /// When a file or directory was last changed, Unix seconds.
    pub fn changed(&self, path: &str) -> Option<i64> {
        self.stat(path).ok().map(|stat| stat.st_mtime)
    }

    /// Where a socket stands outside the directory's view, with every link resolved inside it. What is not there yet
    /// stands below its nearest folder; `None` where that might lead out of the directory, or stands in a mount
    /// namespace from which no path leads here.
    pub fn real(&self, path: &str) -> Option<PathBuf> {
        let path = Path::new(path);
        if !path.is_absolute() || path.components().any(|part| part == Component::ParentDir) {
            return None;
        }
        if self.path == Path::new("/") {
            return Some(path.to_owned());
        }
        let below = |path: &Path| self.open_as(path.to_str()?, OFlags::PATH).ok();
        if let Some(found) = below(path) {
            return self.outside(path, &found);
        }
        let mut folders = path.ancestors().skip(1).filter_map(|folder| Some((folder, below(folder)?)));
        let (folder, opened) = folders.next()?;
        let missing = path.strip_prefix(folder).ok()?;
        // A link that leads nowhere here may lead somewhere outside.
        let next = rustix::fs::statat(&opened, missing.iter().next()?, AtFlags::SYMLINK_NOFOLLOW);
        matches!(next, Err(Errno::NOENT)).then(|| Some(self.outside(folder, &opened)?.join(missing)))?
    }

    /// The path by which others reach what was opened by this one. The kernel's name for it counts from the root of
    /// its own mount namespace, so below `/proc/<pid>/root` only the path as it was given leads there.
    fn outside(&self, path: &Path, opened: &OwnedFd) -> Option<PathBuf> {
        let below = path.strip_prefix("/").ok()?;
        let within = if below.as_os_str().is_empty() { Path::new(".") } else { below };
        let plainly = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
        if openat2(&self.dir, within, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), plainly).is_ok() {
            return Some(self.path.join(below));
        }
        let name = |fd: &OwnedFd| std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).ok();
        let (top, found) = (name(&self.dir)?, name(opened)?);
        (top != Path::new("/") && found.starts_with(&top)).then_some(found)
    }

    /// The names in a directory, in order, as far as they are text.
    ///
    /// # Errors
    /// It is not there, may not be listed, or is no directory.
    pub fn list(&self, path: &str) -> Result<Vec<String>, Unreadable> {
        let opened = self.open_as(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let entries = Dir::read_from(opened.as_fd())?;
        let names = entries.take(MOST_ENTRIES).filter_map(Result::ok);
        let names = names.filter_map(|e| e.file_name().to_str().ok().map(str::to_owned));
        let mut names: Vec<String> = names.filter(|name| name != "." && name != "..").collect();
        names.sort();
        Ok(names)
    }

    /// The ordinary files in a directory and below it, by their paths, at most `most`, not deeper than four levels;
    /// links to directories are not followed.
    ///
    /// # Errors
    /// As for [`Root::list`], of the directory itself.
    pub fn walk(&self, path: &str, most: usize) -> Result<Vec<String>, Unreadable> {
        let mut files = Vec::new();
        let mut open = vec![(path.to_owned(), 0, self.list(path)?)];
        while let Some((dir, depth, names)) = open.pop() {
            for name in names {
                let path = format!("{dir}/{name}");
                if files.len() == most {
                    return Ok(files);
                }
                match self.kind(&dir, &name) {
                    Some(FileType::Directory) if depth < 4 => {
                        let below = self.list(&path).unwrap_or_default();
                        open.push((path, depth + 1, below));
                    }
                    Some(FileType::RegularFile | FileType::Symlink) => files.push(path),
                    _ => {}
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// What an entry is, without following it.
    fn kind(&self, dir: &str, name: &str) -> Option<FileType> {
        let dir = self.open_as(dir, OFlags::PATH | OFlags::DIRECTORY).ok()?;
        let stat = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(FileType::from_raw_mode(stat.st_mode))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_socket_below_another_root_stands_inside_it_or_nowhere() {
        let folder = tempfile::tempdir().expect("a folder");
        let top = folder.path();
        std::fs::create_dir_all(top.join("srv/sockets")).expect("folders");
        symlink("/srv/sockets", top.join("linked")).expect("a link");
        symlink("/nowhere", top.join("srv/away")).expect("a link");
        let root = Root::open(top).expect("a root");
        let real = |path: &str| root.real(path).map(|real| real.strip_prefix(top).map(Path::to_owned));
        let is = |path: &str| Some(Ok(PathBuf::from(path)));
        assert_eq!(real("/srv/sockets"), is("srv/sockets"));
        assert_eq!(real("/srv/sockets/not/yet"), is("srv/sockets/not/yet"));
        assert_eq!(real("/linked/socket"), is("srv/sockets/socket"), "its target, below the same root");
        assert_eq!((real("/srv/away"), real("/srv/away/socket"), real("/srv/../x")), (None, None, None));
    }

    #[test]
    fn below_a_process_only_the_path_as_given_leads_to_its_socket() {
        let folder = tempfile::tempdir().expect("a folder");
        let there = folder.path().join("there");
        std::fs::write(&there, "").expect("a file");
        symlink(&there, folder.path().join("link")).expect("a link");
        let root = Root::open(Path::new("/proc/self/root")).expect("a root");
        let given = there.to_str().expect("text");
        assert_eq!(root.real(given), Some(PathBuf::from(format!("/proc/self/root{given}"))));
        // The kernel's name for it would be one of this machine's own files.
        assert_eq!(root.real(folder.path().join("link").to_str().expect("text")), None);
    }
}
