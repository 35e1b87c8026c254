//! Sizes in bytes as Docker writes them.

/// Reads `512M`, `1.5gb`, `1024`, `-1`; nothing when it is none. All units are powers of 1024.
pub(super) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let end = text
        .rfind(|c: char| c.is_ascii_digit() || c == '.')
        .map_or(0, |at| at + 1);
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let unit = unit.trim_start().to_ascii_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let unit = unit.strip_suffix('i').filter(|unit| !unit.is_empty()).unwrap_or(unit);
    let power = match unit {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return None,
    };
    let bytes = number * 1024_f64.powi(power);
    let fits = bytes.is_finite() && bytes < 9.2e18 && (bytes >= 0.0 || bytes == -1.0);
    fits.then_some(bytes as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_with_an_optional_unit() {
        for (text, bytes) in [
            ("512M", 512 << 20),
            ("512mb", 512 << 20),
            ("512 MiB", 512 << 20),
            ("1.5g", 3 << 29),
            ("64k", 64 << 10),
            ("100", 100),
            ("100b", 100),
            ("-1", -1),
            ("0", 0),
        ] {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
        for bad in ["", "M", "5zz", "-5", "1e9x", "uno"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
