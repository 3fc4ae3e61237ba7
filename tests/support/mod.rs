//! Real servers on loopback, and the program run against them: what several test files share.
//!
//! A server is a value: it runs while the value lives and is gone when it is dropped, also when a test panics. What
//! each server is configured to answer is checked in `support_servers.rs`, and for the web servers in
//! `support_front_ends`, by clients that do not use this crate.
//! Deliberately absent: assertions about the program, which belong to the tests.

#![allow(dead_code, reason = "each test file uses its own part of the support")]

pub(crate) mod action_cable;
pub(crate) mod apache;
pub(crate) mod authority;
pub(crate) mod back_end;
pub(crate) mod bundled_nginx;
pub(crate) mod caddy;
pub(crate) mod child;
pub(crate) mod client;
pub(crate) mod configuration;
pub(crate) mod fake_cloud;
pub(crate) mod grpc_server;
pub(crate) mod haproxy;
pub(crate) mod http2_client;
pub(crate) mod listening;
pub(crate) mod loopback;
pub(crate) mod mitmproxy;
pub(crate) mod namespace;
pub(crate) mod nginx;
pub(crate) mod node_tree;
pub(crate) mod openssl;
pub(crate) mod program;
pub(crate) mod squid;
pub(crate) mod squid_reverse;
pub(crate) mod tinyproxy;
pub(crate) mod unbound;
pub(crate) mod varnish;
pub(crate) mod websocket_client;
pub(crate) mod world;
