//! What the documents say, as types: licence, settings, add-ons, access data, token, Sidekiq; from the instance's API, and
//! from Rails itself.

pub mod reading;

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The instance's API.
    Api,
    /// Rails on this node, asked by `gitlab-rails runner`.
    Rails,
    /// GitLab's own health check.
    OwnCheck,
}

impl Source {
    /// What people call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Api => "the instance's API",
            Source::Rails => "Rails on this node",
            Source::OwnCheck => "GitLab's own health check",
        }
    }
}

/// A licence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct License {
    /// How it came here.
    pub kind: Option<Kind>,
    /// `premium`, `ultimate`, `starter`; lower case.
    pub plan: Option<String>,
    /// When it ends.
    pub ends: Ends,
    /// From when on changes are blocked, Unix seconds: its grace is over then.
    pub blocks: Option<i64>,
    /// When the seat link was last sent, Unix seconds.
    pub last_sync: Option<i64>,
    /// Whether it is a trial.
    pub trial: Option<bool>,
    /// Whether GitLab says that it is over.
    pub expired: Option<bool>,
}

/// How a licence came to the instance (`ee/app/models/license.rb`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By an activation code; it synchronises.
    Online,
    /// As a file under an offline contract.
    Offline,
    /// As a file of the old kind.
    Legacy,
}

/// When something ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ends {
    /// Not known.
    #[default]
    Unknown,
    /// It has no end.
    Never,
    /// Then, Unix seconds.
    At(i64),
}

/// Whether Duo is on (`duo_availability`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// On, unless a group or project turns it off.
    DefaultOn,
    /// Off, unless a group or project turns it on.
    DefaultOff,
    /// Off for all.
    NeverOn,
}

/// The settings that concern Duo.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether Duo is on.
    pub availability: Option<Availability>,
    /// Beta and experimental features.
    pub beta: Option<bool>,
    /// The Agent Platform.
    pub platform: Option<bool>,
    /// Whether flows may run.
    pub remote_flows: Option<bool>,
    /// Whether GitLab's own flows may run.
    pub foundational_flows: Option<bool>,
    /// Silent Mode.
    pub silent: Option<bool>,
    /// Maintenance Mode.
    pub maintenance: Option<bool>,
    /// Whether requests to hosts outside the allow-list are denied.
    pub denies: Option<bool>,
    /// DNS rebinding protection.
    pub rebinding: Option<bool>,
    /// What the allow-list has of Duo's hosts, each with or without a port.
    pub allowed: Option<Vec<String>>,
}

/// An active add-on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddOn {
    /// Lower case: `duo_core`, `code_suggestions` (which is Duo Pro), `duo_enterprise`.
    pub name: String,
    /// Seats that were bought.
    pub purchased: Option<u64>,
    /// Seats that are assigned.
    pub assigned: Option<u64>,
}

impl AddOn {
    /// Whether its seats have to be assigned to users.
    pub fn has_seats(&self) -> bool {
        matches!(self.name.as_str(), "code_suggestions" | "duo_pro" | "duo_enterprise")
    }

    /// What people call it.
    pub fn title(&self) -> &str {
        match self.name.as_str() {
            "duo_core" => "GitLab Duo Core",
            "code_suggestions" | "duo_pro" => "GitLab Duo Pro",
            "duo_enterprise" => "GitLab Duo Enterprise",
            "duo_amazon_q" => "GitLab Duo with Amazon Q",
            "self_hosted_dap" => "GitLab Duo Agent Platform Self-Hosted",
            other => other,
        }
    }
}

/// How AI is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ai {
    /// A gateway of one's own: `Some("")` is none.
    pub gateway: Option<String>,
    /// A workflow service of one's own, `host:port`.
    pub service: Option<String>,
    /// Duo Core.
    pub core: Option<bool>,
    /// Composite identity, which flows need.
    pub composite_identity: Option<bool>,
}

/// The data by which the instance may use GitLab's services (`cloud_connector_access`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Whether there is any.
    pub present: Option<bool>,
    /// When it was last fetched, Unix seconds.
    pub updated: Option<i64>,
    /// Whether GitLab itself says that it is too old.
    pub stale: Option<bool>,
}

/// The instance's token for GitLab's services, as far as it may be known: never the token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// Whether there is one.
    pub present: Option<bool>,
    /// Whether the node's secrets open it.
    pub decryptable: Option<bool>,
    /// Whether it is a token at all.
    pub decodes: Option<bool>,
    /// When it ends, Unix seconds.
    pub expires: Option<i64>,
    /// Whether GitLab itself says that it is over.
    pub expired: Option<bool>,
    /// Whether it was issued to this instance.
    pub is_ours: Option<bool>,
}

/// What Sidekiq does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sidekiq {
    /// How many processes run.
    pub processes: Option<u64>,
    /// The queues that they listen to.
    pub listened: Vec<String>,
    /// Queues with what waits in them.
    pub waiting: Vec<Queue>,
}

/// A queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// How many jobs wait.
    pub size: u64,
    /// How long the first has waited, in seconds.
    pub latency: f64,
}
