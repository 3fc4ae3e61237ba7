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
pub struct Signs<'a> {
    /// Answers to requests, whatever their status: a page, the refusal of a WebSocket.
    pub answers: Vec<&'a Answer>,
    /// The answer to a line that is no HTTP: the first server's own.
    pub nonsense: Option<&'a Answer>,
    /// The TLS channel; `None`: plain text, or not seen.
    pub tls: Option<&'a Tls>,
}

/// The server that stands at a door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// `HAProxy`
    pub product: &'static str,
    /// `2.4.71`; `None`: it does not say.
    pub version: Option<String>,
    /// What it was recognised by: `its page for a bad request`.
    pub by: String,
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
pub fn recognise(signs: &Signs) -> Option<Recognised> {
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

/// The server that wrote an answer by itself: the one whose own page it is.
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
    author.map(|product| product.name.as_str())
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
mod tests;
