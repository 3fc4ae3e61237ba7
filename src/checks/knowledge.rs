//! What GitLab knows, by whoever tells it: the API's word, else that of Rails on this node, else that of GitLab's own
//! health check; and why nobody does.

use super::api::{Doc, Known, Why, absent, answer, document, door, either, good, of_rails, root};
use crate::check::{Seen, Verdict};
use crate::gitlab::documents;
use crate::gitlab::facts::reading::{add_ons, moment};
use crate::gitlab::facts::{Access, AddOn, Ai, License, Settings, Sidekiq, Source, Token};
use crate::gitlab::version::Version;
use crate::subject::Subject;
use crate::text;
use serde_json::Value;

/// The version and whether it is an Enterprise Edition.
pub(super) fn metadata(subject: &Subject, seen: Seen) -> Known<(String, Option<bool>)> {
    let said = |value: &Value| {
        let version = value.get("version").and_then(Value::as_str).ok_or_else(|| absent("its version"))?;
        Ok((version.to_owned(), value.get("enterprise").and_then(Value::as_bool)))
    };
    let api = door(subject, seen).and_then(|at| {
        let probe = at.inquire(documents::metadata(at.url)).ok_or(Why::NoToken)?;
        said(good(answer(seen, &probe)?)?)
    });
    either(api, of_rails(subject, seen).and_then(said))
}

/// The version, for what depends on it: as the instance says it, else as the node's files do.
pub(super) fn version(subject: &Subject, seen: Seen) -> Option<Version> {
    let said = metadata(subject, seen).ok().and_then(|((version, _), _)| Version::of(&version));
    said.or_else(|| Version::of(subject.node.gitlab_version.as_deref()?))
}

/// The settings.
pub(super) fn settings(subject: &Subject, seen: Seen) -> Known<Settings> {
    let api = document(subject, seen, Doc::Settings).map(Settings::of);
    let rails = of_rails(subject, seen).and_then(|value| {
        let mut settings = Settings::of(value.get("settings").ok_or_else(|| absent("its settings"))?);
        settings.platform = value.pointer("/ai/duo_agent_platform_enabled").and_then(Value::as_bool);
        Ok(settings)
    });
    either(api, rails)
}

/// One setting: the API's, or that of Rails where the API's document lacks it.
pub(super) fn setting<T>(
    subject: &Subject,
    seen: Seen,
    what: &str,
    of: impl Fn(&Settings) -> Option<T>,
) -> Known<T> {
    let (settings, source) = settings(subject, seen)?;
    if let Some(known) = of(&settings) {
        return Ok((known, source));
    }
    let rails = of_rails(subject, seen).ok().and_then(|value| of(&Settings::of(value.get("settings")?)));
    rails.map(|known| (known, Source::Rails)).ok_or_else(|| absent(what))
}

/// What is said where a setting is not in the document: it belongs to an edition or version that this is not.
pub(super) fn setting_absent(subject: &Subject, seen: Seen, why: Why) -> Verdict {
    match (settings(subject, seen), why) {
        (Ok(_), Why::Unanswered(_)) => {
            Verdict::NotApplicable("this edition or version has no such setting".to_owned())
        }
        (Ok(_) | Err(_), why) => why.verdict(),
    }
}

/// The licence's plan, as the API says it.
pub(super) fn plan_of_api(subject: &Subject, seen: Seen) -> Option<String> {
    let rest = document(subject, seen, Doc::License).ok()?;
    License::of_api(Some(rest), None).plan
}

/// The licence; `None`: there is none.
pub(super) fn license(subject: &Subject, seen: Seen) -> Known<Option<License>> {
    let graphql = root(subject, seen, "currentLicense");
    let api = match document(subject, seen, Doc::License) {
        Ok(Value::Null) => Ok(None),
        Ok(rest) => Ok(Some(License::of_api(Some(rest), graphql.ok().flatten()))),
        Err(why) => match graphql {
            Ok(Some(found)) => Ok(Some(License::of_api(None, Some(found)))),
            // REST heeds Admin Mode; GraphQL answers an administrator all the same.
            Ok(None) if why == Why::NotAdmin => Ok(None),
            Ok(None) | Err(_) => Err(why),
        },
    };
    let rails = of_rails(subject, seen).and_then(|value| {
        match value.pointer("/license/present").and_then(Value::as_bool) {
            Some(true) => Ok(License::of_rails(value)),
            Some(false) => Ok(None),
            None => Err(absent("whether it has a licence")),
        }
    });
    either(api, rails)
}

/// Active add-ons.
pub(super) fn purchases(subject: &Subject, seen: Seen) -> Known<Vec<AddOn>> {
    let api = root(subject, seen, "addOnPurchases").and_then(|list| match list {
        // Whoever is no administrator is shown an empty list.
        Some(list) if list.as_array().is_some_and(Vec::is_empty) => {
            root(subject, seen, "currentLicense").map(|_| Vec::new())
        }
        Some(list) => add_ons(Some(list)).ok_or_else(|| absent("its add-ons")),
        None => Err(Why::NotAdmin),
    });
    let rails = of_rails(subject, seen)
        .and_then(|value| add_ons(value.get("add_ons")).ok_or_else(|| absent("its add-ons")));
    either(api, rails)
}

/// How AI is set up.
pub(super) fn ai(subject: &Subject, seen: Seen) -> Known<Ai> {
    // Whoever is no administrator is shown fields without values.
    let api = root(subject, seen, "currentLicense").map(|_| {
        let duo = root(subject, seen, "duoSettings").ok().flatten();
        let settings = document(subject, seen, Doc::Settings).ok();
        Ai::of_api(duo, settings, has_own_models(subject, seen))
    });
    either(api, of_rails(subject, seen).map(Ai::of_rails))
}

/// Whether the licence has models of one's own: those are Ultimate's, with an add-on. `None`: a gateway of one's own would
/// not be shown to anybody, and yet may be there.
fn has_own_models(subject: &Subject, seen: Seen) -> Option<bool> {
    let (license, _) = license(subject, seen).ok()?;
    if license?.plan.as_deref() != Some("ultimate") {
        return Some(false);
    }
    let (list, _) = purchases(subject, seen).ok()?;
    (!list.is_empty()).then_some(true)
}

/// Whether flows have their composite identity, which only Rails tells.
pub(super) fn composite_identity(subject: &Subject, seen: Seen) -> Known<bool> {
    let known = of_rails(subject, seen)?;
    let said = Ai::of_rails(known).composite_identity;
    said.map(|on| (on, Source::Rails)).ok_or_else(|| absent("whether composite identity is on"))
}

/// Whether flows are used, as far as that shows: they are allowed by default, so that only what somebody has set up for
/// them tells: their identity, or a runner. `None`: not known.
pub(super) fn uses_flows(subject: &Subject, seen: Seen) -> Option<bool> {
    let has_identity = composite_identity(subject, seen).ok().map(|(on, _)| on);
    let runner = own_check(subject, seen, "compatible_runner_probe").ok();
    let has_runner = runner.and_then(|probe| probe.get("success")?.as_bool());
    match (has_identity, has_runner) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        (None | Some(false), None) | (None, Some(false)) => None,
    }
}

/// The data by which GitLab's services may be used: Rails' word, else that of GitLab's own check.
pub(super) fn access(subject: &Subject, seen: Seen) -> Known<Access> {
    if let Ok(value) = of_rails(subject, seen) {
        return Ok((Access::of_rails(value), Source::Rails));
    }
    let probe = own_check(subject, seen, "access_probe")?;
    Ok((access_of(probe).ok_or_else(|| in_its_words(probe))?, Source::OwnCheck))
}

/// The instance's token: Rails' word, else that of GitLab's own check.
pub(super) fn token(subject: &Subject, seen: Seen) -> Known<Token> {
    if let Ok(value) = of_rails(subject, seen) {
        return Ok((Token::of_rails(value), Source::Rails));
    }
    let probe = own_check(subject, seen, "token_probe")?;
    Ok((token_of(probe).ok_or_else(|| in_its_words(probe))?, Source::OwnCheck))
}

/// What Sidekiq does.
pub(super) fn sidekiq(subject: &Subject, seen: Seen) -> Known<Sidekiq> {
    let api = document(subject, seen, Doc::Sidekiq)
        .and_then(|value| Sidekiq::of_api(value).ok_or_else(|| absent("what Sidekiq does")));
    let rails = of_rails(subject, seen)
        .and_then(|value| Sidekiq::of_rails(value).ok_or_else(|| absent("what Sidekiq does")));
    either(api, rails)
}

/// The result of one probe of GitLab's own check.
fn own_check<'a>(subject: &'a Subject, seen: Seen<'a>, name: &str) -> Result<&'a Value, Why> {
    let results = own_results(subject, seen)?;
    let named = |result: &&Value| result.get("name").and_then(Value::as_str) == Some(name);
    results.iter().find(named).ok_or_else(|| {
        Why::Elsewhere(format!(
            "GitLab's own health check has no {name} in this set-up: --rails-runner tells"
        ))
    })
}

/// Every result of GitLab's own check.
pub(super) fn own_results<'a>(subject: &'a Subject, seen: Seen<'a>) -> Result<&'a [Value], Why> {
    let value = document(subject, seen, Doc::OwnCheck)?;
    match value.pointer("/data/cloudConnectorStatus/probeResults").and_then(Value::as_array) {
        Some(results) => Ok(results),
        None if error_of(value).starts_with("Timeout on") => Err(Why::Unanswered(OVER_30_S.to_owned())),
        None if value.get("errors").is_some() => Err(Why::NotAdmin),
        None if value.pointer("/data/cloudConnectorStatus").is_some_and(Value::is_null) => {
            Err(Why::NoScope("read_api".to_owned()))
        }
        None => Err(Why::Unanswered("GitLab's own health check answered without results".to_owned())),
    }
}

/// What GraphQL says where its time is over before the results are there.
pub(super) const OVER_30_S: &str = "GitLab's own health check took over 30 s, after which GraphQL ends it without a result: a name or a host hangs";

fn error_of(value: &Value) -> &str {
    value.pointer("/errors/0/message").and_then(Value::as_str).unwrap_or_default()
}

/// A probe that failed in words that are not known here: it says no more than that.
fn in_its_words(probe: &Value) -> Why {
    let words = probe.get("message").and_then(Value::as_str).unwrap_or("nothing");
    Why::Unanswered(format!("GitLab's own health check says: {}", text::escape(words, 120)))
}

/// What a probe says: whether it passed, and its message.
fn said(probe: &Value) -> (bool, &str) {
    let passed = probe.get("success").and_then(Value::as_bool) == Some(true);
    (passed, probe.get("message").and_then(Value::as_str).unwrap_or_default())
}

fn access_of(probe: &Value) -> Option<Access> {
    let (passed, message) = said(probe);
    let never = message.contains("has not yet been synchronized");
    let stale = message.contains("has not been synchronized recently");
    let updated = probe.pointer("/details/updated_at").and_then(Value::as_str);
    (passed || never || stale).then(|| Access {
        present: Some(!never),
        updated: updated.and_then(moment),
        stale: Some(stale),
    })
}

fn token_of(probe: &Value) -> Option<Token> {
    let (passed, message) = said(probe);
    let absent = message.contains("credentials not found");
    let invalid = message.contains("Invalid access credentials");
    let is_over = message.contains("credentials expired");
    let expires = probe.pointer("/details/expires_at").and_then(Value::as_str);
    (passed || absent || invalid || is_over).then(|| Token {
        present: Some(!absent),
        decodes: Some(!invalid),
        expired: Some(is_over),
        expires: expires.and_then(moment),
        decryptable: None,
        is_ours: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_probe_that_fails_in_words_that_are_not_known_tells_nothing() {
        let probe = |success: bool, message: &str| json!({ "success": success, "message": message });
        let odd = probe(false, "Something new went wrong.");
        assert_eq!((access_of(&odd), token_of(&odd)), (None, None));
        let good = probe(true, "Access credentials are valid.");
        assert_eq!(token_of(&good).and_then(|t| t.present), Some(true));
        let never =
            probe(false, "Subscription has not yet been synchronized. Synchronize your subscription.");
        assert_eq!(access_of(&never).and_then(|a| a.present), Some(false));
        let over = probe(false, "Access credentials expired. Synchronize your subscription.");
        assert_eq!(token_of(&over).and_then(|t| t.expired), Some(true));
    }
}
