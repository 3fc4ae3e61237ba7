//! Further requests to a web server whose lower layers are known good: one client per server, so that several
//! requests share a connection. The client uses our resolution, dial table and verification, and no proxy.

use super::answer::{Body, Head};
use super::verify::Witness;
use super::walk::{authority, walk};
use super::{Net, Teller, cause, dns, ended, http, tls, words};
use crate::failure::{Answer, Failure, HttpFailure, HttpKind, Layer};
use crate::probe::{Fetch, Method, Outcome, Reading, Then, TlsAsk, Walk};
use crate::subject::Via;
use crate::subject::address::{Scheme, Target};
use crate::subject::dial::AddressTo;
use crate::subject::doors::Aim;
use std::collections::HashMap;
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tokio::time::timeout_at;

/// The clients of this run, by server and way of speaking TLS.
#[derive(Default)]
pub(super) struct Clients(Mutex<HashMap<(Target, Option<TlsAsk>), Client>>);

/// A client and what its last handshake showed.
#[derive(Clone)]
struct Client {
    client: reqwest::Client,
    witness: Witness,
}

/// Fetches; only the answer is delivered, or the layer that failed after all.
pub(super) async fn fetch(net: &Net, fetch: &Fetch, teller: &mut Teller<'_>) -> Option<()> {
    let resolution = dns::resolve(net, &fetch.target).await;
    let Some(addresses) = resolution.outcome.ok().and_then(|found| reachable(net, fetch, &found)) else {
        return by_walk(net, fetch, teller).await;
    };
    let began = Instant::now();
    match request(net, fetch, &addresses).await {
        Ok(answer) => teller.tell(Layer::Http, began, Ok(((), Reading::Answer(Box::new(answer))))),
        // A lower layer fails against expectation: the walk says which, and how.
        Err(None) => by_walk(net, fetch, teller).await,
        Err(Some(failure)) => teller.tell(Layer::Http, began, Err(failure)),
    }
}

/// The addresses that the client can be told to use. `None`: the dial table asks for what a client cannot do, or
/// the target is an address, or its port is not its scheme's own and is led elsewhere.
fn reachable(net: &Net, fetch: &Fetch, found: &dns::Found) -> Option<Vec<SocketAddr>> {
    if fetch.target.host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let dialled = |address: SocketAddr| match net.subject.dial.address(address) {
        None => Some(address),
        Some(AddressTo::Connect(to)) => Some(to),
        Some(AddressTo::Refuse | AddressTo::Unreachable | AddressTo::Swallow) => None,
    };
    let addresses: Vec<SocketAddr> = found.sockets().into_iter().filter_map(dialled).collect();
    let default = fetch.target.port == scheme(fetch).default_port();
    let fits = |a: &SocketAddr| default || a.port() == fetch.target.port;
    (!addresses.is_empty() && addresses.iter().all(fits)).then_some(addresses)
}

fn scheme(fetch: &Fetch) -> Scheme {
    if fetch.tls.is_some() { Scheme::Https } else { Scheme::Http }
}

fn as_walk(fetch: &Fetch) -> Walk {
    let then = Then::Request(fetch.request.clone());
    Walk { target: fetch.target.clone(), via: Via::Direct, tls: fetch.tls, then, aim: Aim::Name, nth: 1 }
}

/// The same request over a connection of its own, lower layers left unsaid unless they fail.
async fn by_walk(net: &Net, fetch: &Fetch, teller: &mut Teller<'_>) -> Option<()> {
    let deliver = &mut *teller.deliver;
    let mut last = |sample: crate::probe::Sample| {
        if sample.layer == Layer::Http || matches!(sample.outcome, Outcome::Failed(_)) {
            deliver(sample);
        }
    };
    walk(net, &as_walk(fetch), &mut Teller { net, deliver: &mut last }).await
}

/// Sends the request. `Err(None)`: no connection came about.
async fn request(net: &Net, fetch: &Fetch, addresses: &[SocketAddr]) -> Result<Answer, Option<Failure>> {
    let began = Instant::now();
    let deadline = tokio::time::Instant::from_std(began) + net.timeout();
    let fail = |kind, words| Some(Failure::Http(HttpFailure { kind, words, after: began.elapsed() }));
    let Client { client, witness } =
        client(net, fetch, addresses).await.map_err(|e| Some(other(e.as_ref())))?;
    let method = match fetch.request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
    };
    let url = format!("{}://{}{}", scheme(fetch).as_str(), authority(&as_walk(fetch)), fetch.request.path);
    let mut builder = client.request(method, url);
    for (name, value) in http::headers(&fetch.request) {
        builder = builder.header(name, value);
    }
    builder = builder.body(http::content(&fetch.request));
    let mut response = match timeout_at(deadline, builder.send()).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) if error.is_connect() => return Err(None),
        Ok(Err(error)) => {
            let asked = witness.seen().client_certificate_asked;
            return Err(fail(kind(&error, asked), words(&error)));
        }
        Err(_) => return Err(fail(HttpKind::Timeout, "no answer".to_owned())),
    };
    let mut body = Body::default();
    loop {
        match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(piece))) => body.add(&piece, began.elapsed()),
            Ok(Ok(None)) => break,
            Ok(Err(_)) | Err(_) => body.cut = true,
        }
        body.cut |= body.bytes >= body.wanted.read();
        if body.cut {
            break;
        }
    }
    Ok(Head::of(&::http::Response::from(response)).with_body(&body, net.now()))
}

/// The client for a server, made at the first request to it.
async fn client(
    net: &Net,
    fetch: &Fetch,
    addresses: &[SocketAddr],
) -> Result<Client, Box<dyn Error + Send + Sync>> {
    let key = (fetch.target.clone(), fetch.tls);
    if let Some(client) = net.clients.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(client.clone());
    }
    let witness = Witness::default();
    let mut builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(http::USER_AGENT)
        .http1_max_headers(200)
        .http2_max_header_list_size(64 * 1024)
        .resolve_to_addrs(&fetch.target.host, addresses);
    // Without TLS the client still wants a configuration; none of it is used.
    let ask = fetch.tls.unwrap_or(TlsAsk::strict(crate::subject::StoreId(0)));
    builder = builder.tls_backend_preconfigured(tls::config(net, &ask, &witness).await?);
    let client = Client { client: builder.build()?, witness };
    net.clients.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, client.clone());
    Ok(client)
}

fn other(error: &(dyn Error + 'static)) -> Failure {
    Failure::Other { layer: Layer::Http, message: words(error) }
}

fn kind(error: &reqwest::Error, client_certificate_asked: bool) -> HttpKind {
    if client_certificate_asked && tls::wants_client_certificate(error) {
        return HttpKind::ClientCertificateWanted;
    }
    match cause::<hyper::Error>(error) {
        Some(error) if error.is_parse() => HttpKind::Malformed,
        Some(error) if error.is_incomplete_message() || error.is_closed() => HttpKind::Closed,
        Some(_) | None if ended(error).is_some() => HttpKind::Closed,
        Some(_) | None => HttpKind::Malformed,
    }
}
