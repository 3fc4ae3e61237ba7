//! Group Instance: what must hold before anything else, as far as this node and plain answers tell it.

pub(super) mod allow_list;
pub(super) mod clock;
pub(super) mod duo;
pub(super) mod filter;
pub(super) mod gitlab;
pub(super) mod logs;
pub(super) mod modes;
pub(super) mod proxies;
pub(super) mod proxy_config;
pub(super) mod rails;
mod running;
mod settings;
pub(super) mod token;
