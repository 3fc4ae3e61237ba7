//! The web server that belongs to GitLab on this node: its own NGINX as the next start makes it, or none.
//!
//! NGINX's own file says it best. Where that cannot be read, `gitlab.rb` and the package's defaults do (Omnibus:
//! "NGINX settings").

use super::gitlab_rb::{Answer, FILE, Settings};
use super::nginx_conf::{Directive, parse};
use super::nginx_headers::{replaced_in_file, replaced_in_settings};
use super::nginx_listen::{Listen, nearest};
use super::reading::Reading;
use super::roles::wanted;
use crate::subject::address::{BaseUrl, Scheme};
use crate::subject::doors::{Nginx, WebServer};

/// The file of the server for GitLab itself: since 18.5, and before (Omnibus: `NginxHelper#service_conf_path`).
const FILES: [&str; 2] = [
    "/var/opt/gitlab/nginx/conf/service_conf/gitlab-rails.conf",
    "/var/opt/gitlab/nginx/conf/gitlab-http.conf",
];

/// Since which version the settings stand below `gitlab_rails['nginx']` (Omnibus: "NGINX settings").
const RAILS_KEYS_SINCE: (u32, u32) = (19, 2);

/// What else is known of the node.
pub(super) struct Known<'a> {
    /// `gitlab.rb`. `None`: not there, or it could not be read.
    pub(super) settings: Option<&'a Settings>,
    /// The instance's URL.
    pub(super) url: Option<&'a BaseUrl>,
    /// This node's roles. Empty: not known.
    pub(super) roles: &'a [String],
    /// `18.9.1`
    pub(super) version: Option<&'a str>,
}

/// The web server of a Linux package's node.
pub(super) fn web_server(reading: &Reading, known: &Known) -> WebServer {
    let keys = known.settings.map(|settings| Keys::new(settings, known.version));
    let turned_off = keys.as_ref().and_then(Keys::turned_off);
    let linked = reading.root.list("/opt/gitlab/service").unwrap_or_default();
    let not_among = "NGINX is not among this node's services".to_owned();
    if !linked.is_empty() && !linked.iter().any(|name| name == "nginx") {
        return WebServer::None(turned_off.unwrap_or(not_among));
    }
    if let Some(nginx) = FILES.iter().find_map(|path| of_file(reading, path, known.url)) {
        return WebServer::Bundled(nginx);
    }
    if let Some(why) = turned_off {
        return WebServer::None(why);
    }
    let is_asked_for = known.settings.and_then(wanted).is_none_or(|roles| roles.contains(&"nginx"));
    if linked.is_empty() && !is_asked_for {
        return WebServer::None(not_among);
    }
    let serves = |role: &String| ["rails", "workhorse"].contains(&role.as_str());
    if !known.roles.is_empty() && !known.roles.iter().any(serves) {
        return WebServer::None("NGINX of this node serves other things than GitLab itself".to_owned());
    }
    let nginx = keys.and_then(|keys| of_settings(reading, &keys, known.url?));
    nginx.map_or(WebServer::Unknown, WebServer::Bundled)
}

fn of_file(reading: &Reading, path: &str, url: Option<&BaseUrl>) -> Option<Nginx> {
    let text = reading.text(path)?;
    let read = parse(&text).and_then(|directives| {
        let mut servers = directives.iter().filter(|d| d.name() == "server").map(Directive::inside);
        let server = servers.find(|server| passes_to_workhorse(server));
        let server = server.ok_or("no server in it passes requests to Workhorse")?;
        of_server(server, path, url).ok_or("its server listens at no address that is known")
    });
    read.map_err(|why| reading.note(path, why, &format!("sudo cat {path}"))).ok()
}

/// The server that sends browsers on to HTTPS passes nothing by itself.
fn passes_to_workhorse(directives: &[Directive]) -> bool {
    directives.iter().any(|directive| {
        let to = directive.arguments().first().filter(|_| directive.name() == "proxy_pass");
        to.is_some_and(|to| to.starts_with("http://gitlab-workhorse"))
            || passes_to_workhorse(directive.inside())
    })
}

fn of_server(server: &[Directive], from: &str, url: Option<&BaseUrl>) -> Option<Nginx> {
    let named = |name: &'static str| server.iter().filter(move |d| d.name() == name);
    let value = |name| named(name).next_back().and_then(|d| d.arguments().first()).map(String::as_str);
    let mut listens: Vec<Listen> = named("listen").filter_map(|d| Listen::parse(d.arguments())).collect();
    // Kerberos may have a port of its own, always behind the first.
    let port = listens.first()?.port;
    listens.retain(|listen| listen.port == port);
    let listen = nearest(&listens)?;
    // What another file adds is not known; GitLab's own part for monitoring adds nothing of this.
    let is_own =
        |path: &String| path.rsplit('/').next().is_some_and(|name| name.starts_with("gitlab-health."));
    let is_whole = named("include").all(|d| d.arguments().first().is_some_and(is_own));
    let is_tls = listen.has("ssl") || value("ssl") == Some("on");
    let has_http2 = listen.has("http2") || value("http2") == Some("on");
    let headers = named("proxy_set_header").filter_map(|d| {
        let (name, value) = d.arguments().split_first()?;
        Some((name.clone(), value.join(" ")))
    });
    Some(Nginx {
        address: listen.address,
        listens: listens.iter().flat_map(|listen| listen.takes.clone()).collect(),
        port,
        scheme: if is_tls { Scheme::Https } else { Scheme::Http },
        http2: if has_http2 { Some(true) } else { is_whole.then_some(false) },
        proxy_protocol: Some(listen.has("proxy_protocol")),
        client_certificates: match value("ssl_verify_client") {
            Some(value) => Some(value != "off"),
            None => is_whole.then_some(false),
        },
        set_headers: replaced_in_file(&headers.collect::<Vec<_>>(), url),
        from: from.to_owned(),
    })
}

/// NGINX's settings in `gitlab.rb`, wherever this version reads them.
struct Keys<'a> {
    settings: &'a Settings,
    /// Whether those below `gitlab_rails['nginx']` count; then they win.
    below_rails: bool,
}

impl<'a> Keys<'a> {
    fn new(settings: &'a Settings, version: Option<&str>) -> Self {
        let numbers = version.map(|version| {
            let mut numbers = version.split('.').map(|n| n.parse().unwrap_or(0));
            (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
        });
        Self { settings, below_rails: numbers.is_none_or(|version| version >= RAILS_KEYS_SINCE) }
    }

    /// Where a key has a value. `None`: nowhere.
    fn path<'k>(&self, key: &'k str) -> Option<Vec<&'k str>> {
        let below_rails = self.below_rails.then(|| vec!["gitlab_rails", "nginx", key]);
        let mut paths = below_rails.into_iter().chain([vec!["nginx", key]]);
        paths.find(|path| self.settings.is_given(path))
    }

    fn ask<T>(&self, key: &str, ask: impl FnOnce(&'a Settings, &[&str]) -> Answer<T>) -> Answer<T> {
        self.path(key).map_or(Answer::Default, |path| ask(self.settings, &path))
    }

    /// Where NGINX is turned off, if it is.
    fn turned_off(&self) -> Option<String> {
        let path = self.path("enable")?;
        if self.settings.truth(&path) != Answer::Is(false) {
            return None;
        }
        let place = self.settings.place(&path)?;
        let key = path[1..].iter().fold(path[0].to_owned(), |shown, key| format!("{shown}['{key}']"));
        Some(format!("{place} has {key} = false"))
    }
}

/// What the package makes of its settings. `None`: only Ruby can tell where it listens.
fn of_settings(reading: &Reading, keys: &Keys, url: &BaseUrl) -> Option<Nginx> {
    let note = |key: &str| reading.note(&format!("nginx['{key}']"), "only Ruby can tell it", SHOW);
    let lost = |key: &str| {
        note(key);
        None
    };
    let scheme = match keys.ask("listen_https", Settings::truth) {
        Answer::Is(true) => Scheme::Https,
        Answer::Is(false) => Scheme::Http,
        Answer::Default => url.scheme,
        Answer::Unknown => return lost("listen_https"),
    };
    let port = match keys.ask("listen_port", Settings::port) {
        Answer::Is(port) => port,
        Answer::Default => url.target.port,
        Answer::Unknown => return lost("listen_port"),
    };
    let addresses = match keys.ask("listen_addresses", Settings::words) {
        Answer::Is(addresses) => addresses,
        Answer::Default => vec!["*"],
        Answer::Unknown => return lost("listen_addresses"),
    };
    let parsed = |address: &&str| Listen::parse(&[format!("{address}:{port}")]);
    let listens: Vec<Listen> = addresses.iter().filter_map(parsed).collect();
    let Some(listen) = nearest(&listens) else { return lost("listen_addresses") };
    // What stands there is put into the server as it is.
    let is_whole = keys.path("custom_gitlab_server_config").is_none();
    let is_tls = scheme == Scheme::Https;
    Some(Nginx {
        address: listen.address,
        listens: listens.iter().flat_map(|listen| listen.takes.clone()).collect(),
        port,
        scheme,
        http2: match keys.ask("http2_enabled", Settings::truth) {
            _ if !is_tls => is_whole.then_some(false),
            Answer::Is(true) | Answer::Default => Some(true),
            Answer::Is(false) => is_whole.then_some(false),
            Answer::Unknown => None,
        },
        proxy_protocol: match keys.ask("proxy_protocol", Settings::truth) {
            Answer::Is(on) => Some(on),
            Answer::Default => Some(false),
            Answer::Unknown => None,
        },
        client_certificates: match keys.ask("ssl_verify_client", Settings::text) {
            _ if !is_tls => is_whole.then_some(false),
            Answer::Is(value) => Some(value.expose() != "off"),
            Answer::Default => is_whole.then_some(false),
            Answer::Unknown => None,
        },
        set_headers: match keys.ask("proxy_set_headers", Settings::texts) {
            Answer::Is(headers) => replaced_in_settings(&headers, url),
            Answer::Default => Vec::new(),
            Answer::Unknown => {
                note("proxy_set_headers");
                Vec::new()
            }
        },
        from: if LISTENING.iter().any(|key| keys.path(key).is_some()) {
            FILE.to_owned()
        } else {
            "the defaults of the Linux package".to_owned()
        },
    })
}

/// The settings that say where NGINX listens.
const LISTENING: [&str; 3] = ["listen_https", "listen_port", "listen_addresses"];

/// What evaluates `gitlab.rb` as the next reconfigure does.
const SHOW: &str = "sudo gitlab-ctl show-config";
