//! The instance's API as data: which documents are asked for in which version, which of their fields are kept, and what
//! those say. Pure: its requests are ordinary probes.
//!
//! Every field may be missing: older versions lack it, a scope or Admin Mode takes it away. A missing one is `None` and
//! never "no".

pub mod documents;
pub mod facts;
pub mod graphql;
pub mod health_check;
pub mod version;
