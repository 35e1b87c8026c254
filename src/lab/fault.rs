//! Whose fault an engine's message tells of.

/// Whether it is the machine's, whatever was asked for: never held against a submission.
#[must_use]
pub fn is_machines(message: &str) -> bool {
    const MACHINE: [&str; 11] = [
        "no space left on device",
        "disk quota exceeded",
        "non-overlapping IPv4 address pool",
        "cannot allocate memory",
        "too many open files",
        "No such image",
        "transport is closing",
        "connection refused: unknown",
        "context canceled",
        "context deadline exceeded",
        "is shutting down",
    ];
    MACHINE.iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_the_machines_and_a_missing_program_is_not() {
        assert!(is_machines("write /x: no space left on device"));
        assert!(!is_machines(
            "OCI runtime create failed: exec: \"uvicorn\": executable file not found in $PATH"
        ));
    }
}
