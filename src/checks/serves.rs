//! Which features stop where a check fails: by the part of GitLab whose way it is, and by what comes in at a door
//! (`domain` 3.2 and 4.1).

use crate::check::Feature;
use crate::subject::place::{Endpoint, Place, Stack};

/// What slows, warns or prepares: no feature stops by it alone.
pub(in crate::checks) fn nothing(_: Place) -> &'static [Feature] {
    &[]
}

/// What everybody comes in by.
pub(in crate::checks) fn everything(_: Place) -> &'static [Feature] {
    &Feature::ALL
}

/// What editors ask for.
pub(in crate::checks) fn suggestions(_: Place) -> &'static [Feature] {
    &[Feature::CodeSuggestions]
}

/// What asks the gateway in the instance's name.
pub(in crate::checks) fn exchange(_: Place) -> &'static [Feature] {
    &[Feature::CodeSuggestions, Feature::Chat]
}

/// What brings the answers of classic Chat.
pub(in crate::checks) fn chat(_: Place) -> &'static [Feature] {
    &[Feature::Chat]
}

/// What the Agent Platform talks over.
pub(in crate::checks) fn agents(_: Place) -> &'static [Feature] {
    &[Feature::AgenticChat, Feature::Flows]
}

/// What goes out on a way, or to a service by whatever way. The portal keeps the access token fresh: what stops
/// when that ends is told by the token's own end.
pub(in crate::checks) fn way(place: Place) -> &'static [Feature] {
    match place {
        Place::Way(Endpoint::Cloud | Endpoint::Gateway, stack) => match stack {
            Stack::Workhorse => &[Feature::CodeSuggestions],
            Stack::Rails | Stack::Sidekiq => &[Feature::Chat],
            Stack::Grpc | Stack::Shell => &[],
        },
        Place::Way(Endpoint::Workflow, Stack::Workhorse | Stack::Grpc)
        | Place::Endpoint(Endpoint::Workflow) => agents(place),
        Place::Endpoint(Endpoint::Cloud | Endpoint::Gateway) => &[Feature::CodeSuggestions, Feature::Chat],
        Place::Way(..)
        | Place::Endpoint(_)
        | Place::Stack(_)
        | Place::Door(_)
        | Place::Node
        | Place::Instance => &[],
    }
}

/// What goes to the first address alone: Ruby's clients.
pub(in crate::checks) fn first_address(place: Place) -> &'static [Feature] {
    match place {
        Place::Endpoint(Endpoint::Cloud | Endpoint::Gateway) => &[Feature::Chat],
        Place::Endpoint(_)
        | Place::Way(..)
        | Place::Stack(_)
        | Place::Door(_)
        | Place::Node
        | Place::Instance => &[],
    }
}
