//! Keys, pasted texts and sizes, read on a thread of its own that sleeps until one comes.

use super::keys::Key;
use crate::secret::Secret;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read};
use std::time::Duration;

/// What the terminal sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// A key.
    Key(Key),
    /// A pasted text: it may be a token.
    Paste(Secret),
    /// Columns and lines.
    Resize(u16, u16),
}

/// Starts reading. `size` is the one that the first frame was drawn for.
///
/// # Errors
/// No thread can be had.
pub(super) fn start(size: (u16, u16), came: impl Fn(Input) + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
        // Sizes are listened to from the first poll on: one that came before it is asked for. Where polling
        // fails, reading fails too and ends the loop.
        let _ = poll(Duration::ZERO);
        if let Some((columns, lines)) = crossterm::terminal::size().ok().filter(|now| *now != size) {
            came(Input::Resize(columns, lines));
        }
        while let Ok(event) = read() {
            let input = match event {
                Event::Key(key) if key.kind != KeyEventKind::Release => translate(key).map(Input::Key),
                Event::Resize(columns, lines) => Some(Input::Resize(columns, lines)),
                Event::Paste(text) => Some(Input::Paste(Secret::new(text))),
                Event::Key(_) | Event::FocusGained | Event::FocusLost | Event::Mouse(_) => None,
            };
            if let Some(input) = input {
                came(input);
            }
        }
    })?;
    Ok(())
}

fn translate(key: KeyEvent) -> Option<Key> {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char(c) if ctrl => Key::Ctrl(c.to_ascii_lowercase()),
        KeyCode::Char(_) if key.modifiers.contains(KeyModifiers::ALT) => return None,
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        _ => return None,
    })
}
