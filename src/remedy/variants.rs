//! Files that stand in for an article where its advice would be wrong or too wide: another kind of installation,
//! another server, an argument that is missing. Which fits is decided here; what they say stands in the files.

use super::Install;
use crate::finding::{Args, Code};

/// When another file stands in for a code's article.
pub(super) enum When {
    /// This argument is empty or not given, and without it the article's advice would be wrong.
    Lacks(&'static str),
    /// This argument has this value.
    Is(&'static str, &'static str),
    /// GitLab is installed so where the finding was made.
    Installed(Install),
}

macro_rules! variants {
    ($($code:ident $when:expr => $file:literal),+ $(,)?) => {
        &[$((Code::$code, $when, include_str!(concat!("../../assets/remedies/", $file)))),+]
    };
}

/// Files that stand in for an article; the first that applies is taken. Their front matter is the article's.
pub(super) const VARIANTS: &[(Code, When, &str)] = variants![
    TlsIntercepted When::Installed(Install::Helm) => "tls-intercepted.helm.md",
    TlsUnknownIssuer When::Installed(Install::Helm) => "tls-unknown-issuer.helm.md",
    TlsSelfSigned When::Installed(Install::Helm) => "tls-self-signed.helm.md",
    TlsChainIncomplete When::Installed(Install::Helm) => "tls-chain-incomplete.helm.md",
    ProxyMissingInRails When::Installed(Install::Helm) => "proxy-missing-in-rails.helm.md",
    ProxyMissingInWorkhorse When::Installed(Install::Helm) => "proxy-missing-in-workhorse.helm.md",
    ProxyVariableIgnored When::Installed(Install::Helm) => "proxy-variable-ignored.helm.md",
    NoProxyBypassesDuo When::Installed(Install::Helm) => "no-proxy-bypasses-duo.helm.md",
    ProxyUrlInvalid When::Installed(Install::Helm) => "proxy-url-invalid.helm.md",
    ProxyUnreachable When::Installed(Install::Helm) => "proxy-unreachable.helm.md",
    ProxyDenied When::Installed(Install::Helm) => "proxy-denied.helm.md",
    ProxyAuthRequired When::Installed(Install::Helm) => "proxy-auth-required.helm.md",
    ProxyNotApplied When::Installed(Install::Helm) => "proxy-not-applied.helm.md",
    ProxyMissingInRails When::Lacks("no_proxy") => "proxy-missing-in-rails.storages-unknown.md",
    ProxyMissingInWorkhorse When::Lacks("no_proxy") => "proxy-missing-in-workhorse.storages-unknown.md",
    ProxyVariableIgnored When::Lacks("no_proxy") => "proxy-variable-ignored.storages-unknown.md",
    ProxyVariableIgnored When::Is("stacks", "Workhorse") => "proxy-variable-ignored.workhorse.md",
    InstanceUnreachable When::Is("layer", "proxy") => "instance-unreachable.proxy.md",
    WorkhorseDown When::Installed(Install::Helm) => "workhorse-down.helm.md",
    RailsDown When::Installed(Install::Helm) => "rails-down.helm.md",
    WorkflowEgressBroken When::Installed(Install::Helm) => "workflow-egress-broken.helm.md",
    WebsocketUpgradeStripped When::Is("product", "Apache") => "websocket-upgrade-stripped.apache.md",
    WebsocketUpgradeStripped When::Is("product", "NGINX") => "websocket-upgrade-stripped.nginx.md",
    WebsocketUpgradeStripped When::Is("product", "OpenResty") => "websocket-upgrade-stripped.nginx.md",
    WebsocketUpgradeStripped When::Is("product", "HAProxy") => "websocket-upgrade-stripped.haproxy.md",
    WebsocketUpgradeStripped When::Is("product", "Caddy") => "websocket-upgrade-stripped.caddy.md",
    WebsocketUpgradeStripped When::Is("product", "Varnish") => "websocket-upgrade-stripped.varnish.md",
    WebsocketUpgradeStripped When::Is("product", "Traefik") => "websocket-upgrade-stripped.traefik.md",
    WebsocketUpgradeStripped When::Is("product", "IIS") => "websocket-upgrade-stripped.iis.md",
    WebsocketUpgradeStripped When::Is("product", "F5 BIG-IP") => "websocket-upgrade-stripped.f5.md",
    WebsocketUpgradeStripped When::Is("product", "AWS Application Load Balancer") => "websocket-upgrade-stripped.alb.md",
    WebsocketUpgradeStripped When::Is("product", "AWS Classic Load Balancer") => "websocket-upgrade-stripped.elb.md",
    WebsocketUpgradeStripped When::Is("product", "Azure Application Gateway") => "websocket-upgrade-stripped.azure.md",
    WebsocketUpgradeStripped When::Is("product", "Cloudflare") => "websocket-upgrade-stripped.cloudflare.md",
    WebsocketUpgradeStripped When::Is("product", "Kubernetes ingress") => "websocket-upgrade-stripped.ingress.md",
    WebsocketUpgradeStripped When::Is("product", "squid") => "websocket-upgrade-stripped.squid.md",
    WebsocketUpgradeStripped When::Is("product", "bundled NGINX") => "websocket-upgrade-stripped.bundled-nginx.md",
    WebsocketOriginRejected When::Is("product", "Apache") => "websocket-origin-rejected.apache.md",
    WebsocketOriginRejected When::Is("product", "NGINX") => "websocket-origin-rejected.nginx.md",
    WebsocketOriginRejected When::Is("product", "OpenResty") => "websocket-origin-rejected.nginx.md",
    WebsocketOriginRejected When::Is("product", "HAProxy") => "websocket-origin-rejected.haproxy.md",
    WebsocketOriginRejected When::Is("product", "Caddy") => "websocket-origin-rejected.caddy.md",
    WebsocketOriginRejected When::Is("product", "Traefik") => "websocket-origin-rejected.traefik.md",
    WebsocketOriginRejected When::Is("product", "IIS") => "websocket-origin-rejected.iis.md",
    WebsocketOriginRejected When::Is("product", "bundled NGINX") => "websocket-origin-rejected.bundled-nginx.md",
    WebsocketIdleCut When::Is("product", "NGINX") => "websocket-idle-cut.nginx.md",
    WebsocketIdleCut When::Is("product", "OpenResty") => "websocket-idle-cut.nginx.md",
    WebsocketIdleCut When::Is("product", "HAProxy") => "websocket-idle-cut.haproxy.md",
    WebsocketIdleCut When::Is("product", "Apache") => "websocket-idle-cut.apache.md",
    WebsocketIdleCut When::Is("product", "AWS Application Load Balancer") => "websocket-idle-cut.alb.md",
    WebsocketIdleCut When::Is("product", "Azure Application Gateway") => "websocket-idle-cut.azure.md",
    WebsocketIdleCut When::Is("product", "Cloudflare") => "websocket-idle-cut.cloudflare.md",
    WebsocketIdleCut When::Is("product", "Varnish") => "websocket-idle-cut.varnish.md",
    WebsocketBuffered When::Is("product", "NGINX") => "websocket-buffered.nginx.md",
    WebsocketBuffered When::Is("product", "OpenResty") => "websocket-buffered.nginx.md",
    BodyLimitLow When::Is("product", "NGINX") => "body-limit-low.nginx.md",
    BodyLimitLow When::Is("product", "OpenResty") => "body-limit-low.nginx.md",
    BodyLimitLow When::Is("product", "Apache") => "body-limit-low.apache.md",
    BodyLimitLow When::Is("product", "Caddy") => "body-limit-low.caddy.md",
    BodyLimitLow When::Is("product", "bundled NGINX") => "body-limit-low.bundled-nginx.md",
    StreamBuffered When::Is("product", "NGINX") => "stream-buffered.nginx.md",
    StreamBuffered When::Is("product", "OpenResty") => "stream-buffered.nginx.md",
    StreamBuffered When::Is("product", "Apache") => "stream-buffered.apache.md",
    Http2NotOffered When::Is("product", "Apache") => "http2-not-offered.apache.md",
    Http2NotOffered When::Is("product", "NGINX") => "http2-not-offered.nginx.md",
    Http2NotOffered When::Is("product", "OpenResty") => "http2-not-offered.nginx.md",
    Http2NotOffered When::Is("product", "HAProxy") => "http2-not-offered.haproxy.md",
    Http2NotOffered When::Is("product", "Caddy") => "http2-not-offered.caddy.md",
    Http2NotOffered When::Is("product", "bundled NGINX") => "http2-not-offered.bundled-nginx.md",
    Http1NotOffered When::Is("product", "HAProxy") => "http1-not-offered.haproxy.md",
];

/// The source of the article for these arguments, where GitLab is installed so.
pub(super) fn source(code: Code, args: &Args, install: Option<Install>) -> &'static str {
    let of = |name: &str| args.get(name).map_or("", String::as_str);
    let applies = |when: &When| match when {
        When::Lacks(name) => of(name).is_empty(),
        When::Is(name, value) => of(name) == *value,
        When::Installed(kind) => install == Some(*kind),
    };
    let variant = VARIANTS.iter().find(|(of, when, _)| *of == code && applies(when));
    variant.map_or(code.row().article, |(_, _, source)| source)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files of servers that no test can start, by the end of their name. GitLab's own NGINX is among them:
    /// its settings are keys of a package that is not installed here.
    const UNPROVEN: [&str; 9] =
        ["traefik", "iis", "f5", "alb", "elb", "azure", "cloudflare", "ingress", "bundled-nginx"];

    /// The files of servers that the tests start, with the language of their snippets.
    const PROVEN: [(&str, &str); 6] = [
        ("apache", "apache"),
        ("nginx", "nginx"),
        ("haproxy", "haproxy"),
        ("caddy", "caddy"),
        ("varnish", "vcl"),
        ("squid", "squid"),
    ];

    /// Each file for a server: the server's part of its name, and its text.
    fn of_servers() -> Vec<(String, &'static str)> {
        let table = include_str!("variants.rs").split("#[cfg(test)]").next().unwrap_or_default();
        let rows = table.split("When::Is(\"product\"").skip(1);
        let servers = rows.filter_map(|row| row.split(".md\"").next()?.rsplit('.').next());
        let sources = VARIANTS.iter().filter(|(_, when, _)| matches!(when, When::Is("product", _)));
        servers.map(str::to_owned).zip(sources.map(|(_, _, source)| *source)).collect()
    }

    fn with(product: &str) -> Args {
        Args::from([("product".to_owned(), product.to_owned())])
    }

    #[test]
    fn what_no_test_proves_says_so_and_nothing_else_does() {
        let all = of_servers();
        assert!(all.len() > 40, "{}", all.len());
        for (server, source) in all {
            let unproven = UNPROVEN.contains(&server.as_str());
            assert!(
                unproven || PROVEN.iter().any(|(name, _)| *name == server),
                "{server} is in neither list"
            );
            assert_eq!(source.contains("Not tested here"), unproven, "{server}:\n{source}");
            assert!(unproven || !source.to_lowercase().contains("not tested"), "{server}:\n{source}");
        }
    }

    #[test]
    fn a_snippet_for_a_server_says_first_where_it_goes() {
        let all = of_servers();
        let languages = PROVEN.iter().map(|(_, language)| *language);
        for language in languages.chain(["yaml", "ruby", "xml"]) {
            for (server, source) in &all {
                for snippet in source.split(&format!("```{language}\n")).skip(1) {
                    let first = snippet.lines().next().unwrap_or_default().trim();
                    assert!(first.starts_with("# ") || first.starts_with("<!-- "), "{server}: {first}");
                }
            }
        }
    }

    #[test]
    fn the_server_at_the_hop_chooses_and_an_unknown_one_gets_the_article() {
        let code = Code::WebsocketUpgradeStripped;
        let of = |product| source(code, &with(product), None);
        assert!(of("Apache").contains("RewriteEngine On") && of("bundled NGINX").contains("gitlab.rb"));
        assert_eq!(of("OpenResty"), of("NGINX"));
        assert_ne!(of("NGINX"), of("bundled NGINX"));
        for product in ["unknown", "", "Envoy"] {
            assert_eq!(of(product), code.row().article, "{product}");
        }
    }
}
