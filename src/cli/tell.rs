//! Lines for whoever reads along. A reader that has gone away (a closed pipe) is no reason to stop, let alone to panic.

use std::fmt::Display;
use std::io::Write;

/// One line on standard output.
pub fn line(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// One line of progress on standard error.
pub fn progress(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "· {text}");
}

/// What went wrong, on standard error.
pub fn error(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "error: {text}");
}

/// Passes on a fault of writing a report, unless nobody reads it any more.
///
/// # Errors
/// Whatever else went wrong.
pub fn written(result: anyhow::Result<()>) -> anyhow::Result<()> {
    let gone = |error: &anyhow::Error| {
        let io = error
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind);
        let json = error
            .downcast_ref::<serde_json::Error>()
            .and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(std::io::ErrorKind::BrokenPipe)
    };
    match result {
        Err(error) if gone(&error) => Ok(()),
        other => other,
    }
}
