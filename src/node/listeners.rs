//! Where Workhorse listens: what its next start gets, else `gitlab.rb`, else the default of the installation.

use super::assignments::{of_shell, options};
use super::components::unit_files;
use super::gitlab_rb::{Answer, FILE, Settings};
use super::reading::Reading;
use crate::subject::Install;
use crate::subject::doors::{Aim, Certainty, Listener};
use crate::text;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// How runit starts it.
const RUN: &str = "/opt/gitlab/sv/gitlab-workhorse/run";

/// Where the package has it listen (Omnibus: `GitlabWorkhorse.parse_variables`).
const PACKAGE: &str = "/var/opt/gitlab/gitlab-workhorse/sockets/socket";

/// What the init script of a source installation reads.
const DEFAULTS: &str = "/etc/default/gitlab";

/// Where a source installation stands.
const SOURCE: &str = "/home/git/gitlab";

/// The port of Workhorse in a pod (GitLab's chart: `webservice`, `workhorseInternalPort`).
const IN_POD: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8181);

/// Workhorse's configuration in its container of a pod.
const OF_POD: &str = "/srv/gitlab/config/workhorse-config.toml";

/// As Workhorse is told: `-listenNetwork unix -listenAddr /…/socket`.
struct Told {
    network: String,
    address: String,
    from: String,
    certainty: Certainty,
}

/// Where it listens. `None`: it does not run here, or that could not be told.
pub(super) fn workhorse(
    reading: &Reading,
    install: Install,
    settings: Option<&Settings>,
    roles: &[String],
) -> Option<Listener> {
    let runs = |role: &str| roles.iter().any(|r| r == role);
    let told = match install {
        Install::Omnibus | Install::Docker if runs("workhorse") => of_package(reading, settings)?,
        Install::Source if runs("workhorse") => of_source(reading),
        // Its containers share one loopback interface.
        Install::Helm if runs("rails") || runs("workhorse") => return of_pod(reading),
        Install::Omnibus | Install::Docker | Install::Source | Install::Helm => return None,
    };
    let at = match told.network.as_str() {
        "unix" => reading.root.real(&told.address).map(Aim::Socket),
        network => tcp(network, &told.address).map(Aim::Address),
    };
    let Some(at) = at else {
        let why = "where Workhorse listens by it is no place on this machine";
        reading.note(&told.from, why, &format!("sudo cat {}", told.from));
        return None;
    };
    let shown = match &at {
        Aim::Address(address) | Aim::Announced(address) => address.to_string(),
        Aim::Socket(_) | Aim::Name => text::foreign(&told.address),
    };
    Some(Listener { at, shown, from: told.from, certainty: told.certainty })
}

fn of_package(reading: &Reading, settings: Option<&Settings>) -> Option<Told> {
    let run = reading.text(RUN).and_then(|run| of_options(&options(&run), RUN));
    if run.is_some() {
        return run;
    }
    let told = |network: &str, address: String, from: &str| Told {
        network: network.to_owned(),
        address,
        from: from.to_owned(),
        certainty: Certainty::Configured,
    };
    let of_defaults = || told("unix", PACKAGE.to_owned(), "the defaults of the Linux package");
    let Some(settings) = settings else {
        let is_there = reading.root.has(FILE);
        return (!is_there).then(|| Told { certainty: Certainty::Supposed, ..of_defaults() });
    };
    let text = |key| match settings.text(&["gitlab_workhorse", key]) {
        Answer::Is(text) => Ok(Some(text.expose())),
        Answer::Default => Ok(None),
        Answer::Unknown => {
            let what = format!("gitlab_workhorse['{key}']");
            reading.note(&what, "only Ruby can tell it", "sudo gitlab-ctl show-config");
            Err(())
        }
    };
    let network = text("listen_network").ok()?.unwrap_or("unix");
    match (text("listen_addr").ok()?, network, text("sockets_directory").ok()?) {
        (Some(address), ..) => Some(told(network, address.to_owned(), FILE)),
        (None, "unix", Some(dir)) => {
            Some(told("unix", format!("{}/socket", dir.trim_end_matches('/')), FILE))
        }
        (None, "unix", None) => Some(of_defaults()),
        (None, ..) => None,
    }
}

/// A unit of systemd, the options that `/etc/default/gitlab` sets, or those of GitLab's init script.
fn of_source(reading: &Reading) -> Told {
    let units = unit_files(reading, "gitlab-workhorse.service");
    let of_unit = |path: &String| of_options(&options(&reading.text(path)?), path);
    if let Some(told) = units.iter().rev().find_map(of_unit) {
        return told;
    }
    let text = reading.text(DEFAULTS).unwrap_or_default();
    let set = of_shell(&text);
    let value = |name: &str| set.iter().rev().find(|line| line.name == name)?.value.clone();
    let home = value("app_root").unwrap_or_else(|| SOURCE.to_owned());
    let sockets = value("socket_path").unwrap_or_else(|| format!("{home}/tmp/sockets"));
    let all = options(&text);
    let given = all.iter().rev().find_map(|word| word.strip_prefix("gitlab_workhorse_options="));
    let told = given.and_then(|given| {
        let given = given.replace("$socket_path", &sockets).replace("$app_root", &home);
        of_options(&given.split_whitespace().map(str::to_owned).collect::<Vec<_>>(), DEFAULTS)
    });
    told.unwrap_or_else(|| Told {
        network: "unix".to_owned(),
        address: format!("{SOURCE}/tmp/sockets/gitlab-workhorse.socket"),
        from: "the defaults of a source installation".to_owned(),
        certainty: Certainty::Supposed,
    })
}

fn of_pod(reading: &Reading) -> Option<Listener> {
    let config = reading.text(OF_POD);
    // Only its own container has that file; another one of the pod may be without it.
    let certainty = if config.is_some() { Certainty::Configured } else { Certainty::Supposed };
    if config.unwrap_or_default().lines().any(|line| line.trim() == "[listeners.tls]") {
        reading.note(OF_POD, "Workhorse speaks TLS by it, which is not tried", &format!("cat {OF_POD}"));
        return None;
    }
    let from = "the port of GitLab's chart".to_owned();
    Some(Listener { at: Aim::Address(IN_POD), shown: IN_POD.to_string(), from, certainty })
}

/// What stands behind the two options, in any form that Go's `flag` takes. `None`: one of them is missing.
fn of_options(words: &[String], from: &str) -> Option<Told> {
    let value = |name: &str| {
        let of = |(i, word): (usize, &String)| {
            let rest = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?.strip_prefix(name)?;
            if rest.is_empty() {
                words.get(i + 1).cloned()
            } else {
                rest.strip_prefix('=').map(str::to_owned)
            }
        };
        words.iter().enumerate().rev().find_map(of)
    };
    Some(Told {
        network: value("listenNetwork")?,
        address: value("listenAddr")?,
        from: from.to_owned(),
        certainty: Certainty::Configured,
    })
}

/// The address at which a listener is reached on this node. `None`: it has a name that only a resolver could tell.
fn tcp(network: &str, address: &str) -> Option<SocketAddr> {
    let loopback = match network {
        "tcp" | "tcp4" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        "tcp6" => IpAddr::V6(Ipv6Addr::LOCALHOST),
        _ => return None,
    };
    let (host, port) = address.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let host = match host {
        "" | "*" | "localhost" => loopback,
        host => host.parse().ok().map(|ip: IpAddr| if ip.is_unspecified() { loopback } else { ip })?,
    };
    Some(SocketAddr::new(host, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_reached_by_loopback_and_a_particular_one_stays() {
        let at = |network: &str, address: &str| tcp(network, address).map(|at| at.to_string());
        for every in [":8181", "0.0.0.0:8181", "localhost:8181", "[::]:8181", "*:8181", "127.0.0.1:8181"] {
            assert_eq!(at("tcp", every).as_deref(), Some("127.0.0.1:8181"), "{every}");
        }
        assert_eq!(at("tcp", "10.0.0.5:81").as_deref(), Some("10.0.0.5:81"));
        assert_eq!(at("tcp", "[fd00::5]:81").as_deref(), Some("[fd00::5]:81"));
        assert_eq!(at("tcp6", "[::]:81").as_deref(), Some("[::1]:81"));
        assert_eq!(
            (at("tcp", "gitlab:81"), at("tcp", "x"), at("udp", ":1"), at("tcp", ":x")),
            Default::default()
        );
    }

    #[test]
    fn options_are_read_in_every_form_that_go_takes() {
        let of = |text: &str| of_options(&options(text), "x").map(|told| (told.network, told.address));
        let is = Some(("tcp".to_owned(), "127.0.0.1:81".to_owned()));
        assert_eq!(
            of("exec w \\\n  -listenNetwork tcp \\\n  -listenUmask 0 \\\n -listenAddr 127.0.0.1:81 \\\n"),
            is
        );
        assert_eq!(of("exec w --listenNetwork=tcp '-listenAddr=127.0.0.1:81'"), is);
        assert_eq!(of("exec w -listenNetwork unix"), None);
        assert_eq!(of("# -listenNetwork tcp -listenAddr :1"), None);
        assert_eq!(of("exec w -listenNetwork tcp -listenAddr"), None);
    }
}
