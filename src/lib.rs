pub mod failure;
pub mod finding;
pub mod lab;
pub mod probe;
pub mod secret;
pub mod subject;
pub mod text;
