//! Bytes on their way to the disk beside the writes that follow them.

use std::fs::File;
use std::io;
use std::sync::mpsc::{Sender, channel};
use std::thread::{JoinHandle, spawn};

/// Bytes between two requests: enough for a disk to be busy, few enough that little is left for the end.
const STEP: u64 = 64 << 20;

/// Asks the system, from a thread of its own, to bring a file's bytes to the disk, again and again: without it the disk idles
/// until the last byte is written.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    thread: Option<(Sender<()>, JoinHandle<io::Result<()>>)>,
    since: u64,
}

impl Ahead {
    /// So many bytes more of the file were written.
    pub fn wrote(&mut self, file: &File, bytes: u64) -> io::Result<()> {
        self.since += bytes;
        if self.since < STEP {
            return Ok(());
        }
        self.since = 0;
        let (requests, _) = match &mut self.thread {
            Some(running) => running,
            None => self.thread.insert(start(file.try_clone()?)),
        };
        // A thread that has ended met an error, which `finish` returns.
        let _ = requests.send(());
        Ok(())
    }

    /// Waits for the requests. The system tells an error of the disk once, to whom it meets first: here or at the file's own
    /// last sync.
    pub fn finish(&mut self) -> io::Result<()> {
        let Some((requests, thread)) = self.thread.take() else { return Ok(()) };
        drop(requests);
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

fn start(file: File) -> (Sender<()>, JoinHandle<io::Result<()>>) {
    let (requests, asked) = channel();
    let thread = spawn(move || {
        while asked.recv().is_ok() {
            // What was asked for meanwhile is one request.
            while asked.try_recv().is_ok() {}
            file.sync_data()?;
        }
        Ok(())
    });
    (requests, thread)
}
