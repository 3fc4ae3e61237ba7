//! The GraphQL documents, made for a version: one field that the schema lacks fails a whole document.
//!
//! Which field came when: GitLab's GraphQL reference and changelog (`doc/api/graphql/reference`), as far as it is known;
//! `tests/gitlab/schema.graphql` holds the types of 18.9. What a table gets wrong, the instance's own answer mends:
//! it names the fields that it does not have.

use super::version::Version;
use serde_json::Value;

/// A field of the root with the fields below it, and since when each is there.
struct Root {
    name: &'static str,
    kind: &'static str,
    since: Version,
    fields: &'static [(&'static str, Version)],
}

const ALWAYS: Version = Version(0, 0);

const ROOTS: &[Root] = &[
    Root {
        name: "currentLicense",
        kind: "CurrentLicense",
        since: ALWAYS,
        fields: &[
            ("type", ALWAYS),
            ("plan", ALWAYS),
            ("startsAt", ALWAYS),
            ("expiresAt", ALWAYS),
            ("blockChangesAt", ALWAYS),
            ("activatedAt", ALWAYS),
            ("lastSync", ALWAYS),
            ("trial", Version(17, 2)),
        ],
    },
    Root {
        name: "addOnPurchases",
        kind: "AddOnPurchase",
        since: Version(17, 3),
        fields: &[("name", ALWAYS), ("purchasedQuantity", ALWAYS), ("assignedQuantity", ALWAYS)],
    },
    Root {
        name: "duoSettings",
        kind: "DuoSettings",
        since: Version(17, 9),
        fields: &[
            ("aiGatewayUrl", Version(17, 9)),
            ("duoCoreFeaturesEnabled", Version(18, 0)),
            ("duoAgentPlatformServiceUrl", Version(18, 4)),
        ],
    },
    Root {
        name: "currentUser",
        kind: "CurrentUser",
        since: ALWAYS,
        fields: &[("duoChatAvailable", Version(16, 8)), ("duoCodeSuggestionsAvailable", Version(16, 8))],
    },
];

/// A field that the instance says not to have: the type, and the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// `Query`, `CurrentLicense`.
    pub kind: String,
    /// `duoSettings`, `trial`.
    pub field: String,
}

/// Whether a version has a root field.
pub fn has(name: &str, version: Version) -> bool {
    ROOTS.iter().any(|root| root.name == name && root.since <= version)
}

/// The document with everything that GraphQL alone tells.
pub fn document(version: Version, without: &[Missing]) -> String {
    let has = |kinds: &[&str], field: &str| {
        !without.iter().any(|m| m.field == field && kinds.contains(&m.kind.as_str()))
    };
    let one = |root: &Root| {
        let fields = root.fields.iter().filter(|(name, since)| *since <= version && has(&[root.kind], name));
        let fields: Vec<&str> = fields.map(|(name, _)| *name).collect();
        (!fields.is_empty()).then(|| format!("{} {{ {} }}", root.name, fields.join(" ")))
    };
    let roots = ROOTS.iter().filter(|root| root.since <= version && has(&["Query"], root.name));
    format!("query duoDoctor {{ {} }}", roots.filter_map(one).collect::<Vec<_>>().join(" "))
}

/// GitLab's own health check, since 17.3; errors and details since 17.5.
pub fn own_check(version: Version) -> String {
    let more = if version >= Version(17, 5) { " errors details" } else { "" };
    format!(
        "query duoDoctorHealthCheck {{ cloudConnectorStatus {{ success probeResults {{ name success message{more} }} }} }}"
    )
}

/// Whether this version has a health check of its own.
pub fn has_own_check(version: Version) -> bool {
    version >= Version(17, 3)
}

/// The fields that an answer says not to exist (graphql-ruby's `undefinedField`).
pub fn missing(answer: &Value) -> Vec<Missing> {
    let errors = answer.get("errors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let field = |error: &Value| {
        let extension = |name: &str| Some(error.get("extensions")?.get(name)?.as_str()?.to_owned());
        if extension("code").as_deref() == Some("undefinedField") {
            return Some(Missing { kind: extension("typeName")?, field: extension("fieldName")? });
        }
        // Field 'duoSettings' doesn't exist on type 'Query'
        let message = error.get("message")?.as_str()?;
        let rest = message.strip_prefix("Field '")?;
        let (field, rest) = rest.split_once("' doesn't exist on type '")?;
        Some(Missing { kind: rest.split('\'').next()?.to_owned(), field: field.to_owned() })
    };
    errors.iter().filter_map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_version_is_asked_for_what_it_has() {
        let old = document(Version(17, 2), &[]);
        assert!(old.contains("currentLicense { type plan") && !old.contains("addOn"), "{old}");
        assert!(!old.contains("duoSettings") && !old.contains("addOnPurchases"), "{old}");
        let new = document(Version(18, 9), &[]);
        assert!(
            new.contains("duoSettings { aiGatewayUrl duoCoreFeaturesEnabled duoAgentPlatformServiceUrl }")
        );
        assert!(
            !own_check(Version(17, 3)).contains("details") && own_check(Version(17, 5)).contains("details")
        );
    }

    #[test]
    fn what_the_instance_says_not_to_have_is_left_out() {
        let answer = json!({ "errors": [
            { "message": "Field 'trial' doesn't exist on type 'CurrentLicense'" },
            { "message": "x", "extensions": { "code": "undefinedField", "typeName": "Query", "fieldName": "duoSettings" } },
            { "message": "something else" }
        ] });
        let missing = missing(&answer);
        let document = document(Version(18, 9), &missing);
        assert_eq!(missing.len(), 2);
        assert!(!document.contains("trial") && !document.contains("duoSettings"), "{document}");
        assert!(document.contains("addOnPurchases"));
    }
}
