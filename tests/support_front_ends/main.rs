//! The real web servers answer as the tests of the front door take for granted, seen by clients that share no code
//! with the program.
//!
//! Each situation is wrong in the one thing that its name says: what does not hang on that thing works in it.

mod apache;
mod caddy;
mod gitlab;
mod haproxy;
mod nginx;
mod signs;
mod squid;
#[path = "../support/mod.rs"]
mod support;
mod varnish;

use std::net::SocketAddr;
use std::time::Duration;
use support::action_cable::TOKEN;
use support::authority::Authority;
use support::websocket_client::{self, Ask, CABLE, End, Socket};

const HOST: &str = "gitlab.example.com";

/// Where Code Suggestions are asked for.
const COMPLETIONS: &str = "/api/v4/code_suggestions/completions";

/// More than the sites with a small limit take, and far less than GitLab does.
const LARGE: usize = 200_000;

/// The pieces of a streamed completion lie over a second apart at Puma, less what the kernel collects. Held back to the
/// end they come together.
const IN_PIECES: Duration = Duration::from_millis(600);

/// A status and the first words of the body, as refused handshakes are written in the tables.
type Refusal = (u16, &'static str);

/// What Action Cable says to every handshake that it does not take.
const PAGE_NOT_FOUND: Refusal = (404, "Page not found");

async fn ask(authority: &Authority, address: SocketAddr, ask: Ask<'_>) -> Result<Socket, (u16, String)> {
    websocket_client::open(address, ask, authority.client(&["http/1.1"])).await
}

/// A WebSocket for a page of the instance, which has been welcomed.
#[track_caller]
fn welcomed(answer: Result<Socket, (u16, String)>) -> Socket {
    answer.unwrap_or_else(|(status, body)| panic!("refused: {status} {body}"))
}

/// Ends the test unless the page's WebSocket opens and is welcomed.
async fn opens(authority: &Authority, address: SocketAddr, what: &str) -> Socket {
    let mut socket = match ask(authority, address, CABLE).await {
        Ok(socket) => socket,
        Err((status, body)) => panic!("{what}: {status} {body}"),
    };
    assert_eq!(socket.next().await, r#"{"type":"welcome"}"#, "{what}");
    socket
}

/// Ends the test unless it is also pinged, which takes up to three seconds.
async fn opens_and_is_pinged(authority: &Authority, address: SocketAddr, what: &str) {
    let ping = opens(authority, address, what).await.next().await;
    assert!(ping.starts_with(r#"{"type":"ping""#), "{what}: {ping}");
}

/// Ends the test unless the page's WebSocket is refused in this way.
async fn is_refused(authority: &Authority, address: SocketAddr, refusal: Refusal, what: &str) {
    match ask(authority, address, CABLE).await {
        Ok(_) => panic!("{what}: opened"),
        Err((status, body)) => {
            assert_eq!((status, body.contains(refusal.1)), (refusal.0, true), "{what}: {body}");
        }
    }
}

/// Ends the test unless the page's WebSocket opens and is cut after about two silent seconds, without a goodbye.
/// Action Cable pings every three seconds, so at most one ping comes.
async fn is_cut(authority: &Authority, address: SocketAddr, what: &str) {
    let socket = welcomed(ask(authority, address, CABLE).await);
    let End { messages, silence, code } = socket.until_the_end().await;
    assert_eq!(messages.first().map(String::as_str), Some(r#"{"type":"welcome"}"#), "{what}");
    assert!(messages.len() <= 2, "{what}: {messages:?}");
    assert_eq!(code, None, "{what}");
    assert!(silence > Duration::from_millis(1500), "{what}: {silence:?}");
}

/// The answer to a GET of `path` over TLS.
fn get(authority: &Authority, address: SocketAddr, path: &str) -> String {
    support::client::get_by_tls(address, HOST, path, authority.client(&["http/1.1"]))
}

/// The status line of the answer to a GET of `path` over TLS.
fn status_of(authority: &Authority, address: SocketAddr, path: &str) -> String {
    get(authority, address, path).lines().next().unwrap_or_default().to_owned()
}

/// The head of a large request for a completion.
fn large_head() -> String {
    format!(
        "POST {COMPLETIONS} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n\
         Content-Length: {LARGE}\r\nConnection: close\r\n\r\n"
    )
}

/// The answer to the whole of it.
fn large_post(authority: &Authority, address: SocketAddr) -> String {
    let request = large_head() + &"a".repeat(LARGE);
    support::client::exchange_by_tls(address, HOST, &request, authority.client(&["http/1.1"]))
}

/// How long the pieces of a streamed completion lie apart on arrival, from the first to the last.
fn spread(authority: &Authority, address: SocketAddr) -> Duration {
    let config = authority.client(&["http/1.1"]);
    let (answer, times) =
        support::client::stream_by_tls(address, HOST, COMPLETIONS, r#"{"stream":true}"#, TOKEN, config);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(answer.matches("event: content_chunk").count(), 5, "{answer}");
    times[times.len() - 1].saturating_sub(times[0])
}

/// What ALPN settles on for a client that offers both.
async fn alpn(authority: &Authority, address: SocketAddr) -> String {
    let (_stream, alpn) = support::client::tls(address, HOST, authority.client(&["h2", "http/1.1"])).await;
    alpn
}
