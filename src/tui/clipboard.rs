//! Copying through the terminal: OSC 52, wrapped where tmux or screen stand between. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What stands between this program and the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// Nothing.
    Nothing,
    /// tmux.
    Tmux,
    /// GNU screen.
    Screen,
}

/// The most base64 bytes that terminals are known to take.
const MOST: usize = 74_994;

/// The bytes that put a text on the clipboard; `None`: it is too long for that.
pub fn sequence(text: &str, between: Between) -> Option<Vec<u8>> {
    let coded = STANDARD.encode(text);
    if coded.len() > MOST {
        return None;
    }
    let bare = format!("\x1b]52;c;{coded}\x07");
    Some(match between {
        Between::Nothing => bare.into_bytes(),
        Between::Tmux => format!("\x1bPtmux;{}\x1b\\", bare.replace('\x1b', "\x1b\x1b")).into_bytes(),
        // screen takes strings of at most 768 bytes.
        Between::Screen => {
            let pieces = bare.as_bytes().chunks(700);
            pieces.flat_map(|p| [b"\x1bP".as_slice(), p, b"\x1b\\"].concat()).collect()
        }
    })
}

/// What is said about it.
pub fn said(text: &str, between: Between) -> String {
    let through = match between {
        Between::Nothing => "",
        Between::Tmux => " through tmux",
        Between::Screen => " through screen",
    };
    format!("Copied by OSC 52{through}: {} bytes. If nothing arrives: w or e writes a file.", text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_wrapped_for_what_stands_between() {
        assert_eq!(sequence("hi", Between::Nothing).as_deref(), Some(b"\x1b]52;c;aGk=\x07".as_slice()));
        assert_eq!(
            sequence("hi", Between::Tmux).as_deref(),
            Some(b"\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\".as_slice())
        );
        assert_eq!(
            sequence("hi", Between::Screen).as_deref(),
            Some(b"\x1bP\x1b]52;c;aGk=\x07\x1b\\".as_slice())
        );
    }

    #[test]
    fn what_is_too_long_is_not_sent() {
        assert!(sequence(&"x".repeat(56_244), Between::Nothing).is_some());
        assert_eq!(sequence(&"x".repeat(56_245), Between::Nothing), None);
    }
}
