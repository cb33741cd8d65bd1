//! Bytes that are brought to the disk while the ones after them are written.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, JoinHandle};

/// Bytes between two requests: enough for a disk to be busy, few enough that little is left for the end.
const STEP: u64 = 64 << 20;

/// Asks the system again and again, from a thread of its own, to bring a file's bytes to the disk: without it the disk
/// idles until the last byte is written. Dropped before [`Ahead::finish`], as after an error, it waits for nothing: the
/// thread ends after the request under way. Where the system allows no thread, nothing is asked.
#[derive(Debug, Default)]
pub struct Ahead {
    thread: Option<Requests>,
    since: u64,
}

#[derive(Debug)]
struct Requests {
    sender: Sender<()>,
    /// Set at the end: requests that still wait are dropped, since the file's last sync serves them too.
    enough: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<()>>,
}

impl Ahead {
    /// Is told that `bytes` more of the file were written.
    ///
    /// # Errors
    /// Those of the system, of this request or of an earlier one.
    pub fn wrote(&mut self, file: &File, bytes: u64) -> io::Result<()> {
        self.since += bytes;
        if self.since < STEP {
            return Ok(());
        }
        self.since = 0;
        if self.thread.is_none() {
            self.thread = start(file.try_clone()?);
        }
        match &self.thread {
            // The thread ends early only by an error.
            Some(requests) if requests.sender.send(()).is_err() => self.finish(),
            _ => Ok(()),
        }
    }

    /// Waits for the request under way.
    ///
    /// # Errors
    /// Those of input and output. The system reports a failed write once: here, or at the file's last sync.
    pub fn finish(&mut self) -> io::Result<()> {
        let Some(Requests { sender, enough, thread }) = self.thread.take() else { return Ok(()) };
        enough.store(true, Ordering::Relaxed);
        drop(sender);
        let result = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        result.map_err(|e| io::Error::new(e.kind(), format!("bringing it to the disk: {e}")))
    }
}

fn start(file: File) -> Option<Requests> {
    let (sender, asked) = channel();
    let enough = Arc::new(AtomicBool::new(false));
    let told = enough.clone();
    let work = move || {
        while asked.recv().is_ok() && !told.load(Ordering::Relaxed) {
            // One sync serves all requests that came meanwhile.
            while asked.try_recv().is_ok() {}
            file.sync_data()?;
        }
        Ok(())
    };
    let thread = Builder::new().spawn(work).ok()?;
    Some(Requests { sender, enough, thread })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device of characters has no disk behind it: the system refuses to sync it.
    #[test]
    #[cfg(target_os = "linux")]
    fn an_error_of_the_disk_is_told() {
        let file = File::open("/dev/null").unwrap();
        let mut ahead = Ahead::default();
        ahead.wrote(&file, STEP - 1).unwrap();
        assert!(ahead.thread.is_none());
        // A later `wrote` returns the error, as soon as it is known.
        let known = (0..10_000).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(1));
            ahead.wrote(&file, STEP).err()
        });
        let text = known.unwrap().to_string();
        assert!(text.starts_with("bringing it to the disk: "), "{text}");
        // Or `finish` does, where the request is under way by then.
        ahead.wrote(&file, STEP).unwrap();
        std::thread::sleep(std::time::Duration::from_secs(1));
        assert!(ahead.finish().is_err());
    }

    #[test]
    fn a_file_is_brought_to_the_disk() {
        let file = tempfile::tempfile().unwrap();
        let mut ahead = Ahead::default();
        for _ in 0..3 {
            ahead.wrote(&file, STEP).unwrap();
        }
        ahead.finish().unwrap();
        assert!(ahead.thread.is_none());
    }
}
