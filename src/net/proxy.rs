//! CONNECT through a proxy, by hand: libraries lose the status, the headers and the page of a refusal, and those
//! are what tells a proxy's administrator what to change.

use super::Net;
use super::answer;
use super::http::USER_AGENT;
use super::raw::{self, Answered, NoAnswer};
use super::stream::{Io, Stream};
use crate::failure::{Failure, ProxyFailure, ProxyKind};
use crate::probe::Tunnel;
use crate::subject::address::{ProxyUrl, Target};
use base64::Engine;

/// Asks the proxy for a tunnel and returns the stream behind it.
pub(super) async fn connect(
    net: &Net,
    proxy: &ProxyUrl,
    target: &Target,
    mut stream: Box<dyn Io>,
) -> Result<(Stream, Tunnel), Failure> {
    let failure = |kind, answered: Option<&Answered>, body: &[u8]| {
        Failure::Proxy(ProxyFailure {
            kind,
            proxy: proxy.target.clone(),
            target: target.clone(),
            status: answered.map(|a| a.status),
            reason: answered.map(|a| a.reason.clone()).unwrap_or_default(),
            headers: answered.map(|a| a.headers.clone()).unwrap_or_default(),
            body: answer::lines(body),
        })
    };
    let asking = ask(&mut stream, proxy, target);
    let answered = match tokio::time::timeout(net.timeout(), asking).await {
        Ok(Ok(answered)) => answered,
        Ok(Err((kind, came))) => return Err(failure(kind, None, &came)),
        Err(_) => return Err(failure(ProxyKind::Timeout, None, &[])),
    };
    if !(200..300).contains(&answered.status) {
        let page = raw::page(&mut stream, &answered).await;
        return Err(failure(ProxyKind::Refused, Some(&answered), &page));
    }
    let Answered { status, reason, headers, rest, .. } = answered;
    Ok((Stream::new(stream, rest), Tunnel { proxy: proxy.target.clone(), status, reason, headers }))
}

async fn ask(stream: &mut (dyn Io + '_), proxy: &ProxyUrl, target: &Target) -> Result<Answered, NoAnswer> {
    let authorization = proxy.credentials.as_ref().map_or_else(String::new, |credentials| {
        let encoded = base64::engine::general_purpose::STANDARD.encode(credentials.expose());
        format!("Proxy-Authorization: Basic {encoded}\r\n")
    });
    let request = format!(
        "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: {USER_AGENT}\r\n{authorization}\r\n"
    );
    raw::ask(stream, request.as_bytes()).await
}
