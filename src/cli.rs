//! Options: what an administrator may say, and what a subject becomes of it. The only rung that sees node, net
//! and lab together.

mod carry;
pub mod inputs;
pub mod screen;
pub mod subject;

use crate::egress::Given;
use crate::report::{FailOn, Format, Redaction};
use crate::subject::address::{BaseUrl, ProxyUrl};
use crate::subject::dial::{ConnectTo, ResolveTo};
use crate::subject::services::Deployment;
use crate::text;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// The terminal health check for GitLab Duo on self-managed GitLab.
#[derive(Clone, Debug, Parser)]
#[command(version, about, args_conflicts_with_subcommands = true, args_override_self = true)]
#[command(after_help = "Exit codes: 0 nothing failed, 1 a check failed, 2 warnings (--fail-on warn), \
    3 inconclusive, 64 wrong usage, 65 unreadable input, 70 internal error, 73 report not written, \
    78 configuration file, 128+n signal n.\nWithout a terminal on stdout the program behaves as `check`.")]
pub struct Cli {
    /// What to do; nothing: the terminal UI on this node.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of the UI.
    #[command(flatten)]
    pub options: Options,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// The same run without a UI: the report on stdout, progress on stderr
    #[command(args_override_self = true)]
    Check(CheckArgs),
    /// The UI against the embedded lab: a simulated instance, cloud and proxy on loopback
    #[command(args_override_self = true)]
    Demo(DemoArgs),
    /// Open a saved report in the UI, offline
    View(ViewArgs),
    /// What broke, what was mended, what got slower between two reports
    Diff(DiffArgs),
    /// The built-in article of a finding code or a check; without an argument the list
    Explain(ExplainArgs),
}

/// `check`
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// Check a scenario of the embedded lab instead of this node
    #[arg(long, value_name = "SCENARIO")]
    pub demo: Option<String>,
    /// What is checked and how.
    #[command(flatten)]
    pub options: Options,
}

/// `demo`
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// The scenario; without one the UI offers the list
    pub scenario: Option<String>,
    /// Name the scenarios, one a line
    #[arg(long)]
    pub list: bool,
    /// How it is checked and shown.
    #[command(flatten)]
    pub options: Options,
}

/// `view`
#[derive(Clone, Debug, Args)]
pub struct ViewArgs {
    /// A report of this program: JSON or JSONL; a client's and a node's are read together
    #[arg(required = true, num_args = 1..=2, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How it is shown.
    #[command(flatten)]
    pub output: Output,
}

/// `diff`
#[derive(Clone, Debug, Args)]
pub struct DiffArgs {
    /// The earlier report
    pub old: PathBuf,
    /// The later report
    pub new: PathBuf,
    /// How it is shown.
    #[command(flatten)]
    pub look: LookArgs,
}

/// `explain`
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// A finding code (`tls-expired`) or a check (`tls`)
    pub what: Option<String>,
    /// Print the JSON Schema of the report
    #[arg(long)]
    pub schema: bool,
    /// Print the table of checks in Markdown
    #[arg(long, conflicts_with = "schema")]
    pub table: bool,
    /// How it is shown.
    #[command(flatten)]
    pub look: LookArgs,
}

/// What is checked and how.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The instance [default: `external_url` as found on this node]; no scheme means https
    #[arg(long, value_name = "URL")]
    pub instance_url: Option<BaseUrl>,
    /// A file with a personal access token (mode 0600); also `DUO_DOCTOR_TOKEN`
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// A client certificate (PEM) for the instance's doors, as curl's
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// Its key (PEM, without a passphrase)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// Connections for HOST1:PORT1 go to HOST2:PORT2, as curl's
    #[arg(long, value_name = "HOST1:PORT1:HOST2:PORT2")]
    pub connect_to: Vec<ConnectTo>,
    /// ADDRESS replaces DNS for HOST:PORT, as curl's
    #[arg(long, value_name = "HOST:PORT:ADDRESS")]
    pub resolve: Vec<ResolveTo>,
    /// Ask this resolver in place of the system's
    #[arg(long, value_name = "IP:PORT", value_parser = resolver)]
    pub nameserver: Option<SocketAddr>,
    /// Trust these roots (PEM) beside those of each component
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// Use this proxy, or `none`, in place of what each component has
    #[arg(long, value_name = "URL|none")]
    pub proxy: Option<ProxyArg>,
    /// Read the node's files below this directory
    #[arg(long, value_name = "DIR")]
    pub sysroot: Option<PathBuf>,
    /// A group, a check, or a check at a place (`network`, `tls`, `tls@cloud`); pulls in what it needs
    #[arg(long, value_name = "WHAT")]
    pub only: Vec<String>,
    /// The same, left out
    #[arg(long, value_name = "WHAT")]
    pub skip: Vec<String>,
    /// Which services Duo needs here
    #[arg(long, value_name = "auto|cloud|self-hosted|hybrid|dedicated", default_value = "auto",
        value_parser = named::<Deployment>("auto, cloud, self-hosted, hybrid or dedicated"))]
    pub deployment: Deployment,
    /// Let one real code completion be asked for: it counts as use of GitLab Duo
    #[arg(long)]
    pub allow_completion: bool,
    /// Let it read licence and sync state by one read-only `gitlab-rails runner` call (takes up to minutes, needs root)
    #[arg(long)]
    pub rails_runner: bool,
    /// How far back lines of GitLab's logs count as evidence: 90m, 24h, 3d [default: 24h]
    #[arg(long, value_name = "TIME")]
    pub since: Option<Since>,
    /// Hold the WebSocket open for so long to find idle cuts
    #[arg(long, value_name = "SECONDS")]
    pub hold: Option<Seconds>,
    /// For one connection step [default: 10]
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<Seconds>,
    /// For the whole run [default: 30, more with --hold and --rails-runner]
    #[arg(long, value_name = "SECONDS")]
    pub deadline: Option<Seconds>,
    /// What makes the exit code non-zero
    #[arg(long, value_name = "fail|warn", default_value = "fail", value_parser = named::<FailOn>("fail or warn"))]
    pub fail_on: FailOn,
    /// Where the report goes.
    #[command(flatten)]
    pub output: Output,
    /// Defaults for all options in TOML [default: $XDG_CONFIG_HOME/duo-doctor/config.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Where the report goes and how it looks.
#[derive(Clone, Debug, Args)]
pub struct Output {
    /// text, json, jsonl, markdown or html [default: text on stdout, by the file's ending with --output]
    #[arg(long, value_name = "FORMAT", value_parser = named::<Format>("text, json, jsonl, markdown or html"))]
    pub format: Option<Format>,
    /// Write the report there: mode 0600, whole or not at all
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write over an existing file
    #[arg(long)]
    pub force: bool,
    /// share hides names and addresses, full keeps them [default: full on a terminal, else share]
    #[arg(long, value_name = "share|full", value_parser = named::<Redaction>("share or full"))]
    pub redact: Option<Redaction>,
    /// Presentation.
    #[command(flatten)]
    pub look: LookArgs,
}

/// Presentation.
#[derive(Clone, Copy, Debug, Args)]
pub struct LookArgs {
    /// Colour
    #[arg(long, value_enum, default_value = "auto")]
    pub color: When,
    /// No characters beyond ASCII
    #[arg(long)]
    pub ascii: bool,
}

/// When colour is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless `NO_COLOR` or `CLICOLOR` say otherwise.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Reads a resolver's address; no port means 53.
fn resolver(text: &str) -> Result<SocketAddr, String> {
    let bare = || text.trim_matches(['[', ']']).parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53));
    text.parse::<SocketAddr>()
        .or_else(|_| bare())
        .map_err(|_| format!("`{}` is not IP:PORT", text::foreign(text)))
}

/// Reads a word of a fixed set.
fn named<T: FromStr<Err = ()>>(words: &'static str) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| text.parse().map_err(|()| format!("`{}` is not {words}", text::foreign(text)))
}

/// Seconds with an optional fraction, more than none and at most a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seconds(pub Duration);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(s) if s > 0.0 && s <= 86_400.0 => Ok(Self(Duration::from_secs_f64(s))),
            Ok(_) | Err(_) => {
                Err(format!("`{}` is no number of seconds above 0 and up to 86400", text::foreign(text)))
            }
        }
    }
}

/// A length of time: `90m`, `24h`, `3d`, or seconds; at most 30 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since(pub Duration);

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is no time like 90m, 24h or 3d, up to 30 days", text::foreign(text));
        let (number, unit) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
            Some(number) => (number, text.as_bytes()[number.len()]),
            None => (text, b's'),
        };
        let each = match unit {
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            _ => 1,
        };
        let seconds = number.parse::<u64>().ok().and_then(|n| n.checked_mul(each)).ok_or_else(wrong)?;
        if seconds == 0 || seconds > 30 * 86_400 {
            return Err(wrong());
        }
        Ok(Self(Duration::from_secs(seconds)))
    }
}

/// `--proxy`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyArg(Given);

impl FromStr for ProxyArg {
    type Err = crate::subject::address::AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(Given::Direct));
        }
        text.parse::<ProxyUrl>().map(|proxy| Self(Given::Proxy(proxy)))
    }
}
