//! The terminal UI.

pub mod keys;
pub mod model;
pub mod theme;
pub mod update;
pub mod view;
