//! How a command ends, and the exit code that tells it.

use seedbed::Error;

/// Every exit code of the command line. `--help` and the manual state them with [`Exit::TABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything asked for is done, and whatever was compared is equal.
    Done = 0,
    /// An error, or a difference that `verify`, `inspect` or `selftest` found.
    Failed = 1,
    /// The command line itself is wrong: a flag that is unknown, or whose value cannot be read.
    Usage = 2,
    /// Everything that could be compared is equal, but something could not be compared.
    Unchecked = 3,
    /// The terminal went away (SIGHUP).
    HungUp = 129,
    /// Ctrl-C (SIGINT).
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// The codes and their meaning, as help prints them.
    pub const TABLE: [(Self, &str); 7] = [
        (Self::Done, "done; what was compared is equal"),
        (Self::Failed, "an error, or a difference was found"),
        (Self::Usage, "wrong usage of the command line"),
        (Self::Unchecked, "equal as far as checked, but not everything could be checked"),
        (Self::HungUp, "the terminal went away (SIGHUP)"),
        (Self::Interrupted, "interrupted (SIGINT, Ctrl-C)"),
        (Self::Terminated, "terminated (SIGTERM)"),
    ];

    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The lines of the table, for help.
    pub fn help() -> String {
        let lines = Self::TABLE.map(|(exit, what)| format!("\n  {:<5}{what}", exit.code()));
        format!("Exit codes:{}", lines.concat())
    }
}

/// Why a command did not end with [`Exit::Done`].
#[derive(Debug)]
pub enum Failure {
    /// Something is wrong.
    Error(Error),
    /// The value of a flag cannot be read.
    Usage(Error),
    /// What was compared differs; the text says what.
    Differs(String),
    /// Nothing that was compared differs, but not everything could be compared; the text says what was not.
    Unchecked(String),
    /// The reader of stdout has gone, as `head` does. That is no error.
    ReaderGone,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Io { path, source } if path == "stdout" && source.kind() == std::io::ErrorKind::BrokenPipe => {
                Self::ReaderGone
            }
            other => Self::Error(other),
        }
    }
}

/// What a command returns.
pub type Outcome = Result<(), Failure>;
