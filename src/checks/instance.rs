//! Group Instance: what must hold before anything else, as far as this node and plain answers tell it.

pub(super) mod clock;
pub(super) mod filter;
pub(super) mod gitlab;
pub(super) mod proxies;
pub(super) mod proxy_config;
mod running;
mod settings;
