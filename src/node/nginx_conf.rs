//! The language of NGINX's configuration: directives with their arguments and blocks.
//!
//! Decides where each of them ends. What they mean is decided by `web_server`.

/// A directive: `listen *:443 ssl;`, or `server { … }`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Directive {
    /// Its name and its arguments, without their quotes.
    pub(super) words: Vec<String>,
    /// What stands in its block. `None`: it ends with `;`.
    pub(super) block: Option<Vec<Directive>>,
}

impl Directive {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// Its arguments.
    pub(super) fn arguments(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }

    /// What stands in its block.
    pub(super) fn inside(&self) -> &[Directive] {
        self.block.as_deref().unwrap_or_default()
    }
}

/// Words beyond this are not read: the file of a large installation has some three hundred.
const MOST_WORDS: usize = 1 << 16;

/// Blocks inside each other beyond this are not read.
const DEEPEST: usize = 32;

/// Reads a file's directives.
///
/// # Errors
/// NGINX would refuse it, or nobody could have meant it.
pub(super) fn parse(text: &str) -> Result<Vec<Directive>, &'static str> {
    // The blocks that are open, each with the directive that opened it.
    let mut open: Vec<(Vec<String>, Vec<Directive>)> = Vec::new();
    let mut here: Vec<Directive> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut count = 0;
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let Some(sign) = rest.chars().next() else { break };
        match sign {
            '#' => rest = rest.split_once('\n').map_or("", |(_, rest)| rest),
            ';' => {
                rest = &rest[1..];
                if !words.is_empty() {
                    here.push(Directive { words: std::mem::take(&mut words), block: None });
                }
            }
            '{' => {
                rest = &rest[1..];
                if open.len() == DEEPEST {
                    return Err("its blocks are nested too deep");
                }
                open.push((std::mem::take(&mut words), std::mem::take(&mut here)));
            }
            '}' => {
                rest = &rest[1..];
                let (opened, around) = open.pop().ok_or("a block ends that never began")?;
                let inside = std::mem::replace(&mut here, around);
                here.push(Directive { words: opened, block: Some(inside) });
                words.clear();
            }
            _ => {
                let (word, behind) = word(rest)?;
                count += 1;
                if count > MOST_WORDS {
                    return Err("it has more words than any such file");
                }
                words.push(word);
                rest = behind;
            }
        }
    }
    if open.is_empty() && words.is_empty() { Ok(here) } else { Err("it ends inside a block or directive") }
}

/// The word at the beginning of a text, and what is behind it.
fn word(text: &str) -> Result<(String, &str), &'static str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let mut word = String::new();
    let mut signs = text.char_indices().skip(usize::from(quote.is_some())).peekable();
    while let Some((at, sign)) = signs.next() {
        match (sign, quote) {
            // A backslash takes the meaning from quotes alone: those of patterns stay.
            ('\\', _) => match signs.next() {
                Some((_, escaped)) => {
                    if !matches!(escaped, '"' | '\'') {
                        word.push('\\');
                    }
                    word.push(escaped);
                }
                None => break,
            },
            (_, Some(quote)) if sign == quote => return Ok((word, &text[at + 1..])),
            // `${name}`
            ('$', None) if signs.peek().is_some_and(|(_, next)| *next == '{') => {
                signs.next();
                word.push_str("${");
            }
            (_, None) if sign.is_whitespace() || matches!(sign, ';' | '{') => return Ok((word, &text[at..])),
            _ => word.push(sign),
        }
    }
    if quote.is_some() { Err("a text in it has no end") } else { Ok((word, "")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The directives, each on a line, blocks indented.
    fn shown(text: &str) -> Result<String, &'static str> {
        fn lines(directives: &[Directive], indent: &str) -> String {
            let line = |d: &Directive| {
                format!("{indent}{}\n{}", d.words.join("|"), lines(d.inside(), &format!("{indent} ")))
            };
            directives.iter().map(line).collect()
        }
        parse(text).map(|directives| lines(&directives, ""))
    }

    #[test]
    fn words_blocks_comments_and_quotes_are_told_apart() {
        let text = "## c; {\nserver { # HTTPS; }\n listen *:443 ssl;\n add_header X \"a; b { \\\" #\" always;\n\
            if ($http_host = \"\") { set $h '}';}\n location ~ ^/(a|b)\\.html$ {\n internal;\n }\n}\n";
        let expected = "server\n listen|*:443|ssl\n add_header|X|a; b { \" #|always\n if|($http_host|=||)\n  set|$h|}\n location|~|^/(a|b)\\.html$\n  internal\n";
        assert_eq!(shown(text).as_deref(), Ok(expected));
    }

    #[test]
    fn a_brace_of_a_variable_opens_no_block_and_a_sign_inside_a_word_no_comment() {
        assert_eq!(shown("a ${b}c#d x;").as_deref(), Ok("a|${b}c#d|x\n"));
    }

    #[test]
    fn a_file_that_nginx_would_refuse_is_refused() {
        for text in ["server {", "}", "listen 80", "a 'b;", "server { } }", "a \\", "a {{{}"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"a {".repeat(40)).is_err());
        assert!(parse(&"a ".repeat(1 << 17)).is_err());
        assert!(parse(&"{".repeat(4 << 20)).is_err());
        assert_eq!(parse(&";".repeat(1 << 20)), Ok(Vec::new()));
        assert!(parse(&"\u{fffd}\0".repeat(1 << 16)).is_err());
    }
}
