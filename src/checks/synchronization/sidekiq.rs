//! `sidekiq`: it runs and keeps up. The synchronisation and the answers of Classic Chat are its jobs.

use crate::check::{Check, Group, Seen, Verdict};
use crate::checks::api::{self, Doc};
use crate::checks::knowledge;
use crate::checks::serves;
use crate::finding::Code;
use crate::gitlab::facts::{Queue, Sidekiq};
use crate::subject::Subject;
use crate::subject::place::Place;
use crate::text;

/// Sidekiq keeps up.
pub(in crate::checks) static SIDEKIQ: Check = Check {
    id: "sidekiq",
    title: "Sidekiq keeps up",
    group: Group::Synchronization,
    about: "Sidekiq synchronises the subscription and carries out the answers of Classic Chat: it runs, listens to their \
            queue, and jobs do not wait long.",
    codes: &[Code::SidekiqDown, Code::SidekiqQueueUnserved, Code::SidekiqBacklog],
    needs: &[],
    serves: serves::chat,
    places: |_| vec![Place::Instance],
    ask: |subject, _, seen| api::ask(subject, seen, &[Doc::Sidekiq]),
    judge: |subject, _, seen| judge(subject, seen),
};

/// The queue of Classic Chat (`Llm::CompletionWorker`), and the one that everything is routed to unless told otherwise.
const QUEUES: [&str; 2] = ["llm_completion", "default"];

/// From here on who waits for an answer of Chat has given up, in seconds.
const LONG: f64 = 60.0;

fn judge(subject: &Subject, seen: Seen) -> Verdict {
    let (sidekiq, source) = match knowledge::sidekiq(subject, seen) {
        Ok(known) => known,
        Err(why) => return why.verdict(),
    };
    verdict(&sidekiq, source.as_str())
}

fn verdict(sidekiq: &Sidekiq, by: &str) -> Verdict {
    let Some(processes) = sidekiq.processes else {
        return Verdict::Unknown("the instance does not say how many Sidekiq processes run".to_owned());
    };
    if processes == 0 {
        return Verdict::found(Code::SidekiqDown, &[("how", &format!("{by} knows of no process"))]);
    }
    let is_ours = |queue: &&Queue| QUEUES.contains(&queue.name.as_str()) || sidekiq.waiting.len() == 1;
    let is_listened =
        |name: &str| sidekiq.listened.is_empty() || sidekiq.listened.iter().any(|l| l == name || l == "*");
    let ours: Vec<&Queue> = sidekiq.waiting.iter().filter(is_ours).collect();
    if let Some(queue) = ours.iter().find(|q| q.size > 0 && !is_listened(&q.name)) {
        let listened = text::list(&sidekiq.listened);
        return Verdict::found(
            Code::SidekiqQueueUnserved,
            &[("queue", &queue.name), ("listened", &listened)],
        );
    }
    if let Some(queue) = ours.iter().find(|q| q.latency >= LONG) {
        let (latency, size) = (format!("{:.0} s", queue.latency), queue.size.to_string());
        return Verdict::found(
            Code::SidekiqBacklog,
            &[("queue", &queue.name), ("latency", &latency), ("size", &size)],
        );
    }
    let running = text::count(usize::try_from(processes).unwrap_or(usize::MAX), "process");
    if ours.is_empty() {
        return Verdict::NotAsked(format!(
            "{running} of Sidekiq, and only Rails tells which queue Chat's jobs take"
        ));
    }
    Verdict::pass_with(format!("Sidekiq has {running}, and no job of Duo waits long, says {by}."), running)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(processes: u64, listened: &[&str], waiting: &[(&str, u64, f64)]) -> Option<Code> {
        let sidekiq = Sidekiq {
            processes: Some(processes),
            listened: listened.iter().map(|l| (*l).to_owned()).collect(),
            waiting: waiting
                .iter()
                .map(|(name, size, latency)| Queue {
                    name: (*name).to_owned(),
                    size: *size,
                    latency: *latency,
                })
                .collect(),
        };
        match verdict(&sidekiq, "the API") {
            Verdict::Findings(found) => found.first().map(|f| f.code),
            Verdict::Pass(_)
            | Verdict::NotApplicable(_)
            | Verdict::NotAsked(_)
            | Verdict::Wants(..)
            | Verdict::Unknown(_) => None,
        }
    }

    /// Processes, the queues that they listen to, what waits in which queue, and the code.
    type Row = (u64, &'static [&'static str], &'static [(&'static str, u64, f64)], Option<Code>);

    #[test]
    fn only_the_queues_of_duo_count_and_only_with_somebody_in_them() {
        let rows: [Row; 6] = [
            (1, &["default"], &[("default", 3, 1.0), ("mailers", 900, 4000.0)], None),
            (0, &[], &[("default", 0, 0.0), ("mailers", 0, 0.0)], Some(Code::SidekiqDown)),
            (1, &["mailers"], &[("default", 3, 1.0), ("x", 0, 0.0)], Some(Code::SidekiqQueueUnserved)),
            (1, &["default"], &[("llm_completion", 2, 9.0), ("x", 0, 0.0)], Some(Code::SidekiqQueueUnserved)),
            (1, &["default"], &[("llm_completion", 0, 0.0), ("x", 0, 0.0)], None),
            (1, &["*"], &[("llm_completion", 8, 212.0), ("x", 0, 0.0)], Some(Code::SidekiqBacklog)),
        ];
        for (processes, listened, waiting, wanted) in rows {
            assert_eq!(code(processes, listened, waiting), wanted, "{listened:?} {waiting:?}");
        }
    }
}
