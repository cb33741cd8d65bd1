//! The bar on a terminal, and the end by Ctrl-C: the job stops at its next step and cleans up.

use indicatif::{ProgressBar, ProgressStyle};
use seedbed::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether a signal asked for the end.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// From now on a first signal asks a job to end, and a second one ends at once. Where no handler can be set, the first one ends.
pub fn watch() {
    // A limit on the size of files (ulimit -f) is then an error of the write, which is told and cleaned up after.
    #[cfg(unix)]
    // SAFETY: at the start of the process, before any thread; to ignore a signal runs no code of ours.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
}

/// # Errors
/// [`Error::Io`] once a signal has come.
pub fn check() -> Result<()> {
    if interrupted() {
        return Err(Error::io("signal", std::io::ErrorKind::Interrupted.into()));
    }
    Ok(())
}

/// Bytes done, rate and time left; silent where stderr is no terminal.
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
        Self { bar: ProgressBar::new(total).with_style(style), writes: false }
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
    /// [`Error::Io`] once a signal has come.
    pub fn at(&self, done: u64) -> Result<()> {
        self.bar.set_position(done);
        if self.writes && self.bar.length() == Some(done) {
            let style = ProgressStyle::with_template("{spinner} syncing {decimal_bytes} to the disk, {elapsed}");
            self.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            // Nothing else draws while the operating system works.
            self.bar.enable_steady_tick(Duration::from_millis(200));
        }
        check()
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
