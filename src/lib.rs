pub mod failure;
pub mod finding;
pub mod net;
pub mod probe;
pub mod secret;
pub mod subject;
pub mod text;
