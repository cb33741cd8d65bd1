//! The bar on a terminal, and the end by Ctrl-C: the job stops at its next step and cleans up.

use indicatif::{ProgressBar, ProgressStyle};
use seedbed::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether a signal asked for the end.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Bytes done, rate and time left; silent where stderr is no terminal.
pub struct Bar(ProgressBar);

impl Bar {
    /// A job of `total` bytes, which Ctrl-C ends from now on.
    pub fn new(total: u64) -> Self {
        // The first signal asks, a second one ends at once. Where no handler can be set, the first one ends.
        let _ = ctrlc::set_handler(|| {
            if INTERRUPTED.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        });
        let template = "{bar:30} {decimal_bytes}/{decimal_total_bytes}  {decimal_bytes_per_sec}  {eta} left";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::new(total).with_style(style))
    }

    /// Shows the bytes done.
    ///
    /// # Errors
    /// [`Error::Io`] once a signal has come.
    pub fn at(&self, done: u64) -> Result<()> {
        self.0.set_position(done);
        if interrupted() {
            return Err(Error::io("signal", std::io::ErrorKind::Interrupted.into()));
        }
        Ok(())
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
