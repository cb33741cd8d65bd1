//! What the library's errors, which know nothing of a command line, leave to it: the flag that helps.

use crate::commands::Command;
use seedbed::Error;

/// The flag that helps against an error of a command, in a few words; none where no flag does.
pub fn of(error: &Error, command: &Command) -> Option<&'static str> {
    match (error, command) {
        (Error::Tensor { source, .. }, _) => of(source, command),
        _ => None,
    }
}
