//! The table of how front ends give themselves away (`assets/front-ends.json`), and whether a sign is seen. What
//! the signs say together is judged by `front_end`.

use crate::failure::certificate::Certificate;
use crate::failure::{Answer, Headers};
use serde::Deserialize;
use std::sync::LazyLock;

#[derive(Deserialize)]
struct Table {
    products: Vec<Product>,
}

/// A server that may stand before GitLab, and its signs.
#[derive(Deserialize)]
pub(super) struct Product {
    /// The word for it everywhere, articles included.
    #[serde(rename = "product")]
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Whether GitLab brings it along: then its name on an ordinary answer says nothing of what stands before it.
    #[serde(default)]
    pub(super) with_gitlab: bool,
    /// Products whose words its own answers may bear.
    #[serde(default)]
    built_on: Vec<String>,
    /// Whether it passes the upgrade to a WebSocket on unless a rule of its own takes it off.
    #[serde(default)]
    pub(super) passes_upgrades: bool,
    pub(super) signs: Vec<Row>,
}

/// What kind of server, in the order of the way from a client: content networks stand before balancers of a cloud
/// or an appliance, and those before software.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// A content network.
    Network,
    /// A cloud's balancer, or an appliance.
    Balancer,
    /// Software whose trade is to pass on.
    Proxy,
    /// A web server that may pass on.
    WebServer,
}

impl Kind {
    /// How near it stands to the client; lower is nearer. Software stands in any order.
    pub(super) fn place(self) -> u8 {
        match self {
            Kind::Network => 0,
            Kind::Balancer => 1,
            Kind::Proxy | Kind::WebServer => 2,
        }
    }

    /// Whether people run it on machines of their own, and its name passes through what stands before it.
    pub(super) fn is_software(self) -> bool {
        match self {
            Kind::Network | Kind::Balancer => false,
            Kind::Proxy | Kind::WebServer => true,
        }
    }
}

/// A sign, and what it is worth.
#[derive(Deserialize)]
pub(super) struct Row {
    pub(super) sign: Sign,
    /// Other servers do the same: it names nobody, and rules out those that do otherwise.
    #[serde(default)]
    pub(super) shared: bool,
    /// Whether who leaves it wrote the answer; `None`: as its kind says.
    #[serde(default)]
    writer: Option<bool>,
}

/// What is seen. Words are in lower case.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Sign {
    /// The first word of `Server`, before its version.
    Server(String),
    /// A word of `Via`, before its version; its start, where it ends in `-`.
    Via(String),
    /// A header that no other product sets, and how its value starts.
    Header {
        name: String,
        #[serde(default)]
        starts: String,
    },
    /// How the name of a cookie starts.
    Cookie(String),
    /// Words of the page that comes with the product.
    Page(String),
    /// What the first server says to a line that is no HTTP: the whole of it.
    BadRequest { reason: String, content_type: Option<String>, body: String },
    /// The words with which it ends an HTTP/2 connection on which no HTTP/2 is spoken.
    Goaway(String),
    /// Words in the subject or the issuer of a certificate.
    Certificate(String),
    /// The first HTTP/2 settings.
    Settings(Vec<(u16, u32)>),
}

/// A sign that was seen.
pub(super) struct Seen {
    /// `its Server header`
    pub(super) by: String,
    /// The version that stands beside it.
    pub(super) version: Option<String>,
}

/// Every product, in the order in which they are named where one answer names several.
pub(super) static PRODUCTS: LazyLock<Vec<Product>> = LazyLock::new(|| {
    serde_json::from_str::<Table>(include_str!("../../../assets/front-ends.json"))
        .expect("the embedded list of front ends is valid JSON")
        .products
});

impl Product {
    /// Whether answers that look like another product's may be its own.
    pub(super) fn is_built_on(&self, other: &Product) -> bool {
        self.built_on.contains(&other.name)
    }
}

impl Row {
    /// Whether who leaves this sign wrote the answer: pages and `Server` say so, other headers are added on the way.
    pub(super) fn tells_writer(&self) -> bool {
        self.writer.unwrap_or(match self.sign {
            Sign::Server(_) | Sign::Page(_) => !self.shared,
            Sign::Via(_)
            | Sign::Header { .. }
            | Sign::Cookie(_)
            | Sign::BadRequest { .. }
            | Sign::Goaway(_)
            | Sign::Certificate(_)
            | Sign::Settings(_) => false,
        })
    }
}

impl Sign {
    /// Whether headers show it.
    pub(super) fn in_headers(&self, headers: &Headers) -> Option<Seen> {
        match self {
            Sign::Server(word) => {
                let first = |value| words(value).next().filter(|(name, _)| name == word);
                let (_, version) = values(headers, "server").find_map(first)?;
                Some(Seen { by: "its Server header".to_owned(), version })
            }
            Sign::Via(word) => {
                let is = |name: &str| name == word || (word.ends_with('-') && name.starts_with(word));
                let mut said = values(headers, "via").flat_map(words).filter(|(name, _)| is(name)).peekable();
                said.peek()?;
                let version = said.find_map(|(_, version)| version);
                Some(Seen { by: "its Via header".to_owned(), version })
            }
            Sign::Header { name, starts } => values(headers, name)
                .any(|value| value.to_lowercase().starts_with(&starts.to_lowercase()))
                .then(|| Seen { by: format!("its header {name}"), version: None }),
            Sign::Cookie(start) => {
                let cookie = values(headers, "set-cookie").find(|v| v.to_lowercase().starts_with(start))?;
                let name = cookie.split('=').next().unwrap_or(cookie);
                Some(Seen { by: format!("its cookie {name}"), version: None })
            }
            Sign::Page(_)
            | Sign::BadRequest { .. }
            | Sign::Goaway(_)
            | Sign::Certificate(_)
            | Sign::Settings(_) => None,
        }
    }

    /// Whether an answer to a request shows it.
    pub(super) fn in_answer(&self, answer: &Answer) -> Option<Seen> {
        match self {
            Sign::Page(page) => {
                let (_, behind) = answer.body.split_once(page.as_str())?;
                let version = behind.strip_prefix('/').and_then(version);
                Some(Seen { by: "its own page".to_owned(), version })
            }
            Sign::Server(_) | Sign::Via(_) | Sign::Header { .. } | Sign::Cookie(_) => {
                self.in_headers(&answer.headers)
            }
            Sign::BadRequest { .. } | Sign::Goaway(_) | Sign::Certificate(_) | Sign::Settings(_) => None,
        }
    }

    /// Whether the answer to a line that is no HTTP shows it.
    pub(super) fn in_nonsense(&self, answer: &Answer) -> Option<Seen> {
        match self {
            Sign::BadRequest { reason, content_type, body } => {
                let is = answer.status == 400
                    && answer.reason == *reason
                    && answer.headers.get("content-type") == content_type.as_deref()
                    && answer.body.trim() == body;
                is.then(|| Seen { by: "its answer to a bad request".to_owned(), version: None })
            }
            Sign::Goaway(words) => {
                let is = answer.reason.starts_with("GOAWAY") && answer.body.trim() == words;
                is.then(|| Seen { by: "the words of its GOAWAY".to_owned(), version: None })
            }
            Sign::Page(_) => {
                Some(Seen { by: "its page for a bad request".to_owned(), ..self.in_answer(answer)? })
            }
            Sign::Server(_) | Sign::Via(_) | Sign::Header { .. } | Sign::Cookie(_) => {
                let seen = self.in_headers(&answer.headers)?;
                Some(Seen { by: format!("{} on a bad request", seen.by), version: seen.version })
            }
            Sign::Certificate(_) | Sign::Settings(_) => None,
        }
    }

    /// Whether the chain that is shown bears it.
    pub(super) fn in_chain(&self, chain: &[Certificate]) -> Option<Seen> {
        let Sign::Certificate(words) = self else { return None };
        let says = |name: &str| name.to_lowercase().contains(words);
        chain
            .iter()
            .any(|c| says(&c.subject) || says(&c.issuer))
            .then(|| Seen { by: "its certificate".to_owned(), version: None })
    }

    /// Whether the first HTTP/2 settings are these.
    pub(super) fn in_settings(&self, first: &[(u16, u32)]) -> Option<Seen> {
        let Sign::Settings(settings) = self else { return None };
        (settings == first).then(|| Seen { by: "its HTTP/2 settings".to_owned(), version: None })
    }
}

fn values<'a>(headers: &'a Headers, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
}

/// `1.1 proxy (squid/5.7)` taken apart: words in lower case, each with the version that follows it.
fn words(value: &str) -> impl Iterator<Item = (String, Option<String>)> {
    value.split([' ', ',', ';', '(', ')']).filter(|word| !word.is_empty()).map(|word| {
        let (name, after) = word.split_once('/').map_or((word, None), |(name, after)| (name, Some(after)));
        (name.to_lowercase(), after.and_then(version))
    })
}

/// What a text starts with, if that is a version.
fn version(text: &str) -> Option<String> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || ".-_".contains(c))).unwrap_or(text.len());
    let version = &text[..end.min(24)];
    version.starts_with(|c: char| c.is_ascii_digit()).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeMap;

    fn asset() -> Value {
        serde_json::from_str(include_str!("../../../assets/front-ends.json")).expect("the asset is JSON")
    }

    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().expect("an object").keys().map(String::as_str).collect()
    }

    #[test]
    fn every_row_says_where_it_was_seen_and_no_key_is_misspelt() {
        let asset = asset();
        assert_eq!(keys(&asset), ["about", "date", "measured_with", "left_out", "products"]);
        for product in asset["products"].as_array().expect("products") {
            let known = ["product", "kind", "with_gitlab", "built_on", "passes_upgrades", "signs"];
            assert!(keys(product).iter().all(|k| known.contains(k)), "{product}");
            for row in product["signs"].as_array().expect("signs") {
                assert!(
                    keys(row).iter().all(|k| ["sign", "shared", "writer", "seen"].contains(k)),
                    "{row} in {}",
                    product["product"]
                );
                let seen = row["seen"].as_str().unwrap_or_default();
                assert!(seen.starts_with("measured") || seen.starts_with("documented: "), "{row}");
            }
        }
        let wrong = r#"{ "products": [ { "product": "X", "kind": "proxy", "signs": [ { "seen": "" } ] } ] }"#;
        assert!(serde_json::from_str::<Table>(wrong).is_err(), "a row without a sign");
        let wrong = wrong.replace("\"seen\": \"\"", "\"sign\": { \"colour\": \"red\" }");
        assert!(serde_json::from_str::<Table>(&wrong).is_err(), "a sign of an unknown kind");
    }

    #[test]
    fn words_of_the_table_can_be_found_as_they_are_written() {
        for row in PRODUCTS.iter().flat_map(|p| &p.signs) {
            let word = match &row.sign {
                Sign::Server(word) | Sign::Via(word) | Sign::Cookie(word) | Sign::Certificate(word) => word,
                Sign::Header { name, .. } => name,
                Sign::Page(_) | Sign::BadRequest { .. } | Sign::Goaway(_) | Sign::Settings(_) => continue,
            };
            assert_eq!(*word, word.to_lowercase());
        }
    }

    #[test]
    fn a_sign_of_two_products_is_shared_by_both() {
        let mut by_sign: BTreeMap<String, Vec<(String, bool)>> = BTreeMap::new();
        for product in asset()["products"].as_array().expect("products") {
            for row in product["signs"].as_array().expect("signs") {
                let name = product["product"].as_str().expect("a name").to_owned();
                let shared = row["shared"].as_bool().unwrap_or(false);
                by_sign.entry(row["sign"].to_string()).or_default().push((name, shared));
            }
        }
        for (sign, owners) in by_sign {
            assert!(owners.len() == 1 || owners.iter().all(|(_, shared)| *shared), "{sign}: {owners:?}");
        }
    }

    #[test]
    fn what_a_product_is_built_on_stands_in_the_table() {
        for product in PRODUCTS.iter() {
            let known = |name: &String| PRODUCTS.iter().any(|p| p.name == *name);
            assert!(product.built_on.iter().all(known), "{}", product.name);
        }
    }

    #[test]
    fn a_version_is_what_follows_a_word_and_starts_with_a_digit() {
        let first = |value| words(value).next().expect("a word");
        assert_eq!(first("Apache/2.4.71 (Debian)"), ("apache".to_owned(), Some("2.4.71".to_owned())));
        assert_eq!(first("nginx"), ("nginx".to_owned(), None));
        assert_eq!(first("Microsoft-Azure-Application-Gateway/v2").1, None);
        assert_eq!(first("x/1<script>").1.as_deref(), Some("1"));
    }
}
