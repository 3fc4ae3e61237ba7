//! Proxy variables at places from which no component of GitLab gets them: the login shell's, runit's unit, the
//! container's. runit's services start with an empty environment, so none of these reach them (`env -` in
//! Omnibus' `runsvdir-start`).

use super::assignments::of_shell;
use super::components::{add_units, unit_files};
use super::install::Container;
use super::reading::{Reading, has_ending};
use crate::subject::Install;
use crate::subject::environment::{Environment, PROXY_VARIABLES};
use crate::subject::facts::Bystander;

/// The most scripts of `/etc/profile.d` that are read.
const MOST: usize = 64;

/// Every such place that sets a proxy variable.
pub(super) fn bystanders(
    reading: &Reading,
    install: Option<Install>,
    container: &Container,
) -> Vec<Bystander> {
    let mut places = vec!["/etc/environment".to_owned()];
    let scripts = reading.root.list("/etc/profile.d").unwrap_or_default();
    let scripts =
        scripts.into_iter().filter(|n| has_ending(n, "sh") && n.to_ascii_lowercase().contains("proxy"));
    places.extend(scripts.take(MOST).map(|name| format!("/etc/profile.d/{name}")));
    let mut found: Vec<Bystander> = Vec::new();
    for place in places {
        let lines = of_shell(&reading.text(&place).unwrap_or_default());
        let set = lines.into_iter().filter_map(|line| Some((line.name, line.value?)));
        found.push(Bystander { environment: Environment::of(set, &place), place });
    }
    for place in unit_files(reading, "gitlab-runsvdir.service") {
        let mut environment = Environment::default();
        // A part that could not be read is among what was not read.
        let _whole = add_units(reading, std::slice::from_ref(&place), &mut environment);
        found.push(Bystander { place, environment });
    }
    if install == Some(Install::Docker) {
        let place = "the container's environment";
        let set = container.iter().flatten().cloned();
        found.push(Bystander { place: place.to_owned(), environment: Environment::of(set, place) });
    }
    let sets_a_proxy = |environment: &Environment| {
        environment.iter().any(|(name, _)| PROXY_VARIABLES.contains(&name) && name != "REQUEST_METHOD")
    };
    found.retain(|bystander| sets_a_proxy(&bystander.environment));
    found
}
