//! Articles: what is wrong, how it shows, how to mend it. Parsed from `assets/remedies/`, filled in with what
//! was found. The words live in the files; nothing here advises.

pub mod markdown;
mod variants;

use crate::finding::{Args, Code};
use crate::subject::About;
use crate::subject::Cloudflare;
use crate::subject::Install;
use crate::subject::address::BaseUrl;
use markdown::Block;
use std::collections::BTreeMap;
use thiserror::Error;

/// An article, filled in or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Article {
    /// `The certificate has run out`
    pub title: String,
    /// One sentence for the banner and the ticket.
    pub message: String,
    /// A few words for a line of a list.
    pub short: String,
    /// What stops for users.
    pub means: String,
    /// Where the documentation speaks of it.
    pub docs: Vec<String>,
    /// Markdown: why this happens.
    pub cause: String,
    /// Markdown: how it shows in logs and tools.
    pub seen: String,
    /// Markdown: an ordered list, one item a step of the guide.
    pub fix: String,
    /// Markdown: how to know that it is mended.
    pub verify: String,
    /// Markdown: what looks alike and is not.
    pub not_it: String,
}

/// Why an article's source cannot be read. Met by tests only: the sources are compiled in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ArticleError {
    /// It does not begin with `---`.
    #[error("the front matter does not begin or end with ---")]
    FrontMatter,
    /// A key or section is missing, empty, unknown or out of order.
    #[error("{0}")]
    Part(String),
}

/// Values for placeholders beside a finding's own arguments, and what the article has to fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    texts: BTreeMap<String, String>,
    /// How GitLab is installed there; `None`: not known, or nothing was examined.
    install: Option<Install>,
}

impl Values {
    /// What every article may use: the instance, the node, Cloudflare's ranges.
    pub fn of(about: Option<&About>) -> Self {
        let cloudflare = Cloudflare::embedded();
        let ranges = |v4: bool| -> Vec<String> {
            cloudflare.ranges.iter().filter(|r| r.addr().is_ipv4() == v4).map(ToString::to_string).collect()
        };
        let mut texts = BTreeMap::from([
            ("ranges_v4".to_owned(), ranges(true).join("\n")),
            ("ranges_v6".to_owned(), ranges(false).join("\n")),
            ("ranges_v4_commas".to_owned(), ranges(true).join(", ")),
            ("ranges_v6_commas".to_owned(), ranges(false).join(", ")),
            ("ranges_date".to_owned(), cloudflare.date),
        ]);
        let url = about.and_then(|a| a.instance.as_deref()).and_then(|url| url.parse::<BaseUrl>().ok());
        if let Some(url) = url {
            texts.insert("authority".to_owned(), url.authority());
            texts.insert("instance".to_owned(), url.target.host);
        }
        if let Some(version) = about.and_then(|a| a.node.gitlab_version.as_deref()) {
            texts.insert("nginx_key".to_owned(), nginx_key(version).to_owned());
        }
        if let Some(node) = about.and_then(|a| a.node.hostname.clone()) {
            texts.insert("node".to_owned(), node);
        } else if about.is_some_and(|a| a.source.is_some()) {
            texts.insert("node".to_owned(), "the node that made this report".to_owned());
        }
        Self { texts, install: about.and_then(|a| a.node.install) }
    }

    /// Also says where the finding was made.
    #[must_use]
    pub fn at(mut self, place: &str) -> Self {
        self.texts.insert("place".to_owned(), place.to_owned());
        self
    }
}

/// Where `gitlab.rb` has the settings of the NGINX in front of Rails: of their own from 19.2 on
/// (<https://docs.gitlab.com/omnibus/settings/nginx/>).
fn nginx_key(version: &str) -> &'static str {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if (major, minor) >= (19, 2) { "gitlab_rails['nginx']" } else { "nginx" }
}

/// The article of a code as it stands in its file.
///
/// # Panics
/// Never: a test reads every article.
pub fn article(code: Code) -> Article {
    parse(code.row().article).expect("every article that is compiled in has passed the test that parses it")
}

/// The article of a finding, filled in.
///
/// # Panics
/// Never: a test reads every article.
pub fn filled(code: Code, args: &Args, values: &Values) -> Article {
    filled_with(code, args, args, values)
}

/// The article that fits `args`, filled in with `shown` in their place: their values, or marks for them.
///
/// # Panics
/// Never: a test reads every article.
pub fn filled_with(code: Code, args: &Args, shown: &Args, values: &Values) -> Article {
    let fill = |text: &str| fill(text, shown, values);
    let source = parse(variants::source(code, args, values.install))
        .expect("every article that is compiled in has passed that test");
    Article {
        title: fill(&source.title),
        message: fill(&source.message),
        short: fill(&source.short),
        means: fill(&source.means),
        docs: source.docs,
        cause: fill(&source.cause),
        seen: fill(&source.seen),
        fix: fill(&source.fix),
        verify: fill(&source.verify),
        not_it: fill(&source.not_it),
    }
}

/// The banner sentence of a finding.
pub fn message(code: Code, args: &Args, values: &Values) -> String {
    front(code, "message", args, values)
}

/// The few words of a finding for a line of a list.
pub fn short(code: Code, args: &Args, values: &Values) -> String {
    front(code, "short", args, values)
}

fn front(code: Code, key: &str, args: &Args, values: &Values) -> String {
    let line = code.row().article.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(": "));
    fill(line.unwrap_or(code.as_str()), args, values)
}

/// A step of the repair: what to do, with its snippets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixStep {
    /// The first paragraph: what to do.
    pub text: String,
    /// Everything behind it.
    pub rest: Vec<Block>,
}

/// A snippet to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// `shell`, `ruby`, `apache`, …
    pub language: String,
    /// The text, with a final line end.
    pub text: String,
}

impl FixStep {
    /// The snippets of the step.
    pub fn snippets(&self) -> Vec<Snippet> {
        let snippet = |block: &Block| match block {
            Block::Code { language, text } => {
                Some(Snippet { language: language.clone(), text: text.clone() })
            }
            Block::Paragraph(_) | Block::Item { .. } => None,
        };
        self.rest.iter().filter_map(snippet).collect()
    }
}

impl Article {
    /// The steps of the repair.
    pub fn steps(&self) -> Vec<FixStep> {
        let mut steps: Vec<FixStep> = Vec::new();
        for block in markdown::blocks(&self.fix) {
            match block {
                Block::Item { number: Some(_), text } => steps.push(FixStep { text, rest: Vec::new() }),
                block @ (Block::Item { number: None, .. } | Block::Paragraph(_) | Block::Code { .. }) => {
                    if let Some(step) = steps.last_mut() {
                        step.rest.push(block);
                    }
                }
            }
        }
        steps
    }
}

/// Replaces `{{name}}` and `{{name|default}}`. A value that is not known becomes its default or `<name>`; a
/// value of several lines keeps the indentation of the line it stands in.
fn fill(text: &str, args: &Args, values: &Values) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(end) = rest[start..].find("}}").map(|e| start + e) else { break };
        out.push_str(&rest[..start]);
        let (name, default) = match rest[start + 2..end].split_once('|') {
            Some((name, default)) => (name, default.to_owned()),
            None => (&rest[start + 2..end], format!("<{}>", &rest[start + 2..end])),
        };
        let value = args.get(name).filter(|v| !v.is_empty()).or_else(|| values.texts.get(name)).cloned();
        push_indented(&mut out, &value.unwrap_or(default));
        rest = &rest[end + 2..];
    }
    out.push_str(rest);
    out
}

/// Appends a value of one line or several; the latter ones begin where the line that they stand in does.
pub fn push_indented(out: &mut String, value: &str) {
    let line = &out[out.rfind('\n').map_or(0, |n| n + 1)..];
    let indent: String = line.chars().take_while(|c| *c == ' ').collect();
    out.push_str(&value.replace('\n', &format!("\n{indent}")));
}

const SECTIONS: [&str; 5] = ["Cause", "Seen", "Fix", "Verify", "Not it"];

/// Reads an article's source.
fn parse(source: &str) -> Result<Article, ArticleError> {
    let body = source.strip_prefix("---\n").ok_or(ArticleError::FrontMatter)?;
    let (front, body) = body.split_once("\n---\n").ok_or(ArticleError::FrontMatter)?;
    let mut article = Article::default();
    for line in front.lines() {
        if let Some(link) = line.strip_prefix("  - ") {
            article.docs.push(link.to_owned());
            continue;
        }
        let (key, value) = line
            .split_once(':')
            .ok_or_else(|| ArticleError::Part(format!("`{line}` is no key of the front matter")))?;
        let field = match key {
            "title" => &mut article.title,
            "message" => &mut article.message,
            "short" => &mut article.short,
            "means" => &mut article.means,
            "docs" => continue,
            other => return Err(ArticleError::Part(format!("`{other}` is no key of the front matter"))),
        };
        value.trim().clone_into(field);
    }
    let mut texts = Vec::new();
    let mut rest = body;
    for (i, section) in SECTIONS.iter().enumerate() {
        let missing = || ArticleError::Part(format!("the section `{section}` is missing or out of order"));
        let at = rest.find(&format!("\n## {section}\n")).ok_or_else(missing)?;
        if i > 0 {
            texts.push(rest[..at].trim().to_owned());
        }
        rest = &rest[at + section.len() + 5..];
    }
    texts.push(rest.trim().to_owned());
    if let Some(empty) = texts.iter().position(String::is_empty) {
        return Err(ArticleError::Part(format!("the section `{}` is empty", SECTIONS[empty])));
    }
    let mut texts = texts.into_iter();
    let mut next = || texts.next().unwrap_or_default();
    (article.cause, article.seen, article.fix) = (next(), next(), next());
    (article.verify, article.not_it) = (next(), next());
    Ok(article)
}

#[cfg(test)]
mod tests {
    use super::variants::{VARIANTS, When};
    use super::*;

    fn args(of: &[(&str, &str)]) -> Args {
        of.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn every_article_is_whole() {
        for code in Code::ALL {
            let article = parse(code.row().article).unwrap_or_else(|e| panic!("{code}: {e}"));
            for (part, text) in [
                ("title", &article.title),
                ("message", &article.message),
                ("short", &article.short),
                ("means", &article.means),
            ] {
                assert!(!text.is_empty(), "{code} has no {part}");
            }
            assert!(!article.docs.is_empty(), "{code} links no documentation");
            assert!(!article.steps().is_empty(), "{code} has no step to take");
        }
    }

    #[test]
    fn a_file_that_stands_in_is_whole_and_speaks_of_the_same() {
        for (code, when, source) in VARIANTS {
            let variant = parse(source).unwrap_or_else(|e| panic!("{code}: {e}"));
            let is_known = match when {
                When::Lacks(name) | When::Is(name, _) => code.row().args.contains(name),
                When::Installed(_) => true,
            };
            assert!(is_known && !variant.steps().is_empty() && !variant.docs.is_empty(), "{code}");
            let front = |a: &Article| (a.title.clone(), a.message.clone(), a.short.clone(), a.means.clone());
            assert_eq!(front(&variant), front(&article(*code)), "{code}");
        }
    }

    #[test]
    fn no_hash_is_offered_where_the_storages_are_unknown() {
        let known = [("no_proxy", "gitlab.example.com,10.0.0.5"), ("env", "\"a\" => \"b\",")];
        let codes = [Code::ProxyMissingInRails, Code::ProxyMissingInWorkhorse, Code::ProxyVariableIgnored];
        for code in codes {
            let offers =
                |of: &[(&str, &str)]| filled(code, &args(of), &Values::default()).fix.contains("['env'] = {");
            assert!(offers(&known) && !offers(&[]) && !offers(&[("no_proxy", "")]), "{code}");
        }
    }

    fn installed(kind: Install) -> Values {
        let node = crate::subject::Node { install: Some(kind), ..Default::default() };
        Values::of(Some(&About { node, ..About::default() }))
    }

    #[test]
    fn a_pod_is_told_nothing_of_the_linux_package() {
        for (code, when, source) in VARIANTS {
            if matches!(when, When::Installed(Install::Helm)) {
                for word in ["gitlab-ctl", "/opt/gitlab", "/etc/gitlab", "gitlab.rb", "['env']", "docker"] {
                    assert!(!source.contains(word), "{code}: {word}");
                }
                assert!(source.contains("kubectl exec"), "{code}");
            }
        }
    }

    #[test]
    fn the_kind_of_installation_chooses_before_the_arguments_and_its_absence_is_the_package() {
        let of = |values: &Values| filled(Code::ProxyMissingInRails, &Args::new(), values).fix;
        assert!(of(&installed(Install::Helm)).contains("helm upgrade"));
        for kind in [Install::Omnibus, Install::Docker, Install::Source] {
            assert_eq!(of(&installed(kind)), of(&Values::default()), "{kind:?}");
        }
    }

    #[test]
    fn a_pod_whose_internal_hosts_are_unknown_gets_no_ready_list() {
        for code in [Code::ProxyMissingInRails, Code::ProxyMissingInWorkhorse, Code::ProxyVariableIgnored] {
            let of = |list| filled(code, &args(&[("no_proxy", list)]), &installed(Install::Helm)).fix;
            let line = |list| format!("no_proxy: \"{list},.svc,.cluster.local\"");
            assert!(of("").contains(&line("ENTER-EVERY-INTERNAL-HOST")), "{code}");
            assert!(of("git.example.com").contains(&line("git.example.com")), "{code}");
        }
    }

    #[test]
    fn merged_lines_stand_in_the_hash_of_the_component_that_they_are_for() {
        let of = |stacks| {
            let given = [("no_proxy", "a"), ("stacks", stacks), ("env", "\"x\" => \"1\",\n\"y\" => \"2\",")];
            filled(Code::ProxyVariableIgnored, &args(&given), &Values::default()).fix
        };
        let lines = "\n     \"x\" => \"1\",\n     \"y\" => \"2\",\n   }";
        assert!(of("Rails and Sidekiq").contains(&format!("gitlab_rails['env'] = {{{lines}")));
        assert!(of("Workhorse").contains(&format!("gitlab_workhorse['env'] = {{{lines}")));
        let real = args(&[("no_proxy", "a"), ("stacks", "Workhorse")]);
        let marks = args(&[("no_proxy", "[0]"), ("stacks", "[1]"), ("env", "[2]")]);
        let shown = filled_with(Code::ProxyVariableIgnored, &real, &marks, &Values::default()).fix;
        assert!(shown.contains("gitlab_workhorse['env'] = {\n     [2]\n   }"));
    }

    #[test]
    fn every_placeholder_is_an_argument_or_always_known() {
        let always = [
            "instance",
            "authority",
            "nginx_key",
            "node",
            "place",
            "ranges_v4",
            "ranges_v6",
            "ranges_v4_commas",
            "ranges_v6_commas",
            "ranges_date",
        ];
        let own = Code::ALL.iter().map(|code| (code, code.row().article));
        for (code, article) in own.chain(VARIANTS.iter().map(|(code, _, variant)| (code, *variant))) {
            for part in article.split("{{").skip(1) {
                let name = part.split("}}").next().unwrap_or_default();
                let known = name.contains('|') || always.contains(&name) || code.row().args.contains(&name);
                assert!(known, "{code} uses {{{{{name}}}}}");
            }
        }
    }

    #[test]
    fn placeholders_take_the_value_the_default_or_their_own_name() {
        let fill = |text| fill(text, &args(&[("host", "a.example")]), &Values::default());
        assert_eq!(fill("{{host}} {{port|443}} {{issuer}} {{"), "a.example 443 <issuer> {{");
    }

    #[test]
    fn the_keys_of_the_bundled_nginx_are_those_of_the_version_found() {
        let of = |version: Option<&str>| {
            let node = crate::subject::Node {
                gitlab_version: version.map(str::to_owned),
                ..crate::subject::Node::default()
            };
            let values = Values::of(Some(&About { node, ..About::default() }));
            fill("{{nginx_key|nginx}}['http2_enabled']", &Args::new(), &values)
        };
        for version in [None, Some("19.1.4"), Some("18.11.0-ee"), Some("master")] {
            assert_eq!(of(version), "nginx['http2_enabled']", "{version:?}");
        }
        for version in [Some("19.2.0"), Some("19.10.1-ee"), Some("20.0.0")] {
            assert_eq!(of(version), "gitlab_rails['nginx']['http2_enabled']", "{version:?}");
        }
    }

    #[test]
    fn a_port_that_is_not_the_default_one_stays_in_the_instances_authority() {
        let of = |url: &str| {
            let about = About { instance: Some(url.to_owned()), ..About::default() };
            fill("{{authority|x}} {{instance|x}}", &Args::new(), &Values::of(Some(&about)))
        };
        assert_eq!(of("https://gitlab.example.com:8443/git"), "gitlab.example.com:8443 gitlab.example.com");
        assert_eq!(of("https://gitlab.example.com"), "gitlab.example.com gitlab.example.com");
    }

    #[test]
    fn a_value_of_several_lines_keeps_the_indentation() {
        assert_eq!(fill("   {{list}}", &args(&[("list", "a\nb")]), &Values::default()), "   a\n   b");
    }
}
