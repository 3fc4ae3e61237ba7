//! The two public hosts of GitLab Duo as they look from outside: TLS, Cloudflare's marks, the unauthenticated answers.
//!
//! It listens on port 443 of a random loopback address, because a forward proxy connects where the CONNECT says.

use crate::support::authority::Identity;
use crate::support::loopback;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// The names that this server answers for.
pub(crate) const NAMES: &[&str] = &["cloud.gitlab.com", "customers.gitlab.com"];

const DISCOVERY: &str = r#"{"issuer":"https://customers.gitlab.com","jwks_uri":"https://customers.gitlab.com/oauth/discovery/keys"}"#;

/// Both hosts, served while this value lives.
pub(crate) struct FakeCloud {
    pub(crate) address: SocketAddr,
    runtime: Option<Runtime>,
}

impl FakeCloud {
    /// Starts serving with `identity`, whose certificate has to be for `NAMES`.
    pub(crate) fn start(identity: &Identity) -> FakeCloud {
        let address = SocketAddr::from((loopback::random_address(), 443));
        FakeCloud::serve(listen(address), identity)
    }

    /// The same on a socket that listens already, wherever that is.
    pub(crate) fn serve(listener: std::net::TcpListener, identity: &Identity) -> FakeCloud {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("the system gives a thread");
        listener.set_nonblocking(true).expect("a socket can be made so");
        let address = listener.local_addr().expect("a bound socket has an address");
        let acceptor = TlsAcceptor::from(identity.server(&["h2", "http/1.1"]));
        runtime.spawn(accept(listener, acceptor));
        FakeCloud { address, runtime: Some(runtime) }
    }
}

impl Drop for FakeCloud {
    fn drop(&mut self) {
        // In the background, because a test that is asynchronous itself must not wait for another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn listen(address: SocketAddr) -> std::net::TcpListener {
    std::net::TcpListener::bind(address).unwrap_or_else(|error| {
        panic!("{address}: {error}; run as root, or: sysctl -w net.ipv4.ip_unprivileged_port_start=443")
    })
}

async fn accept(listener: std::net::TcpListener, acceptor: TlsAcceptor) {
    let listener = TcpListener::from_std(listener).expect("the listener does not block");
    while let Ok((stream, _peer)) = listener.accept().await {
        tokio::spawn(serve(stream, acceptor.clone()));
    }
}

/// One connection. How it ends is the client's affair.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let speaks_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = TokioIo::new(stream);
    let _end = if speaks_h2 {
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(io, service_fn(async |request| Ok::<_, Infallible>(answer(&request))))
            .await
    } else {
        hyper::server::conn::http1::Builder::new()
            .serve_connection(io, service_fn(async |request| Ok::<_, Infallible>(answer(&request))))
            .await
    };
}

/// The gateway's words to somebody whose token it does not know: it looks at one header after the other.
fn refusal(headers: &HeaderMap) -> &'static str {
    match (headers.contains_key("authorization"), headers.get("x-gitlab-authentication-type")) {
        (false, _) => r#"{"error":"No authorization header presented"}"#,
        (true, Some(kind)) if kind == "oidc" => r#"{"error":"Forbidden by auth provider"}"#,
        (true, Some(_) | None) => r#"{"error":"Invalid authentication token type - only OIDC is supported"}"#,
    }
}

fn answer(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let host_header = request.headers().get("host").and_then(|value| value.to_str().ok());
    let host = request.uri().host().or(host_header).unwrap_or_default();
    let (status, body) =
        match (host.starts_with("customers."), request.method().as_str(), request.uri().path()) {
            (false, "GET", "/ai/monitoring/healthz") => (StatusCode::OK, "{}"),
            (false, "HEAD" | "POST", "/ai/monitoring/healthz") => {
                (StatusCode::METHOD_NOT_ALLOWED, r#"{"detail":"Method Not Allowed"}"#)
            }
            (false, _, _) => (StatusCode::UNAUTHORIZED, refusal(request.headers())),
            (true, "GET", "/.well-known/openid-configuration") => (StatusCode::OK, DISCOVERY),
            (true, _, _) => (StatusCode::NOT_FOUND, r#"{"error":"Not Found"}"#),
        };
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("server", HeaderValue::from_static("cloudflare"));
    headers.insert("cf-ray", HeaderValue::from_static("8c1f52a0773e0b94-FRA"));
    headers.insert("cf-cache-status", HeaderValue::from_static("DYNAMIC"));
    response
}
