//! `duo-doctor`: the terminal health check for GitLab Duo on self-managed GitLab.

pub mod check;
pub mod diagnosis;
pub mod engine;
pub mod failure;
pub mod finding;
pub mod plan;
pub mod probe;
pub mod remedy;
pub mod report;
pub mod run;
pub mod secret;
pub mod subject;
pub mod text;
pub mod tui;
