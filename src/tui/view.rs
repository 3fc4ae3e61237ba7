//! The picture of a model. One file a visible region; every function draws a part and changes nothing.

pub mod asking;
pub mod banner;
pub mod before;
mod boxed;
pub mod controls;
pub mod copied;
pub mod demo;
pub mod doors;
pub mod drill;
pub mod entrance;
mod evidence;
pub mod export;
pub mod farewell;
pub mod figure;
pub mod footer;
mod frame;
pub mod grid;
pub mod groups;
pub mod guide;
pub mod handshake;
pub mod header;
pub mod help;
pub mod hops;
pub mod inward;
pub mod lines;
pub mod lost;
pub mod matrix;
pub mod mend;
pub mod panes;
pub mod path;
pub mod probes;
pub mod product;
pub mod quit;
pub mod reasons;
pub mod routes;
pub mod seen;
pub mod small;
mod told;
pub mod users;
pub mod waterfall;
pub mod ways;
pub mod wide;
pub mod words;

use crate::tui::model::dialog::Dialog;
use crate::tui::model::{Model, Screen};
use crate::tui::theme::Glyphs;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws everything into an empty buffer.
pub fn draw(model: &Model, buf: &mut Buffer) {
    let area = *buf.area();
    if area.is_empty() {
        return;
    }
    if let Some(Dialog::Export(export)) = &model.dialog {
        header::draw(model, Rect { height: 1, ..area }, buf);
        export::draw(model, export, area, buf);
    } else if model.is_small() {
        small::draw(model, area, buf);
        if let Some(Dialog::Quit) = model.dialog {
            quit::draw(model, area, buf);
        }
    } else {
        match (model.screen(), &model.dialog) {
            (_, Some(Dialog::Help(context, scroll))) => help::draw(model, *context, *scroll, area, buf),
            (Screen::Demos { chosen, search }, _) => demo::draw(model, *chosen, search, area, buf),
            (Screen::Overview, _) => overview(model, area, buf),
            (Screen::Drill(drill), _) => drill::draw(model, drill, area, buf),
            (Screen::Guide(guide), _) => guide::draw(model, guide, area, buf),
            (Screen::Routes(at), _) => routes::draw(model, *at, area, buf),
            (Screen::Doors(at), _) => doors::draw(model, *at, area, buf),
        }
        match &model.dialog {
            Some(Dialog::Quit) => quit::draw(model, area, buf),
            Some(Dialog::Token(field)) => asking::token(model, field, area, buf),
            Some(Dialog::Runner(reading)) => asking::rails(model, *reading, area, buf),
            Some(Dialog::Export(_) | Dialog::Help(..) | Dialog::Filter(_)) | None => {}
        }
    }
    if model.look.glyphs == Glyphs::Ascii {
        keep_ascii(model, buf);
    }
}

fn overview(model: &Model, area: Rect, buf: &mut Buffer) {
    let panes = panes::of(model);
    header::draw(model, panes.header, buf);
    banner::draw(model, panes.banner, buf);
    groups::draw(model, panes.list, buf);
    wide::draw(model, &panes, buf);
    if let Some(legend) = panes.legend {
        // A healthy banner, and the third column, say it already.
        let is_said = panes.third.is_some() || banner::is_proven(model);
        match users::line(model, usize::from(legend.width)).filter(|_| !is_said) {
            Some(line) => lines::draw_one(&line, legend, buf),
            None if wide::takes_the_legend(model, &panes) => {}
            None => footer::legend(model, legend, buf),
        }
    }
    panes::rules(model, &panes, area, buf);
    footer::draw(model, Rect { y: area.bottom().saturating_sub(1), height: 1, ..area }, buf);
}

/// The last guard of the ASCII look: whatever slipped through is replaced.
fn keep_ascii(model: &Model, buf: &mut Buffer) {
    for cell in &mut buf.content {
        if !cell.symbol().is_ascii() {
            let plain = model.look.text(cell.symbol()).chars().next().unwrap_or('?').to_string();
            cell.set_symbol(&plain);
        }
    }
}
