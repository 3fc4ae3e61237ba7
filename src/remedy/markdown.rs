//! The little Markdown that articles use, as blocks: paragraphs, list items, fenced snippets. Parsed by
//! pulldown-cmark; inline marks are kept as text (backticks, links as their address).

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// A block of an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A paragraph on one line.
    Paragraph(String),
    /// A list item's first paragraph.
    Item {
        /// Its number in an ordered list.
        number: Option<u64>,
        /// The text on one line.
        text: String,
    },
    /// A fenced snippet.
    Code {
        /// The language behind the fence.
        language: String,
        /// The text, with a final line end.
        text: String,
    },
}

/// The blocks of a Markdown text, in order.
pub fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut text = String::new();
    let mut lists: Vec<Option<u64>> = Vec::new();
    let mut item: Option<Bullet> = None;
    let mut code: Option<String> = None;
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::List(first)) => {
                flush(&mut blocks, &mut text, &mut item);
                lists.push(first);
            }
            Event::End(TagEnd::List(_)) => {
                lists.pop();
            }
            Event::Start(Tag::Item) => {
                let number = lists.last_mut().and_then(|n| {
                    let now = *n;
                    *n = n.map(|n| n + 1);
                    now
                });
                item = Some(number.map_or(Bullet::Dot, Bullet::Number));
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                flush(&mut blocks, &mut text, &mut item);
                code = Some(match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                });
            }
            Event::End(TagEnd::CodeBlock) => {
                let language = code.take().unwrap_or_default();
                blocks.push(Block::Code { language, text: std::mem::take(&mut text) });
            }
            Event::Text(piece) | Event::Html(piece) | Event::InlineHtml(piece) => text.push_str(&piece),
            Event::Code(piece) => {
                text.push('`');
                text.push_str(&piece);
                text.push('`');
            }
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::Heading(_)) => {
                flush(&mut blocks, &mut text, &mut item);
            }
            Event::Start(_)
            | Event::End(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::Rule
            | Event::TaskListMarker(_) => {}
        }
    }
    flush(&mut blocks, &mut text, &mut item);
    blocks
}

/// What stands before a list item.
enum Bullet {
    Number(u64),
    Dot,
}

fn flush(blocks: &mut Vec<Block>, text: &mut String, item: &mut Option<Bullet>) {
    let text = std::mem::take(text);
    if text.trim().is_empty() {
        return;
    }
    blocks.push(match item.take() {
        Some(Bullet::Number(number)) => Block::Item { number: Some(number), text },
        Some(Bullet::Dot) => Block::Item { number: None, text },
        None => Block::Paragraph(text),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_paragraphs_and_snippets_keep_their_order() {
        let found =
            blocks("1. Do `this`\n   now.\n\n   ```shell\n   ls -l\n   ```\n\n   A note.\n2. Then that.\n");
        assert_eq!(
            found,
            [
                Block::Item { number: Some(1), text: "Do `this` now.".into() },
                Block::Code { language: "shell".into(), text: "ls -l\n".into() },
                Block::Paragraph("A note.".into()),
                Block::Item { number: Some(2), text: "Then that.".into() },
            ]
        );
    }
}
