//! The end by a signal: the job stops at its next step and cleans up.

use crate::outcome::Exit;
use seedbed::{Error, Result};
use std::sync::atomic::{AtomicI32, Ordering};

/// The signal that asked for the end; 0 where none has.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// # Errors
/// [`Error::Io`] once a signal has come.
pub fn check() -> Result<()> {
    if SIGNAL.load(Ordering::Relaxed) != 0 {
        return Err(Error::io("signal", std::io::ErrorKind::Interrupted.into()));
    }
    Ok(())
}

/// While it lives, a first signal asks the job to end, and a second one ends the process at once.
pub struct Watch {
    /// What the signals did before.
    #[cfg(unix)]
    before: Vec<(libc::c_int, libc::sigaction)>,
}

impl Watch {
    /// The exit code that tells the signal, and what it did, if one came.
    pub fn end(self) -> Option<(Exit, &'static str)> {
        let signal = SIGNAL.load(Ordering::Relaxed);
        drop(self);
        (signal != 0).then(|| meaning(signal))
    }
}

#[cfg(unix)]
const fn meaning(signal: i32) -> (Exit, &'static str) {
    match signal {
        libc::SIGHUP => (Exit::HungUp, "the terminal went away"),
        libc::SIGTERM => (Exit::Terminated, "terminated"),
        _ => (Exit::Interrupted, "interrupted"),
    }
}

#[cfg(unix)]
impl Watch {
    /// Takes the signals over.
    pub fn begin() -> Self {
        SIGNAL.store(0, Ordering::Relaxed);
        #[expect(clippy::fn_to_numeric_cast_any, reason = "sigaction takes the handler's address as a number")]
        let ends = [libc::SIGHUP, libc::SIGINT, libc::SIGTERM].map(|s| (s, on_signal as *const () as usize));
        // A limit on the size of files (ulimit -f) is then an error of the write, which is told and cleaned up after.
        let ignored = [(libc::SIGXFSZ, libc::SIG_IGN)];
        let before = ends.into_iter().chain(ignored).filter_map(|(signal, handler)| {
            // SAFETY: `sigaction` is a C struct for which zeros are valid: no flags, an empty mask. The handler is
            // SIG_IGN, or `on_signal`, which is async-signal-safe. Both pointers are to structs on this stack.
            unsafe {
                let mut new: libc::sigaction = std::mem::zeroed();
                let mut old: libc::sigaction = std::mem::zeroed();
                new.sa_sigaction = handler;
                new.sa_flags = libc::SA_RESTART;
                (libc::sigaction(signal, &raw const new, &raw mut old) == 0).then_some((signal, old))
            }
        });
        Self { before: before.collect() }
    }
}

/// Only an atomic and `_exit`: both are async-signal-safe.
#[cfg(unix)]
extern "C" fn on_signal(signal: libc::c_int) {
    if SIGNAL.swap(signal, Ordering::Relaxed) != 0 {
        // SAFETY: `_exit` takes any number, runs no handler and touches no memory of the program.
        unsafe { libc::_exit(i32::from(meaning(signal).0.code())) }
    }
}

#[cfg(unix)]
impl Drop for Watch {
    fn drop(&mut self) {
        for (signal, before) in &self.before {
            // SAFETY: the struct is one that the operating system filled in for this same signal.
            unsafe { libc::sigaction(*signal, before, std::ptr::null_mut()) };
        }
    }
}

#[cfg(not(unix))]
const fn meaning(_: i32) -> (Exit, &'static str) {
    (Exit::Interrupted, "interrupted")
}

#[cfg(not(unix))]
impl Watch {
    /// Takes Ctrl-C over, once in a process: the handler cannot be taken back.
    pub fn begin() -> Self {
        static ONCE: std::sync::Once = std::sync::Once::new();
        SIGNAL.store(0, Ordering::Relaxed);
        ONCE.call_once(|| {
            // Where no handler can be set, the first Ctrl-C ends the process.
            let _ = ctrlc::set_handler(|| {
                if SIGNAL.swap(2, Ordering::Relaxed) != 0 {
                    std::process::exit(i32::from(Exit::Interrupted.code()));
                }
            });
        });
        Self {}
    }
}
