//! What this node is, read from its files: GitLab's kind and version, the instance's URL, names and resolvers.
//!
//! Reads only, everything below one directory, bounded. What cannot be read is `None`, never "no".

use crate::subject::address::BaseUrl;
use crate::subject::facts::Facts;
use crate::subject::{HostsEntry, Install, Node, Store};
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The node's facts.
    pub node: Node,
    /// How its components go out.
    pub facts: Facts,
    /// `external_url`, where it is written as a plain text.
    pub external_url: Option<BaseUrl>,
    /// Whose roots its components trust.
    pub trust: Trust,
}

/// The roots that each kind of component trusts; `None`: the store is there and could not be read, or GitLab is
/// not installed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Rails, Sidekiq, and gRPC inside Rails: GitLab's own store.
    pub rails: Option<Store>,
    /// Workhorse: GitLab's folder and the operating system's bundle.
    pub workhorse: Option<Store>,
    /// curl in a shell: the operating system's bundle.
    pub shell: Store,
}

/// No file that matters here is longer.
const LONGEST: u64 = 1 << 20;

/// The directory below which everything is read: `/`, or what `--sysroot` names. Absolute links resolve inside
/// it, and nothing leads out of it.
#[derive(Debug)]
pub struct Root {
    path: PathBuf,
    dir: OwnedFd,
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

    /// Opens a file below the directory.
    fn file(&self, path: &str) -> Option<File> {
        let below = path.trim_start_matches('/');
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        match openat2(&self.dir, below, flags, Mode::empty(), ResolveFlags::IN_ROOT) {
            Ok(file) => Some(File::from(file)),
            // Kernels before 5.6 and some containers do not have the call: `/` needs it for nothing.
            Err(Errno::NOSYS | Errno::PERM) if self.path == Path::new("/") => File::open(path).ok(),
            Err(_) => None,
        }
    }

    /// The start of a file, as far as any file that matters here goes.
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file(path)?.take(LONGEST).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Whether there is such a file or directory that may be opened.
    fn has(&self, path: &str) -> bool {
        self.file(path).is_some()
    }
}

/// Where Linux distributions keep the bundle of trusted roots, in the order in which Go looks for it.
const SYSTEM_BUNDLES: [&str; 5] = [
    "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/ssl/ca-bundle.pem",
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "etc/ssl/cert.pem",
];

/// Reads the node's files.
pub fn discover(root: &Root) -> Found {
    let read = |path: &str| root.read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let exists = |path: &str| root.has(path);
    let install = if exists("/opt/gitlab/embedded/service/gitlab-rails") || exists("/etc/gitlab/gitlab.rb") {
        Some(if exists("/.dockerenv") || exists("/assets/wrapper") {
            Install::Docker
        } else {
            Install::Omnibus
        })
    } else if exists("/srv/gitlab/config/gitlab.yml") {
        Some(Install::Helm)
    } else if exists("/home/git/gitlab/config/gitlab.yml") {
        Some(Install::Source)
    } else {
        None
    };
    let version = [
        "/opt/gitlab/embedded/service/gitlab-rails/VERSION",
        "/srv/gitlab/VERSION",
        "/home/git/gitlab/VERSION",
    ]
    .iter()
    .find_map(|path| read(path));
    let version = version.as_deref().map(str::trim);
    let node = Node {
        hostname: read("/proc/sys/kernel/hostname")
            .or_else(|| read("/etc/hostname"))
            .map(|h| h.trim().to_owned()),
        install,
        roles: Vec::new(),
        gitlab_version: version.map(|v| v.split('-').next().unwrap_or(v).to_owned()),
        edition: version.and_then(|v| v.split_once('-')).map(|(_, edition)| edition.to_owned()),
        hosts: read("/etc/hosts").map(|text| hosts(&text)).unwrap_or_default(),
        nameservers: read("/etc/resolv.conf").map(|text| nameservers(&text)).unwrap_or_default(),
    };
    // The bundle is read here, so that a link in it cannot lead out of the directory.
    let bundle = SYSTEM_BUNDLES.iter().find_map(|f| root.read(f)).unwrap_or_default();
    let roots = CertificateDer::pem_slice_iter(&bundle).filter_map(Result::ok).map(|c| c.to_vec()).collect();
    let shell = Store { label: "the system's store".to_owned(), roots };
    let external_url = read("/etc/gitlab/gitlab.rb").and_then(|text| external_url(&text));
    Found { node, facts: Facts::default(), external_url, trust: Trust { shell, ..Trust::default() } }
}

/// The lines of a hosts file that name anything.
fn hosts(text: &str) -> Vec<HostsEntry> {
    let line = |line: &str| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address: IpAddr = words.next()?.parse().ok()?;
        let names: Vec<String> = words.map(str::to_ascii_lowercase).collect();
        (!names.is_empty()).then_some(HostsEntry { address, names })
    };
    text.lines().filter_map(line).collect()
}

/// The resolvers of a `resolv.conf`; the system asks the first three.
fn nameservers(text: &str) -> Vec<SocketAddr> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let address = (words.next() == Some("nameserver")).then(|| words.next())??;
        let address: IpAddr = address.split('%').next()?.parse().ok()?;
        Some(SocketAddr::new(address, 53))
    };
    text.lines().filter_map(line).take(3).collect()
}

/// The last `external_url` that is a plain text; Ruby is not evaluated.
fn external_url(text: &str) -> Option<BaseUrl> {
    let line = |line: &str| {
        let rest = line.trim().strip_prefix("external_url")?.trim_start_matches([' ', '(', '=']);
        let quote = rest.chars().next().filter(|c| *c == '"' || *c == '\'')?;
        let value = rest[1..].split(quote).next()?;
        (!value.contains("#{")).then(|| value.parse().ok())?
    };
    text.lines().filter_map(line).next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linux_package_is_recognised_by_its_files() {
        let root = tempfile::tempdir().expect("a directory");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
            std::fs::write(path, text).expect("a file");
        };
        write("opt/gitlab/embedded/service/gitlab-rails/VERSION", "18.9.1-ee\n");
        write(
            "etc/gitlab/gitlab.rb",
            "# external_url 'https://no'\nexternal_url 'https://git.example.com/x'\n",
        );
        write("etc/hosts", "10.0.0.1 Cloud.gitlab.com # pinned\nbroken\n");
        write("etc/resolv.conf", "search a\nnameserver 10.0.0.2\nnameserver fe80::1%eth0\n");
        let found = discover(&Root::open(root.path()).expect("a directory"));
        assert_eq!(found.node.install, Some(Install::Omnibus));
        assert_eq!(found.node.gitlab_version.as_deref(), Some("18.9.1"));
        assert_eq!(found.node.edition.as_deref(), Some("ee"));
        assert_eq!(found.external_url.map(|u| u.to_string()).as_deref(), Some("https://git.example.com/x"));
        assert_eq!(found.node.hosts_for("cloud.gitlab.com").len(), 1);
        assert_eq!(found.node.nameservers.len(), 2);
    }

    #[test]
    fn an_empty_machine_has_no_gitlab_and_nothing_is_guessed() {
        let root = tempfile::tempdir().expect("a directory");
        let root = Root::open(root.path()).expect("a directory");
        assert_eq!(discover(&root).node, Node::default());
    }

    #[test]
    fn absolute_links_stay_below_the_directory() {
        let root = tempfile::tempdir().expect("a directory");
        let etc = root.path().join("etc");
        std::fs::create_dir(&etc).expect("a directory");
        std::os::unix::fs::symlink("/etc/passwd", etc.join("hostname")).expect("a link");
        std::os::unix::fs::symlink("../../../../../../etc/passwd", etc.join("hosts")).expect("a link");
        let opened = Root::open(root.path()).expect("a directory");
        assert_eq!((opened.read("/etc/hostname"), opened.read("/etc/hosts")), (None, None));
        std::fs::write(etc.join("passwd"), "inside").expect("a file");
        assert_eq!(opened.read("/etc/hostname").as_deref(), Some(b"inside".as_slice()));
    }

    #[test]
    fn a_url_that_ruby_would_compute_is_not_guessed() {
        assert_eq!(external_url("external_url \"https://#{node}\""), None);
        assert_eq!(external_url("external_url ENV['URL']"), None);
    }
}
