//! What is kept of a result's details: an allow-list. GitLab puts the whole licence and the decoded token into them, with
//! the names, companies and e-mail addresses of people; all of that is dropped where it is read.

use crate::gitlab::facts::reading::moment;
use crate::text;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is kept of the details of a result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// When the access data was last fetched, as GitLab writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    /// When the token was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// When the token, or in older versions the licence, ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Whether the token is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired: Option<bool>,
    /// Whether the token could be read: `Successful`, or GitLab's words for why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode: Option<String>,
    /// The version of GitLab that made the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gitlab_version: Option<String>,
    /// What is kept of the licence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<License>,
}

/// What is kept of a licence: nothing that names somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct License {
    /// `premium`, `ultimate`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Its last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Whether it is a trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Option<bool>,
    /// Whether its grace is over too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_period_expired: Option<bool>,
    /// Whether it is one that synchronises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online_cloud_license: Option<bool>,
    /// Whether it came by an activation code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_licensing_enabled: Option<bool>,
    /// Whether it is one for instances without the internet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offline_cloud_licensing_enabled: Option<bool>,
}

impl Details {
    /// What is kept of a JSON object; anything else keeps nothing.
    pub(super) fn of(value: &Value) -> Self {
        let license = License::of(value.get("license").unwrap_or(value));
        Self {
            updated_at: word(value, "updated_at"),
            created_at: word(value, "created_at"),
            expires_at: word(value, "expires_at"),
            expired: value.get("expired").and_then(Value::as_bool),
            decode: word(value, "decode"),
            gitlab_version: word(value, "gitlab_version"),
            license: (license.plan.is_some() || value.get("license").is_some_and(Value::is_object))
                .then_some(license),
        }
    }
}

impl License {
    fn of(value: &Value) -> Self {
        let flag = |name: &str| {
            let at = |value: &Value| value.get(name).and_then(Value::as_bool);
            at(value).or_else(|| at(value.get("restrictions")?))
        };
        Self {
            plan: word(value, "plan").or_else(|| word(value.get("restrictions")?, "plan")),
            expires_at: word(value, "expires_at"),
            trial: flag("trial"),
            grace_period_expired: flag("grace_period_expired"),
            online_cloud_license: flag("online_cloud_license"),
            cloud_licensing_enabled: flag("cloud_licensing_enabled"),
            offline_cloud_licensing_enabled: flag("offline_cloud_licensing_enabled"),
        }
    }
}

/// The most characters of a field: dates, versions and words are short.
const LONGEST: usize = 120;

fn word(value: &Value, name: &str) -> Option<String> {
    Some(text::escape(value.get(name)?.as_str()?, LONGEST))
}

/// A moment for people, `2026-11-20 09:14 UTC`; as it stands where it is none.
pub(super) fn shown(text: &str) -> String {
    let at = moment(text).and_then(|at| jiff::Timestamp::from_second(at).ok());
    at.map_or_else(|| text.to_owned(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_names_somebody_is_dropped_and_what_explains_is_kept() {
        let given = json!({
            "instance_id": "canary", "gitlab_version": "18.9.1-ee",
            "license": {
                "licensee": { "Name": "canary", "Email": "canary", "Company": "canary" }, "name": "canary",
                "expires_at": "2027-01-01", "restrictions": { "plan": "ultimate", "email": "canary" },
                "cloud_licensing_enabled": true, "offline_cloud_licensing_enabled": false, "data": "canary"
            },
            "token": { "sub": "canary", "gitlab_realm": "canary" }, "catalog": { "canary": "canary" },
            "data": ["canary"], "decode": "Successful", "expired": false, "expires_at": "2026-11-24T00:00:00Z"
        });
        let kept = Details::of(&given);
        let text = serde_json::to_string(&kept).expect("details are JSON");
        assert!(!text.contains("canary"), "{text}");
        let license = kept.license.expect("a licence");
        assert_eq!(
            (license.plan.as_deref(), license.expires_at.as_deref()),
            (Some("ultimate"), Some("2027-01-01"))
        );
        assert_eq!(license.offline_cloud_licensing_enabled, Some(false));
        assert_eq!((kept.expired, kept.decode.as_deref()), (Some(false), Some("Successful")));
    }

    #[test]
    fn older_versions_have_the_licence_at_the_top() {
        let kept = Details::of(&json!({ "plan": "premium", "trial": false, "online_cloud_license": true }));
        assert_eq!(kept.license.and_then(|l| l.online_cloud_license), Some(true));
        assert_eq!(Details::of(&json!({ "updated_at": "x" })).license, None);
        assert_eq!(Details::of(&json!(7)), Details::default());
    }

    #[test]
    fn a_moment_for_people_is_short_and_what_is_none_stays_as_it_is() {
        assert_eq!(shown("2026-11-20T09:14:33Z"), "2026-11-20 09:14 UTC");
        assert_eq!(shown("soon"), "soon");
    }
}
