//! The workflow service as a real gRPC server: reached directly and through Debian's Squid, behind fronts that do not
//! speak HTTP/2, and with the wrong protocol on its port.
//!
//! No GitLab is installed here, so it is not known whether the Agent Platform is used: what fails is the warning
//! `workflow-not-reachable-unused`, and its argument `finding` says what it is.

#[path = "../support/mod.rs"]
mod support;

use std::net::SocketAddr;
use std::process::Stdio;
use support::apache::{Apache, Site};
use support::authority::{Authority, Identity};
use support::child::{self, Server};
use support::grpc_server::GrpcServer;
use support::loopback;
use support::program::{self, Report};
use support::squid::{Policy, Squid};

const HOST: &str = "duo-workflow-svc.runway.gitlab.net";
const UNREACHABLE: &str = "workflow-unreachable";
const DOWNGRADED: &str = "http2-downgraded";

/// Checks the workflow service, which is found at `address`.
fn check(authority: &Authority, address: SocketAddr, more: &[&str]) -> Report {
    let cacert = authority.root_file().display().to_string();
    let connect_to = format!("{HOST}:443:{}:{}", address.ip(), address.port());
    let mut arguments = vec!["--only", "workflow", "--cacert", &cacert, "--connect-to", &connect_to];
    arguments.extend(more);
    program::check(&arguments)
}

fn with_server(check: impl FnOnce(&Authority, &GrpcServer) -> Report) -> Report {
    let authority = Authority::new();
    let server = GrpcServer::with_tls(loopback::random_socket(), &authority.issue(&[HOST]));
    check(&authority, &server)
}

#[test]
fn a_real_service_answers_directly() {
    let report = with_server(|authority, server| check(authority, server.address, &[]));
    assert_eq!(report.status("workflow@workflow/shell"), "pass", "{report}");
    assert_eq!(report.status("http2-kept@workflow/shell"), "pass", "{report}");
    assert_eq!(report.root_causes(), [""; 0], "{report}");
}

#[test]
fn a_real_service_holds_a_stream_open() {
    let hold = ["--only", "outbound-idle", "--hold", "2"];
    let report = with_server(|authority, server| check(authority, server.address, &hold));
    assert_eq!(report.status("outbound-idle@workflow/shell"), "pass", "{report}");
}

/// Checks the service through Squid, which knows the address of a real one on port 443.
fn through_squid(policy: Policy) -> Report {
    let authority = Authority::new();
    let address = SocketAddr::from((loopback::random_address(), 443));
    let server = GrpcServer::with_tls(address, &authority.issue(&[HOST]));
    let squid = Squid::start(policy, &[HOST], server.address.ip());
    let cacert = authority.root_file().display().to_string();
    program::check(&["--only", "workflow", "--cacert", &cacert, "--proxy", &squid.url()])
}

#[test]
fn a_real_service_answers_through_squid() {
    let report = through_squid(Policy::Open);
    assert_eq!(report.status("workflow@workflow/shell"), "pass", "{report}");
}

#[test]
fn a_squid_that_denies_is_named() {
    let report = through_squid(Policy::Denied);
    assert_eq!(report.root_causes(), [UNREACHABLE], "{report}");
    assert_eq!(report.argument(UNREACHABLE, "finding"), "proxy-denied", "{report}");
    assert!(report.argument(UNREACHABLE, "why").contains("403"), "{report}");
}

#[test]
fn an_apache_that_speaks_http_1_alone_is_named() {
    let authority = Authority::new();
    let server = GrpcServer::plain(loopback::random_socket());
    let apache = Apache::start(Site::Http1Only, &authority.issue(&[HOST]), server.address);
    let report = check(&authority, apache.address, &[]);
    assert_eq!(report.root_causes(), [DOWNGRADED], "{report}");
    assert!(report.argument(DOWNGRADED, "alpn").contains("http/1.1"), "{report}");
    assert_eq!(report.argument(DOWNGRADED, "by"), "Apache", "{report}");
}

/// OpenSSL's own server, which answers no offer of ALPN.
fn openssl(identity: &Identity, address: SocketAddr) -> (Server, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    identity.write(directory.path());
    let mut command = child::command("/usr/bin/openssl");
    let accept = address.to_string();
    command.args(["s_server", "-www", "-accept", &accept, "-cert", "server.pem", "-key", "server.key"]);
    command.current_dir(directory.path()).stdin(Stdio::null());
    let mut server = child::start(command, "openssl", &directory.path().join("server.log"));
    server.wait_until_it_accepts(address);
    (server, directory)
}

#[test]
fn a_front_without_alpn_loses_http_2() {
    let authority = Authority::new();
    let address = loopback::random_socket();
    let _server = openssl(&authority.issue(&[HOST]), address);
    let report = check(&authority, address, &[]);
    assert_eq!(report.root_causes(), [DOWNGRADED], "{report}");
    assert!(report.argument(DOWNGRADED, "alpn").contains("no protocol"), "{report}");
}

#[test]
fn a_service_in_plain_text_is_no_tls() {
    let authority = Authority::new();
    let server = GrpcServer::plain(loopback::random_socket());
    let report = check(&authority, server.address, &[]);
    assert_eq!(report.root_causes(), [UNREACHABLE], "{report}");
    assert_eq!(report.argument(UNREACHABLE, "finding"), "tls-not-spoken", "{report}");
}
