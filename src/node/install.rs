//! How GitLab came onto this node, which edition and version.

use super::assignments::of_environ;
use super::reading::Reading;
use super::root::Root;
use crate::subject::Install;
use crate::text;

/// Rails of the Linux package.
const PACKAGE: &str = "/opt/gitlab/embedded/service/gitlab-rails";

/// The environment of a container, or nothing.
pub(super) type Container = Option<Vec<(String, String)>>;

/// The environment that the first process was started with: in a container, the container's. In a shell inside a
/// pod that may not read it, the shell's own, which has the container's in it.
pub(super) fn container(root: &Root) -> Container {
    let of = |pid: &str| of_environ(&root.read(&format!("/proc/{pid}/environ")).ok()?.bytes);
    of("1").or_else(|| of("self").filter(|own| has(own, "KUBERNETES_SERVICE_HOST")))
}

/// Whether a variable is set.
fn has(variables: &[(String, String)], name: &str) -> bool {
    variables.iter().any(|(n, _)| n == name)
}

/// How GitLab is installed here.
pub(super) fn install(root: &Root, container: &Container) -> Option<Install> {
    let in_container = |name: &str| container.as_ref().is_some_and(|variables| has(variables, name));
    let signs =
        [PACKAGE, "/opt/gitlab/version-manifest.txt", "/opt/gitlab/bin/gitlab-ctl", super::gitlab_rb::FILE];
    if signs.iter().any(|path| root.has(path)) {
        let of_image = ["/.dockerenv", "/assets/wrapper", "/run/.containerenv"];
        let is_image = of_image.iter().any(|path| root.has(path)) || in_container("GITLAB_OMNIBUS_CONFIG");
        return Some(if is_image { Install::Docker } else { Install::Omnibus });
    }
    if root.has("/srv/gitlab/config/gitlab.yml")
        || (root.has("/srv/gitlab") && in_container("KUBERNETES_SERVICE_HOST"))
    {
        return Some(Install::Helm);
    }
    root.has("/home/git/gitlab/config/gitlab.yml").then_some(Install::Source)
}

/// Where Rails itself stands.
pub(super) fn rails(install: Install) -> &'static str {
    match install {
        Install::Omnibus | Install::Docker => PACKAGE,
        Install::Helm => "/srv/gitlab",
        Install::Source => "/home/git/gitlab",
    }
}

/// Edition and version, and whether it is the FIPS build.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) version: Option<String>,
    pub(super) edition: Option<String>,
    pub(super) fips: Option<bool>,
}

/// Reads what the release says of itself: the package's manifest, the `VERSION` file, the folders of the editions
/// (GitLab's `lib/gitlab.rb`: enterprise code is used where `ee/` exists and `FOSS_ONLY` is not set).
pub(super) fn release(reading: &Reading, install: Install, container: &Container) -> Release {
    let root = reading.root;
    let home = rails(install);
    let manifest = match install {
        Install::Omnibus | Install::Docker => reading.text("/opt/gitlab/version-manifest.txt"),
        Install::Helm | Install::Source => None,
    };
    // `gitlab-ee 18.9.1`
    let manifest = manifest.as_deref().and_then(|text| {
        let (package, version) = text.lines().next()?.split_once(char::is_whitespace)?;
        Some((package.strip_prefix("gitlab-")?.to_owned(), version.trim().to_owned()))
    });
    let version = reading.text(&format!("{home}/VERSION")).map(|text| text.trim().to_owned());
    let of_text = |version: &str| {
        let plain = version.split(['-', '+']).next().unwrap_or_default();
        let is_version = plain.starts_with(|c: char| c.is_ascii_digit());
        is_version.then(|| text::foreign(plain))
    };
    let suffix = version.as_deref().and_then(|v| v.split_once('-')).map(|(_, edition)| edition);
    let by_package = manifest.as_ref().map(|(package, _)| package.as_str());
    let foss_only = match install {
        Install::Omnibus | Install::Docker => root.text("/opt/gitlab/etc/gitlab-rails/env/FOSS_ONLY").ok(),
        Install::Helm => container.iter().flatten().find(|(n, _)| n == "FOSS_ONLY").map(|(_, v)| v.clone()),
        Install::Source => None,
    };
    let is_foss_only = foss_only.is_some_and(|v| ["1", "true"].contains(&v.trim()));
    let edition = match (by_package, suffix) {
        (Some("jh"), _) | (_, Some("jh")) => Some("jh"),
        _ if is_foss_only => Some("ce"),
        (Some("ee" | "fips"), _) | (_, Some("ee")) => Some("ee"),
        (Some("ce"), _) => Some("ce"),
        _ if root.has(&format!("{home}/jh")) => Some("jh"),
        _ if root.has(&format!("{home}/ee")) => Some("ee"),
        // The folder is known whole only where it can be listed.
        _ if root.list(home).is_ok_and(|names| names.iter().any(|name| name == "app")) => Some("ce"),
        _ => None,
    };
    Release {
        version: version.as_deref().and_then(of_text).or_else(|| of_text(&manifest.as_ref()?.1)),
        edition: edition.map(str::to_owned),
        fips: by_package.map(|package| package.starts_with("fips")),
    }
}
