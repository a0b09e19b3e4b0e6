//! How a program that can't go on ends.

use crate::in_words;
use std::{error::Error, process::ExitCode};

/// The exit status of a program that would end in the same way if it were started again, until
/// somebody mends what it says: `EX_CONFIG` of `sysexits.h`, which systemd shows as `CONFIG`.
pub const NEEDS_MENDING: u8 = 78;

/// Says why a program ends, in its log if it has one by now that shows errors, and returns its exit
/// status. `lasts` says that starting it again is of no use.
pub fn give_up(error: &(dyn Error + 'static), lasts: bool) -> ExitCode {
    let words = in_words(error);
    if tracing::enabled!(tracing::Level::ERROR) {
        tracing::error!("{words}");
    } else {
        eprintln!("error: {words}");
    }
    if lasts {
        ExitCode::from(NEEDS_MENDING)
    } else {
        ExitCode::FAILURE
    }
}
