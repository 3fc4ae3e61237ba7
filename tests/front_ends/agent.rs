//! The Agent Platform's WebSocket, at the lab's Workhorse behind real web servers.

use crate::front::Front;
use crate::rows::{Finds, NOTHING, at_the_front_end, wrong};
use crate::support::authority::Authority;
use crate::support::node_tree::NodeTree;
use crate::support::program::Report;
use crate::support::{apache, haproxy, nginx};
use crate::{HOST, inbound};
use duo_doctor::lab::Lab;
use duo_doctor::lab::scenario::scenario;
use duo_doctor::subject::Limits;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// A run from the node, with the lab's own token, where `front` stands before the Workhorse of a scenario.
async fn checked(name: &str, front: Front) -> Report {
    let now = jiff::Timestamp::now();
    let mut of = scenario(name).expect("the lab has it");
    of.token = Some("good".to_owned());
    let lab = Lab::start(&of, now).await.expect("loopback has free ports");
    let token = lab.subject(Limits::DEFAULT, now).token.expect("the scenario has one");
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let file = directory.path().join("token");
    fs::write(&file, token.expose()).expect("the test's own directory is writable");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("the file is ours");
    let authority = Authority::new();
    let tree = NodeTree::new(&[], &[]);
    tree.workhorse_by_tcp(lab.workhorse());
    let running = front.start(&authority.issue(&[HOST]), lab.workhorse());
    let file = file.display().to_string();
    let more = ["--token-file", file.as_str()];
    inbound(&authority, &tree.path(), "https://gitlab.example.com", running.address, &more)
}

#[track_caller]
fn is(report: &Report, finds: Finds) {
    assert_eq!(wrong(report, finds), None, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_opens_through_right_web_servers() {
    for front in [
        Front::Nginx(nginx::Site::Upgrade),
        Front::Apache(apache::Site::RewriteRules),
        Front::Haproxy(haproxy::Site::Healthy),
    ] {
        let report = checked("healthy", front).await;
        is(&report, NOTHING);
        assert_eq!(report.status("workflow-socket@public"), "pass", "{report}");
        assert_eq!(report.status("workflow-socket@workhorse"), "pass", "{report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_loses_its_upgrade_with_the_cables() {
    let report = checked("healthy", Front::Apache(apache::Site::ProxyPass)).await;
    is(&report, at_the_front_end(&["websocket-upgrade-stripped"], "Apache"));
    assert_eq!(report.status("workflow-socket@public"), "fail", "{report}");
    assert_eq!(report.status("workflow-socket@workhorse"), "pass", "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_not_kept_refuses_both() {
    let report = checked("healthy", Front::Nginx(nginx::Site::HostNotKept)).await;
    is(&report, at_the_front_end(&["websocket-origin-rejected"], "NGINX"));
}

/// Workhorse closes it at once, through whatever web server: its own way out is broken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workhorse_without_a_way_out_closes_it() {
    let report = checked("workflow-egress-broken", Front::Nginx(nginx::Site::Upgrade)).await;
    assert_eq!(report.root_causes(), ["workflow-egress-broken"], "{report}");
}

/// Puma does not answer Workhorse, and a real NGINX passes its page on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_puma_that_is_down_is_not_the_web_servers_fault() {
    let report = checked("rails-down", Front::Nginx(nginx::Site::Upgrade)).await;
    assert_eq!(report.root_causes(), ["rails-down"], "{report}");
}
