//! `rails`: what Rails on this node knows by itself, and whether that is what the API says.

use crate::check::{Check, Group, Seen, Verdict, Want};
use crate::checks::api::{self, Doc};
use crate::checks::knowledge;
use crate::checks::serves;
use crate::failure::Layer;
use crate::gitlab::facts::{License, Settings};
use crate::probe::Probe;
use crate::subject::Subject;
use crate::subject::limits::RailsRunner;
use crate::subject::place::{Place, Stack};
use crate::text;

/// Rails answers by itself.
pub(in crate::checks) static RAILS: Check = Check {
    id: "rails",
    title: "Rails tells what it knows",
    group: Group::Instance,
    about: "With --rails-runner: one read-only call of gitlab-rails runner tells licence, synchronisation, token and \
            settings without a token, and is compared with what the API says.",
    codes: &[],
    needs: &[],
    serves: serves::nothing,
    places,
    ask: |subject, _, seen| api::ask(subject, seen, &[Doc::Settings, Doc::License, Doc::Graphql]),
    judge: |subject, _, seen| judge(subject, seen),
};

fn places(subject: &Subject) -> Vec<Place> {
    let has_rails = subject.facts.component(Stack::Rails).is_some()
        || subject.facts.component(Stack::Sidekiq).is_some()
        || subject.limits.rails == RailsRunner::Allowed;
    if has_rails && subject.node.install.is_some() { vec![Place::Node] } else { Vec::new() }
}

fn judge(subject: &Subject, seen: Seen) -> Verdict {
    if subject.limits.rails == RailsRunner::NotAsked {
        return Verdict::wants(Want::Runner, "one question to Rails would tell more: --rails-runner");
    }
    let rails = match api::of_rails(subject, seen) {
        Ok(rails) => rails,
        Err(why) => return why.verdict(),
    };
    let took = seen.sample(&Probe::Rails, Layer::Node).map(|s| text::duration(s.took)).unwrap_or_default();
    let null = serde_json::Value::Null;
    let own = Settings::of(rails.get("settings").unwrap_or(&null));
    let mut differ: Vec<&str> = Vec::new();
    if let Ok(said) = api::document(subject, seen, Doc::Settings).map(Settings::of) {
        let pairs = [
            ("Silent Mode", own.silent, said.silent),
            ("Maintenance Mode", own.maintenance, said.maintenance),
            ("beta features", own.beta, said.beta),
        ];
        let apart = |(_, a, b): &&(&str, Option<bool>, Option<bool>)| a.is_some() && b.is_some() && a != b;
        differ.extend(pairs.iter().filter(apart).map(|(name, ..)| *name));
        if own.availability.is_some() && said.availability.is_some() && own.availability != said.availability
        {
            differ.push("Duo's availability");
        }
    }
    let plans = (License::of_rails(rails).and_then(|l| l.plan), knowledge::plan_of_api(subject, seen));
    if let (Some(own), Some(said)) = plans
        && own != said
    {
        differ.push("the licence's plan");
    }
    if differ.is_empty() {
        return Verdict::pass_with(format!("Rails answered in {took}."), took);
    }
    Verdict::Unknown(format!(
        "Rails on this node and the API differ in {}: the API may be another instance's, or a change is not a minute old",
        text::list(&differ)
    ))
}
