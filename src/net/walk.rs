//! One connection through all layers of one way, a sample for each.

use super::answer::{self, KEPT};
use super::http::Channel;
use super::stream::{Io, Stream};
use super::{Net, Teller, grpc, http, proxy, raw, settings, tcp, tls, unix, websocket};
use crate::failure::{Answer, Failure, Headers, HttpFailure, HttpKind, Layer, ProxyKind};
use crate::probe::{Alpn, OnBadCertificate, Packets, Reading, Then, TlsAsk, Tunnel, Walk};
use crate::subject::address::{ProxyUrl, Scheme, Target, bracketed};
use crate::subject::doors::Aim;
use crate::subject::{StoreId, Via};
use std::net::SocketAddr;
use std::time::Instant;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Walks. `None`: a layer failed, and its failure has been delivered.
pub(super) async fn walk(net: &Net, walk: &Walk, teller: &mut Teller<'_>) -> Option<()> {
    let first_hop = match &walk.via {
        Via::Direct => &walk.target,
        Via::Proxy(proxy) => &proxy.target,
        Via::Unusable { variable, why } => {
            let message = format!("{variable}: {why}");
            let failure = Failure::Other { layer: Layer::Proxy, message };
            return teller.tell(Layer::Proxy, Instant::now(), Err(failure));
        }
    };
    let stream = connect(net, walk, first_hop, teller).await?;
    let stream = match &walk.via {
        Via::Direct | Via::Unusable { .. } => stream,
        Via::Proxy(proxy) => {
            let began = Instant::now();
            let tunnel = tunnel(net, proxy, walk, stream).await;
            let tunnel = tunnel.map(|(stream, tunnel)| (stream, Reading::Tunnel(tunnel)));
            teller.tell(Layer::Proxy, began, tunnel)?
        }
    };
    let channel = match &walk.tls {
        None => Channel { io: Box::new(stream), tls: None, is_local: is_local(walk) },
        Some(ask) => {
            let began = Instant::now();
            let secured = secure(net, walk, ask, stream).await;
            let secured = secured.map(|channel| {
                let reading = channel.tls.clone().map(|tls| Reading::Tls(Box::new(tls)));
                (channel, reading)
            });
            match secured {
                Ok((channel, Some(reading))) => teller.tell(Layer::Tls, began, Ok((channel, reading)))?,
                Ok((channel, None)) => channel,
                Err(failure) => teller.tell(Layer::Tls, began, Err(failure))?,
            }
        }
    };
    match &walk.then {
        Then::Close => Some(()),
        Then::Request(request) => {
            let began = Instant::now();
            let answer = http::request(net, channel, &authority(walk), request).await;
            teller.tell(Layer::Http, began, answer.map(|answer| ((), Reading::Answer(Box::new(answer)))))
        }
        Then::Inquire(inquiry) => {
            let began = Instant::now();
            let document = http::inquire(net, channel, &authority(walk), inquiry).await;
            teller.tell(Layer::Http, began, document.map(|found| ((), Reading::Document(Box::new(found)))))
        }
        Then::Upgrade(upgrade) => {
            let verified = walk.tls.is_some_and(|ask| ask.on_bad_certificate == OnBadCertificate::Stop);
            debug_assert!(
                verified || is_local(walk) || upgrade.credential.is_none(),
                "a credential needs a verified channel"
            );
            websocket::upgrade(net, channel, upgrade, teller).await
        }
        Then::Nonsense => {
            let began = Instant::now();
            let answer = nonsense(net, channel).await;
            teller.tell(Layer::Http, began, answer.map(|answer| ((), Reading::Answer(Box::new(answer)))))
        }
        Then::Grpc(health) => grpc::health(net, channel, &authority(walk), *health, teller).await,
    }
}

/// The connection to the first hop: where its name leads, or to this node's own address or socket.
async fn connect(net: &Net, walk: &Walk, first_hop: &Target, teller: &mut Teller<'_>) -> Option<Stream> {
    let addresses = match &walk.aim {
        Aim::Name => net.resolve(first_hop, teller).await?.sockets(),
        Aim::Address(address) | Aim::Announced(address) => vec![*address],
        Aim::Socket(path) => {
            let began = Instant::now();
            let connected = unix::connect(net, path).await;
            let path = crate::text::foreign(&path.display().to_string());
            let connected = connected.map(|io| (Stream::new(io, Vec::new()), Reading::Socket { path }));
            return teller.tell(Layer::Tcp, began, connected);
        }
    };
    let began = Instant::now();
    let packets = walk.tls.map_or(Packets::Any, |ask| ask.packets);
    let mut connected = tcp::connect(net, first_hop, &addresses, packets).await;
    if let (Ok((stream, reading)), None, Then::Close, Via::Direct) =
        (&mut connected, walk.tls, &walk.then, &walk.via)
        && tcp::is_cut(stream).await
    {
        connected = Err(tcp::cut(first_hop, reading, began.elapsed()));
    }
    let connected = connected.map(|(stream, connected)| (stream, Reading::Connected(connected)));
    let mut stream = teller.tell(Layer::Tcp, began, connected)?;
    if let Aim::Announced(_) = walk.aim {
        // Whoever closes on it is met by the next layer.
        let _ = stream.write_all(announcement(&stream).as_bytes()).await;
    }
    Some(Stream::new(stream, Vec::new()))
}

/// The header of the PROXY protocol, version 1 (`HAProxy`'s `proxy-protocol.txt`, 2.1): who comes, by its addresses.
fn announcement(stream: &TcpStream) -> String {
    match (stream.local_addr(), stream.peer_addr()) {
        (Ok(SocketAddr::V4(ours)), Ok(SocketAddr::V4(theirs))) => {
            format!("PROXY TCP4 {} {} {} {}\r\n", ours.ip(), theirs.ip(), ours.port(), theirs.port())
        }
        (Ok(SocketAddr::V6(ours)), Ok(SocketAddr::V6(theirs))) => {
            format!("PROXY TCP6 {} {} {} {}\r\n", ours.ip(), theirs.ip(), ours.port(), theirs.port())
        }
        (Ok(_) | Err(_), Ok(_) | Err(_)) => "PROXY UNKNOWN\r\n".to_owned(),
    }
}

/// Whether a walk does not leave this node.
fn is_local(walk: &Walk) -> bool {
    match &walk.aim {
        Aim::Socket(_) => true,
        Aim::Address(address) | Aim::Announced(address) => address.ip().is_loopback(),
        Aim::Name => false,
    }
}

/// A line that is no HTTP of any version. Every server answers it by itself, most of them with a page of their own.
const NONSENSE: &[u8] = b"DUO-DOCTOR\r\n\r\n";

/// What the first server that reads it says to a line that is no HTTP.
async fn nonsense(net: &Net, mut channel: Channel) -> Result<Answer, Failure> {
    if channel.protocol() == http::Protocol::Http2 {
        return nonsense_by_http2(net, channel).await;
    }
    let began = Instant::now();
    let failed = |kind, words: String| Failure::Http(HttpFailure { kind, words, after: began.elapsed() });
    match tokio::time::timeout(net.timeout(), raw::ask(&mut channel.io, NONSENSE)).await {
        Ok(Ok(answered)) => {
            let page = raw::page(&mut channel.io, &answered).await;
            Ok(answered.with_page(&page, net.now()))
        }
        Ok(Err((ProxyKind::HungUp, _))) => {
            Err(failed(HttpKind::Closed, "closed without an answer".to_owned()))
        }
        Ok(Err((ProxyKind::Refused | ProxyKind::NotHttp | ProxyKind::Timeout, came))) if came.is_empty() => {
            Err(failed(HttpKind::Closed, "closed without an answer".to_owned()))
        }
        Ok(Err((ProxyKind::Refused | ProxyKind::NotHttp | ProxyKind::Timeout, came))) => {
            Err(failed(HttpKind::Malformed, crate::text::foreign(&String::from_utf8_lossy(&came))))
        }
        Err(_) => Err(failed(HttpKind::Timeout, "no answer".to_owned())),
    }
}

/// The same where HTTP/2 is spoken: its settings, and the words by which it ends the connection.
async fn nonsense_by_http2(net: &Net, mut channel: Channel) -> Result<Answer, Failure> {
    let began = Instant::now();
    // A peer may answer and close before it has read our line: what it said counts.
    let _ = channel.io.write_all(NONSENSE).await;
    let _ = channel.io.flush().await;
    let mut came = Vec::new();
    raw::more(&mut channel.io, &mut came, KEPT).await;
    let settings = settings::first(&came).unwrap_or_default();
    let Some((code, words)) = settings::goaway(&came) else {
        let words = "closed without a word".to_owned();
        return Err(Failure::Http(HttpFailure { kind: HttpKind::Closed, words, after: began.elapsed() }));
    };
    Ok(Answer {
        version: "HTTP/2".to_owned(),
        status: 0,
        reason: format!("GOAWAY {code}"),
        headers: Headers::default(),
        body: answer::lines(words),
        body_bytes: words.len() as u64,
        cut: false,
        date: None,
        received: net.now(),
        settings,
        pieces: Vec::new(),
    })
}

/// CONNECT, over TLS where the proxy is spoken to so.
async fn tunnel(
    net: &Net,
    proxy: &ProxyUrl,
    walk: &Walk,
    stream: Stream,
) -> Result<(Stream, Tunnel), Failure> {
    let stream: Box<dyn Io> = match proxy.scheme {
        Scheme::Http => Box::new(stream),
        Scheme::Https => {
            // A walk in plain text names no store: the first one then stands for the node.
            let trust = walk.tls.map_or(StoreId(0), |ask| ask.trust);
            let ask = TlsAsk { alpn: Alpn::Http1, ..TlsAsk::strict(trust) };
            Box::new(tls::handshake(net, &proxy.target.host, &ask, stream).await?.stream)
        }
    };
    proxy::connect(net, proxy, &walk.target, stream).await
}

async fn secure(net: &Net, walk: &Walk, ask: &TlsAsk, stream: Stream) -> Result<Channel, Failure> {
    let began = Instant::now();
    let mut secured = tls::handshake(net, &walk.target.host, ask, stream).await?;
    match walk.then {
        Then::Close => tls::late_alert(net, &mut secured, began).await?,
        // The alert will come in place of the answer, and is told apart there.
        Then::Request(_) | Then::Inquire(_) | Then::Upgrade(_) | Then::Grpc(_) | Then::Nonsense => {}
    }
    Ok(Channel { io: Box::new(secured.stream), tls: Some(secured.reading), is_local: is_local(walk) })
}

/// The `Host` header: without the port that goes without saying.
pub(super) fn authority(walk: &Walk) -> String {
    let scheme = if walk.tls.is_some() { Scheme::Https } else { Scheme::Http };
    if walk.target.port == scheme.default_port() {
        bracketed(&walk.target.host)
    } else {
        walk.target.to_string()
    }
}
