//! The table: an environment and a target, and the way that each of the four stacks takes. The real programs are asked
//! the same rows.

use duo_doctor::subject::address::BaseUrl;
use std::net::IpAddr;

/// The order of the columns.
pub(crate) const COLUMNS: [&str; 4] = ["ruby", "go", "grpc", "curl"];

/// Straight to the target.
pub(crate) const DIRECT: &str = "direct";

/// The proxy that most rows name.
pub(crate) const SQUID: &str = "http://squid:3128";

/// Nobody is asked: the value is unusable.
pub(crate) const NOBODY: &str = "nobody";

/// A SOCKS proxy, which the program cannot walk through: unusable to it, usable to the stack.
pub(crate) const SOCKS: &str = "socks";

/// One row.
pub(crate) struct Row {
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) url: String,
    /// What the name is known to have; only Ruby looks.
    pub(crate) addresses: Vec<IpAddr>,
    /// The ways, in the order of the columns.
    pub(crate) ways: [&'static str; 4],
}

impl Row {
    /// Where the row leads to.
    pub(crate) fn service(&self) -> BaseUrl {
        self.url.parse().expect("a row has a URL")
    }
}

type Ways = [&'static str; 4];

fn row(url: &str, environment: &[&str], ways: Ways) -> Row {
    let pair = |text: &&str| {
        let (name, value) = text.split_once('=').expect("NAME=value");
        (name.to_owned(), value.to_owned())
    };
    let environment = environment.iter().map(pair).collect();
    Row { environment, url: url.to_owned(), addresses: Vec::new(), ways }
}

/// Variables, for the cloud's https.
fn https(environment: &[&str], ways: Ways) -> Row {
    row("https://cloud.gitlab.com", environment, ways)
}

/// Variables, for a gateway's plain http.
fn http(environment: &[&str], ways: Ways) -> Row {
    row("http://aigw.example.com", environment, ways)
}

/// A value that every stack reads.
fn value(value: &str, ways: Ways) -> Row {
    https(&[&format!("http_proxy={value}"), &format!("https_proxy={value}")], ways)
}

/// A list beside a proxy that every stack reads; for a target by name.
fn list(list: &str, ways: Ways) -> Row {
    listed("https://cloud.gitlab.com", list, ways)
}

/// The same for another target.
fn listed(url: &str, list: &str, ways: Ways) -> Row {
    let proxy = |name: &str| format!("{name}={SQUID}");
    row(url, &[&proxy("http_proxy"), &proxy("https_proxy"), &format!("no_proxy={list}")], ways)
}

fn known(address: &str, row: Row) -> Row {
    Row { addresses: vec![address.parse().expect("an address")], ..row }
}

const D: &str = DIRECT;
const S: &str = SQUID;
const N: &str = NOBODY;

/// Every row; each counts four times.
pub(crate) fn rows() -> Vec<Row> {
    [variables(), values(), credentials(), names(), addresses()].into_iter().flatten().collect()
}

/// Which variable is read.
fn variables() -> Vec<Row> {
    vec![
        //                                                                 Ruby Go gRPC curl
        https(&[], [D, D, D, D]),
        https(&["http_proxy=http://squid:3128"], [S, D, S, D]),
        https(&["HTTP_PROXY=http://squid:3128"], [S, D, D, D]),
        https(&["https_proxy=http://squid:3128"], [D, S, S, S]),
        https(&["HTTPS_PROXY=http://squid:3128"], [D, S, D, S]),
        https(&["all_proxy=http://squid:3128"], [D, D, D, S]),
        https(&["ALL_PROXY=http://squid:3128"], [D, D, D, S]),
        https(&["grpc_proxy=http://squid:3128"], [D, D, S, D]),
        https(&["GRPC_PROXY=http://squid:3128"], [D, D, D, D]),
        https(&["no_proxy=gitlab.com"], [D, D, D, D]),
        https(
            &["https_proxy=http://low:3128", "HTTPS_PROXY=http://up:3128"],
            [D, "http://up:3128", "http://low:3128", "http://low:3128"],
        ),
        https(
            &["http_proxy=http://low:3128", "HTTP_PROXY=http://up:3128"],
            ["http://low:3128", D, "http://low:3128", D],
        ),
        https(
            &["http_proxy=http://a:3128", "https_proxy=http://b:3128", "grpc_proxy=http://c:3128"],
            ["http://a:3128", "http://b:3128", "http://c:3128", "http://b:3128"],
        ),
        https(&["https_proxy=http://squid:3128", "all_proxy=http://all:3128"], [D, S, S, S]),
        https(&["http_proxy=", "HTTP_PROXY=http://squid:3128"], [D, D, D, D]),
        https(&["HTTPS_PROXY=", "https_proxy=http://squid:3128"], [D, S, S, S]),
        https(&["https_proxy=", "HTTPS_PROXY=http://squid:3128"], [D, S, D, S]),
        https(&["https_proxy=", "http_proxy=http://squid:3128"], [S, D, D, D]),
        https(&["https_proxy=", "all_proxy=http://squid:3128"], [D, D, D, S]),
        https(&["grpc_proxy=", "https_proxy=http://squid:3128"], [D, S, D, S]),
        https(&["http_proxy=http://squid:3128", "REQUEST_METHOD=GET"], [S, D, S, D]),
        https(&["HTTP_PROXY=http://squid:3128", "REQUEST_METHOD=GET"], [D, D, D, D]),
        https(&["HTTPS_PROXY=http://squid:3128", "REQUEST_METHOD=GET"], [D, S, D, S]),
        https(&["CGI_HTTP_PROXY=http://squid:3128", "REQUEST_METHOD=GET"], [S, D, D, D]),
        https(&["CGI_HTTP_PROXY=http://squid:3128"], [D, D, D, D]),
        https(
            &["http_proxy=http://low:3128", "HTTP_PROXY=http://up:3128", "REQUEST_METHOD="],
            ["http://low:3128", D, "http://low:3128", D],
        ),
        http(&["http_proxy=http://squid:3128"], [S, S, S, S]),
        http(&["HTTP_PROXY=http://squid:3128"], [S, S, D, D]),
        http(&["https_proxy=http://squid:3128"], [D, D, S, D]),
        http(&["HTTPS_PROXY=http://squid:3128"], [D, D, D, D]),
        http(&["all_proxy=http://squid:3128"], [D, D, D, S]),
        http(&["HTTP_PROXY=http://squid:3128", "ALL_PROXY=http://all:3128"], [S, S, D, "http://all:3128"]),
        http(&["http_proxy=http://squid:3128", "https_proxy=http://tls:3128"], [S, S, "http://tls:3128", S]),
        http(&["http_proxy=http://squid:3128", "REQUEST_METHOD=GET"], [S, N, S, S]),
        http(&["http_proxy=http://squid:3128", "REQUEST_METHOD=GET", "no_proxy=*"], [S, N, S, D]),
        http(&["http_proxy=http://squid:3128", "REQUEST_METHOD="], [S, S, S, S]),
        http(&["http_proxy=http://squid:3128", "no_proxy=example.com"], [D, D, D, D]),
        // Which list is read.
        https(
            &["http_proxy=http://squid:3128", "https_proxy=http://squid:3128", "NO_PROXY=gitlab.com"],
            [D, D, S, D],
        ),
        https(
            &[
                "http_proxy=http://squid:3128",
                "https_proxy=http://squid:3128",
                "no_proxy=other.org",
                "NO_PROXY=gitlab.com",
            ],
            [S, D, S, S],
        ),
        https(
            &[
                "http_proxy=http://squid:3128",
                "https_proxy=http://squid:3128",
                "no_proxy=",
                "NO_PROXY=gitlab.com",
            ],
            [S, D, S, D],
        ),
        https(
            &["http_proxy=http://squid:3128", "https_proxy=http://squid:3128", "no_grpc_proxy=gitlab.com"],
            [S, S, D, S],
        ),
        https(
            &[
                "http_proxy=http://squid:3128",
                "https_proxy=http://squid:3128",
                "no_grpc_proxy=",
                "no_proxy=gitlab.com",
            ],
            [D, D, S, D],
        ),
        https(
            &["http_proxy=http://squid:3128", "https_proxy=http://squid:3128", "NO_GRPC_PROXY=gitlab.com"],
            [S, S, S, S],
        ),
    ]
}

/// What a value is good for.
fn values() -> Vec<Row> {
    vec![
        //                                   Ruby Go gRPC curl
        value("http://squid:3128", [S, S, S, S]),
        value("HTTP://squid:3128", [S, S, S, S]),
        value("http://squid:3128/", [S, S, S, S]),
        value("http://squid:3128/path", [S, S, S, S]),
        value("http://squid:3128?x", [S, S, S, S]),
        value("http://squid:3128#x", [S, S, S, S]),
        value("http://SQUID:3128", [S, S, S, S]),
        value("http://my_squid:3128", ["http://my_squid:3128"; 4]),
        value("squid:3128", [N, S, D, S]),
        value("squid", [N, "http://squid:80", D, "http://squid:1080"]),
        value("squid:", [N, "http://squid:80", D, N]),
        value("127.0.0.9:3128", [N, "http://127.0.0.9:3128", D, "http://127.0.0.9:3128"]),
        value("http://127.0.0.9", ["http://127.0.0.9:80", "http://127.0.0.9:80", N, "http://127.0.0.9:1080"]),
        value("http://[::1]", ["http://[::1]:80", "http://[::1]:80", N, "http://[::1]:1080"]),
        value("http://http://squid:3128", [N, N, N, N]),
        value("http://squid:3128?", [S, S, D, S]),
        value("//squid:3128", [S, N, D, N]),
        value("http//squid:3128", [N, N, D, N]),
        value("http:squid:3128", [N, N, D, N]),
        value("http:/squid:3128", [N, N, D, S]),
        value("http:///squid:3128", [N, N, D, S]),
        value("http:////squid:3128", [N, N, D, N]),
        value(
            "http://squid",
            ["http://squid:80", "http://squid:80", "http://squid:443", "http://squid:1080"],
        ),
        value(
            "http://squid:",
            ["http://squid:80", "http://squid:80", "http://squid:443", "http://squid:1080"],
        ),
        value("https://squid:8443", ["http://squid:8443", "https://squid:8443", D, "https://squid:8443"]),
        value("https://squid", ["http://squid:443", "https://squid:443", D, "https://squid:443"]),
        value("socks5://squid:1080", ["http://squid:1080", SOCKS, D, SOCKS]),
        value("socks5://squid", [N, SOCKS, D, SOCKS]),
        value("socks5h://squid:1080", ["http://squid:1080", N, D, SOCKS]),
        value("socks4://squid:1080", ["http://squid:1080", N, D, SOCKS]),
        value("socks4a://squid:1080", ["http://squid:1080", N, D, SOCKS]),
        value("ftp://squid:3128", [S, N, D, N]),
        value("ftp.squid:3128", [N, "http://ftp.squid:3128", D, N]),
        value("http://[::1]:3128", ["http://[::1]:3128"; 4]),
        value("[::1]:3128", [N, "http://[::1]:3128", D, "http://[::1]:3128"]),
        value("http://::1:3128", [N, "http://[::1]:3128", N, N]),
        value("http://", [N, N, D, N]),
        value("http://:3128", [N, N, N, N]),
        value("http://squid:0", [N, N, N, N]),
        value("http://squid:99999", [N, N, N, N]),
        value("http://squid:31x8", [N, N, N, N]),
        value("http://sq uid:3128", [N, N, N, N]),
        value("http://squid:3128,http://b:1", [N, N, N, N]),
        value(" http://squid:3128", [N, D, D, N]),
        value("http://squid:3128 ", [N, N, S, N]),
        value("\"http://squid:3128\"", [N, N, D, N]),
        value("'http://squid:3128'", [N, N, D, N]),
        value("\"squid:3128\"", [N, D, D, N]),
        value("squid:31 28", [N, N, D, N]),
        value(" ", [N, N, D, N]),
    ]
}

/// Names and passwords in a value.
fn credentials() -> Vec<Row> {
    const PW: &str = "http://user:p@ss@squid:3128";
    vec![
        //                                              Ruby Go gRPC curl
        value("http://user:pw@squid:3128", ["http://user:pw@squid:3128"; 4]),
        value("http://user:p:w@squid:3128", ["http://user:p:w@squid:3128"; 4]),
        value("http://user:p%40ss@squid:3128", [PW; 4]),
        value("http://user:p@ss@squid:3128", [N, PW, PW, N]),
        value(
            "http://user@squid:3128",
            [
                "http://user:@squid:3128",
                "http://user:@squid:3128",
                "http://user@squid:3128",
                "http://user:@squid:3128",
            ],
        ),
        value(
            "http://us+er:p+s@squid:3128",
            [
                "http://us er:p s@squid:3128",
                "http://us+er:p+s@squid:3128",
                "http://us+er:p+s@squid:3128",
                "http://us+er:p+s@squid:3128",
            ],
        ),
        value("user:pw@squid:3128", [N, "http://user:pw@squid:3128", D, "http://user:pw@squid:3128"]),
        value("http://user:p#ss@squid:3128", [N, N, N, N]),
        value("http://user:p/ss@squid:3128", [N, N, N, N]),
        value("http://user:p?ss@squid:3128", [N, N, N, N]),
        value(
            "http://user:p^s@squid:3128",
            [N, N, "http://user:p^s@squid:3128", "http://user:p^s@squid:3128"],
        ),
        value(
            "http://user:p\\s@squid:3128",
            [N, N, "http://user:p\\s@squid:3128", "http://user:p\\s@squid:3128"],
        ),
        value("http://user:p ss@squid:3128", [N, N, "http://user:p ss@squid:3128", N]),
        value(
            "http://user:p%zz@squid:3128",
            [N, D, "http://user:p%zz@squid:3128", "http://user:p%zz@squid:3128"],
        ),
    ]
}

/// Entries for a target by name.
fn names() -> Vec<Row> {
    let apex = "https://gitlab.com";
    vec![
        //                                    Ruby Go gRPC curl
        list("", [S, S, S, S]),
        list(" ", [S, S, D, S]),
        list("cloud.gitlab.com", [D, D, D, D]),
        list("gitlab.com", [D, D, D, D]),
        list("GitLab.COM", [D, D, D, D]),
        list("com", [D, D, D, D]),
        list("lab.com", [S, S, D, S]),
        list("other.org", [S, S, S, S]),
        list("cloud.gitlab.com.example.org", [S, S, S, S]),
        list(".gitlab.com", [D, D, D, D]),
        listed(apex, ".gitlab.com", [S, S, S, D]),
        listed(apex, "gitlab.com", [D, D, D, D]),
        listed(apex, "cloud.gitlab.com", [S, S, S, S]),
        listed(apex, "*.gitlab.com", [S, S, S, S]),
        list(".com", [D, D, D, D]),
        list("gitlab.com.", [S, S, S, D]),
        list("*", [S, D, S, D]),
        list("*,other.org", [S, D, S, S]),
        list("other.org,*", [S, D, S, S]),
        list(" * ", [S, D, S, S]),
        list("*.gitlab.com", [S, D, S, S]),
        list("*gitlab.com", [S, S, S, S]),
        list("cloud.*", [S, S, S, S]),
        list("cloud.gitlab.com:443", [D, D, S, S]),
        list("cloud.gitlab.com:8443", [S, S, S, S]),
        list("gitlab.com:443", [D, D, S, S]),
        list(".gitlab.com:443", [D, D, S, S]),
        list("cloud.gitlab.com:", [D, D, S, S]),
        list("cloud.gitlab.com:https", [D, S, S, S]),
        list(":443", [S, S, S, S]),
        listed("https://cloud.gitlab.com:8443", "cloud.gitlab.com:8443", [D, D, S, S]),
        listed("https://cloud.gitlab.com:8443", "cloud.gitlab.com:443", [S, S, S, S]),
        list("https://cloud.gitlab.com", [S, S, S, S]),
        list("other.org,gitlab.com", [D, D, D, D]),
        list("other.org, gitlab.com", [D, D, D, D]),
        list("other.org ,gitlab.com", [D, D, D, D]),
        list("other.org gitlab.com", [D, S, S, D]),
        list("gitlab.com other.org", [D, S, S, D]),
        list("other.org\tgitlab.com", [D, S, S, D]),
        list("other.org,,gitlab.com", [D, D, D, D]),
        list("other.org,", [S, S, S, S]),
        list("other.org, ", [S, S, D, S]),
        list("other.org;gitlab.com", [S, S, S, S]),
        list("other.org|gitlab.com", [S, S, S, S]),
        list("10.0.0.0/8", [S, S, S, S]),
        known("10.1.2.3", list("10.0.0.0/8", [D, S, S, S])),
        known("10.1.2.3", list("10.1.2.3", [D, S, S, S])),
        known("10.1.2.3", list("10.0.0.0/255.0.0.0", [D, S, S, S])),
        known("10.1.2.3", list("10.0.0.0/8:443", [D, S, S, S])),
        known("11.1.2.3", list("10.0.0.0/8", [S, S, S, S])),
        known("fd00::1", list("fd00::/8", [S, S, S, S])),
        known("127.0.0.1", list("other.org", [D, S, S, S])),
        known("::1", list("other.org", [D, S, S, S])),
    ]
}

/// Entries for a target by address, and loopback.
fn addresses() -> Vec<Row> {
    let four = "https://10.1.2.3";
    let six = "https://[fd00::1]";
    vec![
        //                                          Ruby Go gRPC curl
        listed(four, "10.1.2.3", [D, D, D, D]),
        listed(four, "10.0.0.0/8", [D, D, D, D]),
        listed(four, "10.9.9.9/8", [D, D, D, D]),
        listed(four, "11.0.0.0/8", [S, S, S, S]),
        listed(four, "10.1.2.3/32", [D, D, D, D]),
        listed(four, "10.0.0.0/33", [S, S, S, S]),
        listed(four, "10.1.2.3/33", [S, S, D, S]),
        listed(four, "0.0.0.0/0", [D, D, D, S]),
        listed(four, "10.0.0.0/255.0.0.0", [D, S, S, S]),
        listed(four, "10.1.2.3:443", [D, D, S, S]),
        listed(four, "10.1.2.3:80", [S, S, S, S]),
        listed(four, "10.1.", [S, S, S, S]),
        listed(four, "10.1.2", [S, S, S, S]),
        listed(four, "2.3", [D, D, D, S]),
        listed(four, "10.1.2.*", [S, S, S, S]),
        listed(four, "*", [S, D, S, D]),
        listed(six, "fd00::1", [S, D, D, D]),
        listed(six, "FD00::1", [S, D, D, D]),
        listed(six, "fd00:0::1", [S, D, S, S]),
        listed(six, "[fd00::1]", [S, S, S, S]),
        listed(six, "[fd00::1]:443", [S, D, S, S]),
        listed(six, "fd00::/8", [S, D, D, S]),
        listed(six, "fe80::/10", [S, S, S, S]),
        listed(six, "::/0", [S, D, D, S]),
        listed("https://localhost", "other.org", [D, D, S, S]),
        listed("https://localhost", "localhost", [D, D, D, D]),
        listed("https://127.0.0.1", "other.org", [D, D, S, S]),
        listed("https://127.8.8.8", "other.org", [D, D, S, S]),
        listed("https://[::1]", "other.org", [D, D, S, S]),
        listed("http://127.0.0.1", "", [D, D, S, S]),
    ]
}
