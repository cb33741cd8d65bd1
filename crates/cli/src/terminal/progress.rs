//! The bar that shows how far a job is.

use super::{print, signals};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use seedbed::Result;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Whether progress is shown: on a terminal, unless `--quiet` is given.
fn shown() -> bool {
    std::io::stderr().is_terminal() && !print::is_quiet()
}

/// Bytes done, rate and time left.
pub struct Bar {
    bar: ProgressBar,
    /// Whether the end of the bytes is not the end of the job: the disk is waited for.
    writes: bool,
}

impl Bar {
    /// A job of `total` bytes.
    pub fn new(total: u64) -> Self {
        let template = "{bar:30} {decimal_bytes}/{decimal_total_bytes}  {decimal_bytes_per_sec}  {eta} left";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let target = if shown() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bar: ProgressBar::with_draw_target(Some(total), target).with_style(style), writes: false }
    }

    /// The same, of bytes that go to a disk.
    pub fn writing(total: u64) -> Self {
        let mut bar = Self::new(total);
        bar.writes = true;
        bar
    }

    /// Shows the bytes done.
    ///
    /// # Errors
    /// [`seedbed::Error::Io`] once a signal has come.
    pub fn at(&self, done: u64) -> Result<()> {
        self.bar.set_position(done);
        if self.writes && self.bar.length() == Some(done) {
            let style = ProgressStyle::with_template("{spinner} syncing {decimal_bytes} to the disk, {elapsed}");
            self.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            // Nothing else draws while the operating system works.
            self.bar.enable_steady_tick(Duration::from_millis(200));
        }
        signals::check()
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Shows what is being done, over the text before; an empty text clears the line.
pub fn status(text: &str) {
    if shown() {
        // A stderr that is closed leaves nobody to tell.
        let _ = write!(std::io::stderr(), "\r\x1b[K{text}");
    }
}
