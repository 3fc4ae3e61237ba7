//! argv → mode → exit code. The only place that reads the wall clock and the environment.

use duo_doctor::checks::CHECKS;
use duo_doctor::cli::inputs::{Inputs, Unfit};
use duo_doctor::cli::subject;
use duo_doctor::cli::{Cli, Command, ExplainArgs, LookArgs, Options, Output, When, screen};
use duo_doctor::config::{self, Wrong};
use duo_doctor::engine::Rig;
use duo_doctor::finding::Code;
use duo_doctor::headless::{self, Talk, print, say};
use duo_doctor::lab::Lab;
use duo_doctor::lab::scenario::{self, Scenario};
use duo_doctor::report::file::Overwrite;
use duo_doctor::report::{self, Charset, Colour, Format, Redaction, diff, explain, import};
use duo_doctor::subject::environment::Environment;
use duo_doctor::{text, tui};
use jiff::Timestamp;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// `EX_USAGE`, `EX_DATAERR`, `EX_SOFTWARE`, `EX_CONFIG` of sysexits(3), as the contract uses them.
const USAGE: u8 = 64;
const INPUT: u8 = 65;
const INTERNAL: u8 = 70;
const CONFIG: u8 = 78;

fn main() -> ExitCode {
    let home =
        directories::ProjectDirs::from("", "", "duo-doctor").map(|d| d.config_dir().join("config.toml"));
    let cli = match config::command_line(std::env::args_os().collect(), home) {
        Ok(cli) => cli,
        Err(Wrong::Usage(error)) => return usage(&error),
        Err(Wrong::Config(error)) => return fail(CONFIG, &error.to_string()),
    };
    ExitCode::from(run(cli))
}

/// What is wrong with the command line; `--help` and `--version` are no errors.
fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        return fail(USAGE, &config::sentence(error));
    }
    // A closed pipe is no reason for another exit code.
    let _ = error.print();
    ExitCode::SUCCESS
}

fn fail(code: u8, sentence: &str) -> ExitCode {
    say(&format!("duo-doctor: {sentence}"));
    ExitCode::from(code)
}

fn run(cli: Cli) -> u8 {
    let done = match cli.command {
        None if terminal() == Terminal::Yes => on_screen(&cli.options, &On::Node),
        None => check(&cli.options, None),
        Some(Command::Check(args)) => check(&args.options, args.demo.as_deref()),
        Some(Command::Demo(args)) if args.list => Ok(list_scenarios()),
        Some(Command::Demo(args)) if terminal() == Terminal::Yes => {
            on_screen(&args.options, &args.scenario.as_deref().map_or(On::List, On::Scenario))
        }
        Some(Command::Demo(args)) => check(&args.options, args.scenario.as_deref().or(Some("healthy"))),
        Some(Command::View(args)) => view(&args.files, &args.output),
        Some(Command::Diff(args)) => compare(&args.old, &args.new, args.look),
        Some(Command::Explain(args)) => Ok(explain_to(&args)),
    };
    done.unwrap_or_else(|Stop { code, sentence }| {
        say(&format!("duo-doctor: {sentence}"));
        code
    })
}

/// Why the program ends before its work, with its exit code.
struct Stop {
    code: u8,
    sentence: String,
}

impl From<Unfit> for Stop {
    fn from(unfit: Unfit) -> Self {
        Stop { code: unfit.exit_code(), sentence: unfit.to_string() }
    }
}

fn stop(code: u8, sentence: impl Into<String>) -> Stop {
    Stop { code, sentence: sentence.into() }
}

/// What the UI examines.
enum On<'a> {
    /// This node.
    Node,
    /// A scenario of the lab, by its name.
    Scenario(&'a str),
    /// The one that is chosen from the list.
    List,
}

/// The UI.
fn on_screen(options: &Options, on: &On) -> Result<u8, Stop> {
    let source = match *on {
        On::Scenario(name) => screen::demo(options, known_scenario(name)?, Timestamp::now)?,
        On::List => screen::choose(options, Timestamp::now)?,
        On::Node => {
            let inputs = Inputs::read(options, std::env::var("DUO_DOCTOR_TOKEN").ok())?;
            for warning in &inputs.warnings {
                say(&format!("duo-doctor: {warning}"));
            }
            screen::node(options, inputs, shell(), Timestamp::now)?
        }
    };
    show(source, &options.output, options.fail_on)
}

fn show(source: tui::Source, output: &Output, fail_on: report::FailOn) -> Result<u8, Stop> {
    let options = report::Options { fail_on, ..look(output.look, Terminal::Yes) };
    let redaction = output.redact.unwrap_or(Redaction::Share);
    let setup = screen::setup(source, options, redaction, Timestamp::now);
    tui::run(setup, || runtime().map_err(|e| std::io::Error::other(e.sentence)))
        .map_err(|e| stop(INTERNAL, format!("the screen cannot be shown: {e}")))
}

/// Headless: the report on stdout or in a file.
fn check(options: &Options, demo: Option<&str>) -> Result<u8, Stop> {
    let inputs = Inputs::read(options, std::env::var("DUO_DOCTOR_TOKEN").ok())?;
    let selection = subject::selection(options)?;
    let output = output(&options.output, options.fail_on)?;
    for warning in &inputs.warnings {
        say(&format!("duo-doctor: {warning}"));
    }
    let talk = if std::io::stderr().is_terminal() && !is_dumb() { Talk::Line } else { Talk::Log };
    let runtime = runtime()?;
    let code = runtime.block_on(async {
        let (_lab, found) = match demo {
            Some(name) => {
                let lab = start_lab(name).await?;
                let found = lab.subject(subject::limits(options), Timestamp::now());
                (Some(lab), found)
            }
            None => (None, subject::of_node(options, &inputs, &shell(), Timestamp::now())?),
        };
        let rig: Rig = subject::rig(found, &selection);
        Ok::<u8, Stop>(headless::check(&rig, &output, talk, Timestamp::now).await)
    });
    // A resolver that hangs must not hold the program.
    runtime.shutdown_background();
    code
}

/// The administrator's shell, as far as it concerns ways out.
fn shell() -> Environment {
    Environment::of(std::env::vars(), "this shell's environment")
}

fn runtime() -> Result<tokio::runtime::Runtime, Stop> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| stop(INTERNAL, format!("the runtime does not start: {e}")))
}

fn known_scenario(name: &str) -> Result<Scenario, Stop> {
    scenario::scenario(name).ok_or_else(|| {
        let name = text::foreign(name);
        stop(USAGE, format!("there is no scenario `{name}`: `duo-doctor demo --list` names them"))
    })
}

async fn start_lab(name: &str) -> Result<Lab, Stop> {
    Lab::start(&known_scenario(name)?, Timestamp::now())
        .await
        .map_err(|e| stop(INTERNAL, format!("the lab does not start: {e}")))
}

fn list_scenarios() -> u8 {
    // For people with their titles, for programs the names alone.
    let line = |s: &Scenario| match terminal() {
        Terminal::Yes => format!("{:<36} {}", s.name, s.title),
        Terminal::No => s.name.clone(),
    };
    let lines: Vec<String> = scenario::scenarios().iter().map(line).collect();
    printed(&(lines.join("\n") + "\n"), 0)
}

/// Puts a text on stdout; `code` unless that fails.
fn printed(text: &str, code: u8) -> u8 {
    match print(text) {
        Ok(()) => code,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => code,
        Err(error) => {
            say(&format!("duo-doctor: stdout: {error}"));
            73
        }
    }
}

fn look(args: LookArgs, to_terminal: Terminal) -> report::Options {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    let colour = match args.color {
        When::Always => Colour::Always,
        When::Never => Colour::Never,
        When::Auto if set("NO_COLOR") => Colour::Never,
        When::Auto if set("CLICOLOR_FORCE") && std::env::var("CLICOLOR_FORCE").as_deref() != Ok("0") => {
            Colour::Always
        }
        When::Auto if std::env::var("CLICOLOR").as_deref() == Ok("0") => Colour::Never,
        When::Auto => match to_terminal {
            Terminal::Yes => Colour::Always,
            Terminal::No => Colour::Never,
        },
    };
    let charset = if args.ascii || !is_utf8_locale() { Charset::Ascii } else { Charset::Unicode };
    report::Options { colour, charset, ..report::Options::default() }
}

/// Whether stdout is a terminal that understands escape sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Terminal {
    Yes,
    No,
}

fn terminal() -> Terminal {
    if std::io::stdout().is_terminal() && !is_dumb() { Terminal::Yes } else { Terminal::No }
}

/// Whether the terminal, if there is one, is not known to understand escape sequences.
fn is_dumb() -> bool {
    std::env::var("TERM").map_or(true, |t| t == "dumb" || t.is_empty())
}

/// Whether the locale's characters are UTF-8; the first of the three variables that is set decides.
fn is_utf8_locale() -> bool {
    let set =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|n| std::env::var(n).ok().filter(|v| !v.is_empty()));
    set.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

fn output(args: &Output, fail_on: report::FailOn) -> Result<headless::Output, Stop> {
    let by_ending = |path: &Path| {
        let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        Format::of_ending(ending).ok_or_else(|| {
            let path = text::foreign(&path.display().to_string());
            stop(USAGE, format!("`{path}` does not tell a format by its ending: --format names one"))
        })
    };
    let format = match (args.format, &args.output) {
        (Some(format), _) => format,
        (None, Some(path)) => by_ending(path)?,
        (None, None) => Format::Text,
    };
    let to_terminal = if args.output.is_some() { Terminal::No } else { terminal() };
    let shown = to_terminal == Terminal::Yes && format == Format::Text;
    let redaction = args.redact.unwrap_or(if shown { Redaction::Full } else { Redaction::Share });
    let overwrite = if args.force { Overwrite::Yes } else { Overwrite::Never };
    let options = report::Options { fail_on, ..look(args.look, to_terminal) };
    Ok(headless::Output { format, redaction, options, file: args.output.clone(), overwrite })
}

/// Reads a saved report, bounded.
fn load(path: &Path) -> Result<import::Loaded, Stop> {
    let shown = text::foreign(&path.display().to_string());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| stop(INPUT, format!("{shown}: {e}")))?;
    let most = import::MAX_BYTES as u64 + 1;
    file.take(most).read_to_end(&mut bytes).map_err(|e| stop(INPUT, format!("{shown}: {e}")))?;
    import::read(&bytes).map_err(|e| stop(INPUT, format!("{shown} {e}")))
}

/// One saved run, or two read together.
fn view(paths: &[PathBuf], args: &Output) -> Result<u8, Stop> {
    let loaded = match paths {
        [one] => load(one)?,
        [first, second, ..] => {
            let run = report::join::join(load(first)?.run, load(second)?.run).map_err(|why| {
                let named = |path: &Path| text::foreign(&path.display().to_string());
                stop(INPUT, format!("{} and {} {why}", named(first), named(second)))
            })?;
            import::Loaded { run, events: None }
        }
        [] => return Err(stop(USAGE, "no file was named")),
    };
    if terminal() == Terminal::Yes && args.format.is_none() && args.output.is_none() {
        let name = |path: &PathBuf| path.file_name().unwrap_or(path.as_os_str()).display().to_string();
        let name = paths.iter().map(name).collect::<Vec<_>>().join(" + ");
        let source = tui::Source::Saved(Box::new(loaded.run), text::foreign(&name));
        return show(source, args, report::FailOn::Fail);
    }
    let output = output(args, report::FailOn::Fail)?;
    if let Some(place) =
        headless::write(&loaded.run, loaded.events.as_deref(), &output).map_err(|e| stop(73, e))?
    {
        say(&place);
    }
    Ok(report::exit_code(&loaded.run, report::FailOn::Fail))
}

fn compare(old: &Path, new: &Path, args: LookArgs) -> Result<u8, Stop> {
    let (old, new) = (load(old)?, load(new)?);
    let diff = diff::diff(&report::Report::of(&old.run), &report::Report::of(&new.run));
    Ok(printed(&diff::text(&diff, &look(args, terminal())), diff.exit_code()))
}

fn explain_to(args: &ExplainArgs) -> u8 {
    if args.schema {
        return printed(report::JSON_SCHEMA, 0);
    }
    if args.table {
        return printed(&explain::table(CHECKS), 0);
    }
    let what = args.what.as_deref();
    let article = match what {
        None => Some(explain::list(CHECKS)),
        Some(what) => match (what.parse::<Code>(), CHECKS.iter().find(|c| c.id == what)) {
            (Ok(code), _) => Some(explain::code(code, CHECKS, scenario::provoking(code).as_deref())),
            (Err(()), Some(check)) => Some(explain::check(check)),
            (Err(()), None) => None,
        },
    };
    let Some(article) = article else {
        let what = text::foreign(what.unwrap_or_default());
        say(&format!(
            "duo-doctor: `{what}` is no finding code and no check: `duo-doctor explain` lists them"
        ));
        return USAGE;
    };
    match look(args.look, terminal()).charset {
        Charset::Unicode => printed(&article, 0),
        Charset::Ascii => printed(&text::ascii(&article), 0),
    }
}
