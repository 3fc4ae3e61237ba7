//! Which product stands at a door, as its answers name it.

use super::hops;
use super::lost::{FRONT, NGINX, WORKHORSE};
use crate::checks::front_end::{Recognised, Signs, recognise};
use crate::failure::Headers;
use crate::probe::{Probe, Reading, Sample, Then};
use crate::run::ProbeState;
use crate::subject::place::Door;
use crate::text;
use crate::tui::model::Model;
use crate::tui::model::doors;

/// A product, as the answers at a door name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// `Apache`
    pub name: String,
    /// `2.4.57`; empty: not said.
    pub version: String,
    /// How it is known.
    pub by: String,
    /// Whether it may be what stands behind: read from a header that may have passed through, or NGINX, which GitLab
    /// brings itself.
    pub is_guess: bool,
}

/// Which product stands at a door.
pub fn of(model: &Model, door: Door) -> Option<Product> {
    let server = server(model, door);
    // A finding may name a product that stands further in.
    let own = |hop: &str| match door {
        Door::Public => hop.is_empty() || hop == FRONT,
        Door::Nginx => hop == NGINX,
        Door::Workhorse => hop == WORKHORSE,
    };
    let found = doors::steps(&model.run, door).flat_map(|(_, s)| s.findings()).filter(|f| own(f.arg("hop")));
    let named = found.map(|f| f.arg("product")).find(|p| !p.is_empty() && *p != "unknown");
    let (name, version) = match &server {
        Some(server) => parts(server),
        None => (String::new(), String::new()),
    };
    let recognised = recognised(model, door);
    match (named, recognised) {
        (named, Some(server)) if named.is_none_or(|product| product.eq_ignore_ascii_case(server.product)) => {
            Some(Product {
                name: server.product.to_owned(),
                version: text::foreign(&server.version.unwrap_or_default()),
                by: format!("by {}", server.by),
                // The node's own NGINX looks like any other.
                is_guess: named.is_none() && server.product == "NGINX",
            })
        }
        (Some(product), _) => Some(Product {
            name: text::foreign(product),
            version: if product.eq_ignore_ascii_case(&name) { version } else { String::new() },
            by: if product.starts_with("bundled") {
                "by this node's files".to_owned()
            } else {
                "by the marks on its answers".to_owned()
            },
            is_guess: false,
        }),
        (None, _) if name.is_empty() => None,
        (None, _) => Some(Product { name, version, by: "by its Server header".to_owned(), is_guess: true }),
    }
}

/// The server at a door, by everything that it showed there.
fn recognised(model: &Model, door: Door) -> Option<Recognised> {
    let probes: Vec<&ProbeState> = hops::probes_at(model, door).collect();
    let is_nonsense = |p: &ProbeState| matches!(&p.what, Probe::Walk(walk) if walk.then == Then::Nonsense);
    let answers = |wanted: bool| {
        let asked = probes.iter().filter(move |p| is_nonsense(p) == wanted);
        asked.flat_map(|p| &p.samples).filter_map(hops::answer_of)
    };
    let tls = probes.iter().flat_map(|p| &p.samples).find_map(|sample| match sample.reading() {
        Some(Reading::Tls(tls)) => Some(&**tls),
        _ => None,
    });
    recognise(&Signs { answers: answers(false).collect(), nonsense: answers(true).next(), tls })
}

/// The `Server` header of the answers at a door.
fn server(model: &Model, door: Door) -> Option<String> {
    let header = |s: &Sample| headers(s)?.get("server").map(text::foreign);
    // What a line that is no HTTP is answered with is the first server's own; other answers may have passed through.
    let is_own = |p: &&ProbeState| matches!(&p.what, Probe::Walk(walk) if walk.then == Then::Nonsense);
    let own = hops::probes_at(model, door).filter(is_own).flat_map(|p| &p.samples).find_map(header);
    own.or_else(|| hops::probes_at(model, door).flat_map(|p| &p.samples).find_map(header))
}

/// The headers of an answer over HTTP.
fn headers(sample: &Sample) -> Option<&Headers> {
    match (sample.reading(), sample.failure()) {
        (Some(Reading::Upgraded(up)), _) => Some(&up.headers),
        _ => Some(&hops::answer_of(sample)?.headers),
    }
}

/// `Apache/2.4.57 (Debian)` as a name and a version, the name as its makers write it.
fn parts(server: &str) -> (String, String) {
    let first = server.split_whitespace().next().unwrap_or_default();
    let (name, version) = first.split_once('/').unwrap_or((first, ""));
    let name = match name.to_ascii_lowercase().as_str() {
        "nginx" => "NGINX".to_owned(),
        "cloudflare" => "Cloudflare".to_owned(),
        "haproxy" => "HAProxy".to_owned(),
        "microsoft-iis" => "IIS".to_owned(),
        _ => name.chars().take(20).collect(),
    };
    (name, version.chars().take(12).collect())
}
