//! GitLab's own health check as a run: a step a result, so that the same diagnosis, screens and formats serve it.

use crate::check::{Group, Note};
use crate::gitlab::health_check::{Heading, Meaning, ProbeResult, Setting, meaning, place};
use crate::report::build::value;
use crate::run::event::{Ending, Planned, Settled, Skip};
use crate::run::{Run, StepState};
use crate::subject::source::{Kind, Source};
use crate::subject::{About, Cloudflare, Node};
use std::collections::HashMap;
use std::time::Duration;

/// The run that the results tell of. It has no time and no node: GitLab writes neither down.
pub(super) fn run(results: &[ProbeResult]) -> Run {
    let setting = Setting::of(results);
    let mut met: HashMap<(&str, String), usize> = HashMap::new();
    let mut steps = Vec::new();
    for result in results {
        let place = place(result);
        let nth = met.entry((&result.name, place.to_string())).and_modify(|n| *n += 1).or_insert(1);
        let plan = Planned {
            check: if *nth == 1 { result.name.clone() } else { format!("{}-{nth}", result.name) },
            place,
            group: group(&result.name),
            title: result.name.clone(),
            needs: Vec::new(),
        };
        let mut step = StepState::of(plan);
        step.settle(&settled(result, &setting), Duration::ZERO);
        step.ended = None;
        steps.push(step);
    }
    Run { about: Some(about(results, &setting)), steps, ending: Some(Ending::Complete), ..Run::default() }
}

fn settled(result: &ProbeResult, setting: &Setting) -> Settled {
    match meaning(result, setting) {
        Meaning::Passed => Settled::Pass(Note { summary: result.sentence(), ..Note::default() }),
        Meaning::Found(finding) => Settled::Findings(vec![finding]),
        Meaning::Unknown(why) => Settled::Skip { kind: Skip::NotAsked, why, want: None },
    }
}

/// The group of ours that a heading of GitLab's page comes closest to.
fn group(name: &str) -> Group {
    match Heading::of(name) {
        Heading::AiGateway => Group::Instance,
        Heading::Billing if name.contains("workflow") => Group::AgentPlatform,
        Heading::Network | Heading::Billing => Group::Network,
        Heading::Synchronization | Heading::CodeSuggestions => Group::Synchronization,
        Heading::SystemExchange | Heading::NotShown => Group::Exchange,
        Heading::AgentPlatform | Heading::Flows => Group::AgentPlatform,
    }
}

fn about(results: &[ProbeResult], setting: &Setting) -> About {
    let version = results.iter().find_map(|r| r.details.gitlab_version.clone());
    About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        data_date: Cloudflare::embedded().date,
        node: Node { gitlab_version: version, ..Node::default() },
        deployment: setting.deployment.as_str().map(str::to_owned),
        source: Some(Source { kind: Kind::HealthCheck, results: results.iter().map(value).collect() }),
        ..About::default()
    }
}
