//! Ruby's texts in all their forms: quotes, `%w()`, interpolations, heredocs.
//!
//! Decides where each ends and what it says; one into which Ruby would put something says nothing.

use super::lexer::{Broken, Lexer};

/// A text that needs no Ruby.
pub(super) struct Text {
    pub(super) value: String,
    /// It was written as `%w(…)`: a list of words.
    pub(super) is_list: bool,
}

/// What was found where a text may begin.
pub(super) enum Literal {
    /// No text begins here.
    No,
    /// One into which Ruby would put something.
    Computed,
    /// One that stands as it is.
    Plain(Text),
}

impl Literal {
    fn of(text: Option<Text>) -> Self {
        text.map_or(Literal::Computed, Literal::Plain)
    }

    /// The text, if it stands as it is.
    pub(super) fn plain(self) -> Option<Text> {
        match self {
            Literal::Plain(text) => Some(text),
            Literal::No | Literal::Computed => None,
        }
    }
}

/// Interpolations inside each other beyond this are not read.
const DEEPEST: usize = 64;

impl<'a> Lexer<'a> {
    /// A text in any form, if one begins here.
    pub(super) fn text(&mut self) -> Result<Literal, Broken> {
        match self.peek() {
            Some(b'\'') => self.quoted(1, Form { close: b'\'', open: None, raw: true, list: false }),
            Some(quote @ (b'"' | b'`')) => {
                let found = self.quoted(1, Form { close: quote, open: None, raw: false, list: false })?;
                Ok(if quote == b'`' { Literal::Computed } else { found })
            }
            Some(b'%') => match self.percent() {
                Some((length, form)) => self.quoted(length, form),
                None => Ok(Literal::No),
            },
            Some(b'<') => match self.heredoc_head() {
                Some(head) => self.heredoc(&head),
                None => Ok(Literal::No),
            },
            Some(_) | None => Ok(Literal::No),
        }
    }

    /// What begins at a `%`: the length of its beginning, and how it ends.
    pub(super) fn percent(&self) -> Option<(usize, Form)> {
        let (kind, open, length) = match (self.after(1)?, self.after(2)) {
            (kind @ (b'w' | b'W' | b'i' | b'I' | b'q' | b'Q'), Some(open)) => (kind, open, 3),
            (open, _) => (b'Q', open, 2),
        };
        if !open.is_ascii_punctuation() || (length == 2 && matches!(open, b'=' | b'>' | b'%')) {
            return None;
        }
        let (open, close) = match open {
            b'(' => (Some(b'('), b')'),
            b'[' => (Some(b'['), b']'),
            b'{' => (Some(b'{'), b'}'),
            b'<' => (Some(b'<'), b'>'),
            other => (None, other),
        };
        let list = matches!(kind, b'w' | b'W' | b'i' | b'I');
        Some((length, Form { close, open, raw: matches!(kind, b'w' | b'i' | b'q'), list }))
    }

    fn quoted(&mut self, length: usize, form: Form) -> Result<Literal, Broken> {
        let begin = self.line;
        let endless = Broken { line: begin, why: "a text that begins here has no end" };
        self.at += length;
        let mut bytes = Vec::new();
        let mut plain = true;
        let mut depth = 0_usize;
        loop {
            let byte = self.peek().ok_or_else(|| endless.clone())?;
            match byte {
                b'\\' => {
                    self.at += 1;
                    let escaped = self.peek().ok_or_else(|| endless.clone())?;
                    plain &= unescape(escaped, form, &mut bytes);
                    self.bump();
                    continue;
                }
                b'#' if !form.raw && self.after(1) == Some(b'{') => {
                    plain = false;
                    self.interpolation()?;
                    continue;
                }
                _ if byte == form.close && depth == 0 => break,
                _ if byte == form.close => depth -= 1,
                _ if Some(byte) == form.open => depth += 1,
                _ => {}
            }
            bytes.push(byte);
            self.bump();
        }
        self.at += 1;
        let value = String::from_utf8(bytes).ok().filter(|_| plain);
        Ok(Literal::of(value.map(|value| Text { value, is_list: form.list })))
    }

    /// Passes `#{…}`, in which texts with interpolations may stand.
    fn interpolation(&mut self) -> Result<(), Broken> {
        let begin = self.line;
        // What is open: a brace, or a text with its closing sign.
        let mut open: Vec<u8> = Vec::new();
        loop {
            let endless = Broken { line: begin, why: "a text that begins here has no end" };
            let byte = self.peek().ok_or_else(|| endless.clone())?;
            let in_text = open.last().copied().filter(|b| *b != b'}');
            match (byte, in_text) {
                (b'\\', _) => {
                    self.at += 1;
                    if self.peek().is_none() {
                        return Err(endless);
                    }
                }
                (b'#', Some(b'"' | b'`') | None) if self.after(1) == Some(b'{') => {
                    self.at += 1;
                    open.push(b'}');
                }
                (_, Some(quote)) if byte == quote => {
                    open.pop();
                }
                (b'{', None) => open.push(b'}'),
                (b'}', None) => {
                    open.pop();
                }
                (b'\'' | b'"' | b'`', None) => open.push(byte),
                (_, Some(_) | None) => {}
            }
            if open.len() > DEEPEST {
                return Err(Broken { line: begin, why: "a text that begins here is nested too deep" });
            }
            self.bump();
            if open.is_empty() {
                return Ok(());
            }
        }
    }

    /// `<<~NAME`, `<<-'NAME'`, `<<NAME`
    pub(super) fn heredoc_head(&self) -> Option<Head<'a>> {
        let rest = self.rest().strip_prefix("<<")?;
        let (rest, indented, squiggly) = match rest.as_bytes().first()? {
            b'~' => (&rest[1..], true, true),
            b'-' => (&rest[1..], true, false),
            _ => (rest, false, false),
        };
        let quote = rest.bytes().next().filter(|b| matches!(b, b'\'' | b'"'));
        let name = if let Some(quote) = quote {
            let length = rest[1..].bytes().take(80).position(|b| b == quote || b == b'\n')?;
            let name = rest.get(1..=length)?;
            rest[1 + length..].starts_with(char::from(quote)).then_some(name)?
        } else {
            let part = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
            let length = rest.bytes().take_while(part).count();
            rest.get(..length).filter(|n| n.starts_with(|c: char| c.is_ascii_uppercase()))?
        };
        let length = self.rest().len() - rest.len() + name.len() + 2 * usize::from(quote.is_some());
        (!name.is_empty()).then_some(Head { name, length, indented, squiggly, raw: quote == Some(b'\'') })
    }

    /// Reads the body on the next lines; they are passed over when this line ends.
    fn heredoc(&mut self, head: &Head) -> Result<Literal, Broken> {
        let begin = self.line;
        self.at += head.length;
        let (mut at, mut line) = self.resume.unwrap_or_else(|| {
            let next = self.rest().find('\n').map_or(self.text.len(), |n| self.at + n + 1);
            (next, self.line + 1)
        });
        let mut lines = Vec::new();
        loop {
            let Some(rest) = self.text.get(at..).filter(|rest| !rest.is_empty()) else {
                return Err(Broken { line: begin, why: "a text that begins here has no end" });
            };
            let (this, length) = rest.split_once('\n').map_or((rest, rest.len()), |(l, _)| (l, l.len() + 1));
            (at, line) = (at + length, line + 1);
            let candidate = this.trim_end_matches('\r');
            if (if head.indented { candidate.trim_start() } else { candidate }) == head.name {
                break;
            }
            lines.push(this);
        }
        self.resume = Some((at, line));
        let plain = head.raw || !lines.iter().any(|l| l.contains("#{") || l.contains('\\'));
        let margin = |l: &&str| l.len() - l.trim_start_matches([' ', '\t']).len();
        let full = lines.iter().filter(|l| !l.trim().is_empty());
        let cut = if head.squiggly { full.map(margin).min().unwrap_or(0) } else { 0 };
        let value =
            lines.iter().fold(String::new(), |text, l| text + l.get(cut..).unwrap_or_default() + "\n");
        Ok(Literal::of(plain.then_some(Text { value, is_list: false })))
    }
}

/// How a text in quotes ends, and what may stand in it.
#[derive(Clone, Copy)]
pub(super) struct Form {
    close: u8,
    /// The sign that opens one inside it, where that counts.
    open: Option<u8>,
    /// Without interpolation and most escapes.
    raw: bool,
    list: bool,
}

/// How a heredoc begins.
pub(super) struct Head<'a> {
    name: &'a str,
    length: usize,
    indented: bool,
    squiggly: bool,
    raw: bool,
}

/// Adds what `\x` stands for; `false`: it is one that is not read here.
fn unescape(escaped: u8, form: Form, bytes: &mut Vec<u8>) -> bool {
    match escaped {
        _ if form.raw && escaped != b'\\' && escaped != form.close && Some(escaped) != form.open => {
            // In a list of words a blank can be escaped: too rare to read.
            bytes.extend([b'\\', escaped]);
            return !(form.list && escaped.is_ascii_whitespace());
        }
        _ if form.raw => bytes.push(escaped),
        b'n' => bytes.push(b'\n'),
        b't' => bytes.push(b'\t'),
        b's' => bytes.push(b' '),
        b'r' => bytes.push(b'\r'),
        b'e' => bytes.push(0x1b),
        b'\n' => {}
        b'u' | b'x' | b'c' | b'C' | b'M' | b'0'..=b'9' | b'a' | b'b' | b'f' | b'v' => return false,
        other => bytes.push(other),
    }
    true
}
