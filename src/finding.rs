//! The one table of finding codes: code, severity, arguments, article. Only codes that a check can emit today.
//!
//! A code without its article under `assets/remedies/` does not compile. When each applies is decided by the
//! checks; what it means and what to do is said in the articles.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Works, and should be looked at.
    Warn,
    /// Stops a feature of GitLab Duo.
    Fail,
}

/// Makes `Code` and its table. A row: variant, code, severity, arguments, and those of them that must be equal
/// for two places to show the same fault.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal $severity:ident [$($arg:literal),*] same [$($same:literal),*]),+ $(,)?) => {
        /// A finding code of the contract, section 6.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $variant),+ }

        impl Code {
            /// Every code, in the order of the contract.
            pub const ALL: &[Code] = &[$(Code::$variant),+];

            /// The row of the table.
            pub fn row(self) -> &'static Row {
                match self {
                    $(Code::$variant => {
                        const ROW: Row = Row {
                            code: $code,
                            severity: Severity::$severity,
                            args: &[$($arg),*],
                            same: &[$($same),*],
                            article: include_str!(concat!("../assets/remedies/", $code, ".md")),
                        };
                        &ROW
                    })+
                }
            }
        }
    };
}

/// What the table says of a code.
#[derive(Debug)]
pub struct Row {
    /// The code's name in reports.
    pub code: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// The arguments that a finding of this code carries and its article may use.
    pub args: &'static [&'static str],
    /// Two outbound findings of this code are one fault if these arguments are equal.
    pub same: &'static [&'static str],
    /// The source of its article.
    pub article: &'static str,
}

codes! {
    /// No GitLab on this node.
    GitlabNotFound = "gitlab-not-found" Warn ["hostname"] same [],
    /// GitLab here is the Community Edition, which has no Duo.
    EditionNotEnterprise = "edition-not-enterprise" Fail ["edition", "version"] same [],
    /// Before 17.2.
    VersionOld = "version-old" Warn ["version"] same [],
    /// The instance's URL begins with `http://`.
    InstanceUrlNotHttps = "instance-url-not-https" Fail ["url", "host"] same [],
    /// The token is no token of this instance, or its time is over.
    TokenRejected = "token-rejected" Fail ["host", "words"] same [],
    /// The token's user is no administrator, or Admin Mode hides it.
    TokenNotAdmin = "token-not-admin" Warn ["unread"] same [],
    /// The token lacks a scope.
    TokenScopeMissing = "token-scope-missing" Warn ["wanted", "unread"] same [],
    /// Silent Mode stops all requests that change something elsewhere.
    SilentModeOn = "silent-mode-on" Fail ["by"] same [],
    /// Maintenance Mode: GitLab is read-only.
    MaintenanceModeOn = "maintenance-mode-on" Fail ["by"] same [],
    /// Duo is off for everybody, and nobody can turn it on.
    DuoOff = "duo-off" Fail ["by"] same [],
    /// Duo is off unless a group or project turns it on.
    DuoOffByDefault = "duo-off-by-default" Warn ["by"] same [],
    /// Duo Core is the only add-on, and it is not turned on.
    DuoCoreOff = "duo-core-off" Warn ["by"] same [],
    /// The Agent Platform is used, and GitLab before 18.8 has it as a beta that is not turned on.
    BetaFeaturesOff = "beta-features-off" Warn ["version"] same [],
    /// Flows are on, and composite identity is not.
    CompositeIdentityOff = "composite-identity-off" Warn ["by"] same [],
    /// The outbound request filter denies all hosts but those on its list, and lacks hosts that Duo needs.
    OutboundFilterBlocks = "outbound-filter-blocks" Fail ["hosts", "entries"] same [],
    /// Rails connects to the address that it resolved itself, and the proxy refuses addresses.
    DnsRebindingBehindProxy = "dns-rebinding-behind-proxy" Warn ["hosts", "proxy", "words"] same [],
    /// The node's clock is off by 60 s or more.
    ClockDrift = "clock-drift" Warn ["off", "direction", "by"] same [],
    /// The node's clock is so far off that it explains a failure, or by more than 24 h.
    ClockSkew = "clock-skew" Fail ["off", "direction", "by"] same [],
    /// The instance is ahead of its own gateway, which then refuses the tokens that the instance signs.
    GatewayClockSkew = "gateway-clock-skew" Fail ["host", "off"] same [],
    /// A Duo host resolves to an address that Rails' outbound filter refuses.
    AddressBlockedByFilter = "address-blocked-by-filter" Fail ["host", "address", "kind", "stacks"] same [],
    /// Tokens are signed by the instance itself, which only GitLab's own services may do.
    SelfSignedTokensSet = "self-signed-tokens-set" Fail ["value", "from"] same [],
    /// The same beside a gateway of one's own.
    SelfSignedTokensUnneeded = "self-signed-tokens-unneeded" Warn ["value", "from"] same [],
    /// This node runs only a part of GitLab: the others are not checked from here.
    OtherNodesUnchecked = "other-nodes-unchecked" Warn ["here", "elsewhere"] same [],
    /// A host that this deployment does not need for Duo cannot be reached.
    UnneededWayFails = "unneeded-way-fails" Warn ["host", "finding", "words", "reason"] same ["finding"],

    /// Rails and Sidekiq have no proxy, and only the proxy leads out.
    ProxyMissingInRails = "proxy-missing-in-rails" Fail ["stacks", "hosts", "proxy", "known_from", "env", "other_env", "no_proxy"] same [],
    /// Workhorse has no proxy, and only the proxy leads out.
    ProxyMissingInWorkhorse = "proxy-missing-in-workhorse" Fail ["stacks", "hosts", "proxy", "known_from", "env", "other_env", "no_proxy"] same [],
    /// A proxy is set in a form that this component does not read.
    ProxyVariableIgnored = "proxy-variable-ignored" Fail ["stacks", "hosts", "variable", "wanted", "proxy", "from", "env", "other_env", "no_proxy"] same [],
    /// An exception takes Duo's hosts off the proxy.
    NoProxyBypassesDuo = "no-proxy-bypasses-duo" Fail ["stacks", "hosts", "variable", "entry", "proxy", "from"] same [],
    /// Components go out in different ways, and every way works.
    ProxyDiffers = "proxy-differs" Warn ["ways"] same [],
    /// A process runs with other proxy variables than its files say.
    ProxyNotApplied = "proxy-not-applied" Warn ["processes", "difference", "service", "restart"] same [],
    /// A variable that decides holds no proxy URL.
    ProxyUrlInvalid = "proxy-url-invalid" Fail ["stacks", "hosts", "variable", "why"] same ["variable", "why"],
    /// An exception that a component does not understand.
    NoProxyUnsupported = "no-proxy-unsupported" Warn ["stacks", "entries", "variable", "from"] same [],
    /// An environment hash is assigned more than once, and the last one wins.
    EnvAssignedTwice = "env-assigned-twice" Warn ["key", "places", "lost"] same [],
    /// `sidekiq['env']` is set, which GitLab does not read.
    SidekiqEnvUnsupported = "sidekiq-env-unsupported" Warn ["place"] same [],

    /// NXDOMAIN.
    DnsNoSuchHost = "dns-no-such-host" Fail ["host", "server"] same [],
    /// The name has neither A nor AAAA.
    DnsNoAddress = "dns-no-address" Fail ["host", "server"] same [],
    /// SERVFAIL or REFUSED.
    DnsServerFailed = "dns-server-failed" Fail ["host", "server", "answer"] same [],
    /// No resolver answers in time.
    DnsTimeout = "dns-timeout" Fail ["host", "server", "seconds", "waits"] same [],
    /// Resolving takes over 1 s.
    DnsSlow = "dns-slow" Warn ["host", "server", "took", "waits"] same [],
    /// The proxy resolves the name, this node cannot.
    DnsFailsBehindProxy = "dns-fails-behind-proxy" Warn ["host", "answer", "proxy"] same [],
    /// A public name resolves to a private or shared address.
    DnsPrivateAddress = "dns-private-address" Warn ["host", "address", "kind"] same [],
    /// The hosts file decides.
    DnsOverridden = "dns-overridden" Warn ["host", "address", "file"] same [],
    /// A public address that is not Cloudflare's.
    AddressOutsideCloudflare = "address-outside-cloudflare" Warn ["host", "address", "date"] same [],
    /// Rails and Sidekiq take the first address only, and that one does not connect.
    FirstAddressUnreachable = "first-address-unreachable" Fail ["host", "address", "how", "works", "stacks"] same [],
    /// IPv6 addresses do not connect, IPv4 ones do.
    Ipv6Broken = "ipv6-broken" Warn ["host", "address", "how"] same [],

    /// RST.
    TcpRefused = "tcp-refused" Fail ["host", "port", "address"] same [],
    /// No answer.
    TcpTimeout = "tcp-timeout" Fail ["host", "port", "address", "seconds"] same [],
    /// No route or prohibited.
    TcpUnreachable = "tcp-unreachable" Fail ["host", "port", "address", "words"] same [],
    /// Cut before TLS began.
    TcpReset = "tcp-reset" Fail ["host", "port", "address"] same [],

    /// The proxy itself cannot be reached.
    ProxyUnreachable = "proxy-unreachable" Fail ["proxy", "layer", "why"] same ["proxy"],
    /// 407, or 401 to CONNECT.
    ProxyAuthRequired = "proxy-auth-required" Fail ["proxy", "status", "schemes", "given"] same ["proxy"],
    /// 403 or 405.
    ProxyDenied = "proxy-denied" Fail ["proxy", "host", "status", "words", "product"] same ["proxy"],
    /// 502, 503 or 504; Cloudflare's 52x; 500 at Workhorse's own door.
    ProxyUpstreamFailed = "proxy-upstream-failed" Fail ["proxy", "host", "status", "words", "product"] same ["proxy"],
    /// Another status, not HTTP, hang-up or silence after CONNECT.
    ProxyBadReply = "proxy-bad-reply" Fail ["proxy", "host", "answer"] same ["proxy"],

    /// The chain ends in a root that is not trusted here.
    TlsUnknownIssuer = "tls-unknown-issuer" Fail ["host", "issuer", "store"] same ["issuer"],
    /// An inspecting device's chain, not trusted here.
    TlsIntercepted = "tls-intercepted" Fail ["host", "product", "issuer", "store"] same ["product"],
    /// An inspecting device's chain, trusted here.
    TlsInterceptedTrusted = "tls-intercepted-trusted" Warn ["host", "product", "issuer", "store"] same ["product"],
    /// One certificate that signed itself.
    TlsSelfSigned = "tls-self-signed" Fail ["host", "subject", "sha256"] same [],
    /// An intermediate is not sent.
    TlsChainIncomplete = "tls-chain-incomplete" Fail ["host", "issuer"] same [],
    /// Its time is over.
    TlsExpired = "tls-expired" Fail ["host", "subject", "until", "ago"] same [],
    /// Its time has not begun.
    TlsNotYetValid = "tls-not-yet-valid" Fail ["host", "subject", "from", "in"] same [],
    /// It ends within 14 days and a third of its lifetime.
    TlsExpiresSoon = "tls-expires-soon" Warn ["host", "subject", "until", "days"] same [],
    /// It is for other names.
    TlsWrongName = "tls-wrong-name" Fail ["host", "names"] same [],
    /// Only TLS 1.1 or older.
    TlsVersionUnsupported = "tls-version-unsupported" Fail ["host", "port"] same [],
    /// No common cipher.
    TlsNoCommonCipher = "tls-no-common-cipher" Fail ["host", "port"] same [],
    /// Plain text where TLS was expected.
    TlsNotSpoken = "tls-not-spoken" Fail ["host", "port", "answer"] same [],
    /// Reset or end of stream after the `ClientHello`.
    TlsReset = "tls-reset" Fail ["host", "port", "how"] same [],
    /// Silence after the `ClientHello`.
    TlsTimeout = "tls-timeout" Fail ["host", "port", "seconds"] same [],
    /// A small `ClientHello` passes, a large one does not.
    TlsLargeHelloDropped = "tls-large-hello-dropped" Fail ["host", "port", "how"] same [],
    /// Large packets vanish.
    MtuBlackHole = "mtu-black-hole" Fail ["host", "port", "seconds"] same [],
    /// A client certificate is demanded.
    TlsClientCertificateWanted = "tls-client-certificate-wanted" Fail ["host", "port"] same [],
    /// The operating system trusts the chain, and GitLab's own store does not.
    CaMissingInRails = "ca-missing-in-rails" Fail ["host", "stacks", "product", "issuer", "root", "sha256", "file", "already", "store", "trusted_by"] same ["product", "root"],

    /// A page that says the request is blocked.
    HttpBlockPage = "http-block-page" Fail ["host", "status", "by", "words"] same ["by"],
    /// Sent to another host: a captive portal, a login page.
    HttpRedirected = "http-redirected" Fail ["host", "status", "location"] same ["location"],
    /// Cloudflare wants a browser to prove itself.
    CloudflareChallenge = "cloudflare-challenge" Fail ["host", "status", "ray"] same [],
    /// Cloudflare refuses this address.
    CloudflareBlocked = "cloudflare-blocked" Fail ["host", "status", "error", "ray"] same [],
    /// Cloudflare cannot reach GitLab's service.
    CloudflareOriginError = "cloudflare-origin-error" Fail ["host", "status", "ray"] same [],
    /// Another service answers.
    HttpUnexpected = "http-unexpected" Fail ["host", "status", "by", "words"] same ["by"],
    /// Cloudflare's marks, and an answer that is not known.
    SignatureUnrecognised = "signature-unrecognised" Warn ["host", "status", "by", "words", "ray"] same [],
    /// No answer to the request.
    HttpTimeout = "http-timeout" Fail ["host", "seconds"] same [],
    /// Not HTTP, or closed before an answer.
    HttpMalformed = "http-malformed" Fail ["host", "words"] same [],
    /// The gateway's health address answers 5xx.
    GatewayUnhealthy = "gateway-unhealthy" Fail ["host", "status", "words"] same [],
    /// `Authorization` does not arrive.
    AuthHeaderStripped = "auth-header-stripped" Fail ["host", "by", "answer"] same ["by"],
    /// GitLab's own headers do not arrive.
    GitlabHeaderStripped = "gitlab-header-stripped" Fail ["host", "header", "by", "answer"] same ["by"],
    /// HTTP/2 is offered and not settled on.
    Http2Downgraded = "http2-downgraded" Fail ["host", "alpn", "by"] same ["by"],
    /// HTTP/2 stands, and gRPC is not answered.
    GrpcUnavailable = "grpc-unavailable" Fail ["host", "answer", "by"] same ["by"],
    /// Far away.
    LatencyHigh = "latency-high" Warn ["host", "figure", "limit"] same [],
    /// Connections that took a retransmission's time.
    PacketLossSuspected = "packet-loss-suspected" Warn ["host", "times", "samples"] same [],

    /// An idle connection to the outside is cut.
    OutboundIdleCut = "outbound-idle-cut" Warn ["host", "seconds", "how"] same [],
    /// A firewall refuses connections to some of Cloudflare's ranges.
    CloudflareRangesRefused = "cloudflare-ranges-refused" Warn ["ranges", "count", "how"] same [],

    /// Nothing that could be GitLab answers at a door.
    InstanceUnreachable = "instance-unreachable" Fail ["url", "host", "port", "layer", "words", "door", "hop", "product"] same [],
    /// The public door cannot be connected to from this node, and the doors behind it work.
    PublicDoorNotSeenFromHere = "public-door-not-seen-from-here" Warn ["url", "host", "port", "layer", "words", "inner"] same [],
    /// Workhorse does not answer at its socket or port.
    WorkhorseDown = "workhorse-down" Fail ["host", "door", "how"] same [],
    /// Workhorse answers, and Puma behind it does not, or says that it is not ready.
    RailsDown = "rails-down" Fail ["host", "door", "path", "answer"] same [],
    /// The issuer of the public door's certificate is unknown here.
    ClientTrustUnproven = "client-trust-unproven" Warn ["host", "port", "issuer"] same [],
    /// The public door asks for a client certificate.
    ClientCertificateRequired = "client-certificate-required" Warn ["host", "port"] same [],
    /// The public door sends to another host's login.
    FrontEndRequiresLogin = "front-end-requires-login" Fail ["url", "host", "location"] same [],
    /// The upgrade gets lost on the way.
    WebsocketUpgradeStripped = "websocket-upgrade-stripped" Fail ["url", "host", "path", "hop", "product", "status", "upstream", "upstream_ws", "upstream_host"] same [],
    /// Host or `X-Forwarded-Proto` is rewritten.
    WebsocketOriginRejected = "websocket-origin-rejected" Fail ["url", "host", "path", "origin", "hop", "product", "status"] same [],
    /// 401, 403 and the like.
    WebsocketDenied = "websocket-denied" Fail ["url", "host", "path", "hop", "product", "status", "by", "words"] same [],
    /// 502, 503 or 504; Cloudflare's 52x; 500 at Workhorse's own door.
    WebsocketUpstreamFailed = "websocket-upstream-failed" Fail ["url", "host", "path", "hop", "product", "status", "by"] same [],
    /// The path is not served.
    WebsocketNotFound = "websocket-not-found" Fail ["url", "host", "path", "hop", "product", "status", "by"] same [],
    /// 101, and then nothing that Action Cable would say.
    WebsocketNoWelcome = "websocket-no-welcome" Fail ["url", "host", "path", "hop", "product", "how"] same [],
    /// Small messages pass, and one of a few kilobytes does not.
    WebsocketMessageLost = "websocket-message-lost" Fail ["url", "host", "path", "hop", "product", "bytes", "how"] same [],
    /// Welcome or pings are held back.
    WebsocketBuffered = "websocket-buffered" Fail ["url", "host", "path", "hop", "product", "seconds"] same [],
    /// Cut while it should stay open.
    WebsocketIdleCut = "websocket-idle-cut" Warn ["url", "host", "path", "hop", "product", "seconds"] same [],
    /// A given credential was refused.
    WebsocketUnauthorized = "websocket-unauthorized" Warn ["url", "host", "path", "reason"] same [],
    /// ALPN does not offer HTTP/2.
    Http2NotOffered = "http2-not-offered" Warn ["host", "port", "alpn", "hop", "product"] same [],
    /// The door speaks HTTP/2 alone, and the WebSocket clients of IDEs speak HTTP/1.1.
    Http1NotOffered = "http1-not-offered" Fail ["host", "port", "product", "over_http2"] same [],
    /// A body as large as those of Code Suggestions is refused.
    BodyLimitLow = "body-limit-low" Warn ["url", "host", "hop", "product", "status", "sent"] same [],
    /// A streamed answer comes in one lump.
    StreamBuffered = "stream-buffered" Warn ["url", "host", "hop", "product", "held"] same [],
    /// Workhorse opens the agent platform's WebSocket and closes it at once: it does not reach the workflow service.
    WorkflowEgressBroken = "workflow-egress-broken" Fail ["url", "host", "path", "seconds", "how"] same [],

    /// No licence is active.
    LicenseMissing = "license-missing" Fail ["by"] same [],
    /// A licence file of the old kind, which does not synchronise.
    LicenseLegacy = "license-legacy" Fail ["plan"] same [],
    /// An offline licence, and no gateway of one's own.
    LicenseOffline = "license-offline" Fail ["plan"] same [],
    /// Over, its grace too.
    LicenseExpired = "license-expired" Fail ["ended", "ago", "kind"] same [],
    /// Its plan has no Duo.
    LicensePlanTooLow = "license-plan-too-low" Fail ["plan"] same [],
    /// It has no end, and the portal refuses to synchronise such a licence.
    LicenseWithoutEnd = "license-without-end" Fail ["plan"] same [],
    /// Over, and its grace is not.
    LicenseInGrace = "license-in-grace" Warn ["ended", "until"] same [],
    /// It ends within 15 days.
    LicenseExpiresSoon = "license-expires-soon" Warn ["until", "days"] same [],
    /// No access data was ever fetched.
    SyncNever = "sync-never" Fail ["by"] same [],
    /// The access data is older than 72 h.
    SyncStale = "sync-stale" Fail ["ago", "at"] same [],
    /// The access data is younger, and the seat link is older than 72 h.
    SeatLinkStale = "seat-link-stale" Warn ["ago", "at"] same [],
    /// The seat link is older than 50 h.
    SyncLate = "sync-late" Warn ["ago", "at"] same [],
    /// There is no access token.
    AccessTokenMissing = "access-token-missing" Fail ["by"] same [],
    /// Its time is over.
    AccessTokenExpired = "access-token-expired" Fail ["ended", "ago"] same [],
    /// What is stored is no token.
    AccessTokenInvalid = "access-token-invalid" Fail ["words"] same [],
    /// It cannot be decrypted with the secrets of this node.
    AccessTokenUndecryptable = "access-token-undecryptable" Fail ["words"] same [],
    /// No Duo add-on is active.
    AddOnMissing = "add-on-missing" Fail ["by"] same [],
    /// Seats were bought, and none is assigned.
    SeatsUnassigned = "seats-unassigned" Warn ["add_on", "purchased"] same [],
    /// No Sidekiq process runs.
    SidekiqDown = "sidekiq-down" Fail ["how"] same [],
    /// No Sidekiq process listens to the queue of Chat.
    SidekiqQueueUnserved = "sidekiq-queue-unserved" Fail ["queue", "listened"] same [],
    /// Jobs wait long in the queue of Chat.
    SidekiqBacklog = "sidekiq-backlog" Warn ["queue", "latency", "size"] same [],

    /// The token is for another instance or realm than the one that sends it.
    InstanceMismatch = "instance-mismatch" Fail ["words"] same [],
    /// The gateway does not accept the instance's token.
    GatewayRejectsInstance = "gateway-rejects-instance" Fail ["words", "by"] same [],
    /// The gateway is healthy and answers every token with a plain 500: it has no keys to check one with.
    GatewayWithoutKeys = "gateway-without-keys" Fail ["host"] same [],
    /// Workhorse cannot get its request to the gateway, and the gateway answers who asks it directly.
    WorkhorseEgressBroken = "workhorse-egress-broken" Fail ["host", "words"] same [],
    /// The gateway answers a real request with 5xx.
    GatewayFailed = "gateway-failed" Fail ["status", "words", "by"] same [],
    /// GitLab itself says that the token's user has no Duo.
    TokenUserWithoutDuo = "token-user-without-duo" Warn ["words"] same [],
    /// The credits are used up.
    QuotaExceeded = "quota-exceeded" Warn ["words"] same [],
    /// The subscription does not cover this, or the portal does not say that it does.
    NotEntitled = "not-entitled" Warn ["words"] same [],
    /// Too many requests.
    RateLimited = "rate-limited" Warn ["by", "after", "what"] same [],
    /// 200, and no text in it.
    CompletionEmpty = "completion-empty" Warn ["words"] same [],
    /// GitLab's own test gives up after 3 s, and real requests go through.
    ExchangeSlow = "exchange-slow" Warn ["words"] same [],
    /// A probe of GitLab's own health check failed.
    GitlabCheckFailed = "gitlab-check-failed" Fail ["probe", "words", "host", "means"] same [],
    /// A probe of GitLab's own health check failed that is known to fail where all is well.
    GitlabCheckDoubtful = "gitlab-check-doubtful" Warn ["probe", "words", "why"] same [],

    /// The workflow service cannot be reached.
    WorkflowUnreachable = "workflow-unreachable" Fail ["host", "layer", "finding", "why", "by"] same ["finding", "by"],
    /// The same, where the Agent Platform is off, a beta, or not known to be used.
    WorkflowNotReachableUnused = "workflow-not-reachable-unused" Warn ["host", "finding", "words", "by", "reason"] same ["finding", "by"],
    /// The workflow service does not accept the instance's token.
    WorkflowUnauthenticated = "workflow-unauthenticated" Fail ["host", "words"] same [],
    /// Flows are used, and a setting stops them.
    FlowsDisabled = "flows-disabled" Warn ["setting"] same [],
    /// Flows are used, and no runner can carry them out.
    RunnerMissing = "runner-missing" Warn ["words"] same [],
}

impl Code {
    /// The name used in reports: `tls-expired`.
    pub fn as_str(self) -> &'static str {
        self.row().code
    }

    /// How much it weighs.
    pub fn severity(self) -> Severity {
        self.row().severity
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Code {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Code::ALL.iter().copied().find(|c| c.as_str() == text).ok_or(())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(|()| {
            serde::de::Error::custom(format!(
                "{:?} is not a finding code known here",
                crate::text::foreign(&text)
            ))
        })
    }
}

/// Arguments of a finding: what an article's placeholders are filled with. Values are escaped text.
pub type Args = BTreeMap<String, String>;

/// A judgement with its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which.
    pub code: Code,
    /// With what.
    pub args: Args,
}

impl Finding {
    /// A finding; every value is escaped and bounded, for it may come from the network.
    pub fn new(code: Code, args: &[(&str, &str)]) -> Self {
        debug_assert_eq!(
            {
                let mut given: Vec<&str> = args.iter().map(|(k, _)| *k).collect();
                given.sort_unstable();
                given
            },
            {
                let mut wanted = code.row().args.to_vec();
                wanted.sort_unstable();
                wanted
            },
            "the arguments of {code} are those of its row"
        );
        let args = args.iter().map(|(k, v)| ((*k).to_owned(), crate::text::foreign(v))).collect();
        Self { code, args }
    }

    /// The same with lines for a snippet in an argument: each is escaped and none is cut, for a line that lost
    /// its end is wrong advice. More than 8 kB, or a character that had to be escaped, leaves it empty.
    #[must_use]
    pub fn with_lines(mut self, name: &str, lines: &[String]) -> Self {
        let text = lines.join("\n");
        let whole =
            text.len() <= 8192 && lines.iter().all(|line| crate::text::escape(line, line.len()) == *line);
        self.args.insert(name.to_owned(), if whole { text } else { String::new() });
        self
    }

    /// An argument, or an empty text.
    pub fn arg(&self, name: &str) -> &str {
        self.args.get(name).map_or("", String::as_str)
    }

    /// Whether two findings at outbound places show the same fault.
    pub fn is_same_fault(&self, other: &Finding) -> bool {
        self.code == other.code && self.code.row().same.iter().all(|k| self.arg(k) == other.arg(k))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_read_back() {
        for code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
        let mut names: Vec<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }

    #[test]
    fn what_makes_two_findings_the_same_is_among_their_arguments() {
        for code in Code::ALL {
            assert!(code.row().same.iter().all(|s| code.row().args.contains(s)), "{code}");
        }
    }

    #[test]
    fn lines_for_a_snippet_are_whole_or_left_out() {
        let with = |lines: &[String]| {
            let empty = Finding::new(Code::SidekiqEnvUnsupported, &[("place", "")]);
            empty.with_lines("place", lines).arg("place").to_owned()
        };
        let long = "a".repeat(300);
        assert_eq!(with(&[long.clone(), "b".into()]), format!("{long}\nb"));
        assert_eq!(with(&["a\x1b[2Jb".into()]), "");
        assert_eq!(with(&["a".repeat(9000)]), "");
    }

    #[test]
    fn arguments_from_the_network_are_escaped() {
        let finding = Finding::new(Code::GitlabNotFound, &[("hostname", "a\x1b[2Jb")]);
        assert_eq!(finding.arg("hostname"), "a\\x1b[2Jb");
    }
}
