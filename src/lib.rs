//! `duo-doctor`: the terminal health check for GitLab Duo on self-managed GitLab.

pub mod check;
pub mod checks;
pub mod cli;
pub mod config;
pub mod diagnosis;
pub mod egress;
pub mod engine;
pub mod failure;
pub mod finding;
pub mod gitlab;
pub mod headless;
pub mod lab;
pub mod millis;
pub mod net;
pub mod node;
pub mod plan;
pub mod probe;
pub mod remedy;
pub mod report;
pub mod run;
pub mod save;
pub mod secret;
pub mod subject;
pub mod text;
pub mod tui;
