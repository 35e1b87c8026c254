//! Durations as Compose reads them: Go's, with days and weeks.

use std::time::Duration;

use crate::submission::duration::nanoseconds;

/// Reads `1m30s`, `500ms`, `1.5h`; nothing when it is none. A bare `0` is a duration, a bare `30` is not.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let nanos = nanoseconds(text, &[("d", 86_400e9), ("w", 604_800e9)])?;
    Some(Duration::from_nanos(nanos.round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_numbers_with_units() {
        assert_eq!(parse("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(parse("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse("1.5h"), Some(Duration::from_secs(5_400)));
        assert_eq!(parse("0"), Some(Duration::ZERO));
        assert_eq!(parse("0s"), Some(Duration::ZERO));
        for bad in ["", "30", "30x", "s", "1s2", "-1s", "1 s", "999999999999h"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
