//! Copying through the terminal: OSC 52, wrapped where tmux or screen stand between. Pure.
//!
//! tmux hands a terminal what comes in its own DCS string where `allow-passthrough` is on, and takes a bare OSC 52
//! where `set-clipboard` is on. Either is turned off more often than not, so both are sent: copying twice is copying.

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

impl Between {
    /// What the environment says: `TMUX` and `STY` are set by tmux and screen for what runs inside them. Across ssh
    /// only `TERM` is left, and screen's begins with its name.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        if set("TMUX").is_some() {
            Between::Tmux
        } else if set("STY").is_some() || set("TERM").is_some_and(|term| term.starts_with("screen")) {
            Between::Screen
        } else {
            Between::Nothing
        }
    }
}

/// The longest string that screen takes, its end marks included (`MAXSTR` in its `screen.h`).
const STRING: usize = 768;

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
        Between::Tmux => format!("{bare}\x1bPtmux;{}\x1b\\", bare.replace('\x1b', "\x1b\x1b")).into_bytes(),
        Between::Screen => {
            let (begin, end) = (b"\x1bP".as_slice(), b"\x1b\\");
            let pieces = bare.as_bytes().chunks(STRING - begin.len() - end.len());
            pieces.flat_map(|p| [begin, p, end].concat()).collect()
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
            Some(b"\x1b]52;c;aGk=\x07\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\".as_slice())
        );
        assert_eq!(
            sequence("hi", Between::Screen).as_deref(),
            Some(b"\x1bP\x1b]52;c;aGk=\x07\x1b\\".as_slice())
        );
    }

    #[test]
    fn screen_gets_strings_of_at_most_768_bytes_that_make_up_the_whole() {
        let given = "gitlab-ctl reconfigure\n".repeat(200);
        let bytes = sequence(&given, Between::Screen).expect("it is not too long");
        let text = String::from_utf8(bytes).expect("ASCII");
        let strings: Vec<&str> = text.split_inclusive("\x1b\\").collect();
        assert!(strings.len() > 5 && strings.iter().all(|s| s.len() <= STRING));
        let whole: String = strings
            .iter()
            .map(|s| {
                s.strip_prefix("\x1bP").and_then(|s| s.strip_suffix("\x1b\\")).expect("a string of its own")
            })
            .collect();
        assert_eq!(whole.into_bytes(), sequence(&given, Between::Nothing).expect("it is not too long"));
    }

    #[test]
    fn the_environment_says_what_stands_between() {
        for (variables, expected) in [
            (&[("TERM", "xterm-256color")][..], Between::Nothing),
            (&[], Between::Nothing),
            (&[("TERM", "screen-256color"), ("TMUX", "/tmp/tmux-0/default,1,0")], Between::Tmux),
            (&[("TERM", "tmux-256color"), ("TMUX", "/tmp/tmux-0/default,1,0")], Between::Tmux),
            (&[("TERM", "screen.xterm-256color"), ("STY", "1234.pts-0.host")], Between::Screen),
            (&[("TERM", "xterm"), ("STY", "1234.pts-0.host")], Between::Screen),
            (&[("TERM", "screen")], Between::Screen),
            (&[("TERM", "vt100"), ("TMUX", ""), ("STY", "")], Between::Nothing),
        ] {
            let value = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
            assert_eq!(Between::of(value), expected, "{variables:?}");
        }
    }

    #[test]
    fn what_is_too_long_is_not_sent() {
        assert!(sequence(&"x".repeat(56_244), Between::Nothing).is_some());
        assert_eq!(sequence(&"x".repeat(56_245), Between::Nothing), None);
    }
}
