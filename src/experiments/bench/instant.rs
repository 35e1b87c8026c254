//! Instants as logs write them.

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// What is wrong with a text that should be an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAnInstant {
    /// It is a date and a time, but of which zone it does not say.
    NoZone,
    /// It is nothing of the kind.
    Unreadable,
}

/// Reads `AAAA-MM-DDThh:mm:ss`, with or without decimals, and a zone: `Z` or `±hh:mm`. A space may stand for the `T`,
/// a comma for the decimal point, and the zone may have no colon, as `strftime` writes it.
///
/// # Errors
/// See [`NotAnInstant`].
pub fn instant(text: &str) -> Result<OffsetDateTime, NotAnInstant> {
    let text = text.trim();
    let (date, rest) = text.split_at_checked(10).ok_or(NotAnInstant::Unreadable)?;
    let rest = rest
        .strip_prefix(['T', 't', ' '])
        .ok_or(NotAnInstant::Unreadable)?;
    let (time, rest) = rest.split_at_checked(8).ok_or(NotAnInstant::Unreadable)?;
    let day = numbers(date, '-').and_then(|[year, month, day]| {
        let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
        Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()
    });
    let time = numbers(time, ':').and_then(|[hour, minute, second]| {
        let part = |number| u8::try_from(number).ok();
        // A leap second is the end of its minute.
        Time::from_hms(part(hour)?, part(minute)?, part(second)?.min(59)).ok()
    });
    let (Some(day), Some(time)) = (day, time) else {
        return Err(NotAnInstant::Unreadable);
    };
    let zone = match rest.strip_prefix(['.', ',']) {
        Some(decimals) => decimals.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    let zone = offset(zone.trim())?;
    Ok(PrimitiveDateTime::new(day, time).assume_offset(zone))
}

fn offset(zone: &str) -> Result<UtcOffset, NotAnInstant> {
    if matches!(zone, "Z" | "z" | "UTC") {
        return Ok(UtcOffset::UTC);
    }
    let (sign, digits) = match zone.split_at_checked(1) {
        Some(("+", digits)) => (1, digits),
        Some(("-", digits)) => (-1, digits),
        _ if zone.is_empty() => return Err(NotAnInstant::NoZone),
        _ => return Err(NotAnInstant::Unreadable),
    };
    let digits: String = digits.chars().filter(|&c| c != ':').collect();
    let part = |range| {
        digits
            .get(range)
            .and_then(|text: &str| text.parse::<i8>().ok())
    };
    let minutes = if digits.len() == 2 {
        Some(0)
    } else {
        part(2..4)
    };
    match (part(0..2), minutes) {
        (Some(hours), Some(minutes)) if digits.len() <= 6 => {
            UtcOffset::from_hms(sign * hours, sign * minutes, 0)
                .map_err(|_| NotAnInstant::Unreadable)
        }
        _ => Err(NotAnInstant::Unreadable),
    }
}

/// Three numbers with `separator` between them.
fn numbers(text: &str, separator: char) -> Option<[u16; 3]> {
    let mut parts = text.split(separator);
    let mut next = || {
        let part = parts.next()?;
        part.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| part.parse().ok())?
    };
    let all = [next()?, next()?, next()?];
    parts.next().is_none().then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instant_in_all_the_ways_that_logs_write_it() {
        let wanted = instant("2024-05-06T12:30:00Z");
        assert!(wanted.is_ok());
        for text in [
            "2024-05-06T12:30:00.123456+00:00",
            "2024-05-06 12:30:00,123+0000",
            "2024-05-06T07:30:00-05:00",
            "2024-05-06T07:30:00.5-0500",
            "2024-05-06T14:30:00+02",
            "2024-05-06T12:30:00 UTC",
        ] {
            assert_eq!(instant(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_time_without_a_zone_is_told_from_what_is_no_time() {
        assert_eq!(
            instant("2024-05-06T12:30:00.123"),
            Err(NotAnInstant::NoZone)
        );
        assert_eq!(instant("2024-05-06 12:30:00"), Err(NotAnInstant::NoZone));
        for text in [
            "",
            "ayer",
            "2024-13-06T12:30:00Z",
            "1714998600",
            "2024-05-06T12:30:00 CET",
            "2024-05-06Tñandú12Z",
        ] {
            assert_eq!(instant(text), Err(NotAnInstant::Unreadable), "{text}");
        }
    }
}
