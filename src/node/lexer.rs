//! The signs of Ruby: blanks and comments, words, texts in all their forms, heredocs.
//!
//! Decides where each of them ends. Every byte is passed once; what never ends is `Broken`.

/// Why a file cannot be read from here on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// The line at which it begins.
    pub(super) line: usize,
    /// What: `a text that begins here has no end`.
    pub(super) why: &'static str,
}

/// A text that needs no Ruby.
pub(super) struct Text {
    pub(super) value: String,
    /// It was written as `%w(…)`: a list of words.
    pub(super) is_list: bool,
}

pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    /// Where the next line begins, once a heredoc was read that stands between.
    resume: Option<(usize, usize)>,
    /// Up to here no pattern ends, so that a line of slashes is not read again for each.
    no_pattern: usize,
}

/// Interpolations inside each other beyond this are not read.
const DEEPEST: usize = 64;

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, line: 1, resume: None, no_pattern: 0 }
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    pub(super) fn line(&self) -> usize {
        self.line
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    fn after(&self, distance: usize) -> Option<u8> {
        self.bytes().get(self.at + distance).copied()
    }

    /// Passes one byte; behind a line with heredocs, their bodies too.
    pub(super) fn bump(&mut self) -> Result<(), Broken> {
        if self.peek() == Some(b'\n') {
            self.line += 1;
            if let Some((at, line)) = self.resume.take() {
                (self.at, self.line) = (at, line);
                return Ok(());
            }
        }
        self.at += 1;
        Ok(())
    }

    /// Passes blanks and comments; `lines`: line ends too, and `=begin` comments.
    pub(super) fn blank(&mut self, lines: bool) -> Result<(), Broken> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r' | 0x0b | 0x0c) => self.at += 1,
                Some(b'\\') if self.after(1) == Some(b'\n') => {
                    self.at += 1;
                    self.bump()?;
                }
                Some(b'\\') if self.after(1) == Some(b'\r') && self.after(2) == Some(b'\n') => {
                    self.at += 2;
                    self.bump()?;
                }
                Some(b'#') => self.to_line_end(),
                Some(b'\n') if lines => self.bump()?,
                Some(b'=') if lines && self.begins_line() && self.rest().starts_with("=begin") => {
                    let begin = self.line;
                    loop {
                        self.to_line_end();
                        if self.peek().is_none() {
                            return Err(Broken { line: begin, why: "a comment that begins here has no end" });
                        }
                        self.bump()?;
                        if self.rest().starts_with("=end") {
                            self.to_line_end();
                            break;
                        }
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn begins_line(&self) -> bool {
        self.at == 0 || self.bytes().get(self.at - 1) == Some(&b'\n')
    }

    fn to_line_end(&mut self) {
        while self.peek().is_some_and(|b| b != b'\n') {
            self.at += 1;
        }
    }

    /// A name or keyword, with a `?` or `!` at its end.
    pub(super) fn word(&mut self) -> Option<&'a str> {
        let part = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80;
        let first = self.peek()?;
        if !part(first) || first.is_ascii_digit() {
            return None;
        }
        let start = self.at;
        while self.peek().is_some_and(part) {
            self.at += 1;
        }
        if matches!(self.peek(), Some(b'?' | b'!')) && !matches!(self.after(1), Some(b'=')) {
            self.at += 1;
        }
        self.text.get(start..self.at)
    }

    /// Whether this word stands here.
    pub(super) fn stands(&self, word: &str) -> bool {
        let part = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let is_word = word.bytes().all(|b| part(b));
        self.rest().starts_with(word) && !(is_word && self.after(word.len()).is_some_and(part))
    }

    pub(super) fn number(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
            self.at += 1;
        }
        if self.peek() == Some(b'.') && self.after(1).is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
            self.number();
        }
    }

    /// Takes a plain `=`, if one stands here.
    pub(super) fn assigns(&mut self) -> bool {
        let is = self.peek() == Some(b'=') && !matches!(self.after(1), Some(b'=' | b'>' | b'~'));
        if is {
            self.at += 1;
        }
        is
    }

    /// Whether what stands here changes the setting before it: `+=`, `||=`, `<<`, `.merge!`, `.store`.
    pub(super) fn changes(&self) -> bool {
        const CHANGING: [&str; 12] = [
            "store",
            "update",
            "replace",
            "delete",
            "clear",
            "push",
            "append",
            "concat",
            "default",
            "tap",
            "each",
            "instance_variable_set",
        ];
        let rest = self.bytes().get(self.at..).unwrap_or_default();
        match rest {
            [b'=', next, ..] => !matches!(next, b'=' | b'>' | b'~'),
            [b'|', b'|', b'=', ..] | [b'&', b'&', b'=', ..] | [b'<', b'<', ..] => true,
            [b'+' | b'-' | b'*' | b'|' | b'&', b'=', ..] => true,
            [b'.' | b'&', ..] => {
                let part = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
                let rest = rest.strip_prefix(b"&").unwrap_or(rest);
                let Some(name) = rest.strip_prefix(b".") else { return false };
                let length = name.iter().take_while(part).count();
                let word = std::str::from_utf8(&name[..length]).unwrap_or_default();
                name.get(length) == Some(&b'!') || CHANGING.contains(&word)
            }
            _ => false,
        }
    }

    /// Whether a list or hash goes on or ends here.
    pub(super) fn at_separator(&mut self) -> Result<bool, Broken> {
        self.blank(true)?;
        Ok(matches!(self.peek(), Some(b',' | b']' | b'}' | b')')))
    }

    /// The key of a hash's entry, with what stands between it and its value: `'a' =>`, `a:`, `"a":`, `:a =>`.
    pub(super) fn hash_key(&mut self) -> Result<Option<String>, Broken> {
        let key = match self.peek() {
            Some(b':') => self.symbol()?,
            Some(b'\'' | b'"' | b'%') => self.text()?.flatten().map(|t| t.value),
            Some(_) | None => match self.word() {
                // A bare word is a key only with its colon; else it is a variable.
                Some(word) if self.peek() == Some(b':') && self.after(1) != Some(b':') => {
                    self.at += 1;
                    return Ok(Some(word.to_owned()));
                }
                Some(_) | None => None,
            },
        };
        let Some(key) = key else { return Ok(None) };
        if self.peek() == Some(b':') {
            self.at += 1;
            return Ok(Some(key));
        }
        self.blank(true)?;
        let arrow = self.rest().starts_with("=>");
        if arrow {
            self.at += 2;
        }
        Ok(arrow.then_some(key))
    }

    /// `:name`, `:'name'`
    pub(super) fn symbol(&mut self) -> Result<Option<String>, Broken> {
        self.at += 1;
        Ok(match self.peek() {
            Some(b'\'' | b'"') => self.text()?.flatten().map(|t| t.value),
            Some(_) | None => self.word().map(str::to_owned),
        })
    }

    /// Passes a value that only Ruby can tell, up to the `,` or bracket behind it.
    pub(super) fn skip_value(&mut self) -> Result<(), Broken> {
        self.skip(true)
    }

    /// Passes everything up to the bracket that closes, and that bracket.
    pub(super) fn skip_to_closing(&mut self) -> Result<(), Broken> {
        self.skip(false)?;
        if self.peek().is_some() { self.bump() } else { Ok(()) }
    }

    fn skip(&mut self, stop_at_comma: bool) -> Result<(), Broken> {
        let begin = self.line;
        let mut depth = 0_usize;
        let mut last = b' ';
        loop {
            self.blank(true)?;
            let Some(byte) = self.peek() else {
                return Err(Broken { line: begin, why: "a bracket that is open here is never closed" });
            };
            match byte {
                b',' if depth == 0 && stop_at_comma => return Ok(()),
                b')' | b']' | b'}' if depth == 0 => return Ok(()),
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth -= 1,
                b'\'' | b'"' | b'`' | b'%' | b'<' if self.text_here(last) => {
                    self.text()?;
                    last = b'"';
                    continue;
                }
                _ => {}
            }
            last = byte;
            if self.word().is_none() {
                self.bump()?;
            }
        }
    }

    /// Whether a text begins here, and not a division, comparison or append. `last` is the sign before.
    pub(super) fn text_here(&self, last: u8) -> bool {
        let behind_a_value = last.is_ascii_alphanumeric() || matches!(last, b'"' | b')' | b']' | b'}');
        match self.peek() {
            Some(b'\'' | b'"' | b'`') => true,
            Some(b'%') => !behind_a_value && self.percent().is_some(),
            Some(b'<') => self.heredoc_head().is_some(),
            Some(_) | None => false,
        }
    }

    /// `/…/`, as far as it ends on its line.
    pub(super) fn pattern(&mut self) {
        let start = self.at;
        self.at += 1;
        if start < self.no_pattern {
            return;
        }
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => break,
                b'\\' if self.after(1).is_some_and(|b| b != b'\n') => self.at += 2,
                b'/' => {
                    self.at += 1;
                    return;
                }
                _ => self.at += 1,
            }
        }
        // No pattern after all: a division. The bytes behind it are read again once, as anything else.
        self.no_pattern = self.at;
        self.at = start + 1;
    }

    /// A text in any form. `None`: none begins here. `Some(None)`: Ruby would put something into it.
    pub(super) fn text(&mut self) -> Result<Option<Option<Text>>, Broken> {
        match self.peek() {
            Some(b'\'') => self.quoted(1, Form { close: b'\'', open: None, raw: true, list: false }),
            Some(quote @ (b'"' | b'`')) => {
                let found = self.quoted(1, Form { close: quote, open: None, raw: false, list: false })?;
                Ok(if quote == b'`' { Some(None) } else { found })
            }
            Some(b'%') => match self.percent() {
                Some((length, form)) => self.quoted(length, form),
                None => Ok(None),
            },
            Some(b'<') => match self.heredoc_head() {
                Some(head) => self.heredoc(head).map(Some),
                None => Ok(None),
            },
            Some(_) | None => Ok(None),
        }
    }

    /// What begins at a `%`: the length of its beginning, and how it ends.
    fn percent(&self) -> Option<(usize, Form)> {
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

    fn quoted(&mut self, length: usize, form: Form) -> Result<Option<Option<Text>>, Broken> {
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
                    self.bump()?;
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
            self.bump()?;
        }
        self.at += 1;
        let value = String::from_utf8(bytes).ok().filter(|_| plain);
        Ok(Some(value.map(|value| Text { value, is_list: form.list })))
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
                (b'#', Some(b'"' | b'`')) | (b'#', None) if self.after(1) == Some(b'{') => {
                    self.at += 1;
                    open.push(b'}');
                }
                (_, Some(quote)) if byte == quote => {
                    open.pop();
                }
                (_, Some(_)) => {}
                (b'{', None) => open.push(b'}'),
                (b'}', None) => {
                    open.pop();
                }
                (b'\'' | b'"' | b'`', None) => open.push(byte),
                (_, None) => {}
            }
            if open.len() > DEEPEST {
                return Err(Broken { line: begin, why: "a text that begins here is nested too deep" });
            }
            self.bump()?;
            if open.is_empty() {
                return Ok(());
            }
        }
    }

    /// `<<~NAME`, `<<-'NAME'`, `<<NAME`
    fn heredoc_head(&self) -> Option<Head<'a>> {
        let rest = self.rest().strip_prefix("<<")?;
        let (rest, indented, squiggly) = match rest.as_bytes().first()? {
            b'~' => (&rest[1..], true, true),
            b'-' => (&rest[1..], true, false),
            _ => (rest, false, false),
        };
        let quote = rest.bytes().next().filter(|b| matches!(b, b'\'' | b'"'));
        let name = match quote {
            Some(quote) => {
                let line = rest[1..].bytes().take(80).position(|b| b == quote || b == b'\n')?;
                if rest.as_bytes()[1 + line] == b'\n' {
                    return None;
                }
                rest.get(1..=line)?
            }
            None => {
                let part = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
                let length = rest.bytes().take_while(part).count();
                rest.get(..length).filter(|n| n.starts_with(|c: char| c.is_ascii_uppercase()))?
            }
        };
        let length = self.rest().len() - rest.len() + name.len() + 2 * usize::from(quote.is_some());
        (!name.is_empty()).then_some(Head { name, length, indented, squiggly, raw: quote == Some(b'\'') })
    }

    /// Reads the body on the next lines; they are passed over when this line ends.
    fn heredoc(&mut self, head: Head) -> Result<Option<Text>, Broken> {
        let begin = self.line;
        self.at += head.length;
        let (mut at, mut line) = match self.resume {
            Some(behind) => behind,
            None => {
                let left = self.rest().find('\n').map_or(self.text.len(), |n| self.at + n + 1);
                (left, self.line + 1)
            }
        };
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
        Ok(plain.then_some(Text { value, is_list: false }))
    }
}

/// How a text in quotes ends, and what may stand in it.
#[derive(Clone, Copy)]
struct Form {
    close: u8,
    /// The sign that opens one inside it, where that counts.
    open: Option<u8>,
    /// Without interpolation and most escapes.
    raw: bool,
    list: bool,
}

/// How a heredoc begins.
struct Head<'a> {
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
