//! `exceptions_json.log`: the causes that Ruby's exceptions name, and whose they are.

use super::{RAILS, check, exception, shows};
use duo_doctor::subject::logs::Trace;

#[test]
fn exceptions_of_duo_are_told_by_their_messages_and_classes() {
    let path = format!("{RAILS}/exceptions_json.log");
    for (class, message, trace, sample) in [
        (
            "Net::OpenTimeout",
            "Failed to open TCP connection to cloud.gitlab.com:443 (execution expired)",
            Trace::ConnectTimeout,
            "Net::OpenTimeout, execution expired, cloud.gitlab.com",
        ),
        (
            "Net::ReadTimeout",
            "Net::ReadTimeout with #<TCPSocket:(closed)>",
            Trace::ReadTimeout,
            "Net::ReadTimeout, Net::ReadTimeout",
        ),
        (
            "SocketError",
            "Failed to open TCP connection to customers.gitlab.com:443 (getaddrinfo: Name or service not known)",
            Trace::DnsFailed,
            "SocketError, getaddrinfo, customers.gitlab.com",
        ),
        (
            "SocketError",
            "Failed to open TCP connection to : (getaddrinfo: Name or service not known)",
            Trace::ProxyInvalid,
            "SocketError, Failed to open TCP connection to :",
        ),
        (
            "Errno::ECONNREFUSED",
            "Failed to open TCP connection to cloud.gitlab.com:443 (Connection refused - connect(2) for 104.18.26.123:443)",
            Trace::ConnectRefused,
            "Errno::ECONNREFUSED, Connection refused, cloud.gitlab.com",
        ),
        (
            "Errno::ECONNRESET",
            "Connection reset by peer - SSL_connect",
            Trace::TlsFailed,
            "Errno::ECONNRESET, SSL_connect",
        ),
        (
            "Errno::ENETUNREACH",
            "Network is unreachable - connect(2) for 2606:4700::6812:1a7b:443",
            Trace::Unreachable,
            "Errno::ENETUNREACH, Network is unreachable",
        ),
        ("Errno::EHOSTUNREACH", "", Trace::Unreachable, "Errno::EHOSTUNREACH"),
        (
            "OpenSSL::SSL::SSLError",
            "SSL_connect returned=1 errno=0 peeraddr=104.18.26.123:443 state=error: certificate verify failed (self-signed certificate in certificate chain)",
            Trace::TlsUntrusted,
            "OpenSSL::SSL::SSLError, self-signed certificate in certificate chain",
        ),
        (
            "OpenSSL::SSL::SSLError",
            "SSL_connect returned=1 errno=0 state=error: certificate verify failed (certificate has expired)",
            Trace::TlsDates,
            "OpenSSL::SSL::SSLError, certificate has expired",
        ),
        (
            "OpenSSL::SSL::SSLError",
            "SSL_connect returned=1 errno=0 state=error: certificate verify failed (Hostname mismatch)",
            Trace::TlsWrongName,
            "OpenSSL::SSL::SSLError, Hostname mismatch",
        ),
        (
            "OpenSSL::SSL::SSLError",
            "SSL_connect returned=1 errno=0 state=error: wrong version number",
            Trace::TlsNotSpoken,
            "OpenSSL::SSL::SSLError, wrong version number",
        ),
        ("EOFError", "end of file reached", Trace::Reset, "EOFError, end of file reached"),
        (
            "Net::HTTPClientException",
            r#"407 \"Proxy Authentication Required\""#,
            Trace::ProxyAuth,
            "Net::HTTPClientException, Proxy Authentication Required",
        ),
        (
            "Net::HTTPClientException",
            r#"403 \"Forbidden\""#,
            Trace::ProxyRefused,
            "Net::HTTPClientException, 403 \"Forbidden\"",
        ),
        (
            "Net::HTTPFatalError",
            r#"502 \"Bad Gateway\""#,
            Trace::ProxyUpstream,
            "Net::HTTPFatalError, 502 \"Bad Gateway\"",
        ),
        (
            "Gitlab::HTTP_V2::BlockedUrlError",
            "URL is blocked: Requests to hosts and IP addresses not on the Allow List are denied",
            Trace::FilterBlocked,
            "Gitlab::HTTP_V2::BlockedUrlError, not on the Allow List are denied",
        ),
        (
            "Gitlab::HTTP_V2::BlockedUrlError",
            "URL is blocked: Requests to the shared address space are not allowed",
            Trace::FilterLocalAddress,
            "Gitlab::HTTP_V2::BlockedUrlError, Requests to the shared address space are not allowed",
        ),
        (
            "Gitlab::HTTP_V2::BlockedUrlError",
            "URL is blocked: Host cannot be resolved or invalid",
            Trace::FilterUnresolved,
            "Gitlab::HTTP_V2::BlockedUrlError, Host cannot be resolved or invalid",
        ),
        (
            "Gitlab::HTTP_V2::BlockedUrlError",
            "URL is blocked: execution expired",
            Trace::DnsTimeout,
            "Gitlab::HTTP_V2::BlockedUrlError, URL is blocked: execution expired",
        ),
        (
            "Gitlab::HTTP_V2::SilentModeBlockedError",
            "only get, head, options, and trace methods are allowed in silent mode",
            Trace::SilentMode,
            "Gitlab::HTTP_V2::SilentModeBlockedError, methods are allowed in silent mode",
        ),
        (
            "Gitlab::HTTP_V2::ReadTotalTimeout",
            "Request timed out after 30.01 seconds",
            Trace::ReadTimeout,
            "Gitlab::HTTP_V2::ReadTotalTimeout, Request timed out after",
        ),
        (
            "Gitlab::AiGateway::ForbiddenError",
            "Gitlab::AiGateway::ForbiddenError",
            Trace::Gateway403,
            "Gitlab::AiGateway::ForbiddenError",
        ),
        ("OpenSSL::Cipher::CipherError", "", Trace::TokenUndecryptable, "OpenSSL::Cipher::CipherError"),
        (
            "Rack::Timeout::RequestTimeoutException",
            "Request ran for longer than 60000ms",
            Trace::RequestTimeout,
            "Rack::Timeout::RequestTimeoutException",
        ),
    ] {
        assert_eq!(
            shows(&path, &exception(class, message)),
            (vec![trace], sample.to_owned()),
            "{class}: {message}"
        );
    }
}

#[test]
fn exceptions_with_an_answer_say_whose_it_was() {
    let line = |class: &str, message: &str, extra: &str| {
        let line = exception(class, message);
        format!("{},{extra}}}", line.trim_end_matches('}'))
    };
    let token = |extra: &str| {
        line("Gitlab::Llm::AiGateway::CodeSuggestionsClient::AiGatewayError", "Token creation failed", extra)
    };
    let portal = line(
        "Gitlab::SubscriptionPortal::Client::ResponseError",
        "Unsuccessful response code",
        r#""extra.status":403,"extra.message":"HTTP status code: 403","extra.body":"<html>Access Denied</html>""#,
    );
    let workflow = exception(
        "GRPC::Unavailable",
        "14:failed to connect to all addresses; last error: UNKNOWN: ipv4:34.0.0.9:443: Failed to connect to remote host: Connection refused",
    );
    let class = "Gitlab::Llm::AiGateway::CodeSuggestionsClient::AiGatewayError";
    check(
        &format!("{RAILS}/exceptions_json.log"),
        &[
            (
                &token(r#""extra.response_code":401"#),
                &[Trace::Gateway401, Trace::TokenCreationFailed],
                &format!("{class}, status 401"),
            ),
            (
                &token(r#""extra.response_code":401,"extra.error":"Header mismatch 'X-Gitlab-Instance-Id'""#),
                &[Trace::GatewayHeaderMismatch, Trace::TokenCreationFailed],
                &format!("{class}, Header mismatch 'X-Gitlab-Instance-Id', status 401"),
            ),
            (
                &token(r#""extra.response_code":402,"extra.error_code":"USAGE_QUOTA_EXCEEDED""#),
                &[Trace::Gateway402, Trace::TokenCreationFailed],
                &format!("{class}, USAGE_QUOTA_EXCEEDED, status 402"),
            ),
            (
                &token(r#""extra.response_code":503"#),
                &[Trace::Gateway5xx, Trace::TokenCreationFailed],
                &format!("{class}, status 503"),
            ),
            (
                &portal,
                &[Trace::PortalRefused],
                "Gitlab::SubscriptionPortal::Client::ResponseError, status 403",
            ),
            (
                &workflow,
                &[Trace::ConnectRefused, Trace::WorkflowUnreachable],
                "GRPC::Unavailable, Connection refused",
            ),
            (
                &exception("GRPC::Unauthenticated", "16:Forbidden by auth provider"),
                &[Trace::Gateway401, Trace::WorkflowUnauthenticated],
                "GRPC::Unauthenticated, Forbidden by auth provider",
            ),
        ],
    );
}

#[test]
fn a_name_that_was_being_resolved_is_the_resolvers_matter() {
    let line = exception("Net::OpenTimeout", "execution expired")
        .replace("net/http.rb:1665:in `initialize'", "uri/generic.rb:1501:in `getaddress'");
    assert_eq!(shows(&format!("{RAILS}/exceptions_json.log"), &line).0, [Trace::DnsTimeout]);
}

#[test]
fn what_other_parts_of_gitlab_suffer_is_no_trace_of_duo() {
    let path = format!("{RAILS}/exceptions_json.log");
    let hook = exception(
        "Net::OpenTimeout",
        "Failed to open TCP connection to chat.example.com:443 (execution expired)",
    )
    .replace("ee/lib/gitlab/llm/ai_gateway/client.rb", "app/services/web_hook_service.rb")
    .replace("ai_abstraction_layer", "webhooks");
    let gitaly = exception("GRPC::Unavailable", "14:failed to connect to all addresses")
        .replace("ee/lib/gitlab/llm/ai_gateway/client.rb", "lib/gitlab/gitaly_client.rb");
    let database = exception("PG::ConnectionBad", "connection to server failed: Connection refused");
    let bug = exception("NoMethodError", "undefined method `x' for nil, getaddrinfo");
    for line in [hook, gitaly, database, bug] {
        assert_eq!(shows(&path, &line).0, [], "{line}");
    }
}
