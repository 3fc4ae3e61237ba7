//! `reach`: https answers at a door, and it is GitLab.

use super::{PAGE, doors, no_instance, page, slice};
use crate::check::{Check, Group, Reached, Seen, Verdict};
use crate::checks::handshake;
use crate::checks::network::addresses::how;
use crate::checks::network::answer::elsewhere;
use crate::checks::vendors;
use crate::failure::{Answer, DnsKind, Failure, HttpKind, Layer, TlsKind};
use crate::finding::Code;
use crate::probe::Reading;
use crate::subject::Subject;
use crate::subject::address::{BaseUrl, Scheme};
use crate::subject::place::Place;
use crate::text;

/// GitLab answers at the door.
pub(in crate::checks) static REACH: Check = Check {
    id: "reach",
    title: "GitLab answers over https",
    group: Group::Inbound,
    about: "The instance's name resolves, its port connects, https answers, and what answers is GitLab.",
    codes: &[
        Code::InstanceUrlNotHttps,
        Code::InstanceUnreachable,
        Code::FrontEndRequiresLogin,
        Code::ClientCertificateRequired,
        Code::TlsVersionUnsupported,
        Code::TlsNoCommonCipher,
        Code::TlsNotSpoken,
        Code::TlsReset,
        Code::TlsTimeout,
    ],
    needs: &[],
    places: doors,
    ask: |subject, _, _| slice(subject, Layer::Dns, Layer::Http),
    judge,
};

fn judge(subject: &Subject, _: Place, seen: Seen) -> Verdict {
    let (Some(url), Some(probe)) = (&subject.instance, page(subject)) else { return no_instance() };
    if url.scheme == Scheme::Http {
        let args = [("url", url.to_string()), ("host", url.target.host.clone())];
        return Verdict::found(Code::InstanceUrlNotHttps, &args.each_ref().map(|(k, v)| (*k, v.as_str())));
    }
    match seen.reached(&probe, Layer::Http) {
        Reached::Here(Reading::Answer(answer)) => answered(url, answer),
        Reached::Failed(failure) => failed(url, failure),
        Reached::Here(_) | Reached::NotYet => Verdict::Unknown("the request ended without a word".to_owned()),
    }
}

fn answered(url: &BaseUrl, answer: &Answer) -> Verdict {
    if let Some(location) = elsewhere(&url.target.host, answer) {
        let (url, host) = (url.to_string(), url.target.host.as_str());
        let args = [("url", url.as_str()), ("host", host), ("location", &location)];
        return Verdict::found(Code::FrontEndRequiresLogin, &args);
    }
    if is_gitlab(answer) && answer.status < 500 {
        let by =
            vendors::server_product(&answer.headers).map(|p| format!(" through {p}")).unwrap_or_default();
        return Verdict::pass(format!("GitLab answers {}{by}.", answer.status));
    }
    let by = vendors::server_product(&answer.headers).map(|p| format!(" by {p}")).unwrap_or_default();
    let words = vendors::words_of(answer);
    let said = if words.is_empty() { String::new() } else { format!(": \"{words}\"") };
    unreachable(url, "http", &format!("{PAGE} is answered {}{by}, not as GitLab does{said}", answer.status))
}

/// GitLab's marks: its own headers, its session cookie, its name on the page.
fn is_gitlab(answer: &Answer) -> bool {
    let cookie = |(n, v): &(String, String)| n == "set-cookie" && v.contains("_gitlab_session");
    answer.headers.get("x-gitlab-meta").is_some()
        || answer.headers.get("x-gitlab-feature-category").is_some()
        || answer.headers.0.iter().any(cookie)
        || (answer.status == 200
            && answer.body.contains("GitLab")
            && answer.headers.get("x-request-id").is_some())
}

fn failed(url: &BaseUrl, failure: &Failure) -> Verdict {
    let port = url.target.port.to_string();
    let certificate_wanted = || {
        let args = [("host", url.target.host.as_str()), ("port", port.as_str())];
        Verdict::found(Code::ClientCertificateRequired, &args)
    };
    match failure {
        Failure::Dns(dns) => {
            let words = match dns.kind {
                DnsKind::NoSuchHost => "the name does not exist",
                DnsKind::NoAddress => "the name has no address",
                DnsKind::ServerFailed => "the resolver fails for this name",
                DnsKind::Timeout => "no resolver answers",
            };
            unreachable(url, "dns", words)
        }
        Failure::Tcp(tcp) => {
            let limit = text::duration(tcp.after);
            unreachable(url, "tcp", &format!("the connection {} (after {limit})", how(tcp.kind)))
        }
        Failure::Tls(tls) if tls.kind == TlsKind::ClientCertificateWanted => certificate_wanted(),
        Failure::Tls(tls) => handshake::judge(tls, url.target.port, "this node's store"),
        Failure::Http(http) => match http.kind {
            HttpKind::ClientCertificateWanted => certificate_wanted(),
            HttpKind::Timeout => unreachable(
                url,
                "http",
                &format!("no answer to the request in {}", text::duration(http.after)),
            ),
            HttpKind::Malformed => {
                unreachable(url, "http", &format!("what answers is no HTTP: {}", http.words))
            }
            HttpKind::Closed => {
                unreachable(url, "http", &format!("the request is cut before an answer: {}", http.words))
            }
        },
        Failure::Proxy(_)
        | Failure::Grpc(_)
        | Failure::WebSocket(_)
        | Failure::Socket(_)
        | Failure::Other { .. } => {
            Verdict::Unknown(format!("the request failed in an unknown way: {failure}"))
        }
    }
}

fn unreachable(url: &BaseUrl, layer: &str, words: &str) -> Verdict {
    let (text, port) = (url.to_string(), url.target.port.to_string());
    let args = [
        ("url", text.as_str()),
        ("host", &url.target.host),
        ("port", &port),
        ("layer", layer),
        ("words", words),
    ];
    Verdict::found(Code::InstanceUnreachable, &args)
}
