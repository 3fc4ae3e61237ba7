//! Which region stands where, by the size of the terminal. Header, banner, list and footer keep their rows from
//! the first frame to the last.
//!
//! ```text
//! header  1 line (2 below 120 columns from 24 lines on)
//! ────────
//! banner  2 to 5 lines
//! ────────┬───────────┬──────
//! list    │ details   │ third     details from 120 columns, the third column from 160
//! legend (from 24 lines)
//! footer
//! ```

use super::{header, lines};
use crate::tui::model::dialog::Dialog;
use crate::tui::model::{Drill, Guide, Model, Screen};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// The regions of the overview.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panes {
    /// Who is examined, and how it stands.
    pub header: Rect,
    /// What is wrong, in words.
    pub banner: Rect,
    /// Groups and checks.
    pub list: Rect,
    /// What is selected, from 120 columns.
    pub details: Option<Rect>,
    /// Ways and session, from 160 columns.
    pub third: Option<Rect>,
    /// What the signs of the bars mean.
    pub legend: Option<Rect>,
}

/// The columns of the list where details stand beside it.
const LIST: u16 = 66;

/// The regions for a model's size.
pub fn of(model: &Model) -> Panes {
    let (width, height) = model.size;
    let wide = width >= 120;
    let header = if header::source(model).is_none() && (wide || height < 24) { 1 } else { 2 };
    let banner = match (height, wide) {
        (..24, _) => (height / 5).clamp(2, 5),
        (_, false) => 5,
        (_, true) => 4,
    };
    let legend = u16::from(height >= 24);
    let below = 1 + legend + u16::from(wide && height >= 24);
    let top = header + banner + 2;
    let rows = height.saturating_sub(top + below);
    let row = |y: u16, height: u16| Rect { x: 0, y, width, height };
    let list = Rect { width: if wide { LIST } else { width }, ..row(top, rows) };
    let details = wide.then(|| {
        let width = if width >= 160 { LIST } else { width - LIST - 1 };
        Rect { x: LIST + 1, width, ..list }
    });
    let third = (width >= 160).then(|| Rect { x: 2 * LIST + 2, width: width - 2 * LIST - 2, ..list });
    let legend = (legend > 0).then(|| row(top + rows + u16::from(wide), 1));
    Panes { header: row(0, header), banner: row(header + 1, banner), list, details, third, legend }
}

/// The rules between the regions.
pub fn rules(model: &Model, panes: &Panes, area: Rect, buf: &mut Buffer) {
    let look = model.look;
    let width = usize::from(area.width);
    let one = |y: u16| Rect { y, height: 1, ..area };
    lines::draw_one(&lines::rule(look, width, "", ""), one(panes.header.bottom()), buf);
    let all = crate::tui::model::list::lines(model, usize::from(panes.list.height));
    let rows = usize::from(panes.list.height);
    let more = lines::more(look, all.len(), model.list.scroll, rows);
    let filtering = matches!(model.dialog, Some(Dialog::Filter(_))) || !model.list.filter.is_empty();
    let (left, right) = if filtering {
        let found =
            (0..model.run.steps.len()).filter(|s| crate::tui::model::list::matches(model, *s)).count();
        let right = format!("{found} of {}, Esc clears", model.run.steps.len());
        (
            format!("filter: {}", model.list.filter),
            if more.is_empty() { right } else { format!("{right}  {more}") },
        )
    } else {
        (String::new(), more)
    };
    let top = lines::rule(look, width, &left, &right);
    lines::draw_one(&top, one(panes.banner.bottom()), buf);
    if panes.details.is_none() {
        return;
    }
    if model.size.1 >= 24 {
        lines::draw_one(&lines::rule(look, width, "", ""), one(panes.list.bottom()), buf);
    }
    for x in [Some(panes.list.right()), panes.third.map(|t| t.x - 1)].into_iter().flatten() {
        for y in panes.list.top()..panes.list.bottom() {
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.set_symbol(look.pick("│", "|"));
            }
        }
        for (y, sign) in [(panes.banner.bottom(), "┬"), (panes.list.bottom(), "┴")] {
            if let Some(cell) = buf.cell_mut((x, y))
                && cell.symbol() == look.pick("─", "-")
            {
                cell.set_symbol(look.pick(sign, "+"));
            }
        }
    }
}

/// How far the drill-down on the screen can be scrolled.
pub fn drill_scroll(model: &Model) -> usize {
    match model.screen() {
        Screen::Drill(drill) => most(model, drill),
        Screen::Demos { .. }
        | Screen::Overview
        | Screen::Guide(Guide { .. })
        | Screen::Routes(_)
        | Screen::Doors(_) => 0,
    }
}

fn most(model: &Model, drill: &Drill) -> usize {
    let top = super::drill::top(model, drill, usize::from(model.size.0));
    let rows = usize::from(model.size.1.saturating_sub(top + 2));
    super::drill::page(model, drill, usize::from(model.size.0)).len().saturating_sub(rows)
}
