//! What each of GitLab's sentences means: one row a text.

use duo_doctor::finding::Code;
use duo_doctor::gitlab::health_check::{Meaning, ProbeResult, Setting, meaning};
use duo_doctor::subject::services::Deployment;
use proptest::prelude::{any, prop_assert, prop_oneof, proptest};
use proptest::strategy::{Just, Strategy};

fn failed(name: &str, message: &str, errors: &[&str]) -> ProbeResult {
    ProbeResult {
        name: name.to_owned(),
        success: Some(false),
        message: message.to_owned(),
        errors: errors.iter().map(|e| (*e).to_owned()).collect(),
        ..ProbeResult::default()
    }
}

fn cloud() -> Setting {
    Setting { deployment: Deployment::Cloud, version: Some((18, 9)), ..Setting::default() }
}

fn own() -> Setting {
    let gateway = Some("ai.acme.corp".to_owned());
    Setting { deployment: Deployment::SelfHosted, gateway, ..cloud() }
}

fn word(result: &ProbeResult, setting: &Setting) -> String {
    match meaning(result, setting) {
        Meaning::Passed => "passed".to_owned(),
        Meaning::Unknown(_) => "unknown".to_owned(),
        Meaning::Found(finding) => {
            let mut given: Vec<&str> = finding.args.keys().map(String::as_str).collect();
            let mut wanted = finding.code.row().args.to_vec();
            given.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(given, wanted, "{}", finding.code);
            finding.code.to_string()
        }
    }
}

#[track_caller]
fn rows(name: &str, setting: &Setting, rows: &[(&str, &str)]) {
    for (message, wanted) in rows {
        assert_eq!(word(&failed(name, message, &[]), setting), *wanted, "{message}");
    }
}

#[test]
fn sentences_of_the_subscription() {
    for name in ["license_probe", "access_probe", "token_probe"] {
        // 17.3 said all of the token in `access_probe`: the sentence counts, not the name.
        rows(
            name,
            &cloud(),
            &[
                (
                    "Subscription for this instance cannot be synchronized. Contact GitLab customer support to obtain a license.",
                    "license-missing",
                ),
                (
                    "Subscription for this instance cannot be synchronized. Contact GitLab customer support to upgrade your license.",
                    "license-legacy",
                ),
                ("Subscription has not yet been synchronized. Synchronize your subscription.", "sync-never"),
                (
                    "Subscription has not been synchronized recently. Synchronize your subscription.",
                    "sync-stale",
                ),
                ("Access credentials not found. Synchronize your subscription.", "access-token-missing"),
                ("Invalid access credentials. Synchronize your subscription.", "access-token-invalid"),
                ("Access credentials expired. Synchronize your subscription.", "access-token-expired"),
            ],
        );
    }
}

#[test]
fn sentences_of_a_gateway_of_ones_own() {
    rows(
        "code_suggestions_license_probe",
        &own(),
        &[
            (
                "License includes access to Code Suggestions, but you lack the necessary permissions to use this feature.",
                "token-user-without-duo",
            ),
            ("License does not provide access to Code Suggestions.", "add-on-missing"),
            ("User not provided.", "unknown"),
        ],
    );
    rows(
        "ai_gateway_url_presence_probe",
        &own(),
        &[
            (
                "Self hosted AI Gateway URL is not set. It can be changed in the Gitlab Duo configuration.",
                "gitlab-check-failed",
            ),
            ("Environment variable AI_GATEWAY_URL is not set.", "gitlab-check-failed"),
        ],
    );
}

#[test]
fn sentences_of_flows() {
    rows(
        "allow_flow_execution_probe",
        &cloud(),
        &[("The allow flow execution setting is disabled.", "flows-disabled")],
    );
    rows(
        "allow_foundational_flows_probe",
        &cloud(),
        &[("The allow foundational flows setting is disabled.", "flows-disabled")],
    );
    rows(
        "compatible_runner_probe",
        &cloud(),
        &[
            ("No instance runner with the 'gitlab--duo' tag is registered. Register one.", "runner-missing"),
            ("All instance runners with the 'gitlab--duo' tag are paused. Resume one.", "runner-missing"),
            ("No instance runner with the 'gitlab--duo' tag has connected yet. Start one.", "runner-missing"),
            (
                "No instance runner with the 'gitlab--duo' tag uses a Docker-compatible executor. Use one.",
                "runner-missing",
            ),
        ],
    );
}

/// Texts of Ruby's exceptions, of OpenSSL and of the outbound filter, and what each means at a host of GitLab's.
#[rustfmt::skip]
const EXCEPTIONS: &[(&str, &str)] = &[
    ("execution expired", "dns-timeout"),
    ("Failed to open TCP connection to cloud.gitlab.com:443 (execution expired)", "tcp-timeout"),
    ("Failed to open TCP connection to 104.18.26.123:443 (Connection timed out - user specified timeout)", "tcp-timeout"),
    ("Failed to open TCP connection to cloud.gitlab.com:443 (Connection refused - connect(2) for \"cloud.gitlab.com\" port 443)", "tcp-refused"),
    ("Failed to open TCP connection to 104.18.26.123:443 (Connection refused - connect(2) for 104.18.26.123:443)", "tcp-refused"),
    ("Failed to open TCP connection to cloud.gitlab.com:443 (No route to host - connect(2) for \"104.18.26.123\" port 443)", "tcp-unreachable"),
    ("Failed to open TCP connection to cloud.gitlab.com:443 (Connection reset by peer - connect(2))", "tcp-reset"),
    ("Failed to open TCP connection to squid.acme.corp:3128 (Connection refused - connect(2) for \"squid.acme.corp\" port 3128)", "proxy-unreachable"),
    ("Failed to open TCP connection to 10.1.2.3:3128 (execution expired)", "proxy-unreachable"),
    ("Failed to open TCP connection to squid.acme.corp:3128 (getaddrinfo: Name or service not known)", "proxy-unreachable"),
    ("Failed to open TCP connection to : (getaddrinfo: Name or service not known)", "proxy-url-invalid"),
    ("Failed to open TCP connection to cloud.gitlab.com:443 (getaddrinfo: Name or service not known)", "dns-no-such-host"),
    ("Failed to open TCP connection to cloud.gitlab.com:443 (getaddrinfo(3): nodename nor servname provided, or not known)", "dns-no-such-host"),
    ("Failed to open TCP connection to cloud.gitlab.com:443 (getaddrinfo: Temporary failure in name resolution)", "dns-server-failed"),
    ("Failed to open TCP connection to cloud.gitlab.com:443 (getaddrinfo: No address associated with hostname)", "dns-no-address"),
    ("getaddrinfo: Name or service not known", "dns-no-such-host"),
    ("Failed to open TCP connection to 2606:4700::6812:1a7b:443 (Network is unreachable - connect(2) for \"2606:4700::6812:1a7b\" port 443)", "first-address-unreachable"),
    ("Network is unreachable - connect(2) for \"2606:4700::6812:1a7b\" port 443", "first-address-unreachable"),
    ("Network is unreachable - connect(2) for \"104.18.26.123\" port 443", "tcp-unreachable"),
    ("SSL_connect returned=1 errno=0 peeraddr=104.18.26.123:443 state=error: certificate verify failed (self-signed certificate in certificate chain)", "tls-intercepted"),
    ("SSL_connect returned=1 errno=0 state=error: certificate verify failed (self signed certificate in certificate chain)", "tls-intercepted"),
    ("SSL_connect returned=1 errno=0 state=error: certificate verify failed (unable to get local issuer certificate)", "tls-unknown-issuer"),
    ("SSL_connect returned=1 errno=0 state=error: certificate verify failed (unable to verify the first certificate)", "tls-chain-incomplete"),
    ("SSL_connect returned=1 errno=0 state=error: certificate verify failed (self-signed certificate)", "tls-self-signed"),
    ("SSL_connect returned=1 errno=0 state=error: certificate verify failed (certificate has expired)", "tls-expired"),
    ("SSL_connect returned=1 errno=0 state=error: certificate verify failed (certificate is not yet valid)", "tls-not-yet-valid"),
    ("SSL_connect returned=1 errno=0 state=error: certificate verify failed (Hostname mismatch)", "tls-wrong-name"),
    ("hostname \"cloud.gitlab.com\" does not match the server certificate", "tls-wrong-name"),
    ("SSL_connect returned=1 errno=0 state=error: wrong version number", "tls-not-spoken"),
    ("SSL_connect returned=1 errno=0 state=error: unsupported protocol", "tls-version-unsupported"),
    ("SSL_connect returned=1 errno=0 state=error: tlsv1 alert protocol version", "tls-version-unsupported"),
    ("SSL_connect returned=1 errno=0 state=error: sslv3 alert handshake failure", "tls-no-common-cipher"),
    ("SSL_connect returned=1 errno=0 state=error: tlsv13 alert certificate required", "tls-client-certificate-wanted"),
    ("SSL_connect returned=1 errno=0 peeraddr=(null) state=error: unexpected eof while reading", "tls-reset"),
    ("SSL_connect SYSCALL returned=5 errno=0 peeraddr=(null) state=SSLv3/TLS write client hello", "tls-reset"),
    ("Connection reset by peer - SSL_connect", "tls-reset"),
    ("Net::OpenTimeout", "tls-timeout"),
    ("Net::ReadTimeout with #<Socket:(closed)>", "http-timeout"),
    ("Net::ReadTimeout", "http-timeout"),
    ("Request timed out after 30.1 seconds", "http-timeout"),
    ("end of file reached", "http-malformed"),
    ("wrong status line: \"SSH-2.0\"", "http-malformed"),
    ("Connection reset by peer", "http-malformed"),
    ("407 \"Proxy Authentication Required\"", "proxy-auth-required"),
    ("403 \"Forbidden\"", "proxy-denied"),
    ("405 \"Method Not Allowed\"", "proxy-denied"),
    ("502 \"Bad Gateway\"", "proxy-upstream-failed"),
    ("503 \"Service Unavailable\"", "proxy-upstream-failed"),
    ("504 \"Gateway Timeout\"", "proxy-upstream-failed"),
    ("400 \"Bad Request\"", "proxy-bad-reply"),
    ("URL is blocked: Host cannot be resolved or invalid", "dns-no-such-host"),
    ("URL is blocked: execution expired", "dns-timeout"),
    ("URL is blocked: Requests to hosts and IP addresses not on the Allow List are denied", "outbound-filter-blocks"),
    ("URL is blocked: Requests to the local network are not allowed", "address-blocked-by-filter"),
    ("URL is blocked: Requests to localhost are not allowed", "address-blocked-by-filter"),
    ("URL is blocked: Requests to loopback addresses are not allowed", "address-blocked-by-filter"),
    ("URL is blocked: Requests to the link local network are not allowed", "address-blocked-by-filter"),
    ("URL is blocked: Requests to the shared address space are not allowed", "address-blocked-by-filter"),
    ("URL is blocked: Requests to the limited broadcast address are not allowed", "address-blocked-by-filter"),
    ("URL is blocked: Only allowed schemes are http, https", "gitlab-check-failed"),
    ("URL is blocked: URI is invalid", "gitlab-check-failed"),
    ("URL is blocked: Host is too long (maximum is 255 characters)", "gitlab-check-failed"),
    ("only get, head, options, and trace methods are allowed in silent mode", "silent-mode-on"),
    ("something new", "gitlab-check-failed"),
];

const ADVICE: &str = "\n\nIf you use firewalls or proxy servers, they must allow traffic to this host.";

#[test]
fn exceptions_on_the_way_to_a_host() {
    for (text, wanted) in EXCEPTIONS {
        let message = format!("cloud.gitlab.com connection failed: {text}.{ADVICE}");
        let result = failed("host_probe", &message, &[]);
        assert_eq!(word(&result, &cloud()), *wanted, "{text}");
        // Where the message says nothing, the errors may.
        let result = failed("host_probe", "cloud.gitlab.com connection failed: .", &[&message]);
        assert_eq!(word(&result, &cloud()), *wanted, "{text} as an error");
    }
}

#[test]
fn a_root_of_ones_own_is_an_intruder_at_a_host_of_gitlabs_alone() {
    let text = "certificate verify failed (self-signed certificate in certificate chain)";
    for (host, wanted) in [
        ("customers.gitlab.com", "tls-intercepted"),
        ("cloud.gitlab.com", "tls-intercepted"),
        ("ai.acme.corp", "tls-unknown-issuer"),
    ] {
        let result =
            failed("host_probe", &format!("{host} connection failed: SSL_connect {text}.{ADVICE}"), &[]);
        assert_eq!(word(&result, &own()), wanted, "{host}");
    }
    // A port of its own is no sign of a proxy.
    let message = format!(
        "ai.acme.corp connection failed: Failed to open TCP connection to ai.acme.corp:5052 (Connection refused - connect(2)).{ADVICE}"
    );
    assert_eq!(word(&failed("host_probe", &message, &[]), &own()), "tcp-refused");
}

#[test]
fn a_host_without_a_reason() {
    let old = format!("customers.gitlab.com could not be reached. {}", ADVICE.trim());
    let works = Setting { exchange: Some(true), ..cloud() };
    assert_eq!(word(&failed("host_probe", &old, &[]), &cloud()), "gitlab-check-failed");
    assert_eq!(word(&failed("host_probe", &old, &[]), &works), "gitlab-check-doubtful");
    rows(
        "host_probe",
        &works,
        &[
            ("ai.acme.corp:5052 is not a valid URL.", "gitlab-check-failed"),
            ("Cannot validate connection to host because the URL is empty.", "gitlab-check-failed"),
        ],
    );
}

/// Reasons of the exchange at the cloud.
#[rustfmt::skip]
const REASONS: &[(&str, &str)] = &[
    (r#"AI Gateway returned code 401: {"error":"Forbidden by auth provider"}"#, "gateway-rejects-instance"),
    (r#"AI Gateway returned code 401: {"error":"Invalid authorization header"}"#, "gateway-rejects-instance"),
    (r#"AI Gateway returned code 401: {"error":"Header mismatch 'X-Gitlab-Instance-Id'"}"#, "instance-mismatch"),
    (r#"AI Gateway returned code 401: {"error":"Header mismatch 'X-Gitlab-Realm'"}"#, "instance-mismatch"),
    (r#"AI Gateway returned code 401: {"error":"No authorization header presented"}"#, "auth-header-stripped"),
    (r#"AI Gateway returned code 401: {"error":"Invalid authentication token type - only OIDC is supported"}"#, "gitlab-header-stripped"),
    ("AI Gateway returned code 401: <html><body>log in</body></html>", "http-unexpected"),
    (r#"AI Gateway returned code 402: {"error":"insufficient_credits","error_code":"USAGE_QUOTA_EXCEEDED"}"#, "quota-exceeded"),
    (r#"AI Gateway returned code 403: {"error":"not_entitled","error_code":"USAGE_QUOTA_NOT_ENTITLED"}"#, "not-entitled"),
    (r#"AI Gateway returned code 403: {"detail":"Unauthorized to access code completions"}"#, "not-entitled"),
    ("AI Gateway returned code 403: <html><h1>This page is blocked by your company</h1></html>", "http-block-page"),
    ("AI Gateway returned code 403: <html>Just a moment...</html>", "cloudflare-challenge"),
    ("AI Gateway returned code 403: error code: 1020", "cloudflare-blocked"),
    ("AI Gateway returned code 403: ", "http-unexpected"),
    ("AI Gateway returned code 302: ", "http-unexpected"),
    ("AI Gateway returned code 404: <html>nginx</html>", "http-unexpected"),
    (r#"AI Gateway returned code 404: {"detail":"Not Found"}"#, "gitlab-check-failed"),
    ("AI Gateway returned code 407: <html>squid</html>", "proxy-auth-required"),
    (r#"AI Gateway returned code 421: {"detail":"model"}"#, "gitlab-check-failed"),
    (r#"AI Gateway returned code 422: {"detail":"Validation error"}"#, "gitlab-check-failed"),
    ("AI Gateway returned code 429: Too many requests. Please try again later.", "rate-limited"),
    ("AI Gateway returned code 500: Internal Server Error", "gateway-failed"),
    ("AI Gateway returned code 502: <html>Bad Gateway</html>", "gateway-failed"),
    (r#"AI Gateway returned code 503: {"detail":"Inference failed"}"#, "gateway-failed"),
    ("AI Gateway returned code 504: ", "gateway-failed"),
    ("AI Gateway returned code 522: error", "cloudflare-origin-error"),
    ("Response doesn't contain a completion", "completion-empty"),
    ("Net::ReadTimeout with #<Socket:(closed)>", "exchange-slow"),
    ("Net::OpenTimeout", "exchange-slow"),
    ("execution expired", "exchange-slow"),
    ("Failed to open TCP connection to cloud.gitlab.com:443 (execution expired)", "exchange-slow"),
    ("Failed to open TCP connection to squid.acme.corp:3128 (execution expired)", "proxy-unreachable"),
    ("Request timed out after 3.1 seconds", "exchange-slow"),
    ("only get, head, options, and trace methods are allowed in silent mode", "silent-mode-on"),
    ("URL is blocked: Requests to hosts and IP addresses not on the Allow List are denied", "outbound-filter-blocks"),
    ("URL is blocked: Host cannot be resolved or invalid", "dns-no-such-host"),
    ("URL is blocked: execution expired", "dns-timeout"),
    ("SSL_connect returned=1 errno=0 state=error: certificate verify failed (self-signed certificate in certificate chain)", "tls-intercepted"),
    ("407 \"Proxy Authentication Required\"", "proxy-auth-required"),
    ("403 \"Forbidden\"", "proxy-denied"),
    ("Failed to open TCP connection to cloud.gitlab.com:443 (Connection refused - connect(2))", "tcp-refused"),
    ("something new", "gitlab-check-failed"),
];

#[test]
fn reasons_of_the_exchange() {
    for (text, wanted) in REASONS {
        for label in [
            "Authentication with the AI gateway services failed: ",
            "Authentication with GitLab Cloud services failed: ",
        ] {
            let result = failed("end_to_end_probe", &format!("{label}{text}"), &[]);
            assert_eq!(word(&result, &cloud()), *wanted, "{text}");
        }
    }
    rows("end_to_end_probe", &cloud(), &[("User not provided", "unknown")]);
}

#[test]
fn a_401_is_doubted_where_it_is_known_to_be_false() {
    let text = r#"Authentication with the AI gateway services failed: AI Gateway returned code 401: {"error":"Forbidden by auth provider"}"#;
    let hybrid = Setting { deployment: Deployment::Hybrid, ..own() };
    let unknown = Setting { deployment: Deployment::Unknown, ..cloud() };
    for (setting, wanted) in [
        (own(), "gitlab-check-doubtful"),
        (hybrid, "gitlab-check-doubtful"),
        (cloud(), "gateway-rejects-instance"),
        (unknown, "gateway-rejects-instance"),
    ] {
        assert_eq!(word(&failed("end_to_end_probe", text, &[]), &setting), wanted, "{setting:?}");
    }
}

#[test]
fn reasons_of_amazon_q_and_of_models() {
    rows(
        "end_to_end_probe",
        &cloud(),
        &[
            (
                "Amazon Q could not call your GitLab instance. Please review your configuration and try again. Detail: connection timed out",
                "gitlab-check-failed",
            ),
            (
                "The GitLab instance can be reached but the credentials stored in Amazon Q are not valid. Please disconnect and start over.",
                "gitlab-check-failed",
            ),
            ("Amazon Q connectivity check failed: Net::ReadTimeout", "exchange-slow"),
            ("Amazon Q connectivity check failed: 403 \"Forbidden\"", "proxy-denied"),
            ("Self-hosted model test request failed: AI Gateway returned code 503: x", "gateway-failed"),
            (
                "Self-hosted model test request failed: The self-hosted model server returned code 500",
                "gitlab-check-failed",
            ),
        ],
    );
}

/// gRPC's own words among the errors.
#[rustfmt::skip]
const GRPC: &[(&str, &str, &str)] = &[
    ("14:failed to connect to all addresses; last error: UNKNOWN: ipv4:34.36.1.2:443: Failed to connect to remote host: Connection refused", "workflow-unreachable", "tcp-refused"),
    ("14:failed to connect to all addresses; last error: UNKNOWN: ipv4:34.36.1.2:443: Failed to connect to remote host: Timeout occurred: FD Shutdown", "workflow-unreachable", "tcp-timeout"),
    ("14:failed to connect to all addresses; last error: UNKNOWN: ipv6:%5B2600::1%5D:443: Failed to connect to remote host: connect: Network is unreachable (101)", "workflow-unreachable", "tcp-unreachable"),
    ("14:failed to connect to all addresses; last error: UNKNOWN: ipv4:34.36.1.2:443: Ssl handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED: self signed certificate in certificate chain", "workflow-unreachable", "tls-intercepted"),
    ("14:failed to connect to all addresses; last error: UNKNOWN: ipv4:34.36.1.2:443: Ssl handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate", "workflow-unreachable", "tls-unknown-issuer"),
    ("14:failed to connect to all addresses; last error: UNKNOWN: ipv4:34.36.1.2:443: Ssl handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER", "workflow-unreachable", "tls-not-spoken"),
    ("14:failed to connect to all addresses; last error: UNKNOWN: Cannot check peer: missing selected ALPN property.", "http2-downgraded", ""),
    ("14:failed to connect to all addresses; last error: UNKNOWN: HTTP proxy returned response code 403", "workflow-unreachable", "proxy-denied"),
    ("14:failed to connect to all addresses; last error: UNKNOWN: HTTP proxy returned response code 407", "workflow-unreachable", "proxy-auth-required"),
    ("14:DNS resolution failed for duo-workflow-svc.runway.gitlab.net:443: C-ares status is not ARES_SUCCESS qtype=A name=duo-workflow-svc.runway.gitlab.net is_balancer=0: Domain name not found", "workflow-unreachable", "dns-no-such-host"),
    ("14:DNS resolution failed for duo-workflow-svc.runway.gitlab.net:443: C-ares status is not ARES_SUCCESS: Timeout while contacting DNS servers", "workflow-unreachable", "dns-timeout"),
    ("14:Received http2 header with status: 502. debug_error_string:{UNKNOWN}", "grpc-unavailable", ""),
    ("14:Socket closed", "grpc-unavailable", ""),
    ("12:Method not found!", "grpc-unavailable", ""),
    ("4:Deadline Exceeded", "grpc-unavailable", ""),
    ("16:Forbidden by auth provider", "workflow-unauthenticated", ""),
    ("16:No authorization header presented. debug_error_string:{UNKNOWN}", "workflow-unauthenticated", ""),
    ("16:Header mismatch 'X-Gitlab-Instance-Id'", "instance-mismatch", ""),
    ("7:Unauthorized to generate token", "not-entitled", ""),
    ("7:USAGE_QUOTA_NOT_ENTITLED", "not-entitled", ""),
    ("8:USAGE_QUOTA_EXCEEDED", "quota-exceeded", ""),
    ("8:received metadata size exceeds soft limit (30562 vs. 24576)", "grpc-unavailable", ""),
    ("something new", "gitlab-check-failed", ""),
];

#[test]
fn reasons_of_the_workflow_service() {
    let old = "GitLab Duo Workflow Service at duo-workflow-svc.runway.gitlab.net:443 is not operational.";
    let new = "The cloud-connected GitLab Duo Agent Platform service at duo-workflow-svc.runway.gitlab.net:443 is not reachable.";
    let beta = Setting { version: Some((18, 7)), ..cloud() };
    for (error, wanted, inner) in GRPC {
        for message in [old, new] {
            let result = failed("duo_agent_platform_probe", message, &[message, error]);
            assert_eq!(word(&result, &cloud()), *wanted, "{error}");
            let Meaning::Found(finding) = meaning(&result, &cloud()) else { panic!("{error}") };
            assert_eq!(finding.arg("finding"), *inner, "{error}");
            let is_network = ["workflow-unreachable", "grpc-unavailable"].contains(wanted);
            let unused = if is_network { "workflow-not-reachable-unused" } else { wanted };
            assert_eq!(word(&result, &beta), unused, "{error} before 18.8");
        }
    }
    let mismatch = "The self-hosted GitLab Duo Agent Platform service at dws.acme.corp:50052 is not reachable. It fails with a TLS mismatch error. If your self-hosted Duo Agent Platform service endpoint does not support TLS, turn off TLS connection to the GitLab Duo Agent Platform service";
    let Meaning::Found(finding) = meaning(&failed("duo_agent_platform_probe", mismatch, &[]), &own()) else {
        panic!("a finding")
    };
    assert_eq!((finding.code, finding.arg("finding")), (Code::WorkflowUnreachable, "tls-not-spoken"));
    assert_eq!(finding.arg("host"), "dws.acme.corp");
}

#[test]
fn what_only_billing_needs_is_a_warning() {
    let at = |host: &str| format!("{host} connection failed: 403 \"Forbidden\".{ADVICE}");
    rows("billing_customers_dot_probe", &own(), &[(&at("customers.gitlab.com"), "proxy-denied")]);
    rows("billing_cloud_ai_gateway_probe", &own(), &[(&at("cloud.gitlab.com"), "unneeded-way-fails")]);
    rows(
        "billing_duo_workflow_service_probe",
        &own(),
        &[(
            "The cloud GitLab Duo Agent Platform service at duo-workflow-svc.runway.gitlab.net:443 is not reachable. Self-hosted GitLab Duo usage billing will fail until connectivity is restored.",
            "unneeded-way-fails",
        )],
    );
}

#[test]
fn passing_is_passing_and_nothing_said_is_unknown() {
    let with = |success| ProbeResult { success, ..failed("host_probe", "cloud.gitlab.com reachable.", &[]) };
    assert_eq!(word(&with(Some(true)), &cloud()), "passed");
    assert_eq!(word(&with(None), &cloud()), "unknown");
    rows("martian_probe", &cloud(), &[("It is too red here", "gitlab-check-failed")]);
}

#[test]
fn an_offline_licence_is_no_old_one() {
    let mut result = failed("license_probe", "Contact GitLab customer support to upgrade your license.", &[]);
    result.details.license = Some(duo_doctor::gitlab::health_check::License {
        offline_cloud_licensing_enabled: Some(true),
        ..Default::default()
    });
    assert_eq!(word(&result, &cloud()), "license-offline");
    assert_eq!(word(&result, &own()), "unknown");
}

#[test]
fn a_licence_whose_grace_is_over_does_not_pass() {
    let mut result = failed("license_probe", "Subscription can be synchronized.", &[]);
    result.success = Some(true);
    result.details.license = Some(duo_doctor::gitlab::health_check::License {
        grace_period_expired: Some(true),
        expires_at: Some("2026-01-01".to_owned()),
        ..Default::default()
    });
    assert_eq!(word(&result, &cloud()), "license-expired");
}

#[test]
fn ages_are_told_where_the_moment_of_the_report_is_known() {
    let mut result = failed("access_probe", "Subscription has not been synchronized recently.", &[]);
    result.details.updated_at = Some("2026-11-20T00:00:00Z".to_owned());
    let ago = |now| {
        let Meaning::Found(finding) = meaning(&result, &Setting { now, ..cloud() }) else {
            panic!("a finding")
        };
        (finding.arg("ago").to_owned(), finding.arg("at").to_owned())
    };
    assert_eq!(ago(None), (String::new(), "2026-11-20 00:00 UTC".to_owned()));
    let later = |hours: i64| {
        "2026-11-20T00:00:00Z".parse::<jiff::Timestamp>().expect("a time").as_second() + hours * 3600
    };
    assert_eq!(ago(Some(later(73))).0, "73 h");
    assert_eq!(ago(Some(later(24 * 9))).0, "9 days");
}

fn any_name() -> impl Strategy<Value = String> {
    let known = [
        "host_probe",
        "end_to_end_probe",
        "duo_agent_platform_probe",
        "license_probe",
        "access_probe",
        "token_probe",
        "billing_x",
    ];
    prop_oneof![proptest::sample::select(known.to_vec()).prop_map(str::to_owned), "[a-z_]{0,9}"]
}

/// Anything, and what begins like one of GitLab's texts and goes on as it likes.
fn any_text() -> impl Strategy<Value = String> {
    let start = proptest::sample::select(vec![
        "cloud.gitlab.com connection failed: ",
        "Failed to open TCP connection to ",
        "AI Gateway returned code ",
        "SSL_connect ",
        "URL is blocked: ",
        "14:",
        "14:HTTP proxy returned response code ",
        "407 \"",
        "error code: ",
        " at ",
    ]);
    prop_oneof![
        any::<String>(),
        (start, any::<String>()).prop_map(|(a, b)| format!("{a}{b}")),
        Just(String::new())
    ]
}

proptest! {
    #[test]
    fn no_text_panics_and_all_are_bounded(name in any_name(), message in any_text(), error in any_text()) {
        let result = failed(&name, &message, &[&error]);
        for setting in [cloud(), own(), Setting::default(), Setting::of(std::slice::from_ref(&result))] {
            if let Meaning::Found(finding) = meaning(&result, &setting) {
                let harmless = |v: &String| v.chars().count() <= 201 && !v.contains(char::is_control);
                prop_assert!(finding.args.values().all(harmless), "{finding:?}");
            }
        }
    }
}
