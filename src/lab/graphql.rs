//! Just enough of GraphQL to answer as the instance would: one operation, fields without arguments, and the error for a
//! field that this version does not have.

use serde_json::{Map, Value, json};

/// A field with what is asked for below it.
#[derive(Debug)]
struct Selection {
    name: String,
    below: Vec<Selection>,
}

/// Since when a field is there that is not there always: type, field, major and minor version.
const SINCE: &[(&str, &str, (u32, u32))] = &[
    ("Query", "cloudConnectorStatus", (17, 3)),
    ("CloudConnectorProbeResult", "errors", (17, 5)),
    ("CloudConnectorProbeResult", "details", (17, 5)),
    ("Query", "addOnPurchases", (17, 3)),
    ("Query", "duoSettings", (17, 9)),
    ("CurrentLicense", "trial", (17, 2)),
    ("DuoSettings", "duoCoreFeaturesEnabled", (18, 0)),
    ("DuoSettings", "duoAgentPlatformServiceUrl", (18, 4)),
];

/// The type of what stands in a field.
fn kind(field: &str) -> &'static str {
    match field {
        "currentLicense" => "CurrentLicense",
        "addOnPurchases" => "AddOnPurchase",
        "duoSettings" => "DuoSettings",
        "currentUser" => "CurrentUser",
        "cloudConnectorStatus" => "CloudConnectorStatus",
        "probeResults" => "CloudConnectorProbeResult",
        _ => "Scalar",
    }
}

/// Answers a document from `data`, which holds what the root fields would be.
pub(super) fn answer(query: &str, version: (u32, u32), data: &Value) -> Value {
    let mut words = tokens(query).into_iter().peekable();
    // The operation's type and name.
    while words.next_if(|word| word != "{").is_some() {}
    let asked = selections(&mut words);
    let mut errors = Vec::new();
    unknown("Query", &asked, version, &mut errors);
    if !errors.is_empty() {
        return json!({ "errors": errors });
    }
    json!({ "data": picked(data, &asked) })
}

fn tokens(query: &str) -> Vec<String> {
    let spaced = query.replace('{', " { ").replace('}', " } ").replace(',', " ");
    spaced.split_whitespace().map(str::to_owned).collect()
}

fn selections(words: &mut std::iter::Peekable<impl Iterator<Item = String>>) -> Vec<Selection> {
    let mut found = Vec::new();
    if words.next_if(|word| word == "{").is_none() {
        return found;
    }
    while let Some(name) = words.next_if(|word| word != "}") {
        found.push(Selection { name, below: selections(words) });
    }
    words.next();
    found
}

fn unknown(on: &str, asked: &[Selection], version: (u32, u32), errors: &mut Vec<Value>) {
    for field in asked {
        let since = SINCE.iter().find(|(kind, name, _)| *kind == on && *name == field.name);
        if since.is_some_and(|(.., since)| version < *since) {
            errors.push(json!({
                "message": format!("Field '{}' doesn't exist on type '{on}'", field.name),
                "locations": [{ "line": 1, "column": 1 }],
                "path": ["query", field.name],
                "extensions": { "code": "undefinedField", "typeName": on, "fieldName": field.name },
            }));
        }
        unknown(kind(&field.name), &field.below, version, errors);
    }
}

fn picked(value: &Value, asked: &[Selection]) -> Value {
    match value {
        Value::Array(all) => Value::Array(all.iter().map(|value| picked(value, asked)).collect()),
        Value::Object(_) if !asked.is_empty() => {
            let field = |s: &Selection| {
                (s.name.clone(), picked(value.get(&s.name).unwrap_or(&Value::Null), &s.below))
            };
            Value::Object(asked.iter().map(field).collect::<Map<_, _>>())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            value.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_the_version_lacks_fails_the_whole_document() {
        let data = json!({ "duoSettings": { "aiGatewayUrl": "x" }, "currentUser": { "a": 1, "b": 2 } });
        let ask =
            |version| answer("query q { duoSettings { aiGatewayUrl } currentUser { a } }", version, &data);
        assert_eq!(
            ask((17, 9)),
            json!({ "data": { "duoSettings": { "aiGatewayUrl": "x" }, "currentUser": { "a": 1 } } })
        );
        assert_eq!(ask((17, 2))["errors"][0]["extensions"]["fieldName"], "duoSettings");
        assert!(ask((17, 2)).get("data").is_none());
    }
}
