//! Which server stands at a door: the one that a client speaks to first. And smaller questions to the same table:
//! what headers name at all, and who wrote an answer.
//!
//! Every server on the way may leave marks on an answer, and those of the back end pass through: `Server: nginx` is
//! mostly GitLab's own NGINX, whatever stands before it. So what the first server says by itself comes first: its
//! answer to a line that is no HTTP, then its certificate. Marks on ordinary answers come next, HTTP/2 settings last.
//! Where marks disagree nobody is named: a wrong name leads to the wrong remedy. Whether GitLab's NGINX or an
//! administrator's answers cannot be told from one door; `same_server` compares two.

mod table;

use crate::failure::{Answer, Headers};
use crate::probe::Tls;
use std::fmt;
use table::{Kind, PRODUCTS, Product, Row, Seen, Sign};

/// What was seen at one door.
#[derive(Clone, Default)]
pub(super) struct Signs<'a> {
    /// Answers to requests, whatever their status: a page, the refusal of a WebSocket.
    pub(super) answers: Vec<&'a Answer>,
    /// The answer to a line that is no HTTP: the first server's own.
    pub(super) nonsense: Option<&'a Answer>,
    /// The TLS channel; `None`: plain text, or not seen.
    pub(super) tls: Option<&'a Tls>,
}

/// The server that stands at a door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recognised {
    /// `HAProxy`
    pub(super) product: &'static str,
    /// `2.4.71`; `None`: it does not say.
    pub(super) version: Option<String>,
    /// What it was recognised by: `its page for a bad request`.
    pub(super) by: String,
}

/// `Apache 2.4.57 (by its Server header)`
impl fmt::Display for Recognised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.product)?;
        if let Some(version) = &self.version {
            write!(f, " {version}")?;
        }
        write!(f, " (by {})", self.by)
    }
}

/// The server that a client of this door speaks to first; `None`: the signs do not tell.
pub(super) fn recognise(signs: &Signs) -> Option<Recognised> {
    let certificate = signs.tls.and_then(|tls| first_named(|row| row.sign.in_chain(&tls.chain)));
    let marks = marks(signs);
    let nonsense = Own::of(signs.nonsense, |row, answer| row.sign.in_nonsense(answer));
    match nonsense {
        Own::Named(server) => {
            // What is built on another product answers in its words.
            let refined =
                certificate.into_iter().chain(marks).find(|n| n.product.is_built_on(server.product));
            return Some(refined.unwrap_or(server).recognised());
        }
        Own::Unknown if signs.nonsense.is_some_and(|a| a.headers.get("server").is_some()) => return None,
        Own::OneOf(_) | Own::Unknown | Own::NotSeen => {}
    }
    if let Some(certificate) = certificate {
        return nonsense.allows(certificate.product).then(|| certificate.recognised());
    }
    let settings = signs.answers.iter().map(|a| a.settings.as_slice()).find(|s| !s.is_empty());
    let settings = Own::of(settings, |row, settings| row.sign.in_settings(settings));
    match settings {
        Own::Named(named) if marks.is_empty() => nonsense.allows(named.product).then(|| named.recognised()),
        Own::Named(_) | Own::OneOf(_) | Own::Unknown | Own::NotSeen => {
            let fits = |mark: &Named| {
                let product = mark.product;
                nonsense.allows(product) && (!product.kind.is_software() || settings.allows(product))
            };
            nearest(marks.into_iter().filter(fits).collect()).map(Named::recognised)
        }
    }
}

/// A product, and the sign that names it.
struct Named {
    product: &'static Product,
    seen: Seen,
}

impl Named {
    fn recognised(self) -> Recognised {
        // What stands behind `awselb/` has been the same for years: no version that helps anybody.
        let version = self.seen.version.filter(|_| self.product.kind.is_software());
        Recognised { product: &self.product.name, version, by: self.seen.by }
    }
}

/// What the first server says of itself, in something that can only be its own.
enum Own {
    Named(Named),
    /// Several products look like this.
    OneOf(Vec<&'static Product>),
    /// None of the table looks like this: changed by an administrator, or a product that is not in it.
    Unknown,
    NotSeen,
}

impl Own {
    fn of<T: Copy>(shown: Option<T>, has: impl Fn(&Row, T) -> Option<Seen>) -> Self {
        let Some(shown) = shown else { return Own::NotSeen };
        if let Some(named) = first_named(|row| has(row, shown)) {
            return Own::Named(named);
        }
        let is = |product: &&Product| product.signs.iter().any(|row| row.shared && has(row, shown).is_some());
        let alike: Vec<&Product> = PRODUCTS.iter().filter(is).collect();
        if alike.is_empty() { Own::Unknown } else { Own::OneOf(alike) }
    }

    /// Whether a product may look like this.
    fn allows(&self, product: &Product) -> bool {
        match self {
            Own::Named(named) => named.product.name == product.name || product.is_built_on(named.product),
            Own::OneOf(alike) => alike.iter().any(|p| p.name == product.name),
            Own::Unknown | Own::NotSeen => true,
        }
    }
}

/// The sign by which a product is named.
fn seen(product: &Product, has: impl Fn(&Row) -> Option<Seen>) -> Option<Seen> {
    product.signs.iter().filter(|row| !row.shared).find_map(has)
}

fn first_named(has: impl Fn(&Row) -> Option<Seen>) -> Option<Named> {
    PRODUCTS.iter().find_map(|product| Some(Named { product, seen: seen(product, &has)? }))
}

/// The products that left marks on ordinary answers, without those that GitLab brings along.
fn marks(signs: &Signs) -> Vec<Named> {
    let has = |row: &Row| signs.answers.iter().find_map(|answer| row.sign.in_answer(answer));
    let foreign = PRODUCTS.iter().filter(|p| !p.with_gitlab);
    foreign.filter_map(|product| Some(Named { product, seen: seen(product, has)? })).collect()
}

/// The one that stands before the others, where that is known.
fn nearest(mut marks: Vec<Named>) -> Option<Named> {
    let place = marks.iter().map(|n| n.product.kind.place()).min()?;
    marks.retain(|n| n.product.kind.place() == place);
    let over_all = |a: &Named| {
        let same = |b: &Named| a.product.name == b.product.name;
        marks.iter().all(|b| same(b) || a.product.is_built_on(b.product))
    };
    let first = marks.iter().position(over_all)?;
    Some(marks.swap_remove(first))
}

/// Whether one server answers at both of two doors: `Some(false)`: another one stands at the outer; `None`: too little
/// was seen. Both must have been asked alike (the same `TlsAsk`, the same requests). Two servers of one product, one
/// version and one certificate pass for one.
pub(super) fn same_server(outer: &Signs, inner: &Signs) -> Option<bool> {
    let leaf = |signs: &Signs| Some(signs.tls?.chain.first()?.sha256.clone());
    let hello = |signs: &Signs| signs.tls?.server_hello.clone();
    let settings = |signs: &Signs| {
        signs.answers.iter().map(|a| &a.settings).find(|settings| !settings.is_empty()).cloned()
    };
    let nonsense = |signs: &Signs| signs.nonsense.map(own_words);
    let certificate = alike(leaf(outer), leaf(inner));
    let hello = alike(hello(outer), hello(inner));
    let words = alike(nonsense(outer), nonsense(inner));
    let (outer, inner) = (settings(outer), settings(inner));
    // Neither speaks HTTP/2, or neither was asked to.
    let settings = if outer.is_none() && inner.is_none() { Some(true) } else { alike(outer, inner) };
    let all = [certificate, hello, words, settings];
    if all.contains(&Some(false)) {
        return Some(false);
    }
    all.iter().all(Option::is_some).then_some(true)
}

fn alike<T: PartialEq>(a: Option<T>, b: Option<T>) -> Option<bool> {
    Some(a? == b?)
}

/// What of an answer stays when the same server gives it again, at another name or a moment later: no numbers, no
/// names of hosts, no times.
fn own_words(answer: &Answer) -> Vec<String> {
    let status = format!("{} {} {}", answer.version, answer.status, answer.reason);
    let headers = answer.headers.0.iter().map(|(name, value)| match name.as_str() {
        "server" | "content-type" => format!("{name}: {value}"),
        _ => name.clone(),
    });
    // Apache signs its pages with the name and port of the door.
    let lines = answer.body.lines().filter(|line| !line.contains("<address>"));
    let plain = |word: &&str| !word.contains(|c: char| c.is_ascii_digit() || c == '.');
    let body = lines.flat_map(str::split_whitespace).filter(plain).map(str::to_owned);
    std::iter::once(status).chain(headers).chain(body).collect()
}

/// A product that headers name, wherever on the way it stands.
pub(super) fn named(headers: &Headers) -> Option<&'static str> {
    let server = || word(headers, |_, sign| matches!(sign, Sign::Server(_)));
    let mark = || word(headers, |kind, sign| kind.is_software() && matches!(sign, Sign::Header { .. }));
    passed_through(headers).or_else(server).or_else(mark)
}

/// The software through which headers say that they came, by `Via`. Balancers of a cloud and content networks say so
/// too, and are left out: GitLab's own services stand behind some.
pub(super) fn passed_through(headers: &Headers) -> Option<&'static str> {
    word(headers, |kind, sign| kind.is_software() && matches!(sign, Sign::Via(_)))
}

fn word(headers: &Headers, counts: impl Fn(Kind, &Sign) -> bool) -> Option<&'static str> {
    let names = |product: &&Product| {
        seen(product, |row| counts(product.kind, &row.sign).then(|| row.sign.in_headers(headers))?).is_some()
    };
    PRODUCTS.iter().find(names).map(|product| product.name.as_str())
}

/// The server that lost the upgrade of a request which was refused as one that came without: the first one, unless
/// that passes upgrades on by itself, and another that does not left its marks on the refusal. Varnish, Apache or squid
/// behind `HAProxy` are of that kind.
pub(super) fn lost_upgrade(signs: &Signs, refusal: &Answer) -> Option<&'static str> {
    let first = recognise(signs)?.product;
    let passes = |name: &str| PRODUCTS.iter().any(|p| p.name == name && p.passes_upgrades);
    let behind = || {
        let here = Signs { answers: vec![refusal], ..Signs::default() };
        let loses = |named: &Named| named.product.kind.is_software() && !named.product.passes_upgrades;
        marks(&here).into_iter().find(loses).map(|named| named.product.name.as_str())
    };
    if passes(first) { behind().or(Some(first)) } else { Some(first) }
}

/// The server that wrote an answer by itself: the one whose own page it is, else the first one.
pub(super) fn author(signs: &Signs, answer: &Answer) -> Option<&'static str> {
    let own_page = |row: &Row| {
        let is_own = row.tells_writer() && !matches!(row.sign, Sign::Server(_));
        is_own.then(|| row.sign.in_answer(answer))?
    };
    let software = PRODUCTS.iter().filter(|p| p.kind.is_software());
    let author = software.into_iter().find(|product| seen(product, own_page).is_some());
    let first = recognise(signs).and_then(|first| PRODUCTS.iter().find(|p| p.name == first.product));
    // What is built on another product answers in its words.
    let author = author.filter(|author| first.is_none_or(|first| !first.is_built_on(author)));
    author.or(first).map(|product| product.name.as_str())
}

/// The content network, balancer or proxy that wrote an answer.
pub(super) fn balancer(answer: &Answer) -> Option<&'static str> {
    wrote(answer, |kind| kind != Kind::WebServer)
}

/// The web server that wrote an answer.
pub(super) fn web_server(answer: &Answer) -> Option<&'static str> {
    wrote(answer, |kind| kind == Kind::WebServer)
}

/// `Server` tells before all else: other marks may have been added on the way.
fn wrote(answer: &Answer, kind: impl Fn(Kind) -> bool) -> Option<&'static str> {
    let by = |is_server: bool| {
        let has = |row: &Row| {
            let counts = row.tells_writer() && matches!(row.sign, Sign::Server(_)) == is_server;
            counts.then(|| row.sign.in_answer(answer))?
        };
        PRODUCTS.iter().filter(|p| kind(p.kind)).find(|product| seen(product, has).is_some())
    };
    by(true).or_else(|| by(false)).map(|product| product.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::certificate::Certificate;
    use std::collections::BTreeSet;

    type Pairs = &'static [(&'static str, &'static str)];

    const APACHE: Pairs = &[
        ("server", "Apache/2.4.71 (Debian) OpenSSL/3.0.22"),
        ("content-type", "text/html; charset=iso-8859-1"),
    ];
    const APACHE_400: &str = "<h1>Bad Request</h1>\n<p>Your browser sent a request that this server could not understand.<br />\n</p>";
    const NGINX: Pairs = &[("server", "nginx/1.22.1"), ("content-type", "text/html")];
    const NGINX_400: &str = "<center><h1>400 Bad Request</h1></center>\n<hr><center>nginx/1.22.1</center>";
    const BARE_NGINX_400: &str = "<center><h1>400 Bad Request</h1></center>\n<hr><center>nginx</center>";
    const HAPROXY_400: &str =
        "<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.\n</body></html>\n";
    const HTML: Pairs = &[("content-type", "text/html")];
    const GO: Pairs = &[("content-type", "text/plain; charset=utf-8"), ("connection", "close")];
    const SQUID: Pairs = &[
        ("server", "squid/5.7"),
        ("x-squid-error", "ERR_PROTOCOL_UNKNOWN 0"),
        ("via", "1.1 gate (squid/5.7)"),
    ];
    const AZURE: Pairs = &[("server", "Microsoft-Azure-Application-Gateway/v2")];
    /// What GitLab's own NGINX puts on every page.
    const GITLAB: Pairs = &[("server", "nginx"), ("x-gitlab-meta", "{}")];

    fn bad_request(reason: &str, headers: Pairs, body: &str) -> Answer {
        Answer { reason: reason.to_owned(), ..Answer::of(400, headers, body) }
    }

    fn shown(subject: &str, issuer: &str) -> Tls {
        Tls {
            host: "gitlab.example.com".to_owned(),
            version: "TLS 1.3".to_owned(),
            cipher: String::new(),
            alpn: None,
            chain: vec![Certificate {
                subject: subject.to_owned(),
                issuer: issuer.to_owned(),
                names: Vec::new(),
                not_before: 0,
                not_after: 0,
                self_issued: false,
                is_ca: false,
                sha256: format!("{subject}{issuer}"),
            }],
            public: false,
            bad_certificate: None,
            client_certificate_asked: false,
            server_hello: Some("771,4866,43-51".to_owned()),
        }
    }

    fn text(recognised: Option<Recognised>) -> String {
        match recognised {
            Some(Recognised { product, version: Some(version), by }) => format!("{product} {version}, {by}"),
            Some(Recognised { product, version: None, by }) => format!("{product}, {by}"),
            None => "unknown".to_owned(),
        }
    }

    #[test]
    fn the_answer_to_a_line_that_is_no_http_names_the_first_server() {
        #[rustfmt::skip]
        let rows: &[(&str, Pairs, &str, &str)] = &[
            ("Bad Request", APACHE, APACHE_400, "Apache 2.4.71, its Server header on a bad request"),
            ("Bad Request", HTML, APACHE_400, "Apache, its page for a bad request"),
            ("Bad Request", NGINX, NGINX_400, "NGINX 1.22.1, its Server header on a bad request"),
            ("Bad Request", HTML, NGINX_400, "NGINX 1.22.1, its page for a bad request"),
            ("Bad Request", &[("server", "nginx")], BARE_NGINX_400, "NGINX, its Server header on a bad request"),
            ("Bad Request", HTML, "<hr><center>openresty</center>", "OpenResty, its page for a bad request"),
            ("Bad request", HTML, HAPROXY_400, "HAProxy, its page for a bad request"),
            ("Bad Request", SQUID, "<body id=ERR_PROTOCOL_UNKNOWN>", "squid 5.7, its Server header on a bad request"),
            ("Bad Request", &[("server", "envoy")], "Bad Request", "Envoy, its Server header on a bad request"),
            ("Bad Request", &[("server", "lighttpd/1.4.69")], "", "lighttpd 1.4.69, its Server header on a bad request"),
            ("Bad Request", &[("server", "awselb/2.0")], "<center><h1>400 Bad Request</h1></center>", "AWS Application Load Balancer, its Server header on a bad request"),
            ("BAD_REQUEST", &[("content-length", "0")], "", "AWS Classic Load Balancer, its answer to a bad request"),
            ("Bad Request", AZURE, "", "Azure Application Gateway, its Server header on a bad request"),
            ("Bad Request", &[("server", "cloudflare"), ("cf-ray", "-")], "<hr><center>cloudflare</center>", "Cloudflare, its Server header on a bad request"),
            ("Bad Request", &[("server", "CloudFront")], "", "Amazon CloudFront, its Server header on a bad request"),
            ("Bad Request", &[("server", "AkamaiGHost")], "", "Akamai, its Server header on a bad request"),
            ("Bad Request", HTML, "<title>Error 400 (Bad Request)!!1</title>", "Google Cloud load balancer, its page for a bad request"),
            // Others do the same: every server of Go's, Puma and Node, all that stands on Windows' HTTP.sys.
            ("Bad Request", GO, "400 Bad Request", "unknown"),
            ("Bad Request", &[], "", "unknown"),
            ("Bad Request", &[("server", "Microsoft-HTTPAPI/2.0")], "<h2>Bad Request - Invalid Verb</h2>", "unknown"),
            // Look-alikes.
            ("Bad Request", HTML, "<hr><center>tengine</center>", "unknown"),
            ("Bad Request", &[("server", "Apache-Coyote/1.1")], "", "unknown"),
            ("Bad Request", &[("server", "LiteSpeed")], "", "unknown"),
            ("Bad Request", &[("content-type", "text/plain")], "Invalid HTTP request received.", "unknown"),
        ];
        for (reason, headers, body, wanted) in rows {
            let answer = bad_request(reason, headers, body);
            let alone = Signs { nonsense: Some(&answer), ..Signs::default() };
            assert_eq!(text(recognise(&alone)), *wanted, "{reason} {headers:?} {body}");
            // What stands behind it changes nothing.
            let page = Answer::of(200, GITLAB, "");
            let before_gitlab = Signs { answers: vec![&page], ..alone };
            assert_eq!(text(recognise(&before_gitlab)), *wanted, "before GitLab: {headers:?} {body}");
        }
    }

    #[test]
    fn marks_on_ordinary_answers_name_a_server_that_nothing_contradicts() {
        #[rustfmt::skip]
        let rows: &[(u16, Pairs, &str, &str)] = &[
            (404, APACHE, "Page not found", "Apache 2.4.71, its Server header"),
            (200, &[("server", "Caddy"), ("alt-svc", "h3=\":443\"; ma=2592000")], "", "Caddy, its Server header"),
            (200, &[("server", "nginx"), ("via", "1.1 Caddy")], "", "Caddy, its Via header"),
            (200, &[("server", "Caddy"), ("server", "nginx")], "", "Caddy, its Server header"),
            (200, &[("server", "nginx"), ("x-varnish", "32770"), ("via", "1.1 varnish (Varnish/7.1)")], "", "Varnish 7.1, its Via header"),
            (502, SQUID, "", "squid 5.7, its Server header"),
            (200, &[("server", "nginx"), ("via", "1.1 gate (squid/5.7)")], "", "squid 5.7, its Via header"),
            (200, &[("server", "Microsoft-IIS/10.0"), ("x-powered-by", "ARR/3.0")], "", "IIS 10.0, its Server header"),
            (200, &[("server", "nginx"), ("x-powered-by", "ARR/3.0")], "", "IIS, its header x-powered-by"),
            (200, &[("server", "nginx"), ("set-cookie", "AWSALB=…")], "", "AWS Application Load Balancer, its cookie AWSALB"),
            (200, &[("server", "nginx"), ("set-cookie", "AWSELB=…")], "", "AWS Classic Load Balancer, its cookie AWSELB"),
            (200, &[("server", "nginx"), ("set-cookie", "BIGipServerpool_gitlab=…")], "", "F5 BIG-IP, its cookie BIGipServerpool_gitlab"),
            (200, &[("server", "nginx"), ("set-cookie", "NSC_wt=…")], "", "Citrix NetScaler, its cookie NSC_wt"),
            (200, &[("server", "nginx"), ("set-cookie", "ApplicationGatewayAffinityCORS=…")], "", "Azure Application Gateway, its cookie ApplicationGatewayAffinityCORS"),
            (200, &[("server", "cloudflare"), ("cf-ray", "8c-FRA")], "", "Cloudflare, its Server header"),
            (200, &[("server", "nginx"), ("x-azure-ref", "0zx")], "", "Azure Front Door, its header x-azure-ref"),
            (200, &[("server", "nginx"), ("via", "1.1 google")], "", "Google Cloud load balancer, its Via header"),
            (200, &[("server", "nginx"), ("via", "1.1 a.cloudfront.net (CloudFront)"), ("x-amz-cf-id", "x")], "", "Amazon CloudFront, its Via header"),
            (200, &[("via", "1.1 varnish"), ("x-served-by", "cache-fra-FRA"), ("x-timer", "S1764220000.1,VS0,VE9")], "", "Fastly, its header x-timer"),
            (200, &[("x-cdn", "Imperva"), ("x-iinfo", "1-2")], "", "Imperva, its header x-iinfo"),
            (200, &[("server", "istio-envoy"), ("x-envoy-upstream-service-time", "3")], "", "Envoy, its Server header"),
            (200, &[("server", "openresty"), ("via", "kong/2.5.0"), ("x-kong-proxy-latency", "2")], "", "Kong 2.5.0, its Via header"),
            (503, HTML, "<h1>503 Service Unavailable</h1>\nNo server is available to handle this request.", "HAProxy, its own page"),
            // A content network stands before a balancer, and that before software.
            (200, &[("server", "Apache"), ("set-cookie", "AWSALB=…")], "", "AWS Application Load Balancer, its cookie AWSALB"),
            (200, &[("server", "Apache"), ("cf-ray", "8c-FRA"), ("set-cookie", "AWSALB=…")], "", "Cloudflare, its header cf-ray"),
            // Which of two stands before the other is not told.
            (200, &[("server", "Apache"), ("x-varnish", "32770")], "", "unknown"),
            // GitLab's own, behind a server that says nothing (HAProxy, a balancer of TCP) or lets it pass (Apache).
            (404, GITLAB, "Page not found", "unknown"),
            (502, NGINX, "<hr><center>nginx</center>", "unknown"),
            // Look-alikes.
            (200, &[("server", "Apache-Coyote/1.1")], "", "unknown"),
            (200, &[("server", "My nginx-like thing")], "", "unknown"),
            (200, &[("via", "1.1 apache.example.com")], "", "unknown"),
            (200, &[("x-served-by", "cache-1")], "", "unknown"),
            (200, &[("x-powered-by", "ASP.NET")], "", "unknown"),
            (200, &[("cneonction", "close"), ("set-cookie", "_gitlab_session=…")], "", "unknown"),
            (200, &[("set-cookie", "ARRAffinity=…")], "", "unknown"),
        ];
        for (status, headers, body, wanted) in rows {
            let answer = Answer::of(*status, headers, body);
            let signs = Signs { answers: vec![&answer], ..Signs::default() };
            assert_eq!(text(recognise(&signs)), *wanted, "{status} {headers:?} {body}");
        }
    }

    /// The answer to nonsense, the certificate's subject, headers of a page, HTTP/2 settings, and who it is.
    type Row<'a> = (Option<Answer>, Option<&'a str>, Pairs, &'a [(u16, u32)], &'a str);

    const GO_SETTINGS: &[(u16, u32)] = &[(5, 1_048_576), (3, 250), (6, 1_048_896), (4, 1_048_576)];

    #[test]
    fn what_is_the_first_servers_own_outweighs_what_passes_through() {
        let go = || Some(bad_request("Bad Request", GO, "400 Bad Request"));
        let bare = || Some(bad_request("Bad Request", &[], ""));
        let windows = || Some(bad_request("Bad Request", &[("server", "Microsoft-HTTPAPI/2.0")], ""));
        let other = || Some(bad_request("Bad Request", &[("server", "LiteSpeed")], ""));
        let changed = || Some(bad_request("Bad Request", HTML, "<h1>Acme: this went wrong</h1>"));
        let openresty = || Some(bad_request("Bad Request", HTML, "<center>openresty</center>"));
        let nginx = || Some(bad_request("Bad Request", HTML, BARE_NGINX_400));
        let haproxy = || Some(bad_request("Bad request", HTML, HAPROXY_400));
        let fake = Some("Kubernetes Ingress Controller Fake Certificate");
        let traefik = Some("TRAEFIK DEFAULT CERT");
        let caddy: Pairs = &[("server", "Caddy")];
        let varnish: Pairs = &[("server", "Apache"), ("x-varnish", "2")];
        let kong: Pairs = &[("via", "1.1 kong/3.4.0")];
        let cloudflare: Pairs = &[("cf-ray", "8c-FRA")];
        let haproxy_settings: &[(u16, u32)] = &[(8, 1), (3, 100)];
        let nginx_settings: &[(u16, u32)] = &[(3, 128), (4, 65_536), (5, 16_777_215)];
        let envoy_settings: &[(u16, u32)] = &[(1, 4096), (8, 0), (3, 1024), (4, 16_777_216)];
        #[rustfmt::skip]
        let rows: Vec<Row> = vec![
            (haproxy(), None, APACHE, &[], "HAProxy, its page for a bad request"),
            (haproxy(), None, cloudflare, &[], "HAProxy, its page for a bad request"),
            (other(), None, APACHE, &[], "unknown"),
            (changed(), None, APACHE, &[], "Apache 2.4.71, its Server header"),
            // Of what answers alike, the one that left a mark.
            (go(), None, caddy, GO_SETTINGS, "Caddy, its Server header"),
            (go(), None, APACHE, GO_SETTINGS, "unknown"),
            (go(), traefik, GITLAB, GO_SETTINGS, "Traefik, its certificate"),
            (go(), None, GITLAB, GO_SETTINGS, "unknown"),
            (bare(), None, varnish, &[], "Varnish, its header x-varnish"),
            (bare(), None, GITLAB, &[], "unknown"),
            (windows(), None, &[("server", "Microsoft-IIS/10.0")], &[], "IIS 10.0, its Server header"),
            (windows(), None, GITLAB, &[], "unknown"),
            // What is built on another answers in its words.
            (nginx(), fake, GITLAB, nginx_settings, "Kubernetes ingress, its certificate"),
            (nginx(), None, kong, &[], "NGINX, its page for a bad request"),
            (openresty(), None, kong, &[], "Kong 3.4.0, its Via header"),
            (None, fake, GITLAB, &[], "Kubernetes ingress, its certificate"),
            (haproxy(), fake, GITLAB, &[], "HAProxy, its page for a bad request"),
            // Settings: only those that are one product's alone, and only where no mark says otherwise.
            (None, None, GITLAB, haproxy_settings, "HAProxy, its HTTP/2 settings"),
            (None, None, GITLAB, envoy_settings, "Envoy, its HTTP/2 settings"),
            (None, None, GITLAB, nginx_settings, "unknown"),
            (None, None, GITLAB, &[(3, 100)], "unknown"),
            (None, None, APACHE, haproxy_settings, "unknown"),
            (None, None, APACHE, &[(3, 100)], "Apache 2.4.71, its Server header"),
            (None, None, APACHE, GO_SETTINGS, "unknown"),
            (None, None, cloudflare, haproxy_settings, "Cloudflare, its header cf-ray"),
        ];
        for (nonsense, certificate, headers, settings, wanted) in rows {
            let page = Answer { settings: settings.to_vec(), ..Answer::of(200, headers, "") };
            let tls = certificate.map(|name| shown(name, name));
            let signs = Signs { answers: vec![&page], nonsense: nonsense.as_ref(), tls: tls.as_ref() };
            let context =
                format!("{:?} {certificate:?} {headers:?} {settings:?}", nonsense.as_ref().map(|a| &a.body));
            assert_eq!(text(recognise(&signs)), wanted, "{context}");
        }
        assert_eq!(recognise(&Signs::default()), None);
        for (subject, issuer, wanted) in [
            ("gitlab.example.com", "CN=Caddy Local Authority - ECC Intermediate", "Caddy, its certificate"),
            (
                "gitlab.example.com",
                "C=US, O=SSL Corporation, CN=Cloudflare TLS Issuing ECC CA 3",
                "Cloudflare, its certificate",
            ),
            ("gitlab.example.com", "CN=CloudFlare Origin SSL Certificate Authority", "unknown"),
            ("gitlab.example.com", "C=US, O=Amazon, CN=Amazon RSA 2048 M02", "unknown"),
            ("traefik.example.com", "C=US, O=Let's Encrypt, CN=R13", "unknown"),
        ] {
            let tls = shown(subject, issuer);
            let signs = Signs { tls: Some(&tls), ..Signs::default() };
            assert_eq!(text(recognise(&signs)), wanted, "{issuer}");
        }
    }

    #[test]
    fn two_doors_have_one_server_if_all_of_its_own_is_alike() {
        let tls = shown("gitlab.example.com", "CN=R13");
        let renewed = shown("gitlab.example.com", "CN=R14");
        let other_hello = Tls { server_hello: Some("771,4865,43-51".to_owned()), ..tls.clone() };
        let signed =
            |host: &str| format!("{APACHE_400}\n<address>Apache/2.4.71 Server at {host} Port 443</address>");
        let apache = bad_request("Bad Request", APACHE, &signed("gitlab"));
        let same = bad_request("Bad Request", APACHE, &signed("inner"));
        let nginx = bad_request("Bad Request", NGINX, NGINX_400);
        let page = Answer { settings: vec![(3, 100)], ..Answer::of(200, GITLAB, "") };
        let other_page = Answer { settings: vec![(3, 128)], ..page.clone() };
        let outer = Signs { answers: vec![&page], nonsense: Some(&apache), tls: Some(&tls) };
        let without_http2 = Answer::of(200, GITLAB, "");
        #[rustfmt::skip]
        let rows = [
            (Signs { nonsense: Some(&same), ..outer.clone() }, Some(true)),
            (Signs { nonsense: Some(&nginx), ..outer.clone() }, Some(false)),
            (Signs { tls: Some(&renewed), ..outer.clone() }, Some(false)),
            (Signs { tls: Some(&other_hello), ..outer.clone() }, Some(false)),
            (Signs { answers: vec![&other_page], ..outer.clone() }, Some(false)),
            (Signs { answers: vec![&without_http2], ..outer.clone() }, None),
            (Signs { nonsense: None, ..outer.clone() }, None),
            (Signs { tls: None, ..outer.clone() }, None),
            (Signs { tls: None, nonsense: Some(&nginx), ..outer.clone() }, Some(false)),
            (Signs::default(), None),
        ];
        for (number, (inner, wanted)) in rows.iter().enumerate() {
            assert_eq!(same_server(&outer, inner), *wanted, "row {number}");
        }
        let old = Signs { answers: vec![&without_http2], ..outer.clone() };
        assert_eq!(same_server(&old, &Signs { nonsense: Some(&same), ..old.clone() }), Some(true));
    }

    #[test]
    fn headers_name_what_passes_on_before_what_stands_behind_it() {
        #[rustfmt::skip]
        let rows: &[(Pairs, Option<&str>)] = &[
            (GITLAB, Some("NGINX")),
            (&[("server", "nginx"), ("via", "1.1 gate (squid/6.6)")], Some("squid")),
            (&[("server", "cloudflare"), ("cf-ray", "8c-FRA"), ("via", "1.1 google")], Some("Cloudflare")),
            (&[("server", "nginx"), ("x-envoy-upstream-service-time", "3")], Some("NGINX")),
            (&[("x-envoy-upstream-service-time", "3")], Some("Envoy")),
            // GitLab's own services stand behind balancers that say no more than this.
            (&[("via", "1.1 google")], None),
            (&[], None),
        ];
        for (headers, wanted) in rows {
            assert_eq!(named(&Answer::of(200, headers, "").headers), *wanted, "{headers:?}");
        }
    }

    #[test]
    fn a_product_is_spelt_one_way_everywhere() {
        let table = PRODUCTS.iter().map(|p| p.name.as_str());
        let names: Vec<&str> = table.chain(crate::checks::vendors::products()).collect();
        let plain = |name: &str| name.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "");
        let written: BTreeSet<&str> = names.iter().copied().collect();
        let meant: BTreeSet<String> = written.iter().map(|name| plain(name)).collect();
        assert_eq!(written.len(), meant.len(), "{written:?}");
        let of_the_table: BTreeSet<&str> = PRODUCTS.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(of_the_table.len(), PRODUCTS.len(), "a product stands in the table once");
    }

    #[test]
    fn the_words_that_choose_articles_stay() {
        #[rustfmt::skip]
        let words = [
            "Apache", "NGINX", "HAProxy", "Caddy", "Varnish", "Traefik", "IIS", "F5 BIG-IP", "squid", "Envoy",
            "AWS Application Load Balancer", "AWS Classic Load Balancer", "Azure Application Gateway", "Cloudflare",
            "Kubernetes ingress", "OpenResty",
        ];
        for word in words {
            assert!(PRODUCTS.iter().any(|p| p.name == word), "{word}");
        }
    }

    #[test]
    fn the_words_of_a_goaway_narrow_and_name_nobody_alone() {
        let words = "Received bad client magic byte string";
        let goaway = Answer { reason: "GOAWAY 4294966393".to_owned(), ..Answer::of(0, &[], words) };
        let (apache, caddy) = (Answer::of(200, APACHE, ""), Answer::of(200, &[("server", "Caddy")], ""));
        let named = |answers: Vec<&Answer>| {
            recognise(&Signs { answers, nonsense: Some(&goaway), tls: None }).map(|r| r.product)
        };
        assert_eq!(named(vec![]), None);
        assert_eq!(named(vec![&apache]), Some("Apache"));
        assert_eq!(named(vec![&caddy]), None, "Caddy ends it without a word");
    }
}
