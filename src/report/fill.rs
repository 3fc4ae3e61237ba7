//! Articles for formats that know marks: values from outside are put in after the article's own marks were
//! read, so that a host name can be neither a link nor a tag.

use super::shape::CauseReport;
use super::{Report, build};
use crate::finding::Args;
use crate::remedy::{self, Article, Values};
use crate::subject::About;
use crate::subject::Node;

/// Brackets of a number that stands for a value; private-use characters, taken out of values.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// An article with numbers in place of values.
pub(super) struct Marked {
    /// The article.
    pub(super) article: Article,
    values: Vec<String>,
}

/// The article of a cause, its values apart.
pub(super) fn marked(report: &Report, cause: &CauseReport) -> Marked {
    let mut values = Vec::new();
    let mut mark = |value: &str| {
        values.push(value.replace([OPEN, CLOSE], ""));
        format!("{OPEN}{}{CLOSE}", values.len() - 1)
    };
    let mut mark_all = |args: &Args| -> Args {
        args.iter().map(|(k, v)| (k.clone(), if v.is_empty() { String::new() } else { mark(v) })).collect()
    };
    let joined = mark_all(&cause.args);
    let real = build::first_args(&report.checks, cause);
    let args = mark_all(real);
    let about = About {
        instance: report.instance.url.clone(),
        node: Node {
            hostname: report.node.hostname.as_deref().map(&mut mark),
            install: report.node.install,
            gitlab_version: report.node.gitlab_version.clone(),
            ..Node::default()
        },
        source: report.source.clone(),
        ..About::default()
    };
    let place = cause.check.split_once('@').map_or("", |(_, place)| place);
    let values_of = Values::of(Some(&about)).at(&mark(place));
    let message = remedy::message(cause.code, &joined, &values_of);
    let article = Article { message, ..remedy::filled_with(cause.code, real, &args, &values_of) };
    Marked { article, values }
}

impl Marked {
    /// The text with its values, each as `show` gives it.
    pub(super) fn put(&self, text: &str, show: impl Fn(&str) -> String) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(OPEN) {
            let Some(end) = rest[start..].find(CLOSE).map(|e| e + start) else { break };
            let number: Option<usize> = rest[start + OPEN.len_utf8()..end].parse().ok();
            out.push_str(&rest[..start]);
            let value = number.and_then(|n| self.values.get(n)).map(|v| show(v)).unwrap_or_default();
            remedy::push_indented(&mut out, &value);
            rest = &rest[end + CLOSE.len_utf8()..];
        }
        out.push_str(rest);
        out
    }

    /// Whether a text holds a value.
    pub(super) fn has_value(text: &str) -> bool {
        text.contains(OPEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_several_lines_stays_inside_its_snippet() {
        let marked = Marked { article: Article::default(), values: vec!["a\nb".to_owned()] };
        let line = format!("     {OPEN}0{CLOSE},");
        assert_eq!(marked.put(&line, str::to_owned), "     a\n     b,");
    }
}
