//! Every GraphQL document that is ever sent is valid against GitLab's published schema of that version.

use super::published::{VERSIONS, schema};
use apollo_compiler::ExecutableDocument;
use duo_doctor::gitlab::graphql::{self, Missing};
use duo_doctor::gitlab::version::Version;

#[track_caller]
fn is_valid(document: &str, version: (u32, u32)) {
    if let Err(wrong) = ExecutableDocument::parse_and_validate(&schema(version), document, "ours.graphql") {
        panic!("{version:?}: {}", wrong.errors);
    }
}

#[test]
fn the_document_of_a_version_is_valid_in_that_version() {
    for version in VERSIONS {
        is_valid(&graphql::document(Version(version.0, version.1), &[]), version);
    }
}

#[test]
fn the_health_check_of_a_version_is_valid_in_that_version() {
    let has_it = |v: &(u32, u32)| graphql::has_own_check(Version(v.0, v.1));
    let asked: Vec<(u32, u32)> = VERSIONS.into_iter().filter(has_it).collect();
    assert!(asked.len() >= 8, "{asked:?}");
    for version in asked {
        is_valid(&graphql::own_check(Version(version.0, version.1)), version);
    }
}

#[test]
fn a_document_without_what_an_instance_lacks_is_still_valid() {
    let fields = ["trial", "duoSettings", "addOnPurchases", "aiGatewayUrl", "duoChatAvailable"];
    for left_out in fields {
        let missing: Vec<Missing> = ["Query", "CurrentLicense", "DuoSettings", "CurrentUser"]
            .map(|kind| Missing { kind: kind.to_owned(), field: left_out.to_owned() })
            .to_vec();
        let document = graphql::document(Version(18, 9), &missing);
        assert!(!document.contains(left_out), "{document}");
        is_valid(&document, (18, 9));
    }
}

#[test]
fn a_newer_document_is_refused_by_an_older_instance_which_is_why_there_are_versions() {
    let document = graphql::document(Version(18, 9), &[]);
    let older = ExecutableDocument::parse_and_validate(&schema((17, 2)), document, "ours.graphql");
    assert!(older.is_err());
}
