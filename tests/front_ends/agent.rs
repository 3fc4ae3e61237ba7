//! The Agent Platform's WebSocket, at the lab's Workhorse behind real web servers.

use crate::front::Front;
use crate::rows::{Finds, NOTHING, alone, at_the_front_end, each};
use crate::support::authority::Authority;
use crate::support::node_tree::NodeTree;
use crate::support::program::Report;
use crate::support::{apache, haproxy, nginx};
use crate::{HOST, inbound};
use duo_doctor::lab::Lab;
use duo_doctor::lab::scenario::scenario;
use duo_doctor::subject::limits::Limits;
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpStream, UnixListener};
use tokio::runtime::Runtime;

/// A scenario of the lab, of which only what is wrong behind the web server shows, and the web server.
type Situation = (&'static str, Front);

pub(crate) const ROWS: &[(Situation, Finds)] = &[
    (("healthy", Front::Nginx(nginx::Site::Upgrade)), NOTHING),
    (("healthy", Front::Apache(apache::Site::RewriteRules)), NOTHING),
    (("healthy", Front::Haproxy(haproxy::Site::Healthy)), NOTHING),
    (
        ("healthy", Front::Apache(apache::Site::ProxyPass)),
        at_the_front_end(&["websocket-upgrade-stripped"], "Apache"),
    ),
    (
        ("healthy", Front::Nginx(nginx::Site::HostNotKept)),
        at_the_front_end(&["websocket-origin-rejected"], "NGINX"),
    ),
    // Workhorse closes it at once, through whatever web server: its own way out is broken.
    (("workflow-egress-broken", Front::Nginx(nginx::Site::Upgrade)), alone(&["workflow-egress-broken"])),
    // Puma does not answer Workhorse, whose page NGINX passes on.
    (("rails-down", Front::Nginx(nginx::Site::Upgrade)), alone(&["rails-down"])),
];

/// A run from the node, with the lab's own token.
fn checked((name, front): Situation) -> Report {
    // The lab serves as long as its runtime lives.
    let runtime = Runtime::new().expect("the system has threads");
    let now = jiff::Timestamp::now();
    let mut of = scenario(name).expect("the lab has it");
    of.token = Some("good".to_owned());
    let lab = runtime.block_on(Lab::start(&of, now)).expect("loopback has free ports");
    let token = lab.subject(Limits::DEFAULT, now).token.expect("the scenario has one");
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let file = directory.path().join("token");
    fs::write(&file, token.expose()).expect("the test's own directory is writable");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("the file is ours");
    let authority = Authority::new();
    let tree = NodeTree::new(&[], &[]);
    // Below another root a token goes to a socket alone: a port of that node need not be GitLab's here.
    let socket = tree.workhorse_socket();
    fs::create_dir_all(socket.parent().expect("it stands in a directory")).expect("the tree is ours");
    let listener = {
        let _entered = runtime.enter();
        UnixListener::bind(&socket).expect("the tree is ours")
    };
    runtime.spawn(pass_on(listener, lab.workhorse()));
    let running = front.start(&authority.issue(&[HOST]), lab.workhorse());
    let file = file.display().to_string();
    let more = ["--token-file", file.as_str()];
    inbound(&authority, &tree.path(), "https://gitlab.example.com", running.address, &more)
}

/// Passes what comes to a socket on to an address.
async fn pass_on(listener: UnixListener, to: SocketAddr) {
    while let Ok((mut from, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut to = TcpStream::connect(to).await?;
            copy_bidirectional(&mut from, &mut to).await
        });
    }
}

#[test]
fn it_fares_as_the_cable_does_at_each_web_server() {
    each(ROWS, |situation| {
        let report = checked(situation);
        if let ("healthy", front) = situation {
            let opens = matches!(
                front,
                Front::Nginx(nginx::Site::Upgrade)
                    | Front::Apache(apache::Site::RewriteRules)
                    | Front::Haproxy(haproxy::Site::Healthy)
            );
            let expected = if opens { "pass" } else { "fail" };
            assert_eq!(report.status("workflow-socket@public"), expected, "{situation:?}: {report}");
            assert_eq!(report.status("workflow-socket@workhorse"), "pass", "{situation:?}: {report}");
        }
        report
    });
}
