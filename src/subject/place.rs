//! Where a check runs: an endpoint over a stack's way out, a door into the instance, the node, the instance.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Implements `as_str`, `ALL`, `Display`, `FromStr` and serde by name for a plain enum of named things.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every value, in the order of the contract.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The name used in ids, reports and options.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }

        impl FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                $name::ALL.iter().copied().find(|v| v.as_str() == text).ok_or(())
            }
        }
    };
}

named! {
    /// A service that GitLab Duo needs, or the instance itself.
    Endpoint {
        /// `customers.gitlab.com`: licence, activation, sync.
        Customers = "customers",
        /// `cloud.gitlab.com`: the AI gateway that GitLab hosts.
        Cloud = "cloud",
        /// `duo-workflow-svc.runway.gitlab.net`: the Agent Platform's workflow service.
        Workflow = "workflow",
        /// A self-hosted AI gateway.
        Gateway = "gateway",
        /// The instance under examination.
        Instance = "instance",
    }
}

named! {
    /// A component of the node with HTTP rules and roots of its own.
    Stack {
        /// Puma: Ruby's `Net::HTTP`.
        Rails = "rails",
        /// Workhorse: Go net/http.
        Workhorse = "workhorse",
        /// Sidekiq: Ruby's `Net::HTTP`.
        Sidekiq = "sidekiq",
        /// gRPC C-core inside Rails.
        Grpc = "grpc",
        /// The administrator's shell: curl's rules, the system's roots.
        Shell = "shell",
    }
}

named! {
    /// A way into the instance.
    Door {
        /// `external_url`, as DNS gives it.
        Public = "public",
        /// The web server on this node.
        Nginx = "nginx",
        /// Workhorse's socket or port.
        Workhorse = "workhorse",
    }
}

impl Stack {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Stack::Rails => "Rails",
            Stack::Workhorse => "Workhorse",
            Stack::Sidekiq => "Sidekiq",
            Stack::Grpc => "Rails' gRPC",
            Stack::Shell => "the shell",
        }
    }
}

/// Where a check runs. Its text is the part of a step's id behind `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// This node.
    Node,
    /// The instance as a whole, by its API.
    Instance,
    /// An endpoint where the stack does not matter: `cloud`.
    Endpoint(Endpoint),
    /// A stack where the endpoint does not matter: `rails`.
    Stack(Stack),
    /// An endpoint over a stack's way: `cloud/rails`.
    Way(Endpoint, Stack),
    /// A door into the instance: `public`.
    Door(Door),
}

impl Place {
    /// The endpoint that the place speaks of, if any.
    pub fn endpoint(self) -> Option<Endpoint> {
        match self {
            Place::Endpoint(e) | Place::Way(e, _) => Some(e),
            Place::Node | Place::Instance | Place::Stack(_) | Place::Door(_) => None,
        }
    }

    /// The places at which a need of a check here may stand, the nearest first.
    pub fn reach(self) -> Vec<Place> {
        match self {
            Place::Way(e, s) => vec![self, Place::Endpoint(e), Place::Stack(s), Place::Instance, Place::Node],
            Place::Node => vec![self],
            Place::Instance | Place::Endpoint(_) | Place::Stack(_) | Place::Door(_) => {
                vec![self, Place::Instance, Place::Node]
            }
        }
    }

    /// Whether a selection of `wanted` takes this place in: `cloud` takes `cloud` and `cloud/*`.
    pub fn is_within(self, wanted: Place) -> bool {
        self == wanted || matches!((self, wanted), (Place::Way(e, _), Place::Endpoint(w)) if e == w)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Node => f.write_str("node"),
            Place::Instance => f.write_str("instance"),
            Place::Endpoint(e) => write!(f, "{e}"),
            Place::Stack(s) => write!(f, "{s}"),
            Place::Way(e, s) => write!(f, "{e}/{s}"),
            Place::Door(d) => write!(f, "{d}"),
        }
    }
}

impl FromStr for Place {
    type Err = ();

    /// Reads a place as ids write it. `workhorse` alone is the door: no check of today runs at a stack alone.
    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some((endpoint, stack)) = text.split_once('/') {
            return Ok(Place::Way(endpoint.parse()?, stack.parse()?));
        }
        match text {
            "node" => Ok(Place::Node),
            "instance" => Ok(Place::Instance),
            _ => (text.parse().map(Place::Door))
                .or_else(|()| text.parse().map(Place::Endpoint))
                .or_else(|()| text.parse().map(Place::Stack)),
        }
    }
}

impl Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(|()| serde::de::Error::custom(format!("{text:?} is not a place")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_back_as_they_are_written() {
        for text in ["node", "instance", "cloud", "cloud/shell", "public", "nginx", "workflow/grpc"] {
            assert_eq!(text.parse::<Place>().map(|p| p.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("moon".parse::<Place>(), Err(()));
    }

    #[test]
    fn an_endpoint_selects_every_way_to_it() {
        let way = Place::Way(Endpoint::Cloud, Stack::Rails);
        assert!(way.is_within(Place::Endpoint(Endpoint::Cloud)));
        assert!(!way.is_within(Place::Endpoint(Endpoint::Customers)));
    }
}
