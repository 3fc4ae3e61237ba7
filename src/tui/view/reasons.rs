//! Why a stack takes the way that it takes: what decided, what decides nothing, whom it trusts, who differs.
//!
//! ```text
//!  via       http://squid.example.com:3128
//!  because   http_proxy, from /opt/gitlab/etc/gitlab-rails/env/http_proxy
//!  and not   https_proxy is set too, but Ruby never reads it here
//!  trusts    GitLab's own store /opt/gitlab/embedded/ssl/cert.pem, 142 roots
//!  differs   workhorse trusts the system's store, 143 roots
//! ```

use super::lines::{self, Row};
use super::{seen, ways, words};
use crate::finding::{Code, Finding};
use crate::run::{Status, StepState};
use crate::subject::place::Stack;
use crate::subject::{Route, Via};
use crate::text;
use crate::tui::model::Model;
use crate::tui::model::routes::{At, Cell};
use crate::tui::theme::{self, Role};
use ratatui::text::Line;

/// A label and its text.
type Reason = (&'static str, String);

/// Where values begin: in a narrow terminal one column behind the longest label.
fn value(width: usize) -> usize {
    if width < 60 { 9 } else { 11 }
}

/// The longest text of a file that is shown here: its path and an entry of `no_proxy` with room to spare.
const LONGEST: usize = 600;

/// Lines longer than this are hard to follow.
const WIDEST: usize = 120;

/// The lines below the matrix.
pub fn lines(model: &Model, at: At, width: usize) -> Vec<Line<'static>> {
    let mut lines = short_lines(model, at, width);
    if let Some(route) = at.cell(&model.run).route() {
        lines.extend(labelled(model, several("differs", differs(model, route)), width));
        lines.extend(checks(model, route, width.min(WIDEST)));
        lines.extend(labelled(model, several("found", found(model, route)), width));
    }
    lines
}

/// The way alone, without what others do and what its checks found.
pub fn short_lines(model: &Model, at: At, width: usize) -> Vec<Line<'static>> {
    labelled(model, reasons(model, at), width)
}

fn labelled(model: &Model, reasons: Vec<Reason>, width: usize) -> Vec<Line<'static>> {
    let line =
        |(label, text): Reason| lines::labelled(model.look, width.min(WIDEST), value(width), label, &text);
    reasons.into_iter().flat_map(line).collect()
}

/// The same for the clipboard, in whole lines.
pub fn copied(model: &Model, at: At) -> String {
    let mut lines = vec![format!("{} to {}", who(model, at), ways::target(model, at.endpoint))];
    if let Some(route) = at.cell(&model.run).route() {
        let steps = model.run.on_route(route).into_iter().filter_map(|s| model.run.steps.get(s));
        lines.extend(steps.map(|s| format!("  {} {}", theme::word(s.status), s.id())));
    }
    let differs = at.cell(&model.run).route().map(|r| several("differs", differs(model, r)));
    let reasons = reasons(model, at).into_iter().chain(differs.unwrap_or_default());
    lines.extend(reasons.map(|(label, text)| format!("  {label:<8} {text}")));
    lines.join("\n") + "\n"
}

/// Who takes the way that is looked at: every stack that shares it.
pub fn who(model: &Model, at: At) -> String {
    at.cell(&model.run).route().map_or_else(|| at.stack.to_string(), seen::stacks)
}

/// The checks of the way, in the order of the plan.
fn checks(model: &Model, route: &Route, width: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let mut lines = Vec::new();
    let mut row = Row::new(look, width);
    for step in model.run.on_route(route) {
        let Some(state) = model.run.steps.get(step) else { continue };
        if row.used() == 0 {
            row = row.to(1).put("checks", Role::Quiet).to(value(width));
        } else if row.used() + state.plan.check.len() + 3 > width {
            lines.push(std::mem::replace(&mut row, Row::new(look, width).to(value(width))).line());
        }
        row = row.sign(look.sign(state.status), theme::role(state.status)).put(" ", Role::Plain);
        row = row.put(&state.plan.check, Role::Plain).put("   ", Role::Plain);
    }
    if row.used() > 0 {
        lines.push(row.line());
    }
    lines
}

/// What the way is, what decided it and what did not, whom it trusts.
fn reasons(model: &Model, at: At) -> Vec<Reason> {
    let name = at.stack.name();
    let route = match at.cell(&model.run) {
        Cell::Way(route) | Cell::Same(route, _) => route,
        Cell::NotUsed => return vec![("unused", format!("{name} sends nothing to this service."))],
        Cell::NotKnown => {
            let text =
                format!("{name} uses this service; which way it takes could not be found out on this node.");
            return vec![("unknown", text)];
        }
    };
    let mut reasons = vec![("via", via(route)), ("because", text::escape(&route.source, LONGEST))];
    reasons.extend(several("and not", route.and_not.iter().map(|t| text::escape(t, LONGEST)).collect()));
    reasons.extend(several("but", not_applied(model, route)));
    if !route.trusts.is_empty() {
        reasons.push(("trusts", text::escape(&route.trusts, LONGEST)));
    }
    reasons
}

/// Several texts under one label.
fn several(label: &'static str, texts: Vec<String>) -> Vec<Reason> {
    std::iter::once(label).chain(std::iter::repeat("")).zip(texts).collect()
}

fn via(route: &Route) -> String {
    match &route.via {
        Via::Direct => "no proxy, straight to the service".to_owned(),
        Via::Proxy(proxy) => proxy.to_string(),
        Via::Unusable { variable, why } => format!("nothing that works: {variable} is no proxy, {why}"),
    }
}

/// Processes of these stacks that still run with other proxies than their next start gets.
fn not_applied(model: &Model, route: &Route) -> Vec<String> {
    let findings = model.run.steps.iter().flat_map(StepState::findings);
    let applies = |f: &&Finding| {
        let old =
            |stack: &Stack| service(*stack).is_some_and(|s| f.arg("service").split(", ").any(|o| o == s));
        f.code == Code::ProxyNotApplied && route.stacks.iter().any(old)
    };
    let words = |f: &Finding| format!("{} still as before: {}", f.arg("processes"), f.arg("difference"));
    findings.filter(applies).map(words).collect()
}

/// The service whose processes go out as a stack does, as `proxy-not-applied` names it.
fn service(stack: Stack) -> Option<&'static str> {
    match stack {
        Stack::Rails | Stack::Grpc => Some("puma"),
        Stack::Sidekiq => Some("sidekiq"),
        Stack::Workhorse => Some("gitlab-workhorse"),
        Stack::Shell => None,
    }
}

/// Who goes another way to the same endpoint, or trusts other roots.
fn differs(model: &Model, route: &Route) -> Vec<String> {
    let others = model.run.routes().iter().filter(|r| r.endpoint == route.endpoint && r.id != route.id);
    let words = |other: &Route| {
        let several = other.stacks.len() > 1;
        let go = match &other.via {
            via if *via == route.via => None,
            Via::Direct => Some("without a proxy".to_owned()),
            Via::Proxy(proxy) => Some(format!("through {}", proxy.target)),
            Via::Unusable { variable, .. } => Some(format!("nowhere, for {variable} is no proxy")),
        };
        let go = go.map(|way| format!("{} {way}", if several { "go" } else { "goes" }));
        let trust = (other.trust != route.trust && !other.trusts.is_empty()).then(|| {
            let trusts = text::escape(&other.trusts, LONGEST);
            format!("{} {trusts}", if several { "trust" } else { "trusts" })
        });
        let parts: Vec<String> = go.into_iter().chain(trust).collect();
        let names: Vec<&str> = other.stacks.iter().map(|s| s.as_str()).collect();
        (!parts.is_empty()).then(|| format!("{} {}", text::list(&names), parts.join(", and ")))
    };
    others.filter_map(words).collect()
}

/// What the first checks of the way that did not pass found.
fn found(model: &Model, route: &Route) -> Vec<String> {
    let steps = model.run.on_route(route).into_iter();
    let bad = |s: &usize| {
        model
            .run
            .steps
            .get(*s)
            .is_some_and(|s| matches!(s.status, Status::Fail | Status::Warn | Status::Error))
    };
    steps.filter(bad).take(2).map(|s| words::sentence(model, s)).collect()
}
