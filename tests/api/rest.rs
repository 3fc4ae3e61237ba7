//! Answers in the shape of GitLab's REST documentation are read for what they say.

use duo_doctor::gitlab::documents::{self, SETTINGS};
use duo_doctor::gitlab::facts::{Availability, Ends, License, Settings, Sidekiq};
use duo_doctor::probe::document::kept;
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("a fixture is JSON")
}

fn hosts() -> Vec<String> {
    vec!["cloud.gitlab.com".to_owned(), "customers.gitlab.com".to_owned()]
}

#[test]
fn the_settings_that_are_exposed_and_those_that_are_documented_are_both_read() {
    let exposed = json(include_str!("../gitlab/rest/settings_exposed.json"));
    let settings = Settings::of(&kept(&exposed, SETTINGS, &hosts()));
    assert_eq!(settings.availability, Some(Availability::DefaultOn));
    assert_eq!((settings.silent, settings.denies, settings.rebinding), (Some(false), Some(true), Some(true)));
    let list = settings.allowed.expect("a list");
    assert_eq!(list, ["cloud.gitlab.com:443", "customers.gitlab.com:443"]);

    let documented = json(include_str!("../gitlab/rest/settings.json"));
    let settings = Settings::of(&kept(&documented, SETTINGS, &hosts()));
    assert_eq!((settings.silent, settings.allowed.as_deref()), (Some(false), Some(&[][..])));
}

#[test]
fn a_licence_is_read_without_its_holder() {
    let url = "https://gitlab.example.com".parse().expect("a URL");
    let kept = kept(&json(include_str!("../gitlab/rest/license.json")), documents::license(&url).keep, &[]);
    let license = License::of_api(Some(&kept), None);
    assert_eq!((license.plan.as_deref(), license.expired), (Some("premium"), Some(false)));
    assert!(matches!(license.ends, Ends::At(_)));
    assert!(!kept.to_string().contains("ada"), "{kept}");
}

#[test]
fn sidekiqs_metrics_are_read_without_its_hosts() {
    let url = "https://gitlab.example.com".parse().expect("a URL");
    let metrics = json(include_str!("../gitlab/rest/sidekiq_compound_metrics.json"));
    let kept = kept(&metrics, documents::sidekiq(&url).keep, &[]);
    let sidekiq = Sidekiq::of_api(&kept).expect("metrics");
    assert_eq!((sidekiq.processes, sidekiq.waiting.len()), (Some(1), 2));
    assert!(!kept.to_string().contains("gitlab-1"), "{kept}");
}
