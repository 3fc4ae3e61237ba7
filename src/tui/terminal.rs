//! The terminal's modes: entered once, restored once, on every way out. After a hang-up nothing is written.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Whether the modes are ours now.
static ENTERED: AtomicBool = AtomicBool::new(false);
/// Whether the writer is in the middle of a frame.
pub(super) static WRITING: AtomicBool = AtomicBool::new(false);

/// Alternate screen, no cursor, pasted text marked as such, empty.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[m\x1b[H\x1b[2J";
/// Plain style, pasted text as typed, cursor, main screen.
const LEAVE: &[u8] = b"\x1b[m\x1b[?2004l\x1b[?25h\x1b[?1049l";
/// How long a restore waits for a frame on its way and for room on the line.
const PATIENCE: Duration = Duration::from_millis(100);

/// Takes the terminal over.
///
/// # Errors
/// It has no modes that could be set: it is no terminal.
pub(super) fn enter() -> std::io::Result<()> {
    crossterm::terminal::enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    write_all(ENTER)
}

/// Gives the terminal back as it was. May be called any number of times, from any thread.
pub(super) fn restore() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let until = std::time::Instant::now() + PATIENCE;
    while WRITING.load(Ordering::SeqCst) && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(2));
    }
    if has_room() {
        // The line may be gone; there is nobody to tell.
        let _ = write_all(LEAVE);
    }
    let _ = crossterm::terminal::disable_raw_mode();
}

/// Whether the line takes bytes now.
fn has_room() -> bool {
    let stdout = rustix::stdio::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::OUT)];
    let patience = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    let ready = poll(&mut fds, Some(&patience)).unwrap_or(0) > 0;
    ready && fds[0].revents().contains(PollFlags::OUT) && !is_gone(fds[0].revents())
}

/// Whether what poll says means that the other end is gone.
pub(super) fn is_gone(events: PollFlags) -> bool {
    events.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
}

/// Writes everything, in as few calls as the line takes.
///
/// # Errors
/// The line is gone.
pub(super) fn write_all(mut bytes: &[u8]) -> std::io::Result<()> {
    let stdout = rustix::stdio::stdout();
    while !bytes.is_empty() {
        match rustix::io::write(stdout, bytes) {
            Ok(0) => return Err(std::io::ErrorKind::WriteZero.into()),
            Ok(n) => bytes = &bytes[n..],
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                poll(&mut [PollFd::new(&stdout, PollFlags::OUT)], None)?;
            }
            Err(other) => return Err(other.into()),
        }
    }
    Ok(())
}

/// Restores before a panic is reported, then leaves: a half-dead screen helps nobody.
pub(super) fn guard_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        restore();
        report(info);
        std::process::exit(70);
    }));
}
