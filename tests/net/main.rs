//! Probes against small peers on loopback: what each layer brings, and how it fails.

mod dns;
mod doors;
mod grpc;
mod http;
mod knock;
mod support;
mod tcp;
mod tls;
mod websocket;
