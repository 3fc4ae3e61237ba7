//! Nothing is asked twice, and not much in all; what comes back is kept without anybody's name.

use super::instance::{ALL, Instance, Running};
use duo_doctor::report::{Format, Options, Redaction, render};
use duo_doctor::run::{Run, Status};
use std::collections::BTreeMap;

fn statuses(run: &Run) -> BTreeMap<String, Status> {
    run.steps.iter().map(|s| (format!("{}@{}", s.plan.check, s.plan.place), s.status)).collect()
}

async fn whole(major: u32, minor: u32) -> (Running, Run) {
    let instance = Instance::of(major, minor).start();
    let run = instance.check(&ALL).await;
    (instance, run)
}

#[tokio::test]
async fn every_resource_is_asked_for_once_and_the_version_first() {
    for (major, minor) in [(17, 2), (17, 5), (18, 2), (18, 9), (19, 4)] {
        let (instance, run) = whole(major, minor).await;
        let asked = instance.asked();
        assert!(asked[0].starts_with("/api/v4/metadata"), "{asked:?}");
        assert!(asked.len() <= 12, "{major}.{minor}: {} requests", asked.len());
        let mut once = asked.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), asked.len(), "{asked:?}");
        let failed: Vec<_> =
            statuses(&run).into_iter().filter(|(_, s)| !matches!(s, Status::Pass | Status::Skip)).collect();
        assert!(failed.is_empty(), "{major}.{minor}: {failed:?}");
    }
}

#[tokio::test]
async fn a_version_that_is_not_what_it_says_is_asked_again_without_what_it_lacks() {
    // A fork, or a version that lost fields: it claims to be newer than its schema.
    let instance = Instance { claims: Some("18.9.1-ee"), ..Instance::of(17, 2) }.start();
    let run = instance.check(&["licence", "add-ons"]).await;
    let queries: Vec<String> =
        instance.asked().into_iter().filter(|a| a.starts_with("/api/graphql")).collect();
    assert_eq!(queries.len(), 2, "{queries:?}");
    assert!(!queries[1].contains("duoSettings"), "{}", queries[1]);
    assert_eq!(statuses(&run)["licence@instance"], Status::Pass);
    assert_eq!(statuses(&run)["add-ons@instance"], Status::Pass, "what is there is told all the same");
}

#[tokio::test]
async fn no_name_no_secret_and_no_token_is_in_any_report() {
    let (_instance, run) = whole(18, 9).await;
    assert!(run.steps.iter().any(|s| s.status == Status::Pass), "something was told");
    for format in Format::ALL {
        for redaction in [Redaction::Share, Redaction::Full] {
            let text = render(&run, None, format, redaction, &Options::default());
            for canary in ["canary", "Ada Example", "ada@example.com", "Example Ltd"] {
                assert!(!text.contains(canary), "{format}: {canary}");
            }
        }
    }
}
