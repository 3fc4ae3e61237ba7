//! Signals and the line's end, watched by one thread that sleeps until one of them comes.
//!
//! The thread polls the terminal for hang-ups only, beside a pipe for each signal: the library that reads keys
//! spins for ever on a line that dropped while SIGHUP is ignored, so somebody else has to notice.

use super::terminal::{is_gone, restore};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM};
use std::io::Read;
use std::os::unix::net::UnixStream;

/// Starts the watch. `continued` is called when the program was stopped and goes on.
///
/// # Errors
/// No pipe or no thread can be had.
pub(super) fn watch(continued: impl Fn() + Send + 'static) -> std::io::Result<()> {
    let mut ends: Vec<(i32, UnixStream)> = Vec::new();
    for signal in [SIGTERM, SIGINT, SIGHUP, SIGCONT] {
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        signal_hook::low_level::pipe::register(signal, write)?;
        ends.push((signal, read));
    }
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || run(&ends, &continued))?;
    Ok(())
}

fn run(ends: &[(i32, UnixStream)], continued: &impl Fn()) {
    let tty = rustix::stdio::stdout();
    loop {
        let mut fds: Vec<PollFd> = vec![PollFd::new(&tty, PollFlags::empty())];
        fds.extend(ends.iter().map(|(_, end)| PollFd::new(end, PollFlags::IN)));
        if poll(&mut fds, None).is_err() {
            continue;
        }
        if is_gone(fds[0].revents()) {
            std::process::exit(129);
        }
        let came: Vec<bool> = fds[1..].iter().map(|f| f.revents().contains(PollFlags::IN)).collect();
        for ((signal, end), _) in ends.iter().zip(came).filter(|(_, came)| *came) {
            let mut end = end;
            let _ = end.read(&mut [0; 64]);
            if *signal == SIGCONT {
                continued();
            } else {
                leave(*signal);
            }
        }
    }
}

/// Ends the program by a signal: with the terminal restored, unless it is gone.
fn leave(signal: i32) -> ! {
    let tty = rustix::stdio::stdout();
    let mut fds = [PollFd::new(&tty, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let gone = poll(&mut fds, Some(&now)).is_ok_and(|n| n > 0) && is_gone(fds[0].revents());
    if !gone {
        restore();
    }
    std::process::exit(128 + signal);
}
