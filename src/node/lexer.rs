//! The signs of Ruby: blanks and comments, words, numbers, keys, patterns. Texts stand in `literals`.
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

pub(super) struct Lexer<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) line: usize,
    /// Where the next line begins, once a heredoc was read that stands between.
    pub(super) resume: Option<(usize, usize)>,
    /// Up to here no pattern ends, so that a line of slashes is not read again for each.
    no_pattern: usize,
}

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

    pub(super) fn after(&self, distance: usize) -> Option<u8> {
        self.bytes().get(self.at + distance).copied()
    }

    /// Passes one byte; behind a line with heredocs, their bodies too.
    pub(super) fn bump(&mut self) {
        if self.peek() == Some(b'\n') {
            self.line += 1;
            if let Some((at, line)) = self.resume.take() {
                (self.at, self.line) = (at, line);
                return;
            }
        }
        self.at += 1;
    }

    /// Passes blanks and comments; `lines`: line ends too, and `=begin` comments.
    pub(super) fn blank(&mut self, lines: bool) -> Result<(), Broken> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r' | 0x0b | 0x0c) => self.at += 1,
                Some(b'\\') if self.after(1) == Some(b'\n') => {
                    self.at += 1;
                    self.bump();
                }
                Some(b'\\') if self.after(1) == Some(b'\r') && self.after(2) == Some(b'\n') => {
                    self.at += 2;
                    self.bump();
                }
                Some(b'#') => self.pass_line(),
                Some(b'\n') if lines => self.bump(),
                Some(b'=') if lines && self.begins_line() && self.rest().starts_with("=begin") => {
                    let begin = self.line;
                    loop {
                        self.pass_line();
                        if self.peek().is_none() {
                            return Err(Broken { line: begin, why: "a comment that begins here has no end" });
                        }
                        self.bump();
                        if self.rest().starts_with("=end") {
                            self.pass_line();
                            break;
                        }
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn begins_line(&self) -> bool {
        self.at == 0 || self.bytes().get(self.at - 1) == Some(&b'\n')
    }

    fn pass_line(&mut self) {
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
        let is_word = word.bytes().all(part);
        self.rest().starts_with(word) && !(is_word && self.after(word.len()).is_some_and(part))
    }

    /// A number in any form, as it is written.
    pub(super) fn number(&mut self) -> &'a str {
        let start = self.at;
        let part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        let is_point =
            |here: &Self| here.peek() == Some(b'.') && here.after(1).is_some_and(|b| b.is_ascii_digit());
        while self.peek().is_some_and(part) || is_point(self) {
            self.at += 1;
        }
        self.text.get(start..self.at).unwrap_or_default()
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
            [b'|', b'|', b'=', ..]
            | [b'&', b'&', b'=', ..]
            | [b'<', b'<', ..]
            | [b'+' | b'-' | b'*' | b'|' | b'&', b'=', ..] => true,
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
            Some(b'\'' | b'"' | b'%') => self.text()?.plain().map(|t| t.value),
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
            Some(b'\'' | b'"') => self.text()?.plain().map(|t| t.value),
            Some(_) | None => self.word().map(str::to_owned),
        })
    }

    /// Passes a value that only Ruby can tell, up to the `,` or bracket behind it. `begin`: the line to blame where
    /// neither comes.
    pub(super) fn skip_value(&mut self, begin: usize) -> Result<(), Broken> {
        self.skip(true, begin)
    }

    /// Passes everything up to the bracket that closes, and that bracket.
    pub(super) fn skip_to_closing(&mut self, begin: usize) -> Result<(), Broken> {
        self.skip(false, begin)?;
        if self.peek().is_some() {
            self.bump();
        }
        Ok(())
    }

    fn skip(&mut self, stop_at_comma: bool, begin: usize) -> Result<(), Broken> {
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
                self.bump();
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
}
