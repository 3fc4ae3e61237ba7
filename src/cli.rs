//! Options: what an administrator may say, and what a subject becomes of it. The only rung that sees node, net
//! and lab together.

pub mod screen;

use crate::check::Check;
use crate::checks::CHECKS;
use crate::egress::{self, Environment, Given};
use crate::engine::{CarryOut, Rig};
use crate::net::Net;
use crate::plan::{Plan, Selection, What, plan};
use crate::report::{FailOn, Format, Redaction};
use crate::run::About;
use crate::secret::Secret;
use crate::subject::address::{InstanceUrl, ProxyUrl};
use crate::subject::dial::{ConnectTo, Dial, ResolveTo};
use crate::subject::place::Endpoint;
use crate::subject::{Cloudflare, Limits, PublicRoots, Store, StoreId, Subject};
use crate::{node, text};
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use x509_parser::prelude::{FromDer, X509Certificate};

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
    /// A report of this program: JSON or JSONL
    pub file: PathBuf,
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
    /// How it is shown.
    #[command(flatten)]
    pub look: LookArgs,
}

/// What is checked and how.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The instance [default: `external_url` as found on this node]; no scheme means https
    #[arg(long, value_name = "URL")]
    pub instance_url: Option<InstanceUrl>,
    /// A file with a personal access token (mode 0600); also `DUO_DOCTOR_TOKEN`
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Connections for HOST1:PORT1 go to HOST2:PORT2, as curl's
    #[arg(long, value_name = "HOST1:PORT1:HOST2:PORT2")]
    pub connect_to: Vec<ConnectTo>,
    /// ADDRESS replaces DNS for HOST:PORT, as curl's
    #[arg(long, value_name = "HOST:PORT:ADDRESS")]
    pub resolve: Vec<ResolveTo>,
    /// Ask this resolver in place of the system's
    #[arg(long, value_name = "IP:PORT")]
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
    /// Hold the WebSocket open for so long to find idle cuts
    #[arg(long, value_name = "SECONDS")]
    pub hold: Option<Seconds>,
    /// For one connection step [default: 10]
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<Seconds>,
    /// For the whole run [default: 30, more with --hold]
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

/// Why a run cannot begin, with its exit code.
#[derive(Debug, Error)]
pub enum Unfit {
    /// A selection names nothing.
    #[error(transparent)]
    Selection(#[from] crate::plan::NoSuchPart),
    /// A file that was named cannot be used.
    #[error("{what} {path}: {why}")]
    File {
        /// What it was meant to be: `token file`.
        what: &'static str,
        /// Its path.
        path: String,
        /// Why not.
        why: String,
    },
    /// A proxy variable of the environment holds no proxy.
    #[error(transparent)]
    Variable(#[from] egress::BadVariable),
}

impl Unfit {
    /// The exit code (contract, section 3).
    pub fn exit_code(&self) -> u8 {
        match self {
            Unfit::Selection(_) | Unfit::Variable(_) => 64,
            Unfit::File { .. } => 65,
        }
    }
}

/// Files named on the command line, read before anything else happens.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    token: Option<Secret>,
    roots: Vec<Vec<u8>>,
    /// What is worth saying and stops nothing.
    pub warnings: Vec<String>,
}

/// No file that is named on the command line is longer.
const LONGEST: u64 = 1 << 20;

impl Inputs {
    /// Reads what the options name. `token` is what `DUO_DOCTOR_TOKEN` holds.
    ///
    /// # Errors
    /// A file that cannot be read or is not what it should be.
    pub fn read(options: &Options, token: Option<String>) -> Result<Self, Unfit> {
        let mut inputs =
            Self { token: token.filter(|t| !t.trim().is_empty()).map(Secret::new), ..Self::default() };
        if let Some(path) = &options.token_file {
            inputs.token = Some(token_of(path, &mut inputs.warnings)?);
        }
        if let Some(path) = &options.cacert {
            inputs.roots = roots_of(path)?;
        }
        Ok(inputs)
    }
}

fn unfit(what: &'static str, path: &Path, why: impl Into<String>) -> Unfit {
    Unfit::File { what, path: text::foreign(&path.display().to_string()), why: why.into() }
}

fn contents(what: &'static str, path: &Path) -> Result<Vec<u8>, Unfit> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| unfit(what, path, e.to_string()))?;
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|e| unfit(what, path, e.to_string()))?;
    if bytes.len() as u64 > LONGEST {
        return Err(unfit(what, path, "it is larger than 1 MiB"));
    }
    Ok(bytes)
}

fn token_of(path: &Path, warnings: &mut Vec<String>) -> Result<Secret, Unfit> {
    let bytes = contents("token file", path)?;
    let mode = std::fs::metadata(path).map_or(0, |m| m.permissions().mode());
    if mode & 0o077 != 0 {
        let path = text::foreign(&path.display().to_string());
        warnings.push(format!(
            "token file {path} can be read by others (mode {:04o}): chmod 600 it",
            mode & 0o7777
        ));
    }
    let token = String::from_utf8(bytes).map_err(|_| unfit("token file", path, "it is no text"))?;
    let token = token.trim();
    match token {
        "" => Err(unfit("token file", path, "it is empty")),
        t if t.contains(char::is_whitespace) => Err(unfit("token file", path, "it holds more than one word")),
        t => Ok(Secret::new(t)),
    }
}

fn roots_of(path: &Path) -> Result<Vec<Vec<u8>>, Unfit> {
    let bytes = contents("CA file", path)?;
    let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let roots = roots.map_err(|e| unfit("CA file", path, format!("it is not in PEM form: {e}")))?;
    if roots.is_empty() {
        return Err(unfit("CA file", path, "it holds no certificate in PEM form"));
    }
    // The trust store passes over what it cannot read, and an administrator would wonder why nothing is trusted.
    if let Some(nth) = roots.iter().position(|root| X509Certificate::from_der(root).is_err()) {
        return Err(unfit("CA file", path, format!("what stands as certificate {} in it is none", nth + 1)));
    }
    Ok(roots.iter().map(|r| r.to_vec()).collect())
}

/// Where Linux distributions keep the bundle of trusted roots, in the order in which Go looks for it.
const SYSTEM_BUNDLES: [&str; 5] = [
    "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/ssl/ca-bundle.pem",
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "etc/ssl/cert.pem",
];

/// The limits that the options give.
pub fn limits(options: &Options) -> Limits {
    let hold = options.hold.map(|s| s.0);
    let usual = Limits::DEFAULT.deadline + hold.unwrap_or_default();
    Limits {
        timeout: options.timeout.map_or(Limits::DEFAULT.timeout, |s| s.0),
        deadline: options.deadline.map_or(usual, |s| s.0),
        hold,
    }
}

/// Finds out about this node. Reads files; asks nobody.
///
/// # Errors
/// A proxy variable that applies and cannot be used.
pub fn subject(
    options: &Options,
    inputs: &Inputs,
    environment: &Environment,
    now: Timestamp,
) -> Result<Subject, Unfit> {
    let root = options.sysroot.clone().unwrap_or_else(|| PathBuf::from("/"));
    let found = node::discover(&root);
    let files = SYSTEM_BUNDLES.iter().map(|f| root.join(f)).find(|f| f.exists()).into_iter().collect();
    let store = Store { label: "the system's store".to_owned(), files, roots: inputs.roots.clone() };
    let mut subject = Subject {
        instance: options.instance_url.clone().or(found.external_url),
        node: found.node,
        routes: Vec::new(),
        dial: dial(options),
        stores: vec![store],
        public_roots: PublicRoots::Mozilla,
        token: inputs.token.clone(),
        started_at: now,
        limits: limits(options),
        cloudflare: Cloudflare::embedded(),
        demo: None,
    };
    let targets = [Endpoint::Customers, Endpoint::Cloud].map(|e| subject.target(e).map(|t| (e, t)));
    let targets: Vec<_> = targets.into_iter().flatten().collect();
    let given = options.proxy.as_ref().map(|p| &p.0);
    subject.routes = egress::shell_routes(&targets, environment, given, StoreId(0))?;
    Ok(subject)
}

fn dial(options: &Options) -> Dial {
    let names =
        options.connect_to.iter().map(|c| c.0.clone()).chain(options.resolve.iter().map(|r| r.0.clone()));
    Dial { names: names.collect(), addresses: Vec::new(), nameserver: options.nameserver }
}

/// The selection that the options make.
///
/// # Errors
/// A part that does not exist.
pub fn selection(options: &Options) -> Result<Selection, Unfit> {
    let parse = |texts: &[String]| -> Result<Vec<What>, crate::plan::NoSuchPart> {
        texts.iter().map(|t| What::parse(t, CHECKS)).collect()
    };
    Ok(Selection { only: parse(&options.only)?, skip: parse(&options.skip)? })
}

/// What a round of the engine needs: the subject, its plan, and probes carried out on the wire.
pub fn rig(subject: Subject, selection: &Selection) -> Rig {
    let subject = Arc::new(subject);
    let plan: Plan = plan(&subject, checks(), selection);
    let about = About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        data_date: subject.cloudflare.date.clone(),
        instance: subject.instance.as_ref().map(ToString::to_string),
        started_at: subject.started_at,
        node: subject.node.clone(),
        routes: subject.routes.clone(),
        demo: subject.demo.clone(),
        deadline: subject.limits.deadline,
    };
    Rig { carry_out: on_the_wire(&subject), subject, plan: Arc::new(plan), about }
}

fn checks() -> &'static [&'static Check] {
    CHECKS
}

/// Probes on the wire, all of one round over the same resolutions and stores.
fn on_the_wire(subject: &Arc<Subject>) -> CarryOut {
    let net = Arc::new(Net::new(subject.clone()));
    Arc::new(move |probe, mut deliver| {
        let net = net.clone();
        Box::pin(async move { net.carry_out(&probe, &mut *deliver).await })
    })
}
