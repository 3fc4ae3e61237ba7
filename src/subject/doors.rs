//! The ways into the instance as they are tried from here: how each door is reached and what is said at it, or why
//! this machine does not have it. Pure; what the node's files say of its listeners is read by `node`.

use super::address::{BaseUrl, Scheme};
use super::place::Door;
use super::{Install, Node, Via};
use crate::text;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// What the node's files say of how requests come in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaysIn {
    /// The web server that belongs to GitLab on this node.
    pub web_server: WebServer,
    /// Where Workhorse listens. `None`: not known, or it does not run here.
    pub workhorse: Option<Listener>,
    /// Origins that Action Cable accepts beside the instance's own (`action_cable_allowed_origins`).
    pub allowed_origins: Vec<String>,
    /// The addresses of this node's own interfaces. `None`: could not be read.
    pub addresses: Option<Vec<IpAddr>>,
}

/// The web server that belongs to GitLab on this node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WebServer {
    /// Not known: its files could not be read, or this kind of installation has none that is known.
    #[default]
    Unknown,
    /// There is none, and how that is known: `/etc/gitlab/gitlab.rb line 12 has nginx['enable'] = false`.
    None(String),
    /// GitLab's own NGINX.
    Bundled(Nginx),
}

/// GitLab's own NGINX, as the next start makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nginx {
    /// An address of this node at which it listens: loopback, unless it listens on others alone.
    pub address: IpAddr,
    /// All addresses at which it listens by that port; `0.0.0.0` and `::` stand for every one of their kind. Empty:
    /// not known.
    pub listens: Vec<IpAddr>,
    /// The port.
    pub port: u16,
    /// What is spoken there: plain text where TLS ends before it (`listen_https` false).
    pub scheme: Scheme,
    /// Whether it offers HTTP/2. `None`: not known.
    pub http2: Option<bool>,
    /// Whether every connection has to begin with the header of the PROXY protocol.
    pub proxy_protocol: Option<bool>,
    /// Whether it asks for client certificates (`ssl_verify_client`).
    pub client_certificates: Option<bool>,
    /// Headers that `proxy_set_headers` puts in place of the package's own: name and value. An empty value: `Host`,
    /// `Upgrade` or `Connection` was taken out, and NGINX puts its own default there.
    pub set_headers: Vec<(String, String)>,
    /// Where that stands: `/var/opt/gitlab/nginx/conf/service_conf/gitlab-rails.conf`.
    pub from: String,
}

/// Where a server of this node listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The place itself.
    pub at: Aim,
    /// As people know it: `/var/opt/gitlab/gitlab-workhorse/sockets/socket`, without the directory of `--sysroot`.
    pub shown: String,
    /// Where that stands: `/opt/gitlab/sv/gitlab-workhorse/run`.
    pub from: String,
    /// Whether a file says so, or it is where such an installation has it if nobody changed it.
    pub certainty: Certainty,
}

/// Where a connection is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aim {
    /// Where the target's name leads, by the dial table and DNS.
    #[default]
    Name,
    /// At this address alone: the name is asked for nowhere.
    Address(SocketAddr),
    /// The same, and the connection begins with a header of the PROXY protocol, version 1.
    Announced(SocketAddr),
    /// Behind this Unix socket.
    Socket(#[serde(with = "path")] PathBuf),
}

/// A path as reports write it: bytes that are no text are replaced, for a report has to be written all the same.
mod path {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::path::{Path, PathBuf};

    pub(super) fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&crate::text::foreign(&path.to_string_lossy()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        String::deserialize(from).map(PathBuf::from)
    }
}

/// A door as it is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrance {
    /// Which door.
    pub door: Door,
    /// Where it stands.
    pub aim: Aim,
    /// How it is reached: directly from a node, by its own proxy from a client's machine.
    pub via: Via,
    /// What is spoken there.
    pub scheme: Scheme,
    /// Headers that the hop before this door would add.
    pub headers: Vec<(String, String)>,
    /// Where it stands, in words: `gitlab.example.com:443`, `127.0.0.1:443`.
    pub shown: String,
    /// How that is known: `external_url`, a file.
    pub from: String,
    /// Whether it is known to be there, so that silence is a fault.
    pub certainty: Certainty,
    /// Whether it offers HTTP/2 by its own configuration. `None`: not known, or not its matter.
    pub http2: Option<bool>,
}

/// Whether a door is known to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// The node's files say so.
    Configured,
    /// It may be there: that nothing of GitLab's answers is no fault, and no secret is sent there.
    Supposed,
}

/// The doors of the instance, outermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doors {
    /// Those that are tried.
    pub open: Vec<Entrance>,
    /// Those that this machine does not have, with the reason.
    pub absent: Vec<(Door, String)>,
}

/// A door as reports say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorAbout {
    /// Which door.
    pub door: Door,
    /// Where it stands: `gitlab.example.com:443`; `None`: it is not there.
    pub address: Option<String>,
    /// How that is known, or why it is not there.
    pub source: String,
}

impl Doors {
    /// A door that is tried.
    pub fn get(&self, door: Door) -> Option<&Entrance> {
        self.open.iter().find(|e| e.door == door)
    }

    /// Why a door is not tried.
    pub fn why_absent(&self, door: Door) -> Option<&str> {
        self.absent.iter().find(|(d, _)| *d == door).map(|(_, why)| why.as_str())
    }

    /// The doors behind one, outermost first.
    pub fn behind(&self, door: Door) -> impl Iterator<Item = &Entrance> {
        self.open.iter().filter(move |e| e.door > door)
    }

    /// The innermost door that is tried.
    pub fn innermost(&self) -> Option<Door> {
        self.open.iter().map(|e| e.door).max()
    }

    /// What reports say of every door.
    pub fn about(&self) -> Vec<DoorAbout> {
        let open = |door: Door| {
            let entrance = self.get(door)?;
            Some(DoorAbout { door, address: Some(entrance.shown.clone()), source: entrance.from.clone() })
        };
        let absent = |door: Door| {
            let why = self.why_absent(door)?;
            Some(DoorAbout { door, address: None, source: why.to_owned() })
        };
        Door::ALL.iter().filter_map(|door| open(*door).or_else(|| absent(*door))).collect()
    }
}

/// What the doors are made from.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The instance; without one there is no door.
    pub instance: Option<&'a BaseUrl>,
    /// Where it is known from: `--instance-url`, `external_url`.
    pub instance_from: &'a str,
    /// This node.
    pub node: &'a Node,
    /// What its files say.
    pub ways_in: &'a WaysIn,
    /// How this machine's clients reach the public door.
    pub public_via: &'a Via,
    /// Whether the files are this machine's own: below `--sysroot` its listeners need not be here.
    pub certainty: Certainty,
}

/// The doors as they are tried.
pub fn doors(entry: &Entry) -> Doors {
    let Some(url) = entry.instance else { return Doors::default() };
    let mut doors = Doors { open: vec![public(url, entry)], absent: Vec::new() };
    for (door, found) in [(Door::Nginx, nginx(entry, url)), (Door::Workhorse, workhorse(entry, url))] {
        match found {
            Ok(entrance) => doors.open.push(entrance),
            Err(why) => doors.absent.push((door, why)),
        }
    }
    doors
}

fn public(url: &BaseUrl, entry: &Entry) -> Entrance {
    Entrance {
        door: Door::Public,
        aim: Aim::Name,
        via: entry.public_via.clone(),
        scheme: url.scheme,
        headers: Vec::new(),
        shown: url.target.to_string(),
        from: entry.instance_from.to_owned(),
        certainty: Certainty::Configured,
        http2: None,
    }
}

fn nginx(entry: &Entry, url: &BaseUrl) -> Result<Entrance, String> {
    let entrance = |address: SocketAddr, scheme, aim, certainty, from: &str| Entrance {
        door: Door::Nginx,
        aim,
        via: Via::Direct,
        scheme,
        headers: if scheme == Scheme::Http { forwarded(url) } else { Vec::new() },
        shown: address.to_string(),
        from: from.to_owned(),
        certainty,
        http2: None,
    };
    let Some(install) = entry.node.install else {
        return Err("no GitLab on this machine: only what can be seen from outside is checked".to_owned());
    };
    match (&entry.ways_in.web_server, install) {
        (WebServer::None(why), _) => Err(why.clone()),
        (WebServer::Bundled(nginx), _) => {
            let address = SocketAddr::new(nginx.address, nginx.port);
            let aim = match nginx.proxy_protocol {
                Some(true) => Aim::Announced(address),
                Some(false) | None => Aim::Address(address),
            };
            let found = entrance(address, nginx.scheme, aim, entry.certainty, &nginx.from);
            Ok(Entrance { http2: nginx.http2, ..found })
        }
        (WebServer::Unknown, Install::Helm) => {
            Err("the web server of this installation runs in pods of its own".to_owned())
        }
        (WebServer::Unknown, Install::Omnibus | Install::Docker | Install::Source) => {
            let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), url.target.port);
            let from = "the port of the instance's URL on this machine";
            Ok(entrance(address, url.scheme, Aim::Address(address), Certainty::Supposed, from))
        }
    }
}

fn workhorse(entry: &Entry, url: &BaseUrl) -> Result<Entrance, String> {
    if entry.node.install.is_none() {
        return Err("no GitLab on this machine: only what can be seen from outside is checked".to_owned());
    }
    let Some(listener) = &entry.ways_in.workhorse else {
        let runs = entry.node.roles.iter().any(|role| role == "workhorse");
        return Err(if runs || entry.node.roles.is_empty() {
            "where Workhorse listens could not be found out".to_owned()
        } else {
            "Workhorse does not run on this node".to_owned()
        });
    };
    Ok(Entrance {
        door: Door::Workhorse,
        aim: listener.at.clone(),
        via: Via::Direct,
        scheme: Scheme::Http,
        headers: forwarded(url),
        shown: text::foreign(&listener.shown),
        from: listener.from.clone(),
        certainty: entry.certainty.max(listener.certainty),
        http2: None,
    })
}

/// What GitLab's own NGINX says of a client that comes by the instance's URL (Omnibus: `proxy_set_headers`), and what
/// a balancer that ends TLS says before it.
fn forwarded(url: &BaseUrl) -> Vec<(String, String)> {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut headers = vec![
        header("X-Real-Ip", "127.0.0.1"),
        header("X-Forwarded-For", "127.0.0.1"),
        header("X-Forwarded-Proto", url.scheme.as_str()),
    ];
    if url.scheme == Scheme::Https {
        headers.push(header("X-Forwarded-Ssl", "on"));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url() -> BaseUrl {
        "https://gitlab.example.com".parse().expect("a URL")
    }

    fn bundled() -> Nginx {
        Nginx {
            address: Ipv4Addr::LOCALHOST.into(),
            listens: vec![Ipv4Addr::UNSPECIFIED.into()],
            port: 443,
            scheme: Scheme::Https,
            http2: Some(true),
            proxy_protocol: Some(false),
            client_certificates: Some(false),
            set_headers: Vec::new(),
            from: "gitlab-rails.conf".to_owned(),
        }
    }

    fn of(install: Option<Install>, ways_in: &WaysIn) -> Doors {
        let node = Node { install, roles: vec!["rails".into(), "workhorse".into()], ..Node::default() };
        doors(&Entry {
            instance: Some(&url()),
            instance_from: "external_url",
            node: &node,
            ways_in,
            public_via: &Via::Direct,
            certainty: Certainty::Configured,
        })
    }

    #[test]
    fn a_machine_without_gitlab_has_the_public_door_alone() {
        let doors = of(None, &WaysIn::default());
        assert_eq!(doors.open.iter().map(|e| e.door).collect::<Vec<_>>(), [Door::Public]);
        assert!(doors.why_absent(Door::Nginx).is_some_and(|why| why.contains("no GitLab")));
        assert!(doors.why_absent(Door::Workhorse).is_some());
    }

    #[test]
    fn a_socket_whose_path_is_no_text_can_be_reported() {
        use std::os::unix::ffi::OsStringExt;
        let path = PathBuf::from(std::ffi::OsString::from_vec(b"/srv/\xff/\x1b[2J".to_vec()));
        let written = serde_json::to_string(&Aim::Socket(path)).expect("JSON");
        assert_eq!(written, "{\"socket\":\"/srv/\u{fffd}/\\\\x1b[2J\"}");
    }

    #[test]
    fn a_node_whose_nginx_is_turned_off_says_so_in_place_of_the_door() {
        let off = WebServer::None("nginx['enable'] = false".into());
        let doors = of(Some(Install::Omnibus), &WaysIn { web_server: off, ..WaysIn::default() });
        assert_eq!(doors.why_absent(Door::Nginx), Some("nginx['enable'] = false"));
    }

    #[test]
    fn a_listener_that_wants_the_proxy_protocol_is_told_who_comes() {
        let nginx = Nginx { proxy_protocol: Some(true), ..bundled() };
        let doors = of(
            Some(Install::Omnibus),
            &WaysIn { web_server: WebServer::Bundled(nginx), ..WaysIn::default() },
        );
        let aim = doors.get(Door::Nginx).map(|e| e.aim.clone());
        assert_eq!(aim, Some(Aim::Announced("127.0.0.1:443".parse().expect("an address"))));
    }

    #[test]
    fn behind_a_balancer_that_ends_tls_the_door_is_plain_and_told_the_scheme() {
        let nginx = Nginx { scheme: Scheme::Http, port: 80, ..bundled() };
        let doors =
            of(Some(Install::Docker), &WaysIn { web_server: WebServer::Bundled(nginx), ..WaysIn::default() });
        let door = doors.get(Door::Nginx).expect("the door");
        assert_eq!((door.scheme, door.shown.as_str()), (Scheme::Http, "127.0.0.1:80"));
        assert!(door.headers.contains(&("X-Forwarded-Proto".to_owned(), "https".to_owned())));
    }

    #[test]
    fn an_unknown_web_server_is_supposed_at_the_instances_port_and_nowhere_in_a_pod() {
        let doors = of(Some(Install::Source), &WaysIn::default());
        assert_eq!(doors.get(Door::Nginx).map(|e| e.certainty), Some(Certainty::Supposed));
        assert!(of(Some(Install::Helm), &WaysIn::default()).get(Door::Nginx).is_none());
    }
}
