//! The phases of one walk on one scale; a bar ends in ✗ where it broke, phases never reached say so.
//!
//! ```text
//!  phases            0         10        20        30 ms
//!    dns      1.2 ms █                                  10.20.0.5
//!    tls     19.9 ms            ████████████████████✗   issuer unknown
//!    http          –                                    never reached
//! ```

use super::lines::Row;
use super::probes;
use super::words;
use crate::failure::Layer;
use crate::probe::Sample;
use crate::run::ProbeState;
use crate::text;
use crate::tui::model::Model;
use crate::tui::theme::{Look, Role};
use ratatui::text::Line;
use std::time::Duration;

/// Columns of a bar.
const BAR: usize = 33;
/// Where bars begin.
fn start_of(width: usize) -> usize {
    if width < 64 { 18 } else { 19 }
}

/// Columns between two figures of the scale.
const TICK: usize = 10;

/// The step between the figures of the scale, in microseconds: 1, 2 or 5 times a power of ten.
fn tick(total: Duration) -> u128 {
    let mut tick = 100;
    loop {
        for factor in [1, 2, 5] {
            if tick * factor * 31 >= total.as_micros() * 10 {
                return tick * factor;
            }
        }
        tick *= 10;
    }
}

/// The lines of one probe's phases.
pub fn lines(model: &Model, probe: &ProbeState, width: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let Some(first) = probe.samples.first() else {
        return vec![super::lines::plain(look, width, 1, "phases    nothing was seen yet", Role::Quiet)];
    };
    let start = first.at;
    let end = probe.samples.iter().map(|s| s.at + s.took).max().unwrap_or(start);
    let tick = tick(end.saturating_sub(start));
    let mut lines = vec![scale(look, width, tick)];
    for sample in &probe.samples {
        lines.push(phase(look, width, sample, start, tick));
    }
    let failed = probe.samples.iter().any(|s| s.failure().is_some());
    let last = probe.samples.last().map(|s| s.layer);
    for layer in words::expected(&probe.what).into_iter().filter(|l| last.is_none_or(|x| *l > x)) {
        let words = if failed || !model.is_running() { "never reached" } else { "waits" };
        let row = Row::new(look, width).to(3).put(name(layer), Role::Plain);
        let row = row.right(look.pick("–", "-"), start_of(width) - 1, Role::Quiet);
        lines.push(row.to(remark_at(width).unwrap_or(start_of(width))).put(words, Role::Quiet).line());
    }
    lines
}

/// The word for a layer; CONNECT is what the proxy is asked.
pub fn name(layer: Layer) -> &'static str {
    match layer {
        Layer::Proxy => "CONNECT",
        Layer::Node => "node",
        Layer::Dns
        | Layer::Tcp
        | Layer::Tls
        | Layer::Http
        | Layer::Grpc
        | Layer::Upgrade
        | Layer::Welcome
        | Layer::Message
        | Layer::Ping
        | Layer::Hold => layer.as_str(),
    }
}

/// Where remarks stand, if there is room for them.
fn remark_at(width: usize) -> Option<usize> {
    match width {
        ..64 => None,
        64..80 => Some(start_of(width) + BAR - 2),
        80.. => Some(start_of(width) + BAR + 2),
    }
}

fn scale(look: Look, width: usize, tick: u128) -> Line<'static> {
    let (unit, by) = if tick >= 1_000_000 { ("s", 1_000_000) } else { ("ms", 1_000) };
    let narrow = width < 64;
    let head = if narrow { format!("phases, {unit}") } else { "phases".to_owned() };
    let mut row = Row::new(look, width).to(1).put(head, Role::Quiet);
    for (i, column) in (0..4).zip((start_of(width)..).step_by(TICK)) {
        let (whole, part) = (i * tick / by, i * tick % by * 10 / by);
        let figure = if tick.is_multiple_of(by) { whole.to_string() } else { format!("{whole}.{part}") };
        let figure = if i == 3 && !narrow { format!("{figure} {unit}") } else { figure };
        row = row.to(column).put(figure, Role::Quiet);
    }
    row.line()
}

fn phase(look: Look, width: usize, sample: &Sample, start: Duration, tick: u128) -> Line<'static> {
    let cells = |d: Duration| usize::try_from((d.as_micros() * 10 + tick / 2) / tick).unwrap_or(BAR);
    let from = cells(sample.at.saturating_sub(start)).min(BAR - 2);
    let to = cells((sample.at + sample.took).saturating_sub(start)).clamp(from + 1, BAR - 1);
    let failed = sample.failure().is_some();
    let role = if failed { Role::Bad } else { Role::Live };
    let row = Row::new(look, width).to(3).put(name(sample.layer), Role::Plain);
    let row =
        row.right(text::duration(sample.took), start_of(width) - 1, Role::Plain).to(start_of(width) + from);
    let row = row.put(look.pick("█", "#").repeat(to - from), role);
    let row = if failed { row.sign(look.pick("✗", "X"), Role::Bad) } else { row };
    match remark_at(width) {
        Some(at) => row.to(at).put(probes::remark(sample), Role::Plain).line(),
        None => row.line(),
    }
}
