//! What the next start of each component gets: runit's environment directories, else `gitlab.rb`; the container's
//! environment in a pod; systemd's units or `/etc/default/gitlab` beside an installation from source.

use super::assignments::{UnitLine, of_env_file, of_run_file, of_shell, of_unit};
use super::gitlab_rb::{FILE, Settings};
use super::install::Container;
use super::processes::Found;
use super::reading::{Reading, has_ending};
use super::root::Unreadable;
use crate::subject::environment::{Environment, PROXY_VARIABLES};
use crate::subject::facts::{Component, Process};
use crate::subject::place::Stack;
use std::collections::BTreeMap;

/// A component of the Linux package: its service, where its environment stands, its name in `gitlab.rb`.
struct Place {
    stack: Stack,
    role: &'static str,
    service: &'static str,
    env_dir: &'static str,
    key: &'static str,
}

/// Sidekiq is started with the environment of Rails (Omnibus: its `run` file).
const PLACES: [Place; 3] = [
    Place {
        stack: Stack::Rails,
        role: "rails",
        service: "puma",
        env_dir: "/opt/gitlab/etc/gitlab-rails/env",
        key: "gitlab_rails",
    },
    Place {
        stack: Stack::Workhorse,
        role: "workhorse",
        service: "gitlab-workhorse",
        env_dir: "/opt/gitlab/etc/gitlab-workhorse/env",
        key: "gitlab_workhorse",
    },
    Place {
        stack: Stack::Sidekiq,
        role: "sidekiq",
        service: "sidekiq",
        env_dir: "/opt/gitlab/etc/gitlab-rails/env",
        key: "gitlab_rails",
    },
];

/// The role that a component's processes prove.
pub(super) fn role(stack: Stack) -> Option<&'static str> {
    PLACES.iter().find(|place| place.stack == stack).map(|place| place.role)
}

/// What one place gives to a component.
#[derive(Clone)]
struct Given {
    environment: Option<Environment>,
    place: String,
    changed: Option<i64>,
}

impl Given {
    fn component(self, stack: Stack, running: Vec<Process>) -> Component {
        Component {
            stack,
            configured: self.environment,
            configured_in: self.place,
            changed: self.changed,
            running,
        }
    }
}

fn running(stack: Stack, processes: &[Found]) -> Vec<Process> {
    processes.iter().filter(|found| found.stack == stack).map(|found| found.process.clone()).collect()
}

/// The components of the Linux package, by this node's roles.
pub(super) fn of_package(
    reading: &Reading,
    settings: Option<&Settings>,
    roles: &[String],
    processes: &[Found],
) -> Vec<Component> {
    let mut known: Vec<(String, Given)> = Vec::new();
    let mut components = Vec::new();
    for place in PLACES.iter().filter(|place| roles.iter().any(|role| role == place.role)) {
        let run_path = format!("/opt/gitlab/sv/{}/run", place.service);
        let run = reading.text(&run_path).map(|text| of_run_file(&text)).unwrap_or_default();
        let dir = run.env_dir.as_deref().unwrap_or(place.env_dir).trim_end_matches('/').to_owned();
        let mut given = if let Some((_, given)) = known.iter().find(|(d, _)| *d == dir) {
            given.clone()
        } else {
            let given = of_dir(reading, settings, &dir, place.key);
            known.push((dir, given.clone()));
            given
        };
        for (name, value) in run.set {
            if let Some(environment) = &mut given.environment {
                environment.set(&name, value, run_path.as_str());
            }
        }
        components.push(given.component(place.stack, running(place.stack, processes)));
    }
    components
}

/// An environment directory, or what `gitlab.rb` will make of it.
fn of_dir(reading: &Reading, settings: Option<&Settings>, dir: &str, key: &str) -> Given {
    let names = reading.root.list(dir);
    let why = match names {
        Ok(names) => match env_dir(reading, dir, &names) {
            Some(environment) => {
                // Another variable may change as often as it likes: only those that choose a proxy count.
                let files = names.iter().filter(|name| PROXY_VARIABLES.contains(&name.as_str()));
                let files = files.map(|name| format!("{dir}/{name}"));
                let changed = files.filter_map(|path| reading.root.changed(&path)).max();
                return Given { environment: Some(environment), place: dir.to_owned(), changed };
            }
            None => "could not be read",
        },
        Err(why) => {
            let command = format!("sudo sh -c 'head -n 1 {dir}/*_proxy {dir}/*_PROXY'");
            reading.lost(dir, why, &command);
            match why {
                Unreadable::Absent => "is not there yet",
                Unreadable::Denied | Unreadable::NoFile(_) | Unreadable::Odd(_) => "could not be read",
            }
        }
    };
    match settings.map(|settings| settings.environment(key)) {
        Some(environment) => Given {
            environment,
            place: format!("{FILE}, as {dir} {why}"),
            changed: reading.root.changed(FILE),
        },
        None => Given { environment: None, place: dir.to_owned(), changed: reading.root.changed(dir) },
    }
}

/// The variables of an environment directory that matter. `None`: one of them could not be read.
fn env_dir(reading: &Reading, dir: &str, names: &[String]) -> Option<Environment> {
    let mut environment = Environment::default();
    for name in names.iter().filter(|name| Environment::keeps(name)) {
        let path = format!("{dir}/{name}");
        match reading.read(&path) {
            Ok(contents) => match of_env_file(&contents.bytes) {
                Some(value) => environment.set(name, value, path),
                None => environment.unset(name),
            },
            Err(Unreadable::Absent) => {}
            Err(Unreadable::Denied | Unreadable::NoFile(_) | Unreadable::Odd(_)) => return None,
        }
    }
    Some(environment)
}

/// The components that run in this container of a pod. Another container's environment is not known here.
pub(super) fn of_pod(reading: &Reading, container: &Container, processes: &[Found]) -> Vec<Component> {
    let place = "the container's environment";
    let environment = container.as_ref().map(|variables| Environment::of(variables.iter().cloned(), place));
    if environment.is_none() {
        let why = reading.root.read("/proc/1/environ").err().unwrap_or(Unreadable::Odd("it holds no PATH"));
        reading.lost(place, why, "tr '\\0' '\\n' < /proc/1/environ | grep -i proxy");
    }
    let given = Given { environment, place: place.to_owned(), changed: None };
    let stacks = PLACES.iter().map(|place| (place.stack, running(place.stack, processes)));
    let here = stacks.filter(|(_, running)| !running.is_empty());
    here.map(|(stack, running)| given.clone().component(stack, running)).collect()
}

/// Where systemd looks for units, the first of a name wins (systemd.unit(5)).
pub(super) const UNIT_DIRS: [&str; 4] = [
    "/etc/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// The file that the init script of a source installation reads, and that its units may name.
const DEFAULTS: &str = "/etc/default/gitlab";

/// The components of a source installation: those with a unit, else all three where the init script stands, else
/// those that run.
pub(super) fn of_source(reading: &Reading, processes: &[Found]) -> Vec<Component> {
    let has_script = ["/etc/init.d/gitlab", DEFAULTS].iter().any(|path| reading.root.has(path));
    let mut components = Vec::new();
    for place in &PLACES {
        let running = running(place.stack, processes);
        let unit = match place.stack {
            Stack::Workhorse => "gitlab-workhorse.service".to_owned(),
            Stack::Rails | Stack::Sidekiq | Stack::Grpc | Stack::Shell => {
                format!("gitlab-{}.service", place.service)
            }
        };
        let given = match of_systemd(reading, &unit) {
            Some(given) => given,
            None if has_script || !running.is_empty() => of_script(reading),
            None => continue,
        };
        components.push(given.component(place.stack, running));
    }
    components
}

/// What `/etc/default/gitlab` exports.
fn of_script(reading: &Reading) -> Given {
    let text = reading.try_text(DEFAULTS);
    let environment = match text {
        Ok(text) => {
            let lines = of_shell(&text);
            let counts = |name: &str| Environment::keeps(name);
            let computed = lines.iter().any(|l| l.is_exported && l.value.is_none() && counts(&l.name));
            let set = lines.into_iter().filter(|l| l.is_exported).filter_map(|l| Some((l.name, l.value?)));
            (!computed).then(|| Environment::of(set, DEFAULTS))
        }
        Err(Unreadable::Absent) => Some(Environment::default()),
        Err(Unreadable::Denied | Unreadable::NoFile(_) | Unreadable::Odd(_)) => None,
    };
    Given { environment, place: DEFAULTS.to_owned(), changed: reading.root.changed(DEFAULTS) }
}

/// The paths of a unit and its drop-ins, in the order in which they count: by file name, and of equal names the one
/// in the first directory alone (systemd.unit(5)).
pub(super) fn unit_files(reading: &Reading, unit: &str) -> Vec<String> {
    let main = UNIT_DIRS.iter().map(|dir| format!("{dir}/{unit}")).find(|path| reading.root.has(path));
    let mut drop_ins: BTreeMap<String, String> = BTreeMap::new();
    for dir in UNIT_DIRS {
        let dir = format!("{dir}/{unit}.d");
        let names = reading.list(&dir).unwrap_or_default();
        for name in names.into_iter().filter(|n| has_ending(n, "conf")) {
            let path = format!("{dir}/{name}");
            drop_ins.entry(name).or_insert(path);
        }
    }
    main.into_iter().chain(drop_ins.into_values()).collect()
}

/// Adds what unit files say: variables first, and over them those of the files that they name, whatever the order
/// of the lines (systemd.exec(5), `EnvironmentFile=`). `None`: one of the files could not be read.
pub(super) fn add_units(reading: &Reading, paths: &[String], environment: &mut Environment) -> Option<()> {
    let mut named: Vec<String> = Vec::new();
    for path in paths {
        for line in of_unit(&reading.text(path)?) {
            match line {
                UnitLine::Set(name, value) => environment.set(&name, value, path),
                UnitLine::Reset => *environment = Environment::default(),
                UnitLine::File(file) if file.is_empty() => named.clear(),
                UnitLine::File(file) => named.push(file),
            }
        }
    }
    for file in named {
        match reading.try_text(&file) {
            Ok(text) => {
                for line in of_shell(&text) {
                    // systemd expands nothing in such a file.
                    environment.set(&line.name, line.value.unwrap_or_default(), file.as_str());
                }
            }
            Err(Unreadable::Absent) => {}
            Err(Unreadable::Denied | Unreadable::NoFile(_) | Unreadable::Odd(_)) => return None,
        }
    }
    Some(())
}

fn of_systemd(reading: &Reading, unit: &str) -> Option<Given> {
    let files = unit_files(reading, unit);
    let main = files.first()?.clone();
    let mut environment = Environment::default();
    let whole = add_units(reading, &files, &mut environment);
    let changed = files.iter().filter_map(|path| reading.root.changed(path)).max();
    Some(Given { environment: whole.map(|()| environment), place: main, changed })
}
