//! What GitLab itself knows and says, where it differs from the lab's usual instance: an activated one, synchronised some
//! hours ago, with Duo turned on.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// How the instance differs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GitlabChange {
    /// Another licence.
    pub license: Option<LicenseChange>,
    /// Settings, by the names of `application/settings`; `null` takes one away, as older versions do.
    pub settings: BTreeMap<String, Value>,
    /// Fields of `duoSettings`.
    pub ai: BTreeMap<String, Value>,
    /// The access data.
    pub access: Option<Age>,
    /// The instance's token.
    pub token: Option<TokenChange>,
    /// The active add-ons: name, purchased, assigned.
    pub add_ons: Option<Vec<(String, u64, u64)>>,
    /// The queues that each Sidekiq process listens to.
    pub processes: Option<Vec<Vec<String>>>,
    /// Queues with what waits in them: how many jobs, and for how many seconds.
    pub waiting: BTreeMap<String, (u64, f64)>,
    /// Who the token of the run belongs to, and what it may.
    pub user: UserChange,
    /// Whether flows have their composite identity, as Rails knows it.
    pub composite_identity: Option<bool>,
    /// Whether a runner for flows is registered.
    pub flow_runner: bool,
    /// Feature flags, as Rails knows them.
    pub flags: BTreeMap<String, bool>,
    /// Results of GitLab's own health check: a probe's name, and the message with which it fails. `errors` holds the same.
    pub own_check: BTreeMap<String, String>,
    /// What GitLab's request to the gateway ends with, where Rails asks for a user's token: the gateway's words.
    pub exchange: Option<String>,
    /// Whether a completion comes empty.
    pub empty_completion: bool,
}

/// Another licence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LicenseChange {
    /// There is none.
    pub absent: bool,
    /// `online_cloud`, `offline_cloud`, `legacy_license`.
    pub kind: Option<String>,
    /// Its plan.
    pub plan: Option<String>,
    /// In how many days it ends; negative: it did.
    pub ends_in_days: Option<i64>,
    /// It has no end.
    pub endless: bool,
    /// How many days of grace it has behind its end.
    pub grace_days: Option<i64>,
    /// It is a trial.
    pub trial: bool,
    /// When the seat link was last sent.
    pub last_sync: Option<Age>,
}

/// How long ago something was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Age {
    /// So many hours.
    Hours(i64),
    /// It never was.
    Never,
}

/// Another state of the instance's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenChange {
    /// It is good for so many hours; negative: it was.
    Left(i64),
    /// There is none.
    Absent,
    /// The node's secrets do not open it.
    Undecryptable,
    /// It is no token.
    Invalid,
    /// It was issued to another instance.
    Foreign,
}

/// What a user may see of the instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Everything.
    #[default]
    Administrator,
    /// What is its own.
    Ordinary,
    /// An administrator's, but the token lacks the scope that Admin Mode wants.
    WithoutAdminMode,
}

/// Who the token of the run belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserChange {
    /// Who it is.
    pub role: Role,
    /// Its scopes; not said: `api`.
    pub scopes: Option<Vec<String>>,
    /// It has no Duo.
    pub without_duo: bool,
    /// So many requests were made that no more are taken.
    pub limited: bool,
}
