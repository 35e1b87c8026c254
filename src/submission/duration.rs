//! Durations as Go writes them: `1m30s`, `500ms`, `1.5h`.

/// The nanoseconds of a duration without its sign; nothing when it is none. A bare `0` is one, a bare `30` is not.
/// `longer` are the units that a tool adds to Go's own.
pub(super) fn nanoseconds(text: &str, longer: &[(&str, f64)]) -> Option<f64> {
    if text == "0" {
        return Some(0.0);
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3_600e9,
            unit => longer.iter().find(|(name, _)| *name == unit)?.1,
        };
        total += number * unit;
        rest = &rest[end..];
    }
    (!text.is_empty() && total < 9.2e18).then_some(total)
}
