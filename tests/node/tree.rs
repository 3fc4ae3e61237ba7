//! A node's files in a directory of their own.

use duo_doctor::node::root::Root;
use duo_doctor::node::{Found, discover};
use duo_doctor::subject::environment::Environment;
use duo_doctor::subject::facts::{Component, Facts};
use duo_doctor::subject::place::Stack;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What is found on a fixture node.
pub(crate) fn found(name: &str) -> Found {
    discover(&Root::open(&fixture(name)).expect("a fixture node"))
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nodes").join(name)
}

/// A tree that a test changes.
pub(crate) struct Tree(TempDir);

impl Tree {
    /// Nothing at all.
    pub(crate) fn empty() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
        Self(dir)
    }

    /// A copy of a fixture node.
    pub(crate) fn of(name: &str) -> Self {
        let tree = Self::empty();
        copy(&fixture(name), tree.0.path());
        tree
    }

    /// A Linux package with this `gitlab.rb` and nothing else.
    pub(crate) fn with_gitlab_rb(text: &str) -> Self {
        Self::empty().write("etc/gitlab/gitlab.rb", text)
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(crate) fn write(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(path, bytes).expect("a file");
        self
    }

    pub(crate) fn link(self, path: &str, to: &str) -> Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        symlink(to, path).expect("a link");
        self
    }

    pub(crate) fn dir(self, path: &str) -> Self {
        fs::create_dir_all(self.path(path)).expect("directories");
        self
    }

    pub(crate) fn remove(self, path: &str) -> Self {
        let path = self.path(path);
        let gone = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        gone.expect("it was there");
        self
    }

    pub(crate) fn remove_if_there(self, path: &str) -> Self {
        if self.path(path).symlink_metadata().is_ok() { self.remove(path) } else { self }
    }

    /// Takes every right away from a file or directory.
    pub(crate) fn lock(self, path: &str) -> Self {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o000)).expect("a mode");
        self
    }

    pub(crate) fn found(&self) -> Found {
        discover(&Root::open(self.0.path()).expect("a directory"))
    }

    pub(crate) fn facts(&self) -> Facts {
        self.found().facts
    }

    /// What a user without rights finds.
    pub(crate) fn found_by_nobody(&self) -> Found {
        self.by_nobody(discover)
    }

    /// What this gives to a user without rights: root ignores modes, so a thread gives its rights up.
    pub(crate) fn by_nobody<T: Send + 'static>(&self, read: impl FnOnce(&Root) -> T + Send + 'static) -> T {
        let path = self.0.path().to_owned();
        let nobody = std::thread::spawn(move || {
            if rustix::process::geteuid().is_root() {
                let (uid, gid) =
                    (rustix::process::Uid::from_raw(65_534), rustix::process::Gid::from_raw(65_534));
                rustix::thread::set_thread_gid(gid).expect("another group for this thread");
                rustix::thread::set_thread_uid(uid).expect("another user for this thread");
            }
            read(&Root::open(&path).expect("a directory"))
        });
        nobody.join().expect("reading does not panic")
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // The directory removes itself; a locked one would refuse that to anybody but root.
        unlock(self.0.path());
    }
}

fn unlock(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.filter_map(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o755)).ok();
            unlock(&entry.path());
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a fixture node") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            fs::create_dir_all(&target).expect("a directory");
            copy(&entry.path(), &target);
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path()).expect("a link"), target).expect("a link");
        } else {
            fs::copy(entry.path(), target).expect("a file");
        }
    }
}

/// A component that must be there.
pub(crate) fn component(facts: &Facts, stack: Stack) -> &Component {
    facts.component(stack).unwrap_or_else(|| panic!("{stack} runs here"))
}

/// The variables of an environment, `name=value`.
pub(crate) fn pairs(environment: &Environment) -> Vec<String> {
    environment.iter().map(|(name, variable)| format!("{name}={}", variable.value.expose())).collect()
}

/// What a component's next start gets; `None`: not known.
pub(crate) fn configured(facts: &Facts, stack: Stack) -> Option<Vec<String>> {
    component(facts, stack).configured.as_ref().map(pairs)
}

/// A proxy in every example.
pub(crate) const PROXY: &str = "http://proxy.example.com:3128";
