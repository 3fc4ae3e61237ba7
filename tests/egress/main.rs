//! The rules of the four stacks as one table, and the same table asked of the real programs.
//!
//! `rows.rs` holds the table. Ruby answers through `net_http.rb`, Go through `http_proxy.go`, curl and gRPC C-core
//! through `wire.py`, which watches whom they connect to.

#[path = "../support/child.rs"]
#[expect(dead_code, reason = "servers are not needed here")]
mod child;
mod decisions;
mod real;
mod rows;

use duo_doctor::egress::{Rules, decide};
use duo_doctor::secret::Secret;
use duo_doctor::subject::Via;
use duo_doctor::subject::address::ProxyUrl;
use duo_doctor::subject::environment::Environment;
use rows::{DIRECT, NOBODY, Row, SOCKS, rows};

/// In the order of the columns.
const RULES: [Rules; 4] = [Rules::Ruby, Rules::Go, Rules::Grpc, Rules::Curl];

/// The way that the rules give, in the words of the table.
fn way(rules: Rules, row: &Row) -> String {
    let environment = Environment::of(row.environment.iter().cloned(), "a row");
    match decide(rules, &row.service(), &environment, &row.addresses).via {
        Via::Direct => DIRECT.to_owned(),
        Via::Proxy(proxy) => with_credentials(&proxy),
        Via::Unusable { why, .. } if why.contains("SOCKS") => SOCKS.to_owned(),
        Via::Unusable { .. } => NOBODY.to_owned(),
    }
}

fn with_credentials(proxy: &ProxyUrl) -> String {
    let credentials = proxy.credentials.as_ref().map(Secret::expose);
    let credentials = credentials.map(|c| format!("{c}@")).unwrap_or_default();
    format!("{}://{credentials}{}", proxy.scheme.as_str(), proxy.target)
}

/// Ends the test with every row that `ways` answers otherwise than the table.
fn must_agree(who: &str, column: usize, ways: &[String]) {
    let rows = rows();
    assert_eq!(ways.len(), rows.len(), "{who} answers every row");
    let differs = |(row, way): (&Row, &String)| {
        let expected = row.ways[column];
        (way != expected).then(|| {
            format!("{:?} to {} {:?}: table {expected}, {who} {way}", row.environment, row.url, row.addresses)
        })
    };
    let wrong: Vec<String> = rows.iter().zip(ways).filter_map(differs).collect();
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_rules_agree_with_the_table() {
    assert!(rows().len() * RULES.len() >= 150);
    for (column, rules) in RULES.into_iter().enumerate() {
        let ways: Vec<String> = rows().iter().map(|row| way(rules, row)).collect();
        must_agree(&format!("our {}", rules.name()), column, &ways);
    }
}
