//! One connection through all layers of one way, a sample for each.

use super::http::Channel;
use super::stream::{Io, Stream};
use super::{Net, Teller, grpc, http, proxy, tcp, tls, websocket};
use crate::failure::{Failure, Layer};
use crate::probe::{Alpn, OnBadCertificate, Packets, Reading, Then, TlsAsk, Tunnel, Walk};
use crate::subject::address::{ProxyUrl, Scheme, bracketed};
use crate::subject::{StoreId, Via};
use std::time::Instant;

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
    let found = net.resolve(first_hop, teller).await?;
    let began = Instant::now();
    let packets = walk.tls.map_or(Packets::Any, |ask| ask.packets);
    let addresses = walk.repeat.map_or_else(|| found.sockets(), |repeat| vec![repeat.address]);
    let mut connected = tcp::connect(net, first_hop, &addresses, packets).await;
    if let (Ok((stream, reading)), None, Then::Close, Via::Direct) =
        (&mut connected, walk.tls, &walk.then, &walk.via)
        && tcp::is_cut(stream).await
    {
        connected = Err(tcp::cut(first_hop, reading, began.elapsed()));
    }
    let connected = connected.map(|(stream, connected)| (stream, Reading::Connected(connected)));
    let stream = Stream::new(teller.tell(Layer::Tcp, began, connected)?, Vec::new());
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
        None => Channel { io: Box::new(stream), tls: None },
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
        Then::Upgrade(upgrade) => {
            let verified = walk.tls.is_some_and(|ask| ask.on_bad_certificate == OnBadCertificate::Stop);
            debug_assert!(verified || upgrade.credential.is_none(), "a credential needs a verified channel");
            websocket::upgrade(net, channel, upgrade, teller).await
        }
        Then::Grpc(health) => grpc::health(net, channel, &authority(walk), *health, teller).await,
    }
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
        Then::Request(_) | Then::Upgrade(_) | Then::Grpc(_) => {}
    }
    Ok(Channel { io: Box::new(secured.stream), tls: Some(secured.reading) })
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
