//! What OpenSSL's own server shows: certificates, versions and silence, on loopback.

use crate::support::authority::{Authority, Identity, SelfSigned, Validity};
use crate::support::openssl::OpenSsl;
use crate::support::program::{self, Report};
use crate::support::world::{PROXY, World};
use crate::support::{loopback, squid};
use crate::{PRIVATE_AUTHORITY, exactly_and_nothing_reached};
use std::net::{SocketAddr, TcpListener};

const CLOUD: &[&str] = &["cloud.gitlab.com"];

/// The TLS check of the cloud as it stands at `address`; `authority` is trusted.
fn tls(address: SocketAddr, authority: &Authority) -> Report {
    ask("tls@cloud", address, authority)
}

fn ask(only: &str, address: SocketAddr, authority: &Authority) -> Report {
    let connect_to = format!("cloud.gitlab.com:443:{address}");
    let root = authority.root_file().display().to_string();
    program::check(&[
        "--only",
        only,
        "--connect-to",
        &connect_to,
        "--cacert",
        &root,
        "--proxy",
        "none",
        "--timeout",
        "2",
    ])
}

/// The TLS check of a server that shows `identity` and is started with `options`.
fn shown(authority: &Authority, identity: &Identity, options: &[&str]) -> Report {
    tls(OpenSsl::serve(identity, "", options).address, authority)
}

#[track_caller]
fn handshake_is_good(report: &Report) {
    assert_eq!(report.root_causes(), [PRIVATE_AUTHORITY], "{report}");
}

#[test]
fn an_expired_certificate_is_expired() {
    let authority = Authority::new();
    let report = shown(&authority, &authority.issue_valid(CLOUD, Validity::Past), &[]);
    exactly_and_nothing_reached("tls-expired", &report);
}

#[test]
fn a_certificate_of_next_year_is_not_valid_yet() {
    let authority = Authority::new();
    let report = shown(&authority, &authority.issue_valid(CLOUD, Validity::Future), &[]);
    exactly_and_nothing_reached("tls-not-yet-valid", &report);
}

#[test]
fn a_certificate_for_another_host_has_the_wrong_name() {
    let authority = Authority::new();
    let report = shown(&authority, &authority.issue(&["portal.example.com"]), &[]);
    exactly_and_nothing_reached("tls-wrong-name", &report);
    assert_eq!(report.argument("tls-wrong-name", "names"), "portal.example.com", "{report}");
}

#[test]
fn a_chain_without_its_intermediate_is_incomplete() {
    let authority = Authority::new();
    let intermediate = authority.intermediate("Test issuer");
    let report = shown(&authority, &intermediate.issue(CLOUD), &[]);
    exactly_and_nothing_reached("tls-chain-incomplete", &report);
    assert!(report.argument("tls-chain-incomplete", "issuer").contains("Test issuer"), "{report}");
}

#[test]
fn a_chain_with_its_intermediate_is_good() {
    let authority = Authority::new();
    let intermediate = authority.intermediate("Test issuer");
    let server = OpenSsl::serve(&intermediate.issue(CLOUD), &intermediate.root_pem(), &[]);
    handshake_is_good(&tls(server.address, &authority));
}

#[test]
fn a_chain_in_the_wrong_order_with_its_root_is_good() {
    let authority = Authority::new();
    let intermediate = authority.intermediate("Test issuer");
    let chain = format!("{}{}", authority.root_pem(), intermediate.root_pem());
    let server = OpenSsl::serve(&intermediate.issue(CLOUD), &chain, &[]);
    handshake_is_good(&tls(server.address, &authority));
}

#[test]
fn an_intermediate_that_is_trusted_by_itself_is_good() {
    let intermediate = Authority::new().intermediate("Test issuer");
    handshake_is_good(&shown(&intermediate, &intermediate.issue(CLOUD), &[]));
}

#[test]
fn a_private_chain_that_nobody_trusts_is_an_inspecting_device() {
    let device = Authority::named("Example gateway");
    let server = OpenSsl::serve(&device.issue(CLOUD), &device.root_pem(), &[]);
    let report = tls(server.address, &Authority::new());
    exactly_and_nothing_reached("tls-intercepted", &report);
}

#[test]
fn a_vendors_chain_without_its_root_names_the_vendor() {
    let device = Authority::named("FortiGate CA");
    let report = shown(&Authority::new(), &device.issue(CLOUD), &[]);
    exactly_and_nothing_reached("tls-intercepted", &report);
    assert_eq!(report.argument("tls-intercepted", "product"), "FortiGate", "{report}");
}

#[test]
fn a_self_signed_certificate_is_that_whatever_it_says_of_itself() {
    for how in [SelfSigned::AsAuthority, SelfSigned::AsServer] {
        let report = shown(&Authority::new(), &Identity::self_signed(CLOUD, how), &[]);
        assert_eq!(report.root_causes(), ["tls-self-signed"], "{how:?}: {report}");
    }
}

#[test]
fn a_server_of_tls_1_1_is_too_old() {
    let authority = Authority::new();
    let options = ["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"];
    exactly_and_nothing_reached(
        "tls-version-unsupported",
        &shown(&authority, &authority.issue(CLOUD), &options),
    );
}

#[test]
fn a_server_of_tls_1_2_is_good() {
    let authority = Authority::new();
    handshake_is_good(&shown(&authority, &authority.issue(CLOUD), &["-tls1_2"]));
}

#[test]
fn a_server_of_old_ciphers_has_none_in_common() {
    let authority = Authority::new();
    let options = ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"];
    let report = shown(&authority, &authority.issue(CLOUD), &options);
    exactly_and_nothing_reached("tls-no-common-cipher", &report);
}

#[test]
fn a_server_that_wants_a_client_certificate_says_so_in_either_version() {
    for version in ["-tls1_2", "-tls1_3"] {
        let authority = Authority::new();
        let server = OpenSsl::serve(&authority.issue(CLOUD), "", &[version, "-Verify", "1"]);
        let report = ask("http@cloud", server.address, &authority);
        let causes = report.failing_root_causes();
        assert_eq!(causes, ["tls-client-certificate-wanted"], "{version}: {report}");
        assert_eq!(report.passing("http"), [""; 0], "{version}: {report}");
    }
}

#[test]
fn a_server_that_would_like_a_client_certificate_is_good() {
    for version in ["-tls1_2", "-tls1_3"] {
        let authority = Authority::new();
        handshake_is_good(&shown(&authority, &authority.issue(CLOUD), &[version, "-verify", "1"]));
    }
}

#[test]
fn a_server_that_retries_the_key_share_is_good() {
    let authority = Authority::new();
    handshake_is_good(&shown(&authority, &authority.issue(CLOUD), &["-tls1_3", "-groups", "P-384"]));
}

#[test]
fn another_service_of_openssl_is_not_the_cloud() {
    let authority = Authority::new();
    let server = OpenSsl::serve(&authority.issue(CLOUD), "", &[]);
    let report = ask("http@cloud", server.address, &authority);
    exactly_and_nothing_reached("http-unexpected", &report);
}

#[test]
fn a_server_that_accepts_and_says_nothing_is_a_timeout() {
    // The system completes connections on its own; nobody ever takes them.
    let mute = TcpListener::bind((loopback::random_address(), 0)).expect("loopback has free ports");
    let address = mute.local_addr().expect("a bound socket has an address");
    exactly_and_nothing_reached("tls-timeout", &tls(address, &Authority::new()));
}

#[test]
fn a_proxy_where_the_service_should_be_does_not_speak_tls() {
    let world = World::new();
    let _proxy = squid::Squid::outside(&world, squid::Policy::Open);
    let to = format!("::{PROXY}");
    let report = world.check(&["--connect-to", &to]);
    exactly_and_nothing_reached("tls-not-spoken", &report);
}
