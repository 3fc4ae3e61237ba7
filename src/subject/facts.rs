//! What this node's files and processes say of how its components go out: environments, settings, what stands
//! beside them. Plain data, read by `node`, judged by the checks; it may hold secrets and is never serialised.
//!
//! `None` always means "could not be read", never "no".

use super::address::BaseUrl;
use super::doors::WaysIn;
use super::environment::Environment;
use super::place::Stack;
use crate::secret::Secret;
use serde::{Deserialize, Serialize};

/// What was found beside the plain facts of `Node`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The components of GitLab that this node runs, each with its environment.
    pub components: Vec<Component>,
    /// Proxy variables at places from which no component of GitLab gets them.
    pub bystanders: Vec<Bystander>,
    /// `['env']` hashes that are assigned more than once: the last one wins, the others are lost.
    pub repeated: Vec<Repeated>,
    /// Where `sidekiq['env']` is set, which GitLab does not read: `/etc/gitlab/gitlab.rb line 12`.
    pub sidekiq_env: Option<String>,
    /// Hosts that must be reached without a proxy: Gitaly, object storage, … `None`: the storages could not be
    /// read, so no list is complete.
    pub internal: Option<Vec<Internal>>,
    /// The workflow service, where the configuration names another: `host:port` as written, and where.
    pub workflow_service: Option<(String, String)>,
    /// Whether this node belongs to a Geo secondary site.
    pub geo_secondary: Option<bool>,
    /// Roots that an administrator gave to the operating system, one a file.
    pub company_roots: Vec<CompanyRoot>,
    /// The `['env']` hashes of `gitlab.rb`, as they stand in the end.
    pub env_hashes: Vec<EnvHash>,
    /// What could not be read, with the command that would tell.
    pub unread: Vec<Unread>,
    /// What `gitlab.rb` says in a way that only Ruby can evaluate: `gitlab_rails['env'] (line 40)`.
    pub unevaluated: Vec<String>,
    /// What stands in `/etc/gitlab/trusted-certs`. `None`: there is no such place here, or it could not be read.
    pub trusted_certs: Option<Vec<TrustedCert>>,
    /// How the system finds and orders addresses. `None`: neither file is there.
    pub name_order: Option<NameOrder>,
    /// How long the system waits for its resolvers. `None`: no `resolv.conf` could be read.
    pub resolver_pace: Option<ResolverPace>,
    /// Whether this is GitLab's FIPS build.
    pub fips: Option<bool>,
    /// How requests come in.
    pub ways_in: WaysIn,
}

/// A component of GitLab that runs on this node, or is configured to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Which: Rails, Sidekiq or Workhorse.
    pub stack: Stack,
    /// What its next start gets. `None`: could not be read.
    pub configured: Option<Environment>,
    /// Where that stands: `/opt/gitlab/etc/gitlab-rails/env`.
    pub configured_in: String,
    /// When it was last changed, Unix seconds.
    pub changed: Option<i64>,
    /// Its processes that run now.
    pub running: Vec<Process>,
}

/// A process that runs now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// What people call it: `puma`, `sidekiq`, `gitlab-workhorse`.
    pub name: String,
    /// When it was started, Unix seconds.
    pub started: Option<i64>,
    /// What it was started with.
    pub environment: Running,
}

/// The environment of a process that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Running {
    /// As the kernel shows it.
    Known(Environment),
    /// A title was written over it, as Ruby programs do: nothing can be said.
    Overwritten,
    /// It may not be read.
    Unreadable,
}

/// Proxy variables at a place that GitLab's components do not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bystander {
    /// Where: `/etc/environment`, `the container's environment`.
    pub place: String,
    /// Which variables.
    pub environment: Environment,
}

/// An `['env']` hash that is assigned more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// `gitlab_rails['env']`
    pub key: String,
    /// Where each assignment stands, in order; the last one wins: `/etc/gitlab/gitlab.rb line 12`.
    pub places: Vec<String>,
    /// Variables that an earlier assignment sets and the last one does not.
    pub lost: Vec<String>,
}

/// An `['env']` hash of `gitlab.rb`, as it stands in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvHash {
    /// `gitlab_rails['env']`
    pub key: String,
    /// Its variables in the order of their names. `None`: only Ruby can tell which it has.
    pub variables: Option<Vec<EnvVariable>>,
}

/// A variable in an `['env']` hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvVariable {
    /// Its name.
    pub name: String,
    /// Its value. `None`: it is no plain text.
    pub value: Option<Secret>,
    /// Where it stands: `/etc/gitlab/gitlab.rb line 14`; empty where it is not known.
    pub place: String,
}

/// A host that must be reached without a proxy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Internal {
    /// Its name or address, without a port.
    pub host: String,
    /// What it is: `Gitaly`, `object storage`, `KAS`.
    pub what: String,
}

/// A root certificate in a file of its own that the operating system was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyRoot {
    /// `/usr/local/share/ca-certificates/example-corp-root.crt`
    pub path: String,
    /// In DER form.
    pub der: Vec<u8>,
}

/// A file in `/etc/gitlab/trusted-certs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedCert {
    /// `/etc/gitlab/trusted-certs/example-corp-root.crt`
    pub path: String,
    /// What it is.
    pub holds: Holds,
    /// Its certificates in DER form.
    pub certificates: Vec<Vec<u8>>,
    /// Whether a hash-named link in GitLab's `certs/` leads to it, which is what OpenSSL reads. `None`: the folder
    /// could not be read.
    pub linked: Option<bool>,
}

/// What a file that should hold a certificate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// One certificate in PEM form.
    OnePem,
    /// Several in PEM form.
    SeveralPem(usize),
    /// One in DER form.
    Der,
    /// `BEGIN TRUSTED CERTIFICATE`, OpenSSL's own form.
    OpensslTrusted,
    /// No certificate.
    Nothing,
    /// It could not be read.
    Unread,
}

/// How the system finds and orders addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameOrder {
    /// The `hosts:` line of `nsswitch.conf`, word by word: `files`, `dns`. Empty: not known.
    pub sources: Vec<String>,
    /// Where that stands.
    pub sources_in: String,
    /// Whether `gai.conf` puts IPv4 addresses before IPv6 ones. `None`: there is no such file that can be read, and
    /// glibc's own order holds.
    pub ipv4_first: Option<bool>,
    /// Where that stands.
    pub ipv4_first_in: String,
}

/// How long the system waits for its resolvers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolverPace {
    /// For one answer of one resolver, in seconds.
    pub timeout: u32,
    /// How often each is asked.
    pub attempts: u32,
}

/// Something that could not be read. It holds names and commands alone, so it may be serialised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// What: `/etc/gitlab/gitlab.rb`.
    pub what: String,
    /// Why: `permission denied`.
    pub why: String,
    /// The command that would tell: `sudo cat /opt/gitlab/etc/gitlab-rails/env/http_proxy`.
    pub command: String,
}

impl Facts {
    /// The component that a stack belongs to: gRPC's C-core runs inside Rails.
    pub fn component(&self, stack: Stack) -> Option<&Component> {
        let of = match stack {
            Stack::Grpc => Stack::Rails,
            Stack::Rails | Stack::Workhorse | Stack::Sidekiq | Stack::Shell => stack,
        };
        self.components.iter().find(|c| c.stack == of)
    }

    /// A variable of Rails or Sidekiq that names a service, as a URL.
    pub fn service(&self, variable: &str) -> Option<BaseUrl> {
        self.variable(variable).and_then(|v| v.parse().ok())
    }

    /// The value of a variable that Rails or Sidekiq gets.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let mut environments = self.components.iter().filter(|c| c.stack != Stack::Workhorse);
        environments.find_map(|c| c.configured.as_ref()?.value(name))
    }
}
