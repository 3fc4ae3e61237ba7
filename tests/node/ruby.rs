//! `gitlab.rb`, read without running it.

use crate::tree::{PROXY, Tree, configured};
use duo_doctor::subject::facts::{Facts, Repeated};
use duo_doctor::subject::place::Stack;
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn facts(gitlab_rb: &str) -> Facts {
    Tree::with_gitlab_rb(gitlab_rb).facts()
}

/// What Rails gets by this text. `None`: only Ruby can tell, or even whether Rails runs here.
fn rails(gitlab_rb: &str) -> Option<Vec<String>> {
    let facts = facts(gitlab_rb);
    facts.component(Stack::Rails).is_some().then(|| configured(&facts, Stack::Rails))?
}

fn url(gitlab_rb: &str) -> Option<String> {
    Tree::with_gitlab_rb(gitlab_rb).found().external_url.map(|url| url.to_string())
}

fn proxy() -> Vec<String> {
    vec![format!("http_proxy={PROXY}")]
}

#[test]
fn an_environment_is_read_in_every_usual_form() {
    for text in [
        "gitlab_rails['env'] = { 'http_proxy' => 'http://proxy.example.com:3128' }",
        "gitlab_rails[\"env\"] = { \"http_proxy\" => \"http://proxy.example.com:3128\" }",
        "gitlab_rails[:env] = {\n  http_proxy: 'http://proxy.example.com:3128',\n}",
        "gitlab_rails['env'] = {\n  # the proxy\n  'http_proxy' =>\n    'http://proxy.example.com:3128', # that one\n\n  'HOME' => '/x'\n}\n",
        "gitlab_rails['env'] = { :http_proxy => 'http://proxy.example.com:3128' };",
        "gitlab_rails['env'] = { \"http_proxy\": 'http://proxy.example.com:3128' }",
        "gitlab_rails['env']['http_proxy'] = 'http://proxy.example.com:3128'",
        "gitlab_rails['env'] = {}\r\ngitlab_rails['env']['http_proxy'] = %q(http://proxy.example.com:3128)\r\n",
        "  gitlab_rails[ 'env' ] =\n  { 'http_proxy' => 'http://proxy.example.com:3128', 'TZ' => nil }",
        "gitlab_rails['env'] = { 'http_proxy' => 'http://proxy.example.com:3128', 'OTHER' => ENV['X'] }",
        "puts 'a' unless b\nx = /don't/\ngitlab_rails['env'] = {'http_proxy' => 'http://proxy.example.com:3128'}\n__END__\n'",
    ] {
        assert_eq!(rails(text), Some(proxy()), "{text}");
    }
}

#[test]
fn the_last_assignment_wins() {
    let text = "gitlab_rails['env'] = { 'http_proxy' => 'http://a.example.com:1' }\n\
                gitlab_rails['env'] = { 'http_proxy' => 'http://proxy.example.com:3128' }\n";
    assert_eq!(rails(text), Some(proxy()));
    let text = "gitlab_rails['env'] = { 'http_proxy' => 'http://a.example.com:1' }\n\
                gitlab_rails['env']['http_proxy'] = 'http://proxy.example.com:3128'\n";
    assert_eq!(rails(text), Some(proxy()));
    assert_eq!(
        url("external_url 'https://a.example.com'\nexternal_url 'https://b.example.com'").as_deref(),
        Some("https://b.example.com")
    );
}

#[test]
fn a_variable_knows_the_line_on_which_it_stands() {
    let facts = facts("gitlab_rails['env'] = {\n  'no_proxy' => 'a',\n  'http_proxy' => 'b:1' }\n");
    let environment = facts.component(Stack::Rails).and_then(|c| c.configured.clone()).expect("known");
    let from = environment.get("http_proxy").map(|v| v.from.clone());
    assert_eq!(from.as_deref(), Some("/etc/gitlab/gitlab.rb line 3"));
}

#[test]
fn what_is_commented_out_is_not_set() {
    let text = "# gitlab_rails['env'] = { 'http_proxy' => 'a:1' }\n=begin\ngitlab_rails['env'] = { 'http_proxy' => 'a:1' }\n=end\n";
    assert_eq!(rails(text), Some(vec![]));
    assert_eq!(
        url("external_url 'https://a.example.com' # external_url 'https://b.example.com'").as_deref(),
        Some("https://a.example.com")
    );
}

#[test]
fn a_heredoc_is_passed_over_whole_and_read_where_it_is_plain() {
    let text = "nginx['custom'] = <<~EOS\n  it's a trap' {\n  gitlab_rails['env'] = { 'http_proxy' => 'a:1' }\nEOS\nexternal_url 'https://a.example.com'\n";
    assert_eq!((rails(text), url(text).as_deref()), (Some(vec![]), Some("https://a.example.com")));
    let two = "x(<<-A, <<-'B')\n'\n  A\n\"\nB\ngitlab_rails['env'] = { 'http_proxy' => 'http://proxy.example.com:3128' }";
    assert_eq!(rails(two), Some(proxy()));
    let value =
        "gitlab_rails['env'] = { 'no_proxy' => <<~LIST, 'http_proxy' => 'a:1' }\n  one,\n  two\nLIST\n";
    assert_eq!(rails(value), Some(vec!["http_proxy=a:1".to_owned(), "no_proxy=one,\ntwo\n".to_owned()]));
}

#[test]
fn lists_of_words_are_read() {
    let text = "roles %w(application_role\n  sidekiq_role)\nexternal_url %q[https://a.example.com]";
    assert_eq!(url(text).as_deref(), Some("https://a.example.com"));
    assert_eq!(Tree::with_gitlab_rb(text).found().node.roles, ["rails", "workhorse", "sidekiq", "nginx"]);
}

#[test]
fn the_external_url_is_read_in_its_forms_and_a_local_variable_is_none() {
    for text in [
        "external_url 'https://a.example.com/x'",
        "external_url(\"https://a.example.com/x/\")",
        "external_url   \"https://a.example.com/x\"  # here",
    ] {
        assert_eq!(url(text).as_deref(), Some("https://a.example.com/x"), "{text}");
    }
    // Ruby makes a variable of its own of this, and GitLab never sees it.
    assert_eq!(url("external_url = 'https://a.example.com'"), None);
}

#[test]
fn what_only_ruby_can_tell_is_said_with_its_line_and_never_guessed() {
    for value in [
        "ENV['PROXY_ENV']",
        "{ 'http_proxy' => ENV['http_proxy'] }",
        "{ 'http_proxy' => \"http://#{host}:3128\" }",
        "{ 'http_proxy' => \"http://#{ENV[\"HOST\"]}:3128\" }",
        "{ 'http_proxy' => 'http://a:1'.strip }",
        "{ 'http_proxy' => 'http://a' + ':1' }",
        "{ 'http_proxy' => 'http://a' ':1' }",
        "{ 'http_proxy' => `hostname` }",
        "{ 'http_proxy' => proxy }",
        "{ 'http_proxy' => (x ? 'a:1' : 'b:1') }",
        "{ 'http_proxy' => \"http://\\u0061:1\" }",
        "{ 'http_proxy' => 'a:1' }.merge(other)",
        "{ 'http_proxy' => 'a:1' }\n  .merge(other)",
        "{ 'http_proxy' => 'a:1' } if ENV['X']",
        "{ 'http_proxy' => 'a:1' } unless testing?",
        "{ 'http_proxy' => 'a:1', **other }",
        "{ key => 'a:1' }",
        "gitlab_workhorse['env']",
        "if x then { 'http_proxy' => 'a:1' } else {} end",
    ] {
        let text = format!("# first\ngitlab_rails['env'] = {value}\n");
        let facts = facts(&text);
        assert_eq!(configured(&facts, Stack::Rails), None, "{value}");
        assert!(
            facts.unevaluated.iter().any(|u| u.starts_with("gitlab_rails['env']") && u.ends_with("(line 2)")),
            "{value}: {:?}",
            facts.unevaluated
        );
    }
}

#[test]
fn what_stands_behind_a_condition_or_in_a_block_is_unknown() {
    for text in [
        "gitlab_rails[\"e#{x}\"] = 1",
        "if ENV['X'] == 'y'\n  gitlab_rails['env'] = { 'http_proxy' => 'a:1' }\nend",
        "if x then gitlab_rails['env'] = { 'http_proxy' => 'a:1' } end",
        "case x\nwhen 'a'\n  gitlab_rails['env'] = {}\nelse\n  gitlab_rails['env'] = { 'http_proxy' => 'a:1' }\nend",
        "['http_proxy'].each do |name|\n  gitlab_rails['env'][name] = 'a:1'\nend",
        "%w(http_proxy).each { |name| gitlab_rails['env'][name] = 'a:1' }",
        "gitlab_rails['env'].merge!('http_proxy' => 'a:1')",
        "gitlab_rails['env'].store('http_proxy', 'a:1')",
        "gitlab_rails['env'] ||= { 'http_proxy' => 'a:1' }",
        "gitlab_rails[name] = { 'http_proxy' => 'a:1' }",
        "while x do\n gitlab_rails['env'] = {}\nend",
    ] {
        assert_eq!(rails(text), None, "{text}");
    }
}

#[test]
fn behind_a_block_that_ended_everything_is_known_again() {
    for before in [
        "if x\n  a = 1\nelsif y\n  b\nelse\n  c\nend",
        "[1, 2].each do |n|\n  puts n if n\nend",
        "def proxy(host)\n  return host unless x\n  begin\n a\n rescue => e\n b\n end\nend",
        "x = if a\n 1\nelse\n 2\nend",
        "for i in 1..2 do\n x\nend",
        "until x\n y\nend",
        "5.times { |i| puts(\"#{i} #{'}'}\") }",
    ] {
        let text = format!("{before}\ngitlab_rails['env'] = {{ 'http_proxy' => '{PROXY}' }}\n");
        assert_eq!(rails(&text), Some(proxy()), "{text}");
    }
}

#[test]
fn another_file_may_set_anything_before_but_not_behind_it() {
    let package = |text: &str| {
        Tree::of("package")
            .remove("opt/gitlab/etc/gitlab-rails/env")
            .write("etc/gitlab/gitlab.rb", text)
            .facts()
    };
    let set = "gitlab_rails['env'] = { 'http_proxy' => 'http://proxy.example.com:3128' }\n";
    let behind = package(&format!("from_file '/etc/gitlab/more.rb'\n{set}"));
    assert_eq!(configured(&behind, Stack::Rails), Some(proxy()));
    for opaque in ["from_file '/etc/gitlab/more.rb'", "eval(x)", "instance_eval File.read('/x')"] {
        let facts = package(&format!("{set}{opaque}\nputs 1\n"));
        assert_eq!(configured(&facts, Stack::Rails), None, "{opaque}");
        let word = opaque.split(['(', ' ']).next().expect("a word");
        assert_eq!(facts.unevaluated, [format!("{word} (line 2)")]);
    }
    // Nor is it known what runs here, unless runit tells.
    assert_eq!(facts("from_file '/etc/gitlab/more.rb'").components, []);
}

#[test]
fn an_environment_that_is_assigned_twice_names_its_places_and_what_was_lost() {
    let text = "gitlab_rails['env'] = {\n  'http_proxy' => 'a:1',\n  'no_proxy' => 'b'\n}\ngitlab_rails['env'] = { 'no_proxy' => 'c' }\n";
    let expected = Repeated {
        key: "gitlab_rails['env']".to_owned(),
        places: vec!["/etc/gitlab/gitlab.rb line 1".to_owned(), "/etc/gitlab/gitlab.rb line 5".to_owned()],
        lost: vec!["http_proxy".to_owned()],
    };
    assert_eq!(facts(text).repeated, [expected]);
    assert_eq!(facts(&format!("{text}gitlab_rails['env']['http_proxy'] = 'a:1'")).repeated[0].lost, [""; 0]);
    let single =
        "gitlab_rails['env'] = { 'a' => 'b' }\ngitlab_rails['env']['c'] = 'd'\ngitlab_workhorse['env'] = {}";
    assert_eq!(facts(single).repeated, []);
}

#[test]
fn the_containers_variable_is_evaluated_first_and_the_file_wins() {
    let environ = |text: &str| format!("PATH=/bin\0GITLAB_OMNIBUS_CONFIG={text}\0");
    let first = "external_url 'https://first.example.com'; gitlab_rails['env'] = { 'http_proxy' => 'a:1', 'no_proxy' => 'x' }";
    let alone = Tree::of("docker");
    assert_eq!(
        alone.found().external_url.map(|u| u.to_string()).as_deref(),
        Some("https://docker.example.com")
    );
    assert_eq!(
        configured(&alone.facts(), Stack::Rails),
        Some(vec!["http_proxy=http://config.example.com:3128".to_owned()])
    );
    let both =
        Tree::with_gitlab_rb("gitlab_rails['env'] = { 'http_proxy' => 'http://proxy.example.com:3128' }")
            .write("proc/1/environ", environ(first));
    assert_eq!(configured(&both.facts(), Stack::Rails), Some(proxy()));
    let repeated = &both.facts().repeated[0];
    assert_eq!(repeated.places, ["GITLAB_OMNIBUS_CONFIG line 1", "/etc/gitlab/gitlab.rb line 1"]);
    assert_eq!(repeated.lost, ["no_proxy"]);
    assert_eq!(
        both.found().external_url.map(|u| u.to_string()).as_deref(),
        Some("https://first.example.com")
    );
}

#[test]
fn sidekiqs_own_environment_is_noticed() {
    assert_eq!(
        facts("x\nsidekiq['env'] = { 'http_proxy' => 'a:1' }").sidekiq_env.as_deref(),
        Some("/etc/gitlab/gitlab.rb line 2")
    );
    assert_eq!(
        facts("sidekiq['env']['http_proxy'] = 'a:1'").sidekiq_env.as_deref(),
        Some("/etc/gitlab/gitlab.rb line 1")
    );
    assert_eq!(facts("sidekiq['concurrency'] = 10").sidekiq_env, None);
}

#[test]
fn a_file_that_ruby_would_refuse_is_unknown_as_a_whole() {
    for (text, line) in [
        ("gitlab_rails['env'] = { 'http_proxy' => 'a:1 }\n", 1),
        ("x\nexternal_url \"https://a.example.com\n", 2),
        ("gitlab_rails['env'] = { 'http_proxy' => 'a:1'\n", 1),
        ("roles ['application_role'\n", 1),
        ("\n\nx = <<~EOS\nnever\n", 3),
        ("x = \"#{y\n", 1),
        ("=begin\nnever", 1),
        ("gitlab_rails['env'", 1),
    ] {
        let facts = facts(text);
        assert_eq!(facts.components, [], "{text}");
        let said = &facts.unread.iter().find(|u| u.what == "/etc/gitlab/gitlab.rb").expect("it is said").why;
        assert!(said.contains(&format!("line {line}: ")), "{text}: {said}");
        assert_eq!(facts.unevaluated.len(), 1, "{text}");
    }
}

#[test]
fn hostile_texts_are_read_in_linear_time() {
    const SIZE: usize = 2 << 20;
    for part in [
        "[",
        "{",
        "(",
        "'",
        "\"",
        "\"#{",
        "<<A\n",
        "<<A,",
        "/",
        "/\\",
        "\\/",
        "%w(",
        "%",
        "do ",
        "if ",
        "end ",
        "a[",
        "a['b'][",
        "x = [[",
        "{a: ",
        "=begin\n",
        "#",
        "\n",
        "é",
        "gitlab_rails['env'] = {}\n",
        "gitlab_rails['env']['a'] = 'b'\n",
        ".",
        ", ",
        "\0",
        "<<",
        "a ",
    ] {
        let text = part.repeat(SIZE / part.len());
        let begin = Instant::now();
        facts(&text);
        // Reading twice as slowly as in the worst case here would still end in time; squared time would not.
        assert!(begin.elapsed() < Duration::from_secs(20), "{part:?} took {:?}", begin.elapsed());
    }
    let long = format!("nginx['x'] = '{}'\nexternal_url 'https://a.example.com'\n", "x".repeat(1 << 20));
    assert_eq!(url(&long).as_deref(), Some("https://a.example.com"));
}

#[test]
fn a_file_that_is_too_long_or_binary_is_said() {
    let tree = Tree::with_gitlab_rb(&"#\n".repeat(3 << 20));
    assert_eq!(tree.facts().unread[0].why, "it is longer than 4 MiB");
    let binary: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let found = Tree::empty().write("etc/gitlab/gitlab.rb", binary).found();
    assert_eq!((found.external_url, found.facts.components.len()), (None, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        Tree::empty().write("etc/gitlab/gitlab.rb", bytes).found();
    }

    #[test]
    fn no_sequence_of_rubys_signs_makes_the_reader_panic_or_hang(parts in proptest::collection::vec(
        prop::sample::select(vec![
            "gitlab_rails", "['env']", " = ", "{", "}", "[", "]", "(", ")", "'", "\"", "#{", "<<~A", "\nA\n", "\n", " ",
            "%w(", "do", "end", "if", "=>", ":", ",", ".", "\\", "/", "é", "#", "=begin", "=end", "external_url", "1", "**",
        ]), 0..60)) {
        facts(&parts.concat());
    }

    #[test]
    fn a_plain_value_reads_back_as_it_was_written(value in "[ -&(-\\[\\]-~]{0,40}") {
        let text = format!("gitlab_rails['env'] = {{ 'no_proxy' => '{value}' }}");
        prop_assert_eq!(rails(&text), Some(vec![format!("no_proxy={value}")]));
    }
}
