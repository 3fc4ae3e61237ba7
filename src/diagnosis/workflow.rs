//! Faults on the way to the workflow service that are the network's own: the same proxy, the same device, the same
//! resolver, or the same failure at every other host. Each is a row of a table.
//!
//! The service stands on another network than the hosts behind Cloudflare: that one of those fails in the same way
//! says little, that both do says enough.

use super::At;
use crate::finding::Code;
use crate::subject::place::Endpoint;

/// A fault of the network, and when one of the workflow service is the same.
struct Same {
    causes: &'static [Code],
    when: When,
}

/// When two faults are the same.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// The same failure, by the same proxy.
    Proxy,
    /// A certificate that the same product or issuer signed.
    Signer,
    /// The same who answers.
    Answerer,
    /// The same failure, by the same variable.
    Variable,
    /// The same failure.
    Alike,
    /// The same failure, and at both of GitLab's hosts behind Cloudflare.
    AtBoth,
    /// A certificate outside its time.
    Dates,
}

const TABLE: &[Same] = &[
    Same {
        causes: &[
            Code::ProxyUnreachable,
            Code::ProxyAuthRequired,
            Code::ProxyDenied,
            Code::ProxyUpstreamFailed,
            Code::ProxyBadReply,
        ],
        when: When::Proxy,
    },
    Same {
        causes: &[
            Code::TlsIntercepted,
            Code::TlsInterceptedTrusted,
            Code::TlsUnknownIssuer,
            Code::CaMissingInRails,
        ],
        when: When::Signer,
    },
    Same { causes: &[Code::HttpBlockPage], when: When::Answerer },
    Same { causes: &[Code::DnsTimeout, Code::DnsServerFailed], when: When::Alike },
    Same { causes: &[Code::ProxyUrlInvalid], when: When::Variable },
    Same {
        causes: &[
            Code::DnsNoSuchHost,
            Code::DnsNoAddress,
            Code::TcpRefused,
            Code::TcpTimeout,
            Code::TcpUnreachable,
            Code::TcpReset,
            Code::TlsSelfSigned,
            Code::TlsChainIncomplete,
            Code::TlsExpired,
            Code::TlsNotYetValid,
            Code::TlsWrongName,
            Code::TlsVersionUnsupported,
            Code::TlsNoCommonCipher,
            Code::TlsNotSpoken,
            Code::TlsReset,
            Code::TlsTimeout,
            Code::MtuBlackHole,
            Code::TlsClientCertificateWanted,
        ],
        when: When::AtBoth,
    },
    Same { causes: &[Code::ClockSkew], when: When::Dates },
];

/// What is found of the workflow service.
const FOUND: &[Code] = &[
    Code::WorkflowUnreachable,
    Code::WorkflowNotReachableUnused,
    Code::Http2Downgraded,
    Code::GrpcUnavailable,
];

/// Whether a finding at the workflow service shows the fault that another finding shows already; or the other way
/// round, a device that spoils the service explains that it re-signs what it lets pass.
pub(super) fn is_same_fault(found: &[At], cause: &At, effect: &At) -> bool {
    if FOUND.contains(&effect.finding.code) {
        let rows = TABLE.iter().filter(|row| row.causes.contains(&cause.finding.code));
        return rows.into_iter().any(|row| holds(row.when, found, cause, effect));
    }
    matches!(cause.finding.code, Code::Http2Downgraded | Code::GrpcUnavailable)
        && effect.finding.code == Code::TlsInterceptedTrusted
        && is_known(cause.finding.arg("by"))
        && cause.finding.arg("by") == effect.finding.arg("product")
}

fn is_known(who: &str) -> bool {
    !who.is_empty() && who != "unknown"
}

fn holds(when: When, found: &[At], cause: &At, effect: &At) -> bool {
    let by = effect.finding.arg("by");
    let by_the_same = |name: &str| is_known(by) && cause.finding.arg(name) == by;
    let at_both = || {
        let at = |endpoint| {
            let shows =
                |at: &At| at.place.endpoint() == Some(endpoint) && at.finding.code == cause.finding.code;
            found.iter().any(shows)
        };
        is_alike(cause, effect) && at(Endpoint::Customers) && at(Endpoint::Cloud)
    };
    // GitLab's own report names neither proxy nor signer, here or there.
    let nobody =
        |names: &[&str]| !is_known(by) && names.iter().all(|name| !is_known(cause.finding.arg(name)));
    match when {
        When::Proxy => (is_alike(cause, effect) && by_the_same("proxy")) || (nobody(&["proxy"]) && at_both()),
        When::Signer => {
            by_the_same("product") || by_the_same("issuer") || (nobody(&["product", "issuer"]) && at_both())
        }
        When::Answerer => by_the_same("by"),
        When::Variable => is_alike(cause, effect) && by_the_same("variable"),
        When::Alike => is_alike(cause, effect),
        When::AtBoth => at_both(),
        When::Dates => [Code::TlsExpired, Code::TlsNotYetValid].iter().any(|code| failed_by(effect, *code)),
    }
}

/// The code that the fault at the workflow service has elsewhere.
fn failed_by(effect: &At, code: Code) -> bool {
    effect.finding.arg("finding") == code.as_str()
}

/// Whether both fail in the same way. At the other hosts further probes tell more of a handshake that fails.
fn is_alike(cause: &At, effect: &At) -> bool {
    failed_by(effect, cause.finding.code)
        || (cause.finding.code == Code::MtuBlackHole && failed_by(effect, Code::TlsTimeout))
        || (cause.finding.code == Code::TcpReset && failed_by(effect, Code::TlsReset))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Group;
    use crate::finding::Finding;
    use crate::subject::place::{Place, Stack};

    const CUSTOMERS: Place = Place::Way(Endpoint::Customers, Stack::Rails);
    const CLOUD: Place = Place::Way(Endpoint::Cloud, Stack::Rails);
    const WORKFLOW: Place = Place::Way(Endpoint::Workflow, Stack::Workhorse);

    fn finding(code: Code, args: &[(&str, &str)]) -> Finding {
        let args = args.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Finding { code, args }
    }

    /// Whether the first finding explains the last one, with those between them.
    fn explains(steps: &[(Place, Finding)]) -> bool {
        let at = |(step, (place, finding)): (usize, &'static (Place, Finding))| At {
            step,
            place: *place,
            group: Group::Network,
            finding,
        };
        let steps: &'static [(Place, Finding)] = Box::leak(steps.to_vec().into_boxed_slice());
        let all: Vec<At> = steps.iter().enumerate().map(at).collect();
        is_same_fault(&all, &all[0], &all[all.len() - 1])
    }

    fn unreachable(finding_of: &str, by: &str) -> (Place, Finding) {
        (WORKFLOW, finding(Code::WorkflowUnreachable, &[("finding", finding_of), ("by", by)]))
    }

    fn unused(finding_of: &str, by: &str) -> (Place, Finding) {
        (WORKFLOW, finding(Code::WorkflowNotReachableUnused, &[("finding", finding_of), ("by", by)]))
    }

    #[test]
    fn the_same_proxy_that_says_the_same_is_one_fault() {
        let denied = |proxy| (CLOUD, finding(Code::ProxyDenied, &[("proxy", proxy)]));
        assert!(explains(&[denied("squid:3128"), unreachable("proxy-denied", "squid:3128")]));
        assert!(explains(&[denied("squid:3128"), unused("proxy-denied", "squid:3128")]));
        assert!(!explains(&[denied("other:3128"), unreachable("proxy-denied", "squid:3128")]));
        assert!(!explains(&[denied("squid:3128"), unreachable("proxy-upstream-failed", "squid:3128")]));
        assert!(!explains(&[denied("squid:3128"), unreachable("tcp-timeout", "unknown")]));
    }

    #[test]
    fn where_nobody_is_named_the_same_failure_at_both_hosts_is_one_fault() {
        let denied = |place| (place, finding(Code::ProxyDenied, &[]));
        let told = || unreachable("proxy-denied", "unknown");
        assert!(explains(&[denied(CLOUD), denied(CUSTOMERS), told()]));
        assert!(!explains(&[denied(CLOUD), told()]));
        let named = (CLOUD, finding(Code::ProxyDenied, &[("proxy", "squid:3128")]));
        assert!(!explains(&[named, denied(CUSTOMERS), told()]));
        let signed = |place| (place, finding(Code::TlsIntercepted, &[("product", "unknown")]));
        assert!(explains(&[signed(CLOUD), signed(CUSTOMERS), unreachable("tls-intercepted", "unknown")]));
        assert!(!explains(&[signed(CLOUD), signed(CUSTOMERS), unreachable("tcp-timeout", "unknown")]));
    }

    #[test]
    fn the_same_device_is_one_fault_by_its_product_or_its_issuer() {
        let signed = |product, issuer| {
            (CLOUD, finding(Code::TlsIntercepted, &[("product", product), ("issuer", issuer)]))
        };
        assert!(explains(&[signed("Zscaler", "CN=Z"), unreachable("tls-intercepted", "Zscaler")]));
        assert!(explains(&[signed("unknown", "CN=Acme"), unreachable("tls-intercepted", "CN=Acme")]));
        assert!(explains(&[
            signed("Zscaler", "CN=Z"),
            (WORKFLOW, finding(Code::Http2Downgraded, &[("by", "Zscaler")]))
        ]));
        assert!(!explains(&[signed("unknown", "CN=Acme"), unreachable("tls-intercepted", "unknown")]));
        assert!(!explains(&[signed("Zscaler", "CN=Z"), unreachable("tls-intercepted", "Netskope")]));
    }

    #[test]
    fn a_device_that_spoils_grpc_explains_that_it_signs_what_it_lets_pass() {
        let trusted = |product| (CLOUD, finding(Code::TlsInterceptedTrusted, &[("product", product)]));
        let downgraded = |by| (WORKFLOW, finding(Code::Http2Downgraded, &[("by", by)]));
        assert!(explains(&[downgraded("Zscaler"), trusted("Zscaler")]));
        assert!(!explains(&[downgraded("unknown"), trusted("unknown")]));
    }

    #[test]
    fn a_dead_resolver_is_the_same_everywhere_and_a_wrong_answer_only_at_both_hosts() {
        let dns = |place, code| (place, finding(code, &[]));
        let late = || dns(CLOUD, Code::DnsTimeout);
        assert!(explains(&[late(), unreachable("dns-timeout", "unknown")]));
        assert!(!explains(&[late(), unreachable("dns-no-such-host", "unknown")]));
        let none = |place| dns(place, Code::DnsNoSuchHost);
        assert!(!explains(&[none(CLOUD), unreachable("dns-no-such-host", "unknown")]));
        assert!(explains(&[none(CLOUD), none(CUSTOMERS), unreachable("dns-no-such-host", "unknown")]));
    }

    #[test]
    fn a_connection_that_fails_alike_at_both_hosts_is_one_fault() {
        let tcp = |place, code| (place, finding(code, &[]));
        for (code, as_seen, is_one) in [
            (Code::TcpTimeout, "tcp-timeout", true),
            (Code::TcpTimeout, "tcp-refused", false),
            (Code::MtuBlackHole, "tls-timeout", true),
            (Code::TcpReset, "tls-reset", true),
            (Code::TlsTimeout, "grpc-unavailable", false),
        ] {
            let both = [tcp(CUSTOMERS, code), tcp(CLOUD, code), unreachable(as_seen, "unknown")];
            assert_eq!(explains(&both), is_one, "{code} and {as_seen}");
            assert!(!explains(&[tcp(CLOUD, code), unreachable(as_seen, "unknown")]), "{code} at one host");
        }
    }

    #[test]
    fn a_clock_explains_a_certificate_outside_its_time_and_no_refusal() {
        let clock = || (Place::Node, finding(Code::ClockSkew, &[]));
        assert!(explains(&[clock(), unreachable("tls-not-yet-valid", "unknown")]));
        assert!(!explains(&[clock(), unreachable("tls-unknown-issuer", "CN=x")]));
    }

    #[test]
    fn a_named_block_page_in_place_of_grpc_is_that_of_the_others() {
        let page = || (CLOUD, finding(Code::HttpBlockPage, &[("by", "FortiGuard")]));
        let answer = |by| (WORKFLOW, finding(Code::GrpcUnavailable, &[("by", by)]));
        assert!(explains(&[page(), answer("FortiGuard")]));
        assert!(!explains(&[page(), answer("unknown")]));
    }
}
