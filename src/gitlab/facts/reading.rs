//! From the documents' JSON to facts. What is not there, or has another shape, is not known.

use super::{Access, AddOn, Ai, Availability, Ends, Kind, License, Queue, Settings, Sidekiq, Token};
use serde_json::Value;

/// A moment as GitLab writes one: `2026-11-20T09:14:00.123Z`, `2026-11-20 09:14:00 UTC`. Unix seconds.
pub fn moment(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.as_second());
    }
    let utc = text.strip_suffix(" UTC")?.replacen(' ', "T", 1);
    format!("{utc}Z").parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

/// The end of a day, `2027-01-01`, in UTC: a licence is over once its last day is (`expires_at.past?`).
fn end_of_day(text: &str) -> Option<i64> {
    let day = text.trim().get(..10)?.parse::<jiff::civil::Date>().ok()?;
    let start = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
    Some(start + 24 * 3600)
}

fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}

fn flag(value: &Value, path: &str) -> Option<bool> {
    at(value, path)?.as_bool()
}

fn words(value: &Value, path: &str) -> Option<String> {
    at(value, path)?.as_str().map(str::to_owned)
}

fn time(value: &Value, path: &str) -> Option<i64> {
    moment(at(value, path)?.as_str()?)
}

fn ends(value: &Value, path: &str) -> Ends {
    match at(value, path) {
        None => Ends::Unknown,
        Some(Value::Null) => Ends::Never,
        Some(text) => text.as_str().and_then(end_of_day).map_or(Ends::Unknown, Ends::At),
    }
}

fn kind(text: &str) -> Option<Kind> {
    match text {
        "online_cloud" => Some(Kind::Online),
        "offline_cloud" => Some(Kind::Offline),
        "legacy_license" => Some(Kind::Legacy),
        _ => None,
    }
}

impl License {
    /// From `GET /license` and `currentLicense`, as far as each was readable: GraphQL tells more, REST whether it is over.
    pub fn of_api(rest: Option<&Value>, graphql: Option<&Value>) -> Self {
        let null = Value::Null;
        let (rest, graphql) = (rest.unwrap_or(&null), graphql.unwrap_or(&null));
        let ends = match ends(graphql, "expiresAt") {
            Ends::Unknown => ends(rest, "expires_at"),
            known => known,
        };
        Self {
            kind: words(graphql, "type").as_deref().and_then(kind),
            plan: words(graphql, "plan").or_else(|| words(rest, "plan")).map(|p| p.to_lowercase()),
            ends,
            blocks: words(graphql, "blockChangesAt").as_deref().and_then(end_of_day),
            last_sync: time(graphql, "lastSync"),
            trial: flag(graphql, "trial"),
            expired: flag(rest, "expired"),
        }
    }

    /// From the document of Rails; `None`: there is none, or it is not known whether there is.
    pub fn of_rails(document: &Value) -> Option<Self> {
        let license = document.get("license").filter(|l| flag(l, "present") == Some(true))?;
        Some(Self {
            kind: words(license, "type").as_deref().and_then(kind),
            plan: words(license, "plan").map(|p| p.to_lowercase()),
            ends: ends(license, "expires_at"),
            blocks: words(license, "block_changes_at").as_deref().and_then(end_of_day),
            last_sync: time(license, "last_synced_at"),
            trial: flag(license, "trial"),
            expired: flag(license, "expired"),
        })
    }
}

impl Settings {
    /// From `GET /application/settings`, or from the same names in the document of Rails.
    pub fn of(settings: &Value) -> Self {
        let availability = match words(settings, "duo_availability").as_deref() {
            Some("default_on" | "always_on") => Some(Availability::DefaultOn),
            Some("default_off") => Some(Availability::DefaultOff),
            Some("never_on") => Some(Availability::NeverOn),
            Some(_) | None => {
                let locked = flag(settings, "lock_duo_features_enabled");
                match (flag(settings, "duo_features_enabled"), locked) {
                    // Locked means off, whatever else is set (`duo_availability`).
                    (Some(_), Some(true)) => Some(Availability::NeverOn),
                    (Some(true), Some(false) | None) => Some(Availability::DefaultOn),
                    (Some(false), Some(false) | None) => Some(Availability::DefaultOff),
                    (None, _) => None,
                }
            }
        };
        Self {
            availability,
            beta: flag(settings, "instance_level_ai_beta_features_enabled"),
            platform: flag(settings, "duo_agent_platform_enabled"),
            remote_flows: flag(settings, "duo_remote_flows_enabled"),
            foundational_flows: flag(settings, "duo_foundational_flows_enabled"),
            silent: flag(settings, "silent_mode_enabled"),
            maintenance: flag(settings, "maintenance_mode"),
            denies: flag(settings, "deny_all_requests_except_allowed"),
            rebinding: flag(settings, "dns_rebinding_protection_enabled"),
            allowed: allowed(settings),
        }
    }
}

/// What the allow-list has of Duo's hosts, under the API's name for it, the documentation's, and that of Rails.
fn allowed(settings: &Value) -> Option<Vec<String>> {
    let names =
        ["outbound_local_requests_allowlist_raw", "outbound_local_requests_whitelist", "allowed_duo_hosts"];
    let list = names.iter().find_map(|name| settings.get(*name)?.as_array())?;
    Some(list.iter().filter_map(|v| v.as_str().map(str::to_lowercase)).collect())
}

/// Active add-ons; `None`: the list is not there.
pub fn add_ons(list: Option<&Value>) -> Option<Vec<AddOn>> {
    let add_on = |value: &Value| {
        let number = |names: [&str; 2]| names.iter().find_map(|n| value.get(*n)?.as_u64());
        Some(AddOn {
            name: words(value, "name")?.to_lowercase(),
            purchased: number(["purchasedQuantity", "purchased"]),
            assigned: number(["assignedQuantity", "assigned"]),
        })
    };
    Some(list?.as_array()?.iter().filter_map(add_on).collect())
}

impl Ai {
    /// From `duoSettings` and, in newer versions, the settings. A gateway that is `null` there is none only where the
    /// licence has models of one's own (`has_own_models`): else nobody is shown one.
    pub fn of_api(duo: Option<&Value>, settings: Option<&Value>, has_own_models: Option<bool>) -> Self {
        let null = Value::Null;
        let (duo, settings) = (duo.unwrap_or(&null), settings.unwrap_or(&null));
        Self {
            gateway: known_text(duo, "aiGatewayUrl")
                .filter(|url| !url.is_empty() || has_own_models.is_some())
                .or_else(|| known_text(settings, "ai_gateway_url")),
            service: known_text(duo, "duoAgentPlatformServiceUrl")
                .or_else(|| known_text(settings, "duo_agent_platform_service_url")),
            core: flag(duo, "duoCoreFeaturesEnabled"),
            composite_identity: None,
        }
    }

    /// From the document of Rails.
    pub fn of_rails(document: &Value) -> Self {
        let null = Value::Null;
        let ai = document.get("ai").unwrap_or(&null);
        Self {
            gateway: known_text(ai, "ai_gateway_url").filter(|_| !has_error(document, "ai.ai_gateway_url")),
            service: known_text(ai, "duo_agent_platform_service_url")
                .filter(|_| !has_error(document, "ai.duo_agent_platform_service_url")),
            core: flag(ai, "duo_core_features_enabled"),
            composite_identity: flag(ai, "composite_identity"),
        }
    }
}

/// A text that may be unset: `""`. `None`: it is not there.
fn known_text(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::Null => Some(String::new()),
        text => text.as_str().map(str::to_owned),
    }
}

/// Whether Rails said that it could not tell a field.
fn has_error(document: &Value, field: &str) -> bool {
    document.get("errors").is_some_and(|errors| errors.get(field).is_some())
}

impl Access {
    /// From the document of Rails.
    pub fn of_rails(document: &Value) -> Self {
        let null = Value::Null;
        let access = document.get("access").unwrap_or(&null);
        Self { present: flag(access, "present"), updated: time(access, "updated_at"), stale: None }
    }
}

impl Token {
    /// From the document of Rails.
    pub fn of_rails(document: &Value) -> Self {
        let null = Value::Null;
        let token = document.get("token").unwrap_or(&null);
        Self {
            present: flag(token, "present"),
            decryptable: flag(token, "decryptable"),
            decodes: flag(token, "decodes"),
            expires: time(token, "expires_at"),
            expired: None,
            is_ours: flag(token, "subject_is_this_instance"),
        }
    }
}

impl Sidekiq {
    /// From `GET /sidekiq/compound_metrics`.
    pub fn of_api(metrics: &Value) -> Option<Self> {
        let processes = metrics.get("processes")?.as_array()?;
        let mut listened: Vec<String> = Vec::new();
        for queue in processes.iter().filter_map(|p| p.get("queues")?.as_array()).flatten() {
            let Some(name) = queue.as_str() else { continue };
            if !listened.iter().any(|known| known == name) {
                listened.push(name.to_owned());
            }
        }
        let waiting = metrics.get("queues").and_then(Value::as_object);
        let queue = |(name, queue): (&String, &Value)| {
            Some(Queue {
                name: name.clone(),
                size: queue.get("backlog")?.as_u64()?,
                latency: queue.get("latency")?.as_f64()?,
            })
        };
        Some(Self {
            processes: u64::try_from(processes.len()).ok(),
            listened,
            waiting: waiting.into_iter().flatten().filter_map(queue).collect(),
        })
    }

    /// From the document of Rails.
    pub fn of_rails(document: &Value) -> Option<Self> {
        let sidekiq = document.get("sidekiq")?;
        let processes = sidekiq.get("processes")?.as_u64()?;
        let listened = sidekiq.get("queues").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let waiting = || {
            Some(Queue {
                name: words(sidekiq, "llm_queue")?,
                size: sidekiq.get("llm_size")?.as_u64()?,
                latency: sidekiq.get("llm_latency")?.as_f64()?,
            })
        };
        Some(Self {
            processes: Some(processes),
            listened: listened.iter().filter_map(|q| q.as_str().map(str::to_owned)).collect(),
            waiting: waiting().into_iter().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn moments_are_read_as_gitlab_writes_them() {
        for text in ["2026-11-20T09:14:00.123Z", "2026-11-20 09:14:00 UTC", "2026-11-20T10:14:00+01:00"] {
            assert_eq!(moment(text), Some(1_795_166_040), "{text}");
        }
        assert_eq!(moment("soon"), None);
        assert_eq!(end_of_day("2026-11-19"), Some(1_795_132_800));
    }

    #[test]
    fn a_licence_without_an_end_is_told_from_one_whose_end_is_not_known() {
        let of = |graphql: Value| License::of_api(None, Some(&graphql)).ends;
        assert_eq!(of(json!({ "expiresAt": null })), Ends::Never);
        assert_eq!(of(json!({})), Ends::Unknown);
        assert_eq!(of(json!({ "expiresAt": "2026-11-19" })), Ends::At(1_795_132_800));
        assert_eq!(of(json!({ "expiresAt": 7 })), Ends::Unknown);
    }

    #[test]
    fn the_older_pair_of_settings_says_the_same_as_the_newer_one() {
        let of = |settings: Value| Settings::of(&settings).availability;
        let pair = |on: bool, locked: bool| {
            of(json!({ "duo_features_enabled": on, "lock_duo_features_enabled": locked }))
        };
        assert_eq!(pair(true, false), Some(Availability::DefaultOn));
        assert_eq!(pair(false, false), Some(Availability::DefaultOff));
        assert_eq!(pair(false, true), Some(Availability::NeverOn));
        assert_eq!(pair(true, true), Some(Availability::NeverOn));
        assert_eq!(of(json!({ "duo_availability": "never_on" })), Some(Availability::NeverOn));
        assert_eq!(of(json!({})), None);
    }

    #[test]
    fn what_a_document_does_not_say_is_not_known() {
        let nothing = json!({});
        assert_eq!(Settings::of(&nothing), Settings::default());
        assert_eq!(Token::of_rails(&nothing), Token::default());
        assert_eq!(License::of_rails(&nothing), None);
        assert_eq!(Sidekiq::of_api(&nothing), None);
        assert_eq!(add_ons(None), None);
        assert_eq!(add_ons(Some(&json!([]))), Some(Vec::new()));
        let none = json!({ "aiGatewayUrl": null });
        let gateway = |known| Ai::of_api(Some(&none), None, known).gateway;
        assert_eq!(
            (gateway(Some(true)).as_deref(), gateway(Some(false)).as_deref(), gateway(None)),
            (Some(""), Some(""), None)
        );
    }

    #[test]
    fn every_queue_counts_with_what_waits_in_it() {
        let metrics = json!({
            "queues": { "llm_completion": { "backlog": 3, "latency": 212.5 }, "odd": 1 },
            "processes": [{ "queues": ["default", "mailers"] }, { "queues": ["default"] }],
        });
        let found = Sidekiq::of_api(&metrics).expect("metrics");
        assert_eq!((found.processes, found.listened.len(), found.waiting.len()), (Some(2), 2, 1));
    }
}
