//! A reader of the small part of Ruby in which `gitlab.rb` is written: assignments of literals to settings.
//!
//! Nothing is evaluated. What only Ruby could tell is `Unknown`, and what stands in a block or behind a condition
//! counts as unknown too. One pass over the bytes; a text that does not end makes the whole file `broken`.

use super::lexer::{Broken, Lexer};
use super::literals::Literal;
use crate::secret::Secret;

/// A value as far as it can be read without Ruby.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A text or a symbol.
    Text(Secret),
    /// `true` or `false`.
    Truth(bool),
    /// A whole number without a sign: a port.
    Number(u64),
    /// `nil`
    Nil,
    /// Another number: present, of no use here.
    Other,
    /// `[…]`, `%w(…)`
    List(Vec<Value>),
    /// `{…}`, with the line of each entry.
    Hash(Vec<(String, usize, Value)>),
    /// Only Ruby can tell.
    Unknown,
}

/// One statement that sets something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// `gitlab_rails['env'] = …`, `external_url '…'`: what is set, where, to what.
    Set {
        /// `["gitlab_rails", "env"]`
        path: Vec<String>,
        /// The line on which it begins.
        line: usize,
        /// What to.
        value: Value,
    },
    /// Another file is taken in, or a text is run: anything may have been set.
    Opaque {
        /// The word: `from_file`.
        word: String,
        /// Its line.
        line: usize,
    },
}

/// Words that take in another file or run a text.
const OPAQUE: [&str; 8] =
    ["from_file", "eval", "instance_eval", "class_eval", "load", "require_relative", "send", "public_send"];

/// Settings that are written like a call: `external_url 'https://…'` (Omnibus' `SettingsDSL`).
const CALLS: [&str; 2] = ["external_url", "roles"];

/// Hashes and lists inside each other beyond this are not read.
const DEEPEST: usize = 32;

/// Reads a file's statements.
///
/// # Errors
/// A text, a heredoc or a bracket that never ends: Ruby would refuse the whole file.
pub(super) fn statements(text: &str) -> Result<Vec<Statement>, Broken> {
    let mut reader = Reader { lexer: Lexer::new(text), blocks: 0, found: Vec::new() };
    while reader.statement()? {}
    Ok(reader.found)
}

struct Reader<'a> {
    lexer: Lexer<'a>,
    /// How many blocks (`if`, `do`, `def`, …) are open.
    blocks: usize,
    found: Vec<Statement>,
}

impl Reader<'_> {
    /// Reads one statement; `false` at the end.
    fn statement(&mut self) -> Result<bool, Broken> {
        self.lexer.blank(true)?;
        let Some(first) = self.lexer.peek() else { return Ok(false) };
        if matches!(first, b';' | b')' | b']' | b'}' | b',') {
            self.lexer.bump();
            return Ok(true);
        }
        let line = self.lexer.line();
        let Some(word) = self.lexer.word() else {
            self.rest(None)?;
            return Ok(true);
        };
        match word {
            "__END__" => return Ok(false),
            "end" => self.blocks = self.blocks.saturating_sub(1),
            "if" | "unless" | "case" | "begin" | "def" | "class" | "module" => self.blocks += 1,
            "while" | "until" | "for" => {
                self.blocks += 1;
                // Their `do` opens no block of its own.
                self.rest(Some(Loop))?;
                return Ok(true);
            }
            // What follows on the line is a condition or nothing; an assignment behind `then` is read below.
            "else" | "elsif" | "when" | "then" | "ensure" | "rescue" | "do" | "in" | "not" | "and" | "or" => {
            }
            _ if OPAQUE.contains(&word) => {
                self.found.push(Statement::Opaque { word: word.to_owned(), line });
                self.rest(None)?;
            }
            _ => self.setting(word.to_owned(), line)?,
        }
        if matches!(word, "if" | "unless" | "case" | "elsif" | "when" | "def" | "class" | "module") {
            self.condition()?;
        }
        Ok(true)
    }

    /// A condition or a name behind a keyword: up to the end of the line, or to `then`.
    fn condition(&mut self) -> Result<(), Broken> {
        self.rest(Some(Head))
    }

    /// A statement that begins with a name.
    fn setting(&mut self, word: String, line: usize) -> Result<(), Broken> {
        let mut path = vec![word];
        let exact = self.keys(&mut path)?;
        self.lexer.blank(false)?;
        let is_call = path.len() == 1 && CALLS.contains(&path[0].as_str());
        if self.lexer.assigns() {
            // A bare name with `=` is a local variable in Ruby, also where it is called `external_url`.
            let is_local = path.len() == 1 && exact;
            self.lexer.blank(true)?;
            let value = self.value(0, true)?;
            if !is_local {
                self.set(path, line, if exact { value } else { Value::Unknown });
            }
            return Ok(());
        }
        if is_call && !matches!(self.lexer.peek(), Some(b'.' | b'=' | b'\n' | b'+' | b'<') | None) {
            let in_brackets = self.lexer.peek() == Some(b'(');
            let value = if in_brackets {
                self.lexer.bump();
                self.lexer.blank(true)?;
                let value = self.value(0, false)?;
                self.lexer.blank(true)?;
                let closes = self.lexer.peek() == Some(b')');
                if closes {
                    self.lexer.bump();
                }
                if closes && self.ends()? { value } else { self.rest(None).map(|()| Value::Unknown)? }
            } else {
                self.value(0, true)?
            };
            self.set(path, line, value);
            return Ok(());
        }
        if (path.len() > 1 || !exact) && self.lexer.changes() {
            self.set(path, line, Value::Unknown);
        }
        self.rest(None)
    }

    fn set(&mut self, path: Vec<String>, line: usize, value: Value) {
        let value = if self.blocks == 0 { value } else { Value::Unknown };
        self.found.push(Statement::Set { path, line, value });
    }

    /// The `['key']`s behind a name; `false`: one of them is computed, and only those before it were taken.
    fn keys(&mut self, path: &mut Vec<String>) -> Result<bool, Broken> {
        let mut exact = true;
        while self.lexer.peek() == Some(b'[') {
            let begin = self.lexer.line();
            self.lexer.bump();
            self.lexer.blank(true)?;
            let value = self.value(DEEPEST - 1, false)?;
            self.lexer.blank(true)?;
            match value {
                // No setting lies deeper; a path without end would only be a burden.
                Value::Text(key) if exact && path.len() < DEEPEST && self.lexer.peek() == Some(b']') => {
                    path.push(key.expose().to_owned());
                }
                _ => exact = false,
            }
            if self.lexer.peek() == Some(b']') {
                self.lexer.bump();
            } else {
                self.lexer.skip_to_closing(begin)?;
            }
        }
        Ok(exact)
    }

    /// A value. `alone`: it ends with its line; else with `,` or a closing bracket.
    fn value(&mut self, depth: usize, alone: bool) -> Result<Value, Broken> {
        let begin = self.lexer.line();
        let value = self.literal(depth)?;
        let ends = if alone { self.ends()? } else { self.lexer.at_separator()? };
        match value {
            Some(value) if ends => Ok(value),
            _ if alone => self.rest(None).map(|()| Value::Unknown),
            _ => self.lexer.skip_value(begin).map(|()| Value::Unknown),
        }
    }

    /// A literal, if one stands here; `None` leaves the reader somewhere in the expression.
    fn literal(&mut self, depth: usize) -> Result<Option<Value>, Broken> {
        let Some(first) = self.lexer.peek() else { return Ok(None) };
        Ok(match first {
            b'\'' | b'"' | b'%' | b'<' => match self.lexer.text()? {
                Literal::Plain(text) if text.is_list => {
                    let words = text.value.split_ascii_whitespace();
                    Some(Value::List(words.map(|w| Value::Text(Secret::new(w))).collect()))
                }
                Literal::Plain(text) => Some(Value::Text(Secret::new(text.value))),
                Literal::Computed => Some(Value::Unknown),
                Literal::No => None,
            },
            b':' => self.lexer.symbol()?.map(|symbol| Value::Text(Secret::new(symbol))),
            b'[' if depth < DEEPEST => self.list(depth)?,
            b'{' if depth < DEEPEST => self.hash(depth)?,
            b'0'..=b'9' | b'-' => Some(whole(self.lexer.number()).map_or(Value::Other, Value::Number)),
            _ => match self.lexer.word() {
                Some("true") => Some(Value::Truth(true)),
                Some("false") => Some(Value::Truth(false)),
                Some("nil") => Some(Value::Nil),
                Some("if" | "unless" | "case" | "begin") => {
                    self.blocks += 1;
                    None
                }
                Some(_) | None => None,
            },
        })
    }

    fn list(&mut self, depth: usize) -> Result<Option<Value>, Broken> {
        let begin = self.lexer.line();
        self.lexer.bump();
        let mut items = Vec::new();
        loop {
            self.lexer.blank(true)?;
            match self.lexer.peek() {
                None => return Err(Broken { line: begin, why: "a list that begins here has no end" }),
                Some(b']') => break,
                Some(b',') => self.lexer.bump(),
                Some(b')' | b'}') => return Ok(None),
                Some(_) => items.push(self.value(depth + 1, false)?),
            }
        }
        self.lexer.bump();
        Ok(Some(Value::List(items)))
    }

    fn hash(&mut self, depth: usize) -> Result<Option<Value>, Broken> {
        let begin = self.lexer.line();
        self.lexer.bump();
        let mut entries = Vec::new();
        let mut is_whole = true;
        loop {
            self.lexer.blank(true)?;
            let line = self.lexer.line();
            match self.lexer.peek() {
                None => return Err(Broken { line: begin, why: "a hash that begins here has no end" }),
                Some(b'}') => break,
                Some(b',') => {
                    self.lexer.bump();
                    continue;
                }
                Some(b')' | b']') => return Ok(None),
                Some(_) => {}
            }
            if let Some(key) = self.lexer.hash_key()? {
                self.lexer.blank(true)?;
                let value = self.value(depth + 1, false)?;
                entries.push((key, line, value));
            } else {
                // `**other`, or a key that only Ruby knows: any entry may be replaced by it.
                is_whole = false;
                self.lexer.skip_value(line)?;
            }
        }
        self.lexer.bump();
        Ok(Some(if is_whole { Value::Hash(entries) } else { Value::Unknown }))
    }

    /// Whether the statement is over: nothing follows on the line, and no `.method` on the next.
    fn ends(&mut self) -> Result<bool, Broken> {
        self.lexer.blank(false)?;
        Ok(match self.lexer.peek() {
            None | Some(b';') => true,
            Some(b'\n') => {
                self.lexer.blank(true)?;
                !(self.lexer.stands(".") || self.lexer.stands("&."))
            }
            // `if x then gitlab_rails['a'] = 'b' end`
            Some(_) => self.blocks > 0 && self.lexer.stands("end"),
        })
    }

    /// Passes over the rest of a statement. Settings that are changed inside it become unknown.
    fn rest(&mut self, what: Option<Rest>) -> Result<(), Broken> {
        let mut depth = 0_usize;
        let mut last = b' ';
        loop {
            self.lexer.blank(false)?;
            let Some(byte) = self.lexer.peek() else { break };
            let line = self.lexer.line();
            match byte {
                b'\n' if depth == 0 && !continues(last) => break,
                b';' if depth == 0 => break,
                b'\n' => {
                    self.lexer.blank(true)?;
                    continue;
                }
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                b'\'' | b'"' | b'`' | b'%' | b'<' if self.lexer.text_here(last) => {
                    self.lexer.text()?;
                    last = b'"';
                    continue;
                }
                b'/' if !ends_a_value(last) => {
                    self.lexer.pattern();
                    last = b'"';
                    continue;
                }
                _ => {}
            }
            let Some(word) = self.lexer.word() else {
                self.lexer.bump();
                last = byte;
                continue;
            };
            last = match word {
                "do" | "then" => {
                    if word == "do" && what != Some(Loop) {
                        self.blocks += 1;
                    }
                    if depth == 0 {
                        return Ok(());
                    }
                    b' '
                }
                "end" => {
                    self.blocks = self.blocks.saturating_sub(1);
                    b'"'
                }
                // At the beginning of an expression they open a block, behind one they are a condition of it.
                "if" | "unless" | "case" | "begin" | "while" | "until" if !ends_a_value(last) => {
                    self.blocks += 1;
                    b' '
                }
                "and" | "or" | "not" => b'&',
                _ if OPAQUE.contains(&word) => {
                    self.found.push(Statement::Opaque { word: word.to_owned(), line });
                    b'a'
                }
                _ => {
                    let mut path = vec![word.to_owned()];
                    let exact = self.keys(&mut path)?;
                    self.lexer.blank(false)?;
                    if (path.len() > 1 || !exact) && self.lexer.changes() {
                        self.found.push(Statement::Set { path, line, value: Value::Unknown });
                    }
                    b'a'
                }
            };
        }
        Ok(())
    }
}

/// What is passed over, where it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// The head of a loop, whose `do` is its own.
    Loop,
    /// The head of a condition or definition.
    Head,
}
use Rest::{Head, Loop};

/// A whole number in Ruby's decimal form, `8_443` too; a leading zero would make it another.
fn whole(number: &str) -> Option<u64> {
    let is_plain = number == "0" || !number.starts_with('0');
    number.replace('_', "").parse().ok().filter(|_| is_plain)
}

/// Whether a line that ends so goes on with the next one.
fn continues(last: u8) -> bool {
    matches!(last, b',' | b'.' | b'&' | b'|' | b'+' | b'-' | b'*' | b'\\' | b'=' | b'<' | b':')
}

/// Whether a value ended with this byte, so that what follows is an operator.
fn ends_a_value(last: u8) -> bool {
    last.is_ascii_alphanumeric() || matches!(last, b'"' | b')' | b']' | b'}' | b'_')
}
