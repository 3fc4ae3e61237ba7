//! The words by which GitLab's programs and their libraries name a cause: Ruby's, Go's, gRPC's, the gateway's.
//!
//! What is shown of a line is taken from these tables, never from the line.

use crate::subject::logs::Trace;
use memchr::memmem;

/// Fragments and what they mean; the first that a text holds decides, so the narrow ones stand before the wide.
const FRAGMENTS: &[(&str, Trace)] = &[
    ("Header mismatch 'X-Gitlab-Instance-Id'", Trace::GatewayHeaderMismatch),
    ("Header mismatch 'X-Gitlab-Realm'", Trace::GatewayHeaderMismatch),
    ("USAGE_QUOTA_EXCEEDED", Trace::Gateway402),
    ("usage quota exceeded", Trace::Gateway402),
    ("USAGE_QUOTA_NOT_ENTITLED", Trace::Gateway403),
    ("Forbidden by auth provider", Trace::Gateway401),
    ("No authorization header presented", Trace::Gateway401),
    ("Invalid authorization header", Trace::Gateway401),
    ("Invalid authentication token type", Trace::Gateway401),
    ("methods are allowed in silent mode", Trace::SilentMode),
    ("not on the Allow List are denied", Trace::FilterBlocked),
    ("Requests to the local network are not allowed", Trace::FilterLocalAddress),
    ("Requests to localhost are not allowed", Trace::FilterLocalAddress),
    ("Requests to loopback addresses are not allowed", Trace::FilterLocalAddress),
    ("Requests to the link local network are not allowed", Trace::FilterLocalAddress),
    ("Requests to the shared address space are not allowed", Trace::FilterLocalAddress),
    ("Requests to the limited broadcast address are not allowed", Trace::FilterLocalAddress),
    ("Host cannot be resolved or invalid", Trace::FilterUnresolved),
    ("URL is blocked: execution expired", Trace::DnsTimeout),
    ("URL is blocked", Trace::FilterBlocked),
    // A proxy's words come before those of what it could not reach.
    ("Proxy Authentication Required", Trace::ProxyAuth),
    ("proxy returned response code 407", Trace::ProxyAuth),
    ("response: \"HTTP/1.1 407", Trace::ProxyAuth),
    ("response: \"HTTP/1.0 407", Trace::ProxyAuth),
    ("502 \"Bad Gateway\"", Trace::ProxyUpstream),
    ("503 \"Service Unavailable\"", Trace::ProxyUpstream),
    ("504 \"Gateway Timeout\"", Trace::ProxyUpstream),
    // Workhorse follows no redirects here, and then says no more than the words of the refused CONNECT.
    ("Do request: Bad Gateway", Trace::ProxyUpstream),
    ("Do request: Service Unavailable", Trace::ProxyUpstream),
    ("Do request: Gateway Timeout", Trace::ProxyUpstream),
    ("Do request: Forbidden", Trace::ProxyRefused),
    ("\": Bad Gateway", Trace::ProxyUpstream),
    ("\": Service Unavailable", Trace::ProxyUpstream),
    ("\": Gateway Timeout", Trace::ProxyUpstream),
    ("403 \"Forbidden\"", Trace::ProxyRefused),
    ("405 \"Method Not Allowed\"", Trace::ProxyRefused),
    ("\": Forbidden", Trace::ProxyRefused),
    ("\": Method Not Allowed", Trace::ProxyRefused),
    ("failed to do connect handshake", Trace::ProxyRefused),
    ("proxy returned response code", Trace::ProxyRefused),
    ("proxyconnect tcp", Trace::ProxyUnreachable),
    // Ruby took no host from the variable: nothing stands before the port.
    ("Failed to open TCP connection to :", Trace::ProxyInvalid),
    ("certificate has expired", Trace::TlsDates),
    ("certificate is not yet valid", Trace::TlsDates),
    ("Hostname mismatch", Trace::TlsWrongName),
    ("hostname mismatch", Trace::TlsWrongName),
    ("does not match the server certificate", Trace::TlsWrongName),
    ("x509: certificate is valid for", Trace::TlsWrongName),
    ("x509: certificate is not valid for any names", Trace::TlsWrongName),
    ("doesn't contain any IP SANs", Trace::TlsWrongName),
    ("self-signed certificate in certificate chain", Trace::TlsUntrusted),
    ("self signed certificate in certificate chain", Trace::TlsUntrusted),
    ("unable to get local issuer certificate", Trace::TlsUntrusted),
    ("certificate signed by unknown authority", Trace::TlsUntrusted),
    ("self-signed certificate", Trace::TlsUntrusted),
    ("certificate verify failed", Trace::TlsUntrusted),
    ("CERTIFICATE_VERIFY_FAILED", Trace::TlsUntrusted),
    ("wrong version number", Trace::TlsNotSpoken),
    ("WRONG_VERSION_NUMBER", Trace::TlsNotSpoken),
    ("first record does not look like a TLS handshake", Trace::TlsNotSpoken),
    ("server gave HTTP response to HTTPS client", Trace::TlsNotSpoken),
    ("TLS handshake timeout", Trace::TlsFailed),
    ("remote error: tls", Trace::TlsFailed),
    ("SSL_connect", Trace::TlsFailed),
    ("TSI_PROTOCOL_FAILURE", Trace::TlsFailed),
    ("no such host", Trace::DnsFailed),
    ("getaddrinfo", Trace::DnsFailed),
    ("Name or service not known", Trace::DnsFailed),
    ("Temporary failure in name resolution", Trace::DnsFailed),
    ("server misbehaving", Trace::DnsFailed),
    ("DNS resolution failed", Trace::DnsFailed),
    ("Domain name not found", Trace::DnsFailed),
    ("Connection refused", Trace::ConnectRefused),
    ("connection refused", Trace::ConnectRefused),
    ("Network is unreachable", Trace::Unreachable),
    ("network is unreachable", Trace::Unreachable),
    ("No route to host", Trace::Unreachable),
    ("no route to host", Trace::Unreachable),
    ("Net::ReadTimeout", Trace::ReadTimeout),
    ("timeout awaiting response headers", Trace::ReadTimeout),
    ("Request timed out after", Trace::ReadTimeout),
    ("Connection reset by peer", Trace::Reset),
    ("connection reset by peer", Trace::Reset),
    ("end of file reached", Trace::Reset),
    ("unexpected EOF", Trace::Reset),
    ("\": EOF", Trace::Reset),
    ("Broken pipe", Trace::Reset),
    ("broken pipe", Trace::Reset),
    ("execution expired", Trace::ConnectTimeout),
    ("Connection timed out", Trace::ConnectTimeout),
    ("connection timed out", Trace::ConnectTimeout),
    ("Net::OpenTimeout", Trace::ConnectTimeout),
    ("i/o timeout", Trace::ConnectTimeout),
    ("context deadline exceeded", Trace::ReadTimeout),
    ("Deadline Exceeded", Trace::ReadTimeout),
];

/// Two fragments that mean something else together: Go names the step, and then how it ended.
const PAIRS: &[(&str, &str, Trace)] = &[
    ("dial tcp: lookup", "i/o timeout", Trace::DnsTimeout),
    ("read tcp", "i/o timeout", Trace::ReadTimeout),
    ("read udp", "i/o timeout", Trace::DnsTimeout),
];

/// Classes of exceptions that may be shown, and what they mean where the message says nothing known.
const CLASSES: &[(&str, Option<Trace>)] = &[
    ("Net::OpenTimeout", Some(Trace::ConnectTimeout)),
    ("Net::ReadTimeout", Some(Trace::ReadTimeout)),
    ("Net::WriteTimeout", Some(Trace::ReadTimeout)),
    ("Gitlab::HTTP_V2::ReadTotalTimeout", Some(Trace::ReadTimeout)),
    ("Gitlab::HTTP::ReadTotalTimeout", Some(Trace::ReadTimeout)),
    ("SocketError", Some(Trace::DnsFailed)),
    ("Socket::ResolutionError", Some(Trace::DnsFailed)),
    ("Errno::ECONNREFUSED", Some(Trace::ConnectRefused)),
    ("Errno::ECONNRESET", Some(Trace::Reset)),
    ("Errno::EPIPE", Some(Trace::Reset)),
    ("Errno::ENETUNREACH", Some(Trace::Unreachable)),
    ("Errno::EHOSTUNREACH", Some(Trace::Unreachable)),
    ("Errno::ETIMEDOUT", Some(Trace::ConnectTimeout)),
    ("EOFError", Some(Trace::Reset)),
    ("OpenSSL::SSL::SSLError", Some(Trace::TlsFailed)),
    ("OpenSSL::Cipher::CipherError", Some(Trace::TokenUndecryptable)),
    ("ActiveRecord::Encryption::Errors::Decryption", Some(Trace::TokenUndecryptable)),
    ("Gitlab::HTTP_V2::BlockedUrlError", Some(Trace::FilterBlocked)),
    ("Gitlab::HTTP::BlockedUrlError", Some(Trace::FilterBlocked)),
    ("Gitlab::HTTP_V2::SilentModeBlockedError", Some(Trace::SilentMode)),
    ("Gitlab::HTTP::SilentModeBlockedError", Some(Trace::SilentMode)),
    ("Rack::Timeout::RequestTimeoutException", Some(Trace::RequestTimeout)),
    ("Rack::Timeout::RequestTimeoutError", Some(Trace::RequestTimeout)),
    ("Gitlab::AiGateway::ForbiddenError", Some(Trace::Gateway403)),
    ("Net::HTTPClientException", None),
    ("Net::HTTPServerException", None),
    ("Net::HTTPFatalError", None),
    ("GRPC::Unavailable", None),
    ("GRPC::DeadlineExceeded", None),
    ("GRPC::Unauthenticated", None),
    ("GRPC::PermissionDenied", None),
    ("GRPC::ResourceExhausted", None),
    ("Gitlab::SubscriptionPortal::Client::ResponseError", None),
    ("Gitlab::SubscriptionPortal::Clients::Rest::SubscriptionPortalRESTException", None),
    ("Gitlab::Llm::AiGateway::CodeSuggestionsClient::AiGatewayError", None),
    ("SyncSeatLinkRequestWorker::RequestError", None),
];

/// Duo's own public hosts; no other name is ever shown.
const HOSTS: [&str; 3] = ["cloud.gitlab.com", "customers.gitlab.com", "duo-workflow-svc.runway.gitlab.net"];

/// Whether a text holds another.
pub(super) fn holds(text: &str, fragment: &str) -> bool {
    memmem::find(text.as_bytes(), fragment.as_bytes()).is_some()
}

/// How much of a text is searched: what a program says of itself stands before what it quotes.
const HEAD: usize = 4 << 10;

/// The beginning of a text.
fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(HEAD)]
}

/// What a text names as the cause, and the fragment that says so, as it may be shown.
pub(super) fn cause(text: &str) -> Option<(Trace, &'static str)> {
    let text = head(text);
    let together = PAIRS.iter().find(|(one, other, _)| holds(text, one) && holds(text, other));
    if let Some((one, _, trace)) = together.filter(|_| !holds(text, "proxyconnect tcp")) {
        return Some((*trace, one));
    }
    let (fragment, trace) = FRAGMENTS.iter().find(|(fragment, _)| holds(text, fragment))?;
    Some((*trace, fragment.trim_start_matches(['"', ':', ' '])))
}

/// A class of exceptions that may be shown, and what it means by itself.
pub(super) fn class(name: &str) -> Option<(&'static str, Option<Trace>)> {
    CLASSES.iter().find(|(class, _)| *class == name).copied()
}

/// The one of these words that a text is.
pub(super) fn known(text: &str, words: &[&'static str]) -> Option<&'static str> {
    words.iter().copied().find(|word| *word == text)
}

/// Duo's own public hosts that a text names.
pub(super) fn hosts(text: &str) -> Vec<&'static str> {
    HOSTS.into_iter().filter(|host| names(head(text).as_bytes(), host)).collect()
}

/// Whether a text names a host, and not a longer name with that host in it.
fn names(text: &[u8], host: &str) -> bool {
    let goes_on =
        |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    memmem::find_iter(text, host).any(|at| {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        let behind = &text[at + host.len()..];
        let is_longer = goes_on(behind.first()) || (behind.first() == Some(&b'.') && goes_on(behind.get(1)));
        !goes_on(before) && before != Some(&b'.') && !is_longer
    })
}

/// The HTTP status that stands right behind these words: three digits, and no digit more.
pub(super) fn status_behind(text: &str, words: &str) -> Option<u16> {
    let at = memmem::find(text.as_bytes(), words.as_bytes())?;
    let behind = &text[at + words.len()..];
    let digits = behind.get(..3).filter(|_| !behind[3..].starts_with(|c: char| c.is_ascii_digit()))?;
    status(digits.parse().ok()?)
}

/// A number as an HTTP status.
pub(super) fn status(number: u64) -> Option<u16> {
    u16::try_from(number).ok().filter(|status| (100..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fragment_is_found_by_itself_and_none_hides_behind_a_wider_one() {
        for (fragment, trace) in FRAGMENTS {
            assert_eq!(cause(fragment).map(|(found, _)| found), Some(*trace), "{fragment}");
        }
    }

    #[test]
    fn the_narrower_cause_wins() {
        for (text, trace) in [
            (
                "dial tcp: lookup cloud.gitlab.com on 10.0.0.2:53: read udp 10.0.0.9:4711->10.0.0.2:53: i/o timeout",
                Trace::DnsTimeout,
            ),
            ("dial tcp: lookup cloud.gitlab.com: no such host", Trace::DnsFailed),
            ("dial tcp 104.18.26.123:443: i/o timeout", Trace::ConnectTimeout),
            ("read tcp 10.0.0.9:4711->104.18.26.123:443: i/o timeout", Trace::ReadTimeout),
            ("proxyconnect tcp: dial tcp: lookup proxy.example.com: i/o timeout", Trace::ProxyUnreachable),
            (
                "SSL_connect returned=1 errno=0 peeraddr=104.18.26.123:443 state=error: certificate verify failed (certificate has expired)",
                Trace::TlsDates,
            ),
            ("SSL_connect SYSCALL returned=5 errno=0 state=SSLv3/TLS write client hello", Trace::TlsFailed),
            (
                "Failed to open TCP connection to : (getaddrinfo: Name or service not known)",
                Trace::ProxyInvalid,
            ),
            (
                "Failed to open TCP connection to cloud.gitlab.com:443 (getaddrinfo: Name or service not known)",
                Trace::DnsFailed,
            ),
        ] {
            assert_eq!(cause(text).map(|(found, _)| found), Some(trace), "{text}");
        }
    }

    #[test]
    fn a_longer_name_is_not_the_host_in_it() {
        assert_eq!(
            hosts("https://cloud.gitlab.com/ai, customers.gitlab.com:443."),
            ["cloud.gitlab.com", "customers.gitlab.com"]
        );
        for text in [
            "my-cloud.gitlab.com",
            "a.cloud.gitlab.com",
            "cloud.gitlab.com.example.org",
            "cloud.gitlab.community",
        ] {
            assert_eq!(hosts(text), [""; 0], "{text}");
        }
        assert_eq!(hosts("cannot reach cloud.gitlab.com."), ["cloud.gitlab.com"]);
    }

    #[test]
    fn a_status_is_three_digits() {
        let behind = |text| status_behind(text, "code: ");
        assert_eq!((behind("code: 403"), behind("code: 403, x")), (Some(403), Some(403)));
        for text in ["code: 4031", "code: 40", "code: ", "code: 999", "code: 4é3", "403"] {
            assert_eq!(behind(text), None, "{text}");
        }
    }
}
