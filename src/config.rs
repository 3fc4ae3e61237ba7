//! The configuration file: defaults for the options of the command line, in TOML, by their long names.
//!
//! `timeout = 5`, `only = ["network", "inbound"]`, `ascii = true`. A file is turned into arguments that stand
//! before the user's own, so that there is one place that knows the options.

use crate::cli::Cli;
use crate::text;
use clap::error::{ContextKind, ErrorKind};
use clap::{CommandFactory, Parser};
use std::error::Error;
use std::ffi::OsString;
use std::io::{ErrorKind as ErrorKindIo, Read};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why the configuration file cannot be used. Exit code 78.
#[derive(Debug, Error)]
#[error("configuration file {path}: {why}")]
pub struct ConfigError {
    path: String,
    why: String,
}

/// Why the command line does not lead to anything.
#[derive(Debug, Error)]
pub enum Wrong {
    /// clap's words: also `--help` and `--version`, which are no errors.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// The configuration file.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Reads the command line, with the defaults of the configuration file: the one that `--config` names, else the
/// user's own, if it is there.
///
/// # Errors
/// Wrong usage, or a configuration file that cannot be used.
pub fn command_line(arguments: Vec<OsString>, home: Option<PathBuf>) -> Result<Cli, Wrong> {
    let cli = Cli::try_parse_from(&arguments)?;
    let Some(given) = options(&cli) else { return Ok(cli) };
    let (path, text) = match (given.config.clone(), home) {
        (Some(path), _) => {
            let text = contents(&path).map_err(|e| wrong(&path, e.to_string()))?;
            (path, text)
        }
        (None, Some(path)) => match contents(&path) {
            Ok(text) => (path, text),
            // Under `sudo -u` or `su`, HOME may lead to somebody else's folder.
            Err(error) if matches!(error.kind(), ErrorKindIo::NotFound | ErrorKindIo::PermissionDenied) => {
                return Ok(cli);
            }
            Err(error) => return Err(wrong(&path, error.to_string()).into()),
        },
        (None, None) => return Ok(cli),
    };
    let defaults = defaults(&path, &text)?;
    let mut all = arguments;
    let start = 1 + usize::from(cli.command.is_some());
    all.splice(start..start, defaults.into_iter().map(OsString::from));
    // The user's own words were understood above: what is wrong now stands in the file.
    Cli::try_parse_from(all).map_err(|e| wrong(&path, sentence(&e)).into())
}

/// What is wrong with an argument, in one sentence without control characters.
///
/// A value that did not parse is told in the parser's own words: clap's repeat it as it was given, and a proxy's
/// URL may hold a password.
pub fn sentence(error: &clap::Error) -> String {
    let named = error.get(ContextKind::InvalidArg).map(|argument| text::foreign(&argument.to_string()));
    if let (ErrorKind::ValueValidation, Some(option), Some(why)) = (error.kind(), named, error.source()) {
        return format!("{option}: {}", text::foreign(&why.to_string()));
    }
    let rendered = error.render().to_string();
    let lines = rendered.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .map(|line| text::foreign(line.trim_start_matches("error: ")))
        .collect();
    lines.join(" ")
}

/// No configuration is longer.
const LONGEST: u64 = 1 << 20;

fn contents(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let read = std::fs::File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if read as u64 > LONGEST {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(text)
}

fn options(cli: &Cli) -> Option<&crate::cli::Options> {
    use crate::cli::Command;
    match &cli.command {
        None => Some(&cli.options),
        Some(Command::Check(check)) => Some(&check.options),
        Some(Command::Demo(demo)) => Some(&demo.options),
        Some(Command::View(_) | Command::Diff(_) | Command::Explain(_)) => None,
    }
}

fn wrong(path: &Path, why: impl Into<String>) -> ConfigError {
    ConfigError { path: text::foreign(&path.display().to_string()), why: why.into() }
}

/// The file as arguments.
fn defaults(path: &Path, text: &str) -> Result<Vec<String>, ConfigError> {
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| wrong(path, first_line(&e)))?;
    let command = Cli::command();
    let mut arguments = Vec::new();
    for (key, value) in &table {
        let known = command.get_arguments().find(|a| a.get_long() == Some(key) && key != "config");
        let Some(known) = known else {
            return Err(wrong(path, format!("`{}` is no option", text::foreign(key))));
        };
        let takes_value = known.get_action().takes_values();
        let mut push = |value: String| arguments.push(format!("--{key}={value}"));
        match (value, takes_value) {
            (toml::Value::Boolean(true), false) => arguments.push(format!("--{key}")),
            (toml::Value::Boolean(false), false) => {}
            (toml::Value::String(s), true) => push(s.clone()),
            (toml::Value::Integer(n), true) => push(n.to_string()),
            (toml::Value::Float(n), true) => push(n.to_string()),
            (toml::Value::Array(items), true) => {
                for item in items {
                    let text = item.as_str().ok_or_else(|| wrong(path, format!("`{key}` wants texts")))?;
                    push(text.to_owned());
                }
            }
            _ => return Err(wrong(path, format!("the value of `{key}` is of the wrong kind"))),
        }
    }
    Ok(arguments)
}

fn first_line(error: &toml::de::Error) -> String {
    error.message().lines().next().unwrap_or("it is not TOML").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn parsed(file: &str, arguments: &[&str]) -> Result<Cli, Wrong> {
        let mut config = tempfile::NamedTempFile::new().expect("a file");
        config.write_all(file.as_bytes()).expect("written");
        let mut all: Vec<OsString> = vec!["duo-doctor".into()];
        all.extend(arguments.iter().map(OsString::from));
        command_line(all, Some(config.path().to_owned()))
    }

    #[test]
    fn the_file_gives_defaults_and_the_command_line_wins() {
        let cli =
            parsed("timeout = 5\nascii = true\nonly = [\"network\"]", &["--timeout", "2"]).expect("good");
        assert_eq!(cli.options.timeout.map(|s| s.0.as_secs()), Some(2));
        assert!(cli.options.output.look.ascii);
        assert_eq!(cli.options.only, ["network"]);
    }

    #[test]
    fn what_is_wrong_in_the_file_is_said_of_the_file() {
        for (file, why) in [
            ("tiemout = 5", "`tiemout` is no option"),
            ("ascii = 5", "the value of `ascii` is of the wrong kind"),
            ("timeout = \"soon\"", "soon"),
            ("timeout = ", "configuration file"),
        ] {
            let error = parsed(file, &["check"]).expect_err(file);
            assert!(matches!(error, Wrong::Config(_)), "{file}");
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
