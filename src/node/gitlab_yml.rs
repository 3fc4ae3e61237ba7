//! What `gitlab.yml` says: the effective configuration of Rails, as the last reconfigure wrote it.
//!
//! Decides which of its hosts must be reached without a proxy. Values that a template would compute are unknown.

use crate::subject::address::{BaseUrl, Target};
use crate::subject::facts::Internal;
use serde_json::Value;
use std::net::IpAddr;

/// The part of the file that holds in production.
#[derive(Debug)]
pub(super) struct GitlabYml {
    production: Value,
    path: String,
}

/// Kinds of files that may each have an object storage of their own (`config/object_store_settings.rb`).
const OBJECTS: [&str; 10] = [
    "artifacts",
    "external_diffs",
    "lfs",
    "uploads",
    "packages",
    "dependency_proxy",
    "terraform_state",
    "ci_secure_files",
    "pages",
    "backup",
];

/// Object storage that the world reaches: behind a proxy it must stay behind it.
const PUBLIC_STORAGE: [&str; 9] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "googleapis.com",
    "core.windows.net",
    "cloudflarestorage.com",
    "digitaloceanspaces.com",
    "wasabisys.com",
    "backblazeb2.com",
    "aliyuncs.com",
];

/// Ports on which Praefect listens for clients, plain and with TLS (GitLab's documentation of Gitaly Cluster).
const PRAEFECT: [u16; 2] = [2305, 3305];

impl GitlabYml {
    /// Reads the file.
    ///
    /// # Errors
    /// It is no YAML, or has no `production` part.
    pub(super) fn parse(text: &str, path: &str) -> Result<Self, &'static str> {
        let options = serde_saphyr::options! { duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins };
        let mut whole: Value =
            serde_saphyr::from_str_with_options(text, options).map_err(|_| "it is not in YAML form")?;
        let production = whole.get_mut("production").map(Value::take).filter(Value::is_object);
        Ok(Self { production: production.ok_or("it has no production part")?, path: path.to_owned() })
    }

    /// A value that stands there as it is.
    fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(&self.production, |here, key| here.get(key))
    }

    fn text(&self, path: &[&str]) -> Option<&str> {
        self.at(path)?.as_str().map(str::trim).filter(|t| !t.is_empty() && !t.contains("<%"))
    }

    /// The instance's URL, from its parts.
    pub(super) fn external_url(&self) -> Option<BaseUrl> {
        let host = self.text(&["gitlab", "host"])?;
        let is_https = self.at(&["gitlab", "https"]).and_then(Value::as_bool)?;
        let scheme = if is_https { "https" } else { "http" };
        let port = match self.at(&["gitlab", "port"]) {
            Some(port) => port.as_u64().or_else(|| port.as_str()?.parse().ok())?,
            None if is_https => 443,
            None => 80,
        };
        let root = self.text(&["gitlab", "relative_url_root"]).unwrap_or_default();
        format!("{scheme}://{host}:{port}/{}", root.trim_matches('/')).parse().ok()
    }

    /// The workflow service that is named in the place of GitLab's own, and where.
    pub(super) fn workflow_service(&self) -> Option<(String, String)> {
        let url = self.text(&["duo_workflow", "service_url"])?;
        Some((url.to_owned(), format!("{} duo_workflow.service_url", self.path)))
    }

    /// Origins that Action Cable accepts beside the instance's own; older versions know none.
    pub(super) fn allowed_origins(&self) -> Vec<&str> {
        let origins = self.at(&["gitlab", "action_cable_allowed_origins"]).and_then(Value::as_array);
        origins.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Hosts that must be reached without a proxy. `None`: the storages could not be told.
    pub(super) fn internal(&self) -> Option<Vec<Internal>> {
        let mut found = self.gitaly()?;
        let mut add = |url: Option<&str>, what: &str| {
            let host = url.and_then(host_of).map(|target| target.host);
            found.extend(host.map(|host| Internal { host, what: what.to_owned() }));
        };
        add(self.text(&["gitlab", "host"]), "this instance");
        add(self.text(&["gitlab_kas", "internal_url"]), "KAS");
        add(self.text(&["gitlab_kas", "external_url"]), "KAS");
        add(self.text(&["registry", "api_url"]), "the container registry");
        add(self.text(&["registry", "host"]), "the container registry");
        add(self.text(&["prometheus", "server_address"]), "Prometheus");
        add(self.text(&["prometheus", "listen_address"]), "Prometheus");
        add(self.text(&["consul", "api_url"]), "Consul");
        add(self.text(&["elasticsearch", "url"]), "Elasticsearch");
        add(self.text(&["zoekt", "url"]), "Zoekt");
        let of_kinds = OBJECTS.iter().map(|kind| vec![*kind, "object_store", "connection", "endpoint"]);
        let others = [
            vec!["object_store", "connection", "endpoint"],
            vec!["backup", "upload", "connection", "endpoint"],
            vec!["artifacts", "connection", "endpoint"],
        ];
        for path in of_kinds.chain(others) {
            let endpoint = self.text(&path).filter(|url| !is_public_storage(url));
            add(endpoint, "object storage");
        }
        Some(found)
    }

    /// The Gitaly and Praefect nodes that are reached over TCP.
    fn gitaly(&self) -> Option<Vec<Internal>> {
        let storages = self.at(&["repositories", "storages"])?.as_object()?;
        let mut found = Vec::new();
        for storage in storages.values() {
            // A storage without an address, or with one that a template computes: the list would not be whole.
            let address = storage.get("gitaly_address")?.as_str().filter(|a| !a.contains("<%"))?;
            if address.starts_with("unix:") {
                continue;
            }
            let target = host_of(address)?;
            let what = if PRAEFECT.contains(&target.port) { "Praefect" } else { "Gitaly" };
            found.push(Internal { host: target.host, what: what.to_owned() });
        }
        Some(found)
    }
}

fn is_public_storage(url: &str) -> bool {
    let Some(Target { host, .. }) = host_of(url) else { return true };
    PUBLIC_STORAGE.iter().any(|public| host == *public || host.ends_with(&format!(".{public}")))
}

/// The host of a URL of any scheme, or of `host:port`. `dns://SERVER/HOST:PORT` names the host behind the slash.
pub(super) fn host_of(url: &str) -> Option<Target> {
    let url = url.trim();
    let (scheme, rest) = url
        .split_once("://")
        .or_else(|| url.split_once(':').filter(|(s, _)| *s == "dns"))
        .unwrap_or(("", url));
    let rest = if scheme == "dns" { rest.rsplit('/').next()? } else { rest };
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let (host, port) = match authority.strip_prefix('[') {
        Some(literal) => {
            let (host, rest) = literal.split_once(']')?;
            (host, rest.strip_prefix(':'))
        }
        None => match authority.rsplit_once(':') {
            Some((host, _)) if host.contains(':') => (authority, None),
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = port.and_then(|p| p.parse().ok()).unwrap_or(0);
    let is_name = !host.is_empty()
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    (is_name || host.parse::<IpAddr>().is_ok()).then(|| Target::new(host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_found_in_every_form_of_address() {
        let host = |url: &str| host_of(url).map(|t| (t.host, t.port));
        let is = |host: &str, port: u16| Some((host.to_owned(), port));
        assert_eq!(host("tcp://10.0.0.7:8075"), is("10.0.0.7", 8075));
        assert_eq!(host("tls://gitaly.internal:9999"), is("gitaly.internal", 9999));
        assert_eq!(host("dns:///praefect.internal:2305"), is("praefect.internal", 2305));
        assert_eq!(host("dns://10.0.0.53/praefect.internal:2305"), is("praefect.internal", 2305));
        assert_eq!(host("dns:praefect.internal:2305"), is("praefect.internal", 2305));
        assert_eq!(host("https://u:p@[fd00::7]:9000/x"), is("fd00::7", 9000));
        assert_eq!(host("registry.example.com"), is("registry.example.com", 0));
        assert_eq!((host("unix:///x"), host(""), host("http://a b/")), (None, None, None));
    }
}
