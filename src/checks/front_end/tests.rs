//! Real answers and what they name; look-alikes that must name nobody.

use super::*;
use crate::failure::certificate::Certificate;
use std::collections::BTreeSet;

type Pairs = &'static [(&'static str, &'static str)];

const APACHE: Pairs =
    &[("server", "Apache/2.4.71 (Debian) OpenSSL/3.0.22"), ("content-type", "text/html; charset=iso-8859-1")];
const APACHE_400: &str =
    "<h1>Bad Request</h1>\n<p>Your browser sent a request that this server could not understand.<br />\n</p>";
const NGINX: Pairs = &[("server", "nginx/1.22.1"), ("content-type", "text/html")];
const NGINX_400: &str = "<center><h1>400 Bad Request</h1></center>\n<hr><center>nginx/1.22.1</center>";
const BARE_NGINX_400: &str = "<center><h1>400 Bad Request</h1></center>\n<hr><center>nginx</center>";
const HAPROXY_400: &str =
    "<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.\n</body></html>\n";
const HTML: Pairs = &[("content-type", "text/html")];
const GO: Pairs = &[("content-type", "text/plain; charset=utf-8"), ("connection", "close")];
const SQUID: Pairs =
    &[("server", "squid/5.7"), ("x-squid-error", "ERR_PROTOCOL_UNKNOWN 0"), ("via", "1.1 gate (squid/5.7)")];
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
