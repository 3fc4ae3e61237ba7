//! A terminal that is too small: what it needs, the verdict, the progress. The run goes on.
//!
//! ```text
//!  duo-doctor  FAIL  A B
//!
//!  This needs 40 x 10.
//!  It has 34 x 8.
//! ```

use super::header;
use super::lines::{self, Row};
use crate::run::Run;
use crate::tui::model::{Model, Phase};
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Draws the screen.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let look = model.look;
    let width = usize::from(area.width);
    let plain = |text: String| lines::plain(look, width, 1, text, Role::Plain);
    let counts = Run::counts(&model.run.steps);
    let mut head = Row::new(look, width).to(1).put("duo-doctor", Role::Plain).put("  ", Role::Plain);
    let mut progress = String::new();
    match &model.phase {
        Phase::Choosing | Phase::Discovering => head = head.put("starting", Role::Plain),
        Phase::Unready(_) => head = head.put("NOT STARTED", Role::Verdict),
        Phase::Running(_) => {
            head = head.put("running", Role::Live);
            progress = format!("Still running: {} of {}.", counts.settled, counts.all);
        }
        Phase::Rest => {
            let (word, role) = header::verdict(&model.run);
            head = head.put(word, role);
            for cause in &model.causes {
                head = head.put(" ", Role::Plain).put(cause.letter.to_string(), Role::Cause);
            }
        }
    }
    let mut page = vec![
        head.line(),
        Line::default(),
        plain("This needs 40 x 10.".to_owned()),
        plain(format!("It has {} x {}.", model.size.0, model.size.1)),
        Line::default(),
    ];
    if !progress.is_empty() {
        page.push(plain(progress));
        page.push(Line::default());
    }
    page.push(plain("q quit   e export".to_owned()));
    while page.len() > usize::from(area.height) {
        let Some(blank) = page.iter().position(|l| l.spans.is_empty()) else { break };
        page.remove(blank);
    }
    lines::draw(&page, 0, area, buf);
}
