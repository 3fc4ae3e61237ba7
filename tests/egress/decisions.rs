//! What a decision says beside the way: which variable and entry decided, what is ignored, what is not understood.

use crate::RULES;
use crate::rows::SQUID;
use duo_doctor::egress::{Decision, Rules, decide};
use duo_doctor::subject::Via;
use duo_doctor::subject::environment::Environment;

fn decision(rules: Rules, url: &str, environment: &[(&str, &str)]) -> Decision {
    let pairs = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    decide(rules, &url.parse().expect("a URL"), &Environment::of(pairs, "a test"), &[])
}

/// What decides on the way to the cloud, per stack.
#[track_caller]
fn sources(environment: &[(&str, &str)], expected: [&str; 4]) {
    let source = |rules| decision(rules, "https://cloud.gitlab.com", environment).source();
    assert_eq!(RULES.map(source), expected, "{environment:?}");
}

#[test]
fn a_decision_names_what_decided() {
    const NONE: &str = "no proxy variable applies";
    sources(&[], [NONE; 4]);
    sources(&[("no_proxy", "gitlab.com")], [NONE; 4]);
    sources(&[("http_proxy", SQUID)], ["http_proxy", NONE, "http_proxy", NONE]);
    sources(&[("HTTP_PROXY", SQUID)], ["HTTP_PROXY", NONE, NONE, NONE]);
    sources(&[("HTTPS_PROXY", SQUID)], [NONE, "HTTPS_PROXY", NONE, "HTTPS_PROXY"]);
    sources(&[("ALL_PROXY", SQUID)], [NONE, NONE, NONE, "ALL_PROXY"]);
    sources(
        &[("http_proxy", SQUID), ("https_proxy", SQUID), ("no_proxy", "a, .GitLab.com")],
        ["no_proxy has .GitLab.com"; 4],
    );
    sources(
        &[("http_proxy", SQUID), ("https_proxy", SQUID), ("no_proxy", "a, ")],
        ["http_proxy", "https_proxy", "no_proxy has an entry of blanks", "https_proxy"],
    );
    sources(
        &[("https_proxy", "squid:3128")],
        [NONE, "https_proxy", "https_proxy is passed over", "https_proxy"],
    );
    let local = decision(Rules::Go, "https://localhost", &[("https_proxy", SQUID)]);
    assert_eq!(local.source(), "the loopback rule has localhost");
}

/// The variables that are ignored on the way to a URL, per stack.
#[track_caller]
fn ignores(url: &str, environment: &[(&str, &str)], expected: [&str; 4]) {
    let ignored = |rules| decision(rules, url, environment).ignored.join(" ");
    assert_eq!(RULES.map(ignored), expected, "{environment:?} to {url}");
}

#[test]
fn a_variable_that_is_never_read_is_ignored_and_one_in_the_shadow_of_another_is_not() {
    let https = "https://cloud.gitlab.com";
    ignores(https, &[], [""; 4]);
    ignores(https, &[("https_proxy", "")], [""; 4]);
    ignores(https, &[("https_proxy", SQUID)], ["https_proxy", "", "", ""]);
    ignores(https, &[("HTTPS_PROXY", SQUID)], ["HTTPS_PROXY", "", "HTTPS_PROXY", ""]);
    ignores(https, &[("HTTP_PROXY", SQUID)], ["", "HTTP_PROXY", "HTTP_PROXY", "HTTP_PROXY"]);
    ignores(https, &[("http_proxy", SQUID)], ["", "http_proxy", "", "http_proxy"]);
    ignores(
        https,
        &[("http_proxy", SQUID), ("HTTP_PROXY", SQUID)],
        ["", "http_proxy HTTP_PROXY", "HTTP_PROXY", "http_proxy HTTP_PROXY"],
    );
    ignores(https, &[("all_proxy", SQUID)], ["all_proxy", "all_proxy", "all_proxy", ""]);
    ignores(https, &[("grpc_proxy", SQUID), ("GRPC_PROXY", SQUID)], ["", "", "GRPC_PROXY", ""]);
    ignores(
        https,
        &[("http_proxy", ""), ("HTTP_PROXY", SQUID)],
        ["HTTP_PROXY", "HTTP_PROXY", "HTTP_PROXY", "HTTP_PROXY"],
    );
    ignores(https, &[("grpc_proxy", ""), ("https_proxy", SQUID)], ["https_proxy", "", "https_proxy", ""]);
    ignores(
        https,
        &[("REQUEST_METHOD", "GET"), ("HTTP_PROXY", SQUID)],
        ["HTTP_PROXY", "HTTP_PROXY", "HTTP_PROXY", "HTTP_PROXY"],
    );
    let http = "http://aigw.example.com";
    ignores(http, &[("https_proxy", SQUID)], ["https_proxy", "https_proxy", "", "https_proxy"]);
    ignores(http, &[("HTTP_PROXY", SQUID)], ["", "", "HTTP_PROXY", "HTTP_PROXY"]);
}

/// Whether each stack understands an entry.
#[track_caller]
fn understood(entry: &str, expected: [bool; 4]) {
    let list = format!("other.org,{entry}");
    let environment = [("http_proxy", SQUID), ("https_proxy", SQUID), ("no_proxy", list.as_str())];
    let unsupported = |rules| decision(rules, "https://cloud.gitlab.com", &environment).unsupported;
    let lists = RULES.map(unsupported);
    assert_eq!(lists.each_ref().map(Vec::is_empty), expected, "{entry}: {lists:?}");
}

#[test]
fn an_entry_that_cannot_mean_what_its_writer_meant_is_named() {
    //                                Ruby   Go     gRPC   curl
    understood("gitlab.com", [true, true, true, true]);
    understood(".gitlab.com", [true, true, true, true]);
    understood("gitlab_x.com", [true, true, true, true]);
    understood("gitlab.com.", [false, false, false, true]);
    understood("10.1.2.3", [true, true, true, true]);
    understood("10.0.0.0/8", [true, true, true, true]);
    understood("10.0.0.0/255.0.0.0", [true, false, false, false]);
    understood("10.0.0.0/99", [false, false, false, false]);
    understood("fd00::1", [false, true, true, true]);
    understood("fd00::/8", [false, true, true, false]);
    understood("[fd00::1]", [false, false, false, false]);
    understood("[fd00::1]:443", [false, true, false, false]);
    understood("gitlab.com:443", [true, true, false, false]);
    understood("10.1.2.3:443", [true, true, false, false]);
    understood("gitlab.com:https", [false, false, false, false]);
    understood("*", [false, true, false, false]);
    understood("*.gitlab.com", [false, true, false, false]);
    understood("git*", [false, false, false, false]);
    understood("https://gitlab.com", [false, false, false, false]);
    understood("a.example.com b.example.com", [true, false, false, true]);
    understood("  ", [true, true, true, true]);
}

#[test]
fn a_list_that_is_not_consulted_is_not_judged() {
    for rules in RULES {
        let direct = decision(rules, "https://cloud.gitlab.com", &[("no_proxy", "https://gitlab.com")]);
        assert_eq!(direct.unsupported, [""; 0], "{rules:?}");
    }
    let all = [("http_proxy", SQUID), ("https_proxy", SQUID), ("no_proxy", "*")];
    assert_eq!(decision(Rules::Curl, "https://cloud.gitlab.com", &all).unsupported, [""; 0]);
}

/// What is wrong with a value, per stack: the reason that makes it unusable or passed over.
#[track_caller]
fn faults(value: &str, expected: [&str; 4]) {
    let environment = [("http_proxy", value), ("https_proxy", value)];
    let fault = |rules| {
        let decision = decision(rules, "https://cloud.gitlab.com", &environment);
        match (decision.via, decision.passed_over) {
            (Via::Unusable { why, .. }, None) | (Via::Direct, Some(why)) => why,
            (Via::Direct | Via::Proxy(_), _) => String::new(),
            (Via::Unusable { .. }, Some(_)) => panic!("unusable and passed over: {value}"),
        }
    };
    assert_eq!(RULES.map(fault), expected, "{value}");
}

#[test]
fn a_value_that_leads_nowhere_says_why() {
    const SCHEME: &str = "it does not begin with `http://`";
    const CREDENTIALS: &str = "its user name or password has a character that is not percent-encoded";
    const CHARACTER: &str = "it has a space, a quote or another character that no URL has";
    const DOUBLE: &str = "what stands for its host is a scheme";
    const HOST: &str = "it names no host";
    const PORT: &str = "its port is not a number from 1 to 65535";
    const SOCKS: &str = "it names a SOCKS proxy, which this program cannot walk through";
    const GRPC: &str = "its scheme is not one of those that this stack uses: http";
    const GO: &str = "its scheme is not one of those that this stack uses: http, https, socks5";
    const CURL: &str =
        "its scheme is not one of those that this stack uses: http, https, socks4, socks4a, socks5, socks5h";
    //                                 Ruby Go gRPC curl
    faults("squid:3128", [SCHEME, "", SCHEME, ""]);
    faults("squid", [SCHEME, "", SCHEME, ""]);
    faults("user:pw@squid:3128", [SCHEME, "", SCHEME, ""]);
    faults("http//squid:3128", [SCHEME, DOUBLE, SCHEME, DOUBLE]);
    faults("http://http://squid:3128", [DOUBLE; 4]);
    faults("http://", [HOST; 4]);
    faults("http://:3128", [HOST; 4]);
    faults("http://squid:99999", [PORT; 4]);
    faults("http://squid:31x8", [PORT; 4]);
    faults("socks5://squid:1080", ["", SOCKS, GRPC, SOCKS]);
    faults("socks5://squid", ["it names no port", SOCKS, GRPC, SOCKS]);
    faults("https://squid:8443", ["", "", GRPC, ""]);
    faults("ftp://squid:3128", ["", GO, GRPC, CURL]);
    faults("\"http://squid:3128\"", [CHARACTER; 4]);
    faults("'http://squid:3128'", [CHARACTER; 4]);
    faults(" http://squid:3128", [CHARACTER; 4]);
    faults("http://squid:3128 ", [CHARACTER, CHARACTER, "", CHARACTER]);
    faults("http://user:p#ss@squid:3128", [CREDENTIALS; 4]);
    faults("http://user:12#3@squid:3128", [CREDENTIALS; 4]);
    faults("http://user:p/ss@squid:3128", [CREDENTIALS; 4]);
    faults("http://user:p@ss@squid:3128", [CREDENTIALS, "", "", CREDENTIALS]);
    faults("http://user:p%zz@squid:3128", [CREDENTIALS, CREDENTIALS, "", ""]);
}

#[test]
fn no_reason_holds_a_piece_of_the_value() {
    for value in [
        "hidden:hidden@squid:3128",
        "http://hidden:hid#den@squid:3128",
        "http://hidden:hid/den@squid:3128",
        "\"http://hidden:hidden@squid:3128\"",
        "socks5://hidden:hidden@squid",
        "hidden://hidden:hidden@squid:99999",
        "http://hidden:12?hidden@squid:3128",
    ] {
        for rules in RULES {
            let decision =
                decision(rules, "https://cloud.gitlab.com", &[("http_proxy", value), ("https_proxy", value)]);
            let said = format!("{decision:?} {}", decision.via);
            assert!(!said.contains("hid"), "{rules:?} of {value}: {said}");
        }
    }
}

#[test]
fn a_plain_target_of_go_in_a_cgi_script_says_why_nobody_is_asked() {
    let environment = [("http_proxy", SQUID), ("REQUEST_METHOD", "GET")];
    let via = decision(Rules::Go, "http://aigw.example.com", &environment).via;
    assert!(
        matches!(&via, Via::Unusable { variable, why } if variable == "http_proxy" && why.contains("REQUEST_METHOD")),
        "{via:?}"
    );
}
