//! Requests of GitLab Duo by their paths, and what their statuses say, by who tells.

use crate::subject::logs::Trace;

/// A path that GitLab Duo uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// `/-/cable`
    Cable,
    /// The Agent Platform's WebSocket.
    WorkflowSocket,
    /// Code completions: Workhorse sends them on.
    Completions,
    /// Tokens for a client's direct connection: Rails asks for them.
    DirectAccess,
    /// The Agent Platform's API.
    Workflows,
}

/// Whose log tells the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Teller {
    /// What clients got from the node's web server.
    Nginx,
    /// What Workhorse answered, for Rails or for what it sent on.
    Workhorse,
    /// What Rails answered, before Workhorse sent anything on.
    Rails,
}

/// The endings of paths, behind whatever relative URL root.
const ENDINGS: [(&str, Request); 4] = [
    ("/-/cable", Request::Cable),
    ("/ai/duo_workflows/ws", Request::WorkflowSocket),
    ("/code_suggestions/completions", Request::Completions),
    ("/code_suggestions/direct_access", Request::DirectAccess),
];

/// Which of them a path or URI is; `None`: another.
pub(super) fn request(uri: &str) -> Option<Request> {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let ending = ENDINGS.iter().find(|(ending, _)| path.ends_with(ending)).map(|(_, request)| *request);
    ending.or_else(|| path.contains("/ai/duo_workflows/").then_some(Request::Workflows))
}

/// What a status says. 101, 200 and whatever has many meanings say nothing.
pub(super) fn verdict(request: Request, status: u16, teller: Teller) -> Option<Trace> {
    match (teller, request, status) {
        (Teller::Nginx, Request::Cable | Request::WorkflowSocket, 502..=504) => Some(Trace::NginxUpstream),
        (Teller::Workhorse, Request::Cable | Request::WorkflowSocket, 502..=504) => {
            Some(Trace::RailsUnanswered)
        }
        // Workhorse's own word for it since 18.9.
        (Teller::Nginx | Teller::Workhorse, Request::Cable, 400 | 426) => Some(Trace::CableUpgrade),
        (Teller::Nginx | Teller::Workhorse, Request::Cable, 404) => Some(Trace::CableNotFound),
        (Teller::Nginx | Teller::Workhorse, Request::WorkflowSocket, 401 | 403) => {
            Some(Trace::WorkflowRefused)
        }
        (
            Teller::Nginx | Teller::Workhorse | Teller::Rails,
            Request::Completions | Request::DirectAccess,
            402,
        ) => Some(Trace::Gateway402),
        (Teller::Nginx | Teller::Workhorse, Request::Completions, 401 | 403 | 429) => {
            Some(Trace::CompletionsRefused)
        }
        (Teller::Nginx | Teller::Workhorse, Request::Completions, 500..=599) => {
            Some(Trace::CompletionsFailed)
        }
        (Teller::Rails, Request::Completions, 401 | 404) | (Teller::Rails, Request::Workflows, 401 | 403) => {
            Some(Trace::InstanceRefused)
        }
        (Teller::Rails, Request::Completions | Request::DirectAccess | Request::Workflows, 429) => {
            Some(Trace::Instance429)
        }
        (Teller::Rails, Request::DirectAccess, 500..=599) => Some(Trace::TokenCreationFailed),
        (
            Teller::Nginx | Teller::Workhorse | Teller::Rails,
            Request::Cable
            | Request::WorkflowSocket
            | Request::Completions
            | Request::DirectAccess
            | Request::Workflows,
            _,
        ) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_known_by_its_path_behind_any_root() {
        for (uri, is) in [
            ("/-/cable", Some(Request::Cable)),
            ("/gitlab/-/cable?x=/other", Some(Request::Cable)),
            ("/api/v4/ai/duo_workflows/ws", Some(Request::WorkflowSocket)),
            ("/api/:version/code_suggestions/completions", Some(Request::Completions)),
            ("/api/v4/code_suggestions/direct_access", Some(Request::DirectAccess)),
            ("/api/v4/ai/duo_workflows/direct_access", Some(Request::Workflows)),
            ("/group/-/cables", None),
            ("/x?y=/-/cable", None),
            ("", None),
        ] {
            assert_eq!(request(uri), is, "{uri}");
        }
    }

    #[test]
    fn the_same_status_says_different_things_by_who_tells() {
        for (request, status, nginx, workhorse, rails) in [
            (Request::Cable, 101, None, None, None),
            (Request::Cable, 502, Some(Trace::NginxUpstream), Some(Trace::RailsUnanswered), None),
            (
                Request::Completions,
                401,
                Some(Trace::CompletionsRefused),
                Some(Trace::CompletionsRefused),
                Some(Trace::InstanceRefused),
            ),
            (Request::Completions, 500, Some(Trace::CompletionsFailed), Some(Trace::CompletionsFailed), None),
            (Request::DirectAccess, 503, None, None, Some(Trace::TokenCreationFailed)),
            (Request::DirectAccess, 403, None, None, None),
        ] {
            let says = |teller| verdict(request, status, teller);
            assert_eq!(
                [says(Teller::Nginx), says(Teller::Workhorse), says(Teller::Rails)],
                [nginx, workhorse, rails],
                "{request:?} {status}"
            );
        }
    }
}
