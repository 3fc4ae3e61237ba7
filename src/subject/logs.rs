//! What GitLab's own log files show of Duo's troubles: causes, counted by file and time. Plain data, read by `node`.
//!
//! No text of a log stands in here: a cause is one of a closed set, and a sample is put together from known words
//! alone. So it can go into any report. What it proves is decided by the checks.

use super::facts::Unread;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Which lines of the logs count.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scan {
    /// Unix seconds; older lines are passed over.
    pub since: i64,
    /// Unix seconds; later lines are passed over. The start of the run: our own requests leave lines too.
    pub until: i64,
}

/// Makes `Trace` and its table. A row: variant, name in reports, a clause for people, and the finding codes that a
/// line of this kind is evidence for.
macro_rules! traces {
    ($($(#[$doc:meta])* $variant:ident = $name:literal $words:literal [$($code:literal),* $(,)?]),+ $(,)?) => {
        /// What a line of a log shows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Trace { $($(#[$doc])* #[serde(rename = $name)] $variant),+ }

        impl Trace {
            /// Every trace: causes first, then what came of them.
            pub const ALL: &[Trace] = &[$(Trace::$variant),+];

            /// The name used in reports: `tls-untrusted`.
            pub fn as_str(self) -> &'static str {
                match self { $(Trace::$variant => $name),+ }
            }

            /// What happened, as a clause: `the issuer of a certificate was not trusted`.
            pub fn words(self) -> &'static str {
                match self { $(Trace::$variant => $words),+ }
            }

            /// The finding codes of the contract, section 6, that it is evidence for.
            pub fn supports(self) -> &'static [&'static str] {
                match self { $(Trace::$variant => &[$($code),*]),+ }
            }
        }
    };
}

traces! {
    /// OpenSSL's `certificate verify failed`, Go's `x509: certificate signed by unknown authority`.
    TlsUntrusted = "tls-untrusted" "the issuer of a certificate was not trusted"
        ["tls-unknown-issuer", "tls-intercepted", "tls-self-signed", "tls-chain-incomplete", "ca-missing-in-rails"],
    /// A certificate whose time is over or has not begun.
    TlsDates = "tls-dates" "a certificate was outside its time"
        ["tls-expired", "tls-not-yet-valid", "clock-skew"],
    /// A certificate for other names.
    TlsWrongName = "tls-wrong-name" "a certificate was for other names" ["tls-wrong-name", "tls-intercepted"],
    /// Plain text where TLS was expected.
    TlsNotSpoken = "tls-not-spoken" "plain text came where TLS was expected" ["tls-not-spoken"],
    /// A handshake that ended in another way.
    TlsFailed = "tls-failed" "a TLS handshake did not come to its end"
        ["tls-reset", "tls-timeout", "tls-large-hello-dropped", "mtu-black-hole", "tls-version-unsupported",
         "tls-no-common-cipher", "tls-client-certificate-wanted"],
    /// A name that did not resolve.
    DnsFailed = "dns-failed" "a name did not resolve"
        ["dns-no-such-host", "dns-no-address", "dns-server-failed", "dns-fails-behind-proxy"],
    /// A resolver that did not answer in time: behind a proxy the 15 s guard of Rails shows here.
    DnsTimeout = "dns-timeout" "resolving a name took too long" ["dns-timeout", "dns-slow", "dns-fails-behind-proxy"],
    /// No connection in time.
    ConnectTimeout = "connect-timeout" "a connection was not made in time"
        ["tcp-timeout", "first-address-unreachable", "proxy-unreachable", "proxy-missing-in-rails",
         "proxy-missing-in-workhorse", "proxy-variable-ignored", "no-proxy-bypasses-duo"],
    /// RST to a connection.
    ConnectRefused = "connect-refused" "a connection was refused"
        ["tcp-refused", "first-address-unreachable", "proxy-unreachable", "proxy-missing-in-rails",
         "proxy-missing-in-workhorse", "proxy-variable-ignored", "no-proxy-bypasses-duo"],
    /// No route to a host or network.
    Unreachable = "unreachable" "no route led to a host"
        ["tcp-unreachable", "first-address-unreachable", "ipv6-broken", "proxy-missing-in-rails",
         "proxy-missing-in-workhorse", "proxy-variable-ignored", "no-proxy-bypasses-duo"],
    /// A connection that was cut.
    Reset = "reset" "a connection was cut" ["tcp-reset", "tls-reset", "http-malformed", "outbound-idle-cut"],
    /// No answer in time over a connection that stood.
    ReadTimeout = "read-timeout" "an answer did not come in time"
        ["http-timeout", "exchange-slow", "latency-high", "packet-loss-suspected", "mtu-black-hole"],
    /// 407.
    ProxyAuth = "proxy-auth" "a proxy asked for a user and a password" ["proxy-auth-required"],
    /// Any other refusal of CONNECT.
    ProxyRefused = "proxy-refused" "a proxy refused to connect" ["proxy-denied", "proxy-bad-reply"],
    /// 502, 503 or 504 to CONNECT.
    ProxyUpstream = "proxy-upstream" "a proxy could not connect" ["proxy-upstream-failed"],
    /// The proxy itself was not reached.
    ProxyUnreachable = "proxy-unreachable" "a proxy was not reached" ["proxy-unreachable"],
    /// A proxy variable from which Ruby took no host.
    ProxyInvalid = "proxy-invalid" "a proxy variable named no host" ["proxy-url-invalid"],
    /// Hosts that are not on the allow-list, and what the filter says besides.
    FilterBlocked = "filter-blocked" "GitLab's outbound filter refused a request" ["outbound-filter-blocks"],
    /// A name that resolved to an address inside.
    FilterLocalAddress = "filter-local-address" "GitLab's outbound filter refused an address"
        ["address-blocked-by-filter", "dns-private-address", "dns-overridden"],
    /// A name that the filter could not resolve.
    FilterUnresolved = "filter-unresolved" "GitLab's outbound filter could not resolve a name"
        ["dns-no-such-host", "dns-no-address", "dns-server-failed", "dns-fails-behind-proxy",
         "dns-rebinding-behind-proxy", "outbound-filter-blocks"],
    /// A request that Silent Mode stopped, to whatever host.
    SilentMode = "silent-mode" "Silent Mode stopped a request" ["silent-mode-on"],
    /// 401 by the gateway.
    Gateway401 = "gateway-401" "the AI gateway answered 401"
        ["gateway-rejects-instance", "access-token-missing", "access-token-expired", "access-token-invalid",
         "gateway-without-keys", "gateway-clock-skew", "auth-header-stripped", "gitlab-header-stripped"],
    /// The token is for another instance.
    GatewayHeaderMismatch = "gateway-header-mismatch" "the token was for another instance"
        ["instance-mismatch", "gateway-rejects-instance"],
    /// Used up.
    Gateway402 = "gateway-402" "credits were used up" ["quota-exceeded"],
    /// Not entitled.
    Gateway403 = "gateway-403" "the AI gateway answered 403" ["not-entitled", "add-on-missing", "http-block-page"],
    /// Too many requests.
    Gateway429 = "gateway-429" "the AI gateway answered 429" ["rate-limited"],
    /// An error of the gateway's own.
    Gateway5xx = "gateway-5xx" "the AI gateway answered with an error of its own"
        ["gateway-failed", "gateway-unhealthy", "cloudflare-origin-error"],
    /// The licence service answered, and not with what was asked for.
    PortalRefused = "portal-refused" "the Customers Portal's address answered with an error"
        ["http-block-page", "http-unexpected", "cloudflare-blocked", "cloudflare-challenge", "sync-stale",
         "sync-never", "sync-late", "seat-link-stale"],
    /// The instance's token could not be decrypted.
    TokenUndecryptable = "token-undecryptable" "the access token could not be decrypted" ["access-token-undecryptable"],
    /// The sync found no licence.
    SyncNoLicense = "sync-no-license" "the sync found no licence" ["license-missing", "sync-never", "sync-stale"],
    /// The sync was refused for the kind of the licence.
    SyncNotOnline = "sync-not-online" "the sync was refused: the licence is not an online cloud licence"
        ["license-offline", "license-legacy", "sync-never", "sync-stale"],
    /// The sync was refused after the licence's grace.
    SyncGraceOver = "sync-grace-over" "the sync was refused: the licence's grace period is over"
        ["license-expired", "sync-never", "sync-stale"],
    /// The sync was refused for a licence without an end.
    SyncWithoutEnd = "sync-without-end" "the sync was refused: the licence has no end"
        ["license-without-end", "sync-never", "sync-stale"],
    /// The Customers Portal gave no token, so every token was deleted.
    TokensDeleted = "tokens-deleted" "every access token was deleted, for the Customers Portal gave none"
        ["access-token-missing", "license-plan-too-low", "add-on-missing"],
    /// The Agent Platform's service did not accept the token.
    WorkflowUnauthenticated = "workflow-unauthenticated" "the workflow service did not accept the token"
        ["workflow-unauthenticated", "gateway-rejects-instance", "instance-mismatch"],
    /// Action Cable refused an `Origin`.
    CableOrigin = "cable-origin" "Rails refused a WebSocket for its origin" ["websocket-origin-rejected"],
    /// 404 to Action Cable's path.
    CableNotFound = "cable-not-found" "a WebSocket request was answered 404"
        ["websocket-origin-rejected", "websocket-not-found"],
    /// A WebSocket request that arrived without its upgrade.
    CableUpgrade = "cable-upgrade" "a WebSocket request arrived without its upgrade" ["websocket-upgrade-stripped"],
    /// Workhorse's own check of `Origin` and `Host`.
    WorkflowOrigin = "workflow-origin" "Workhorse refused the Agent Platform's WebSocket for its origin"
        ["websocket-origin-rejected"],
    /// 401 or 403 to the Agent Platform's WebSocket, for whatever reason.
    WorkflowRefused = "workflow-refused" "the Agent Platform's WebSocket was refused"
        ["websocket-denied", "websocket-origin-rejected", "websocket-upgrade-stripped"],
    /// A body that NGINX refused.
    NginxBodyLimit = "nginx-body-limit" "NGINX refused a body as too large" ["body-limit-low"],
    /// NGINX could not connect to what stands behind it.
    NginxConnect = "nginx-connect" "NGINX could not connect to Workhorse" ["workhorse-down"],
    /// Nothing useful came to NGINX from behind.
    NginxUpstream = "nginx-upstream" "NGINX got no proper answer from behind"
        ["websocket-upstream-failed", "workhorse-down", "rails-down"],
    /// Workhorse got nothing from Rails.
    RailsUnanswered = "rails-unanswered" "Workhorse got no answer from Rails" ["rails-down", "websocket-upstream-failed"],
    /// Puma ended a request after 60 s.
    RequestTimeout = "request-timeout" "Rails ended a request that took too long"
        ["gitlab-check-failed", "dns-timeout", "dns-slow", "tcp-timeout"],
    /// No token for a client's direct connection.
    TokenCreationFailed = "token-creation-failed" "Rails got no token for a direct connection"
        ["gateway-rejects-instance", "gateway-failed", "gateway-without-keys", "proxy-missing-in-rails"],
    /// A sync that failed.
    SyncFailed = "sync-failed" "a sync with the Customers Portal failed"
        ["sync-never", "sync-stale", "sync-late", "seat-link-stale", "access-token-missing", "access-token-expired"],
    /// A job of Chat or of another AI action that failed.
    ChatJobFailed = "chat-job-failed" "a request of GitLab Duo Chat failed"
        ["gateway-failed", "gateway-rejects-instance", "proxy-missing-in-rails", "ca-missing-in-rails"],
    /// 401, 403 or 429 to a completion, by the gateway or by GitLab itself.
    CompletionsRefused = "completions-refused" "a code completion was refused"
        ["gateway-rejects-instance", "token-user-without-duo", "not-entitled", "rate-limited"],
    /// 5xx to a completion.
    CompletionsFailed = "completions-failed" "a code completion ended in an error"
        ["workhorse-egress-broken", "gateway-failed", "proxy-missing-in-workhorse"],
    /// GitLab itself refused.
    InstanceRefused = "instance-refused" "GitLab itself refused a request of GitLab Duo"
        ["token-user-without-duo", "seats-unassigned", "duo-off"],
    /// GitLab's own limit.
    Instance429 = "instance-429" "GitLab's own rate limit was reached" ["rate-limited"],
    /// Workhorse or Rails did not reach the workflow service.
    WorkflowUnreachable = "workflow-unreachable" "the workflow service was not reached"
        ["workflow-unreachable", "workflow-egress-broken", "workflow-not-reachable-unused", "grpc-unavailable",
         "http2-downgraded"],
    /// The Agent Platform's WebSocket broke off on the client's side.
    WorkflowCut = "workflow-cut" "the Agent Platform's WebSocket broke off on the client's side" ["websocket-idle-cut"],
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Trace {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Trace::ALL.iter().copied().find(|trace| trace.as_str() == text).ok_or(())
    }
}

/// A trace in one file. A line may show a cause and what came of it, and counts for both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// What was seen.
    pub trace: Trace,
    /// Where: `/var/log/gitlab/gitlab-workhorse/current`.
    pub file: String,
    /// In how many lines. GitLab may write several about one request.
    pub count: u32,
    /// When first, Unix seconds; for lines without a time the file's last change.
    pub first: i64,
    /// When last, likewise.
    pub last: i64,
    /// Those of Duo's own public hosts that the lines name; never another name.
    pub hosts: Vec<String>,
    /// What the last of the lines says, put together from known words: `Net::OpenTimeout, execution expired`.
    pub sample: String,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// `/var/log/gitlab/gitlab-rails/llm.log`
    pub path: String,
    /// How much of it was read, from its end.
    pub bytes: u64,
    /// Whether that was all of it.
    pub whole: bool,
}

/// What the logs of this node show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The traces, file by file, causes first.
    pub seen: Vec<Seen>,
    /// What was read.
    pub read: Vec<Read>,
    /// What is there and could not be read, with the command that would tell.
    pub unread: Vec<Unread>,
}

impl Found {
    /// What is evidence for a finding of this code.
    pub fn supporting(&self, code: &str) -> impl Iterator<Item = &Seen> {
        self.seen.iter().filter(move |seen| seen.trace.supports().contains(&code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_trace_is_read_back_by_its_name_alone() {
        let names: BTreeSet<&str> = Trace::ALL.iter().map(|trace| trace.as_str()).collect();
        assert_eq!(names.len(), Trace::ALL.len(), "each has a name of its own");
        for trace in Trace::ALL {
            assert_eq!(trace.as_str().parse(), Ok(*trace));
            assert_eq!(serde_json::to_string(trace).ok(), Some(format!("\"{trace}\"")));
            assert!(!trace.supports().is_empty(), "{trace} is evidence for nothing");
            assert!(!trace.words().ends_with('.'), "{trace}: a clause, not a sentence");
        }
    }

    #[test]
    fn a_finding_gets_what_supports_it_and_no_more() {
        let seen = |trace| Seen {
            trace,
            file: String::new(),
            count: 1,
            first: 0,
            last: 0,
            hosts: Vec::new(),
            sample: String::new(),
        };
        let found = Found { seen: vec![seen(Trace::SilentMode), seen(Trace::ProxyAuth)], ..Found::default() };
        let traces: Vec<Trace> = found.supporting("silent-mode-on").map(|seen| seen.trace).collect();
        assert_eq!(traces, [Trace::SilentMode]);
    }
}
