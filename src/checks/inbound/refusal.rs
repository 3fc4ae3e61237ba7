//! The findings about a socket: the arguments that they share, and what a refused handshake comes to, by its cause.

use super::controls::{self, Why};
use super::handshake::CABLE;
use super::hop::{self, Blame, Fares, Hop, blame};
use super::upstream::{Upstream, upstream};
use super::{At, is_gitlab};
use crate::check::Verdict;
use crate::checks::vendors;
use crate::failure::Answer;
use crate::finding::Code;

/// The arguments that all findings about a socket share.
pub(super) struct Args(Vec<(&'static str, String)>);

impl Args {
    /// Of `/-/cable` at a door.
    pub(super) fn of(at: At) -> Self {
        Self::at_path(at, &at.url.path(CABLE))
    }

    /// Of another path.
    pub(super) fn at_path(at: At, path: &str) -> Self {
        let url = at.url.to_string();
        Self(vec![("url", url), ("host", at.url.target.host.clone()), ("path", path.to_owned())])
    }

    /// The hop at fault.
    pub(super) fn hop(&mut self, hop: Hop, product: &str) {
        self.0.extend([("hop", hop.as_str().to_owned()), ("product", product.to_owned())]);
    }

    /// The finding.
    pub(super) fn found(&self, code: Code, more: &[(&str, &str)]) -> Verdict {
        let own = self.0.iter().map(|(k, v)| (*k, v.as_str()));
        let all: Vec<(&str, &str)> = own.chain(more.iter().copied()).collect();
        Verdict::found(code, &all)
    }
}

/// A handshake that was answered, and not with 101.
pub(super) struct Refusal<'a> {
    pub(super) answer: &'a Answer,
    pub(super) why: Why,
    /// How the same handshake goes at a door behind.
    pub(super) fares: &'a dyn Fn(At) -> Fares,
}

/// The finding of a refused handshake, by its cause.
pub(super) fn of_refusal(at: At, args: &Args, refusal: &Refusal) -> Verdict {
    let answers: Vec<&Answer> = controls::answers(at).into_iter().chain([refusal.answer]).collect();
    let last = match refusal.why {
        // Workhorse itself says so of a request that came to it without.
        Why::UpgradeStripped => Hop::Workhorse,
        Why::OriginRejected | Why::NotFound | Why::UpstreamFailed | Why::Denied => Hop::Puma,
    };
    let mut blamed = blame(at, refusal.fares, &answers, last);
    // With GitLab's marks it is Rails who says no, unless it is content behind this door.
    let is_content_behind = || at.behind().any(|inner| (refusal.fares)(inner) == Fares::Works);
    if refusal.why == Why::Denied && is_gitlab(refusal.answer) && !is_content_behind() {
        blamed = Blame { hop: Hop::Puma, product: Hop::Puma.as_str().to_owned() };
    }
    if refusal.why == Why::UpgradeStripped && matches!(blamed.hop, Hop::FrontEnd | Hop::BeforeNginx) {
        let loser = hop::lost_upgrade(at, &answers, refusal.answer);
        blamed.product = loser.map_or(blamed.product, str::to_owned);
    }
    let Blame { hop, product } = match refusal.why {
        Why::UpgradeStripped | Why::OriginRejected => blamed,
        Why::NotFound | Why::UpstreamFailed | Why::Denied => blamed.by_author(at, refusal.answer),
    };
    let status = refusal.answer.status.to_string();
    let by = if product == "unknown" { "the front end".to_owned() } else { product.clone() };
    let mut args = Args(args.0.clone());
    args.hop(hop, &product);
    let s = ("status", status.as_str());
    match refusal.why {
        Why::UpgradeStripped => {
            let Upstream { http, ws, host } = upstream(at, hop);
            let upstream = [("upstream", http.as_str()), ("upstream_ws", &ws), ("upstream_host", &host)];
            args.found(Code::WebsocketUpgradeStripped, &[&[s], &upstream[..]].concat())
        }
        Why::OriginRejected => args.found(Code::WebsocketOriginRejected, &[s, ("origin", &at.url.origin())]),
        Why::NotFound => args.found(Code::WebsocketNotFound, &[s, ("by", &by)]),
        Why::UpstreamFailed => args.found(Code::WebsocketUpstreamFailed, &[s, ("by", &by)]),
        Why::Denied => {
            let words = vendors::words_of(refusal.answer);
            args.found(Code::WebsocketDenied, &[s, ("by", &by), ("words", &words)])
        }
    }
}
