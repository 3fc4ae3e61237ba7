//! What a check was not given that would have told: a token, a word of consent.

use serde::{Deserialize, Serialize};

/// What is wanted for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Want {
    /// A personal access token.
    Token,
    /// One question to Rails on this node.
    Runner,
    /// Either of the two.
    TokenOrRunner,
    /// One real code completion.
    Completion,
    /// To hold a connection open for some time.
    Hold,
    /// A sample of Cloudflare's ranges.
    Sampling,
}

impl Want {
    /// The options that give it.
    pub fn option(self) -> &'static str {
        match self {
            Want::Token => "--token-file",
            Want::Runner => "--rails-runner",
            Want::TokenOrRunner => "--token-file or --rails-runner",
            Want::Completion => "--allow-completion",
            Want::Sampling => "--only cloudflare-ranges",
            Want::Hold => "--hold",
        }
    }

    /// What is not known for want of it, in a few words; `None`: it depends on the checks.
    pub fn untold(self) -> Option<&'static str> {
        match self {
            Want::Token | Want::Runner | Want::TokenOrRunner => None,
            Want::Completion => Some("one real completion"),
            Want::Hold => Some("cuts of idle connections"),
            Want::Sampling => Some("Cloudflare's ranges"),
        }
    }

    /// Whether it asks for more than a usual run does.
    pub fn is_extra(self) -> bool {
        match self {
            Want::Completion | Want::Hold | Want::Sampling => true,
            Want::Token | Want::Runner | Want::TokenOrRunner => false,
        }
    }

    /// Whether a token would do.
    pub fn is_met_by_a_token(self) -> bool {
        match self {
            Want::Token | Want::TokenOrRunner => true,
            Want::Runner | Want::Completion | Want::Sampling | Want::Hold => false,
        }
    }

    /// Whether a question to Rails would do.
    pub fn is_met_by_the_runner(self) -> bool {
        match self {
            Want::Runner | Want::TokenOrRunner => true,
            Want::Token | Want::Completion | Want::Sampling | Want::Hold => false,
        }
    }
}
