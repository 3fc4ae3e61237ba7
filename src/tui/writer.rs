//! Output on a thread of its own, one frame in flight: a slow line never holds a key up. While a frame is on
//! its way no other is made; the next one shows the newest state.

use super::terminal::{WRITING, write_all};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

/// Starts the thread. `written` is called behind each frame with the time that it took.
///
/// # Errors
/// No thread can be had.
pub(super) fn start(written: impl Fn(Duration) + Send + 'static) -> std::io::Result<Sender<Vec<u8>>> {
    let (frames, todo) = channel::<Vec<u8>>();
    std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
        for frame in todo {
            let start = Instant::now();
            WRITING.store(true, Ordering::SeqCst);
            let result = write_all(&frame);
            WRITING.store(false, Ordering::SeqCst);
            if result.is_err() {
                // The line dropped: the terminal is not touched again.
                std::process::exit(129);
            }
            written(start.elapsed());
        }
    })?;
    Ok(frames)
}
