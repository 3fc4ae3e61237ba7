//! What this node is, read from its files: GitLab's kind and version, the instance's URL, names and resolvers.
//!
//! Reads only, everything below one directory, bounded. What cannot be read is `None`, never "no".

use crate::subject::address::InstanceUrl;
use crate::subject::{HostsEntry, Install, Node};
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The node's facts.
    pub node: Node,
    /// `external_url`, where it is written as a plain text.
    pub external_url: Option<InstanceUrl>,
}

/// No file that matters here is longer.
const LONGEST: u64 = 1 << 20;

/// Reads the node's files below `root` (`/`, or what `--sysroot` names).
pub fn discover(root: &Path) -> Found {
    let read = |path: &str| read(&root.join(path.trim_start_matches('/')));
    let exists = |path: &str| root.join(path.trim_start_matches('/')).exists();
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
    Found { node, external_url: read("/etc/gitlab/gitlab.rb").and_then(|text| external_url(&text)) }
}

fn read(path: &PathBuf) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
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
fn external_url(text: &str) -> Option<InstanceUrl> {
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
        let found = discover(root.path());
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
        assert_eq!(discover(root.path()), Found::default());
    }

    #[test]
    fn a_url_that_ruby_would_compute_is_not_guessed() {
        assert_eq!(external_url("external_url \"https://#{node}\""), None);
        assert_eq!(external_url("external_url ENV['URL']"), None);
    }
}
