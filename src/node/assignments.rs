//! Files of variables: `/etc/environment`, `export` lines of a shell script, systemd units, environment
//! directories of runit. Decides which variable has which value; nothing is expanded.

/// An assignment in a shell script.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ShellLine {
    pub(super) name: String,
    /// `None`: a shell would compute it.
    pub(super) value: Option<String>,
    /// It is given to programs that the shell starts.
    pub(super) is_exported: bool,
}

/// The simple assignments of a shell script or of `/etc/environment`: `export a=b`, `a="b"`, several on a line.
pub(super) fn of_shell(text: &str) -> Vec<ShellLine> {
    let mut found = Vec::new();
    for line in text.lines() {
        let words = words(line);
        let is_exported = words.first().is_some_and(|word| word.text == "export");
        for word in words.iter().skip(usize::from(is_exported)) {
            // `export a b`: given to programs, set on another line.
            let Some((name, value)) = assignment(word) else {
                let set = found.iter_mut().filter(|set: &&mut ShellLine| set.name == word.text);
                set.for_each(|set| set.is_exported |= is_exported);
                if !is_exported {
                    break;
                }
                continue;
            };
            found.push(ShellLine { name, value: (!word.computed).then_some(value), is_exported });
        }
    }
    found
}

/// What a systemd unit or drop-in says about the environment, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum UnitLine {
    /// `Environment=a=b`
    Set(String, String),
    /// `Environment=` alone takes back what was set before.
    Reset,
    /// `EnvironmentFile=/etc/default/gitlab`
    File(String),
}

/// The environment lines of a systemd unit (systemd.exec(5)).
pub(super) fn of_unit(text: &str) -> Vec<UnitLine> {
    let mut found = Vec::new();
    let mut in_service = false;
    let joined = text.replace("\\\n", " ");
    for line in joined.lines().map(str::trim) {
        if line.starts_with('[') {
            in_service = line == "[Service]";
        }
        if !in_service {
            continue;
        }
        if let Some(rest) = line.strip_prefix("Environment=") {
            if rest.trim().is_empty() {
                found.push(UnitLine::Reset);
            }
            found.extend(words(rest).iter().filter_map(assignment).map(|(n, v)| UnitLine::Set(n, v)));
        } else if let Some(path) = line.strip_prefix("EnvironmentFile=") {
            found.push(UnitLine::File(path.trim().trim_start_matches('-').to_owned()));
        }
    }
    found
}

/// What `chpst -e DIR` makes of a file of the directory (runit's chpst(8)): its first line without blanks at the
/// end; `None`: an empty file, which takes the variable out.
pub(super) fn of_env_file(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() {
        return None;
    }
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line).replace('\0', "\n");
    Some(line.trim_end_matches([' ', '\t']).to_owned())
}

/// The entries of `/proc/PID/environ`. `None`: something was written over it.
pub(super) fn of_environ(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    for entry in bytes.split(|b| *b == 0) {
        if entry.is_empty() {
            // Nothing stands between two variables; only the padding of a title does.
            continue;
        }
        let entry = String::from_utf8_lossy(entry);
        let (name, value) = entry.split_once('=')?;
        if name.is_empty() || name.contains(char::is_whitespace) {
            return None;
        }
        found.push((name.to_owned(), value.to_owned()));
    }
    let begins_whole = bytes.first().is_some_and(|b| *b != 0);
    (begins_whole && found.iter().any(|(name, _)| name == "PATH")).then_some(found)
}

/// A runit `run` file: where its environment directory is, and what is set beside it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RunFile {
    /// The directory behind `chpst -e`.
    pub(super) env_dir: Option<String>,
    /// Variables that the script sets itself and that no shell computes.
    pub(super) set: Vec<(String, String)>,
}

/// Reads a `run` file: `exec chpst -e DIR …` and the `NAME=value` words before and behind it.
pub(super) fn of_run_file(text: &str) -> RunFile {
    let mut run = RunFile::default();
    let joined = text.replace("\\\n", " ");
    for line in joined.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let words = words(line);
        let runs = words.iter().any(|w| w.text == "exec" || w.text == "export" || w.text == "env");
        if !runs {
            continue;
        }
        let chpst = words.iter().any(|w| w.text == "chpst" || w.text.ends_with("/chpst"));
        for (i, word) in words.iter().enumerate() {
            if chpst && word.text == "-e" {
                run.env_dir = words.get(i + 1).map(|w| w.text.clone()).or(run.env_dir);
            }
            run.set.extend(assignment(word).filter(|_| !word.computed));
        }
    }
    run
}

/// The words of every command of a script, in order: options stand among them with what follows them.
pub(super) fn options(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    joined.lines().flat_map(words).map(|word| word.text).collect()
}

/// A word of a shell, without its quotes.
struct Word {
    text: String,
    /// A shell would put something in.
    computed: bool,
}

fn assignment(word: &Word) -> Option<(String, String)> {
    let (name, value) = word.text.split_once('=')?;
    let is_name = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    is_name.then(|| (name.to_owned(), value.to_owned()))
}

/// The words of a line up to a comment or the end of the command.
fn words(line: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let is_blank = c.is_whitespace() && quote.is_none();
        if is_blank || (c == ';' && quote.is_none()) {
            found.extend(word.take());
            continue;
        }
        if c == '#' && quote.is_none() && word.is_none() {
            break;
        }
        let current = word.get_or_insert_with(|| Word { text: String::new(), computed: false });
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (_, Some(q)) if c == q => quote = None,
            ('\\', None | Some('"')) => current.text.extend(chars.next()),
            ('$' | '`', None | Some('"')) => {
                current.computed = true;
                current.text.push(c);
            }
            _ => current.text.push(c),
        }
    }
    found.extend(word);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(found: &[(String, String)]) -> Vec<(&str, &str)> {
        found.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect()
    }

    #[test]
    fn a_shell_script_gives_its_simple_assignments_and_no_computed_ones() {
        let found = of_shell(
            "# a=b\nexport http_proxy=\"http://p:1\" no_proxy='a, b' # c\nX=$Y\nif true; then\nhttps_proxy=p:2\nexport A https_proxy\n",
        );
        let found: Vec<_> =
            found.iter().map(|l| (l.name.as_str(), l.value.as_deref(), l.is_exported)).collect();
        assert_eq!(
            found,
            [
                ("http_proxy", Some("http://p:1"), true),
                ("no_proxy", Some("a, b"), true),
                ("X", None, false),
                ("https_proxy", Some("p:2"), true),
            ]
        );
    }

    #[test]
    fn an_environment_directory_gives_first_lines_and_an_empty_file_takes_out() {
        assert_eq!(of_env_file(b"http://p:1 \t\nmore"), Some("http://p:1".to_owned()));
        assert_eq!((of_env_file(b""), of_env_file(b"\n")), (None, Some(String::new())));
    }

    #[test]
    fn an_environment_without_a_path_was_written_over() {
        assert!(of_environ(b"PATH=/bin\0http_proxy=p:1\0").is_some());
        assert_eq!(of_environ(b"http_proxy=p:1\0"), None);
        assert_eq!(of_environ(b"gitlab-puma-worker]\0\0PATH=/bin\0"), None);
        assert_eq!((of_environ(b"\0\0\0"), of_environ(b"")), (None, None));
    }

    #[test]
    fn a_run_file_names_its_environment_directory_and_what_it_adds() {
        let run = of_run_file(
            "#!/bin/sh\nexec 2>&1\ncd /x\nexec chpst -e /opt/x/env -P \\\n  -U git:git \\\n  /usr/bin/env A=1 B=$C puma\n",
        );
        assert_eq!(run.env_dir.as_deref(), Some("/opt/x/env"));
        assert_eq!(pairs(&run.set), [("A", "1")]);
    }

    #[test]
    fn a_unit_sets_resets_and_names_files() {
        let found = of_unit(
            "[Unit]\nEnvironment=X=1\n[Service]\nEnvironment=\"A=b c\" D=e\nEnvironment=\nEnvironmentFile=-/f\n",
        );
        let set = |n: &str, v: &str| UnitLine::Set(n.to_owned(), v.to_owned());
        assert_eq!(found, [set("A", "b c"), set("D", "e"), UnitLine::Reset, UnitLine::File("/f".to_owned())]);
    }
}
