//! What users call GitLab Duo: the features, each with what a check must have proven before it counts as open.

use crate::subject::place::{Door, Stack};
use serde::{Deserialize, Serialize};

/// What users see stop when a check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// Completions in an editor: Workhorse asks the gateway.
    CodeSuggestions,
    /// Classic Chat: Sidekiq asks the gateway, Action Cable brings the answer.
    Chat,
    /// Chat of the Agent Platform: Workhorse talks to the workflow service.
    AgenticChat,
    /// Flows of the Agent Platform: runners come in by the same door.
    Flows,
}

/// What the way of a feature must have been seen to do: without it, nothing is known of the feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The check that holds.
    pub check: &'static str,
    /// Where it holds.
    pub by: By,
}

/// Where a proof is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// On a way out that this component takes.
    Stack(Stack),
    /// At a door that users come in by.
    Door(Door),
}

const fn out(check: &'static str, stack: Stack) -> Proof {
    Proof { check, by: By::Stack(stack) }
}

const fn inward(check: &'static str) -> Proof {
    Proof { check, by: By::Door(Door::Public) }
}

impl Feature {
    /// Every feature, in the order in which they are shown.
    pub const ALL: [Feature; 4] =
        [Feature::CodeSuggestions, Feature::Chat, Feature::AgenticChat, Feature::Flows];

    /// The name used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Feature::CodeSuggestions => "code-suggestions",
            Feature::Chat => "chat",
            Feature::AgenticChat => "agentic-chat",
            Feature::Flows => "flows",
        }
    }

    /// What people read.
    pub fn title(self) -> &'static str {
        match self {
            Feature::CodeSuggestions => "Code Suggestions",
            Feature::Chat => "Chat",
            Feature::AgenticChat => "Agentic Chat",
            Feature::Flows => "Flows",
        }
    }

    /// What must have been seen before the feature counts as open: one way out and one way in, by who uses it
    /// (`domain` 3.2, 4.1).
    pub fn proofs(self) -> &'static [Proof] {
        const SUGGESTIONS: &[Proof] = &[out("http", Stack::Workhorse), inward("reach")];
        const CHAT: &[Proof] = &[out("http", Stack::Sidekiq), inward("cable")];
        const AGENTS: &[Proof] = &[out("workflow", Stack::Workhorse), inward("workflow-socket")];
        match self {
            Feature::CodeSuggestions => SUGGESTIONS,
            Feature::Chat => CHAT,
            Feature::AgenticChat | Feature::Flows => AGENTS,
        }
    }
}
