//! Health checks, at the student's pace or ours.

use std::time::Duration;

use bollard::models::HealthConfig;

use crate::lab::stack::{HealthTiming, Pace};
use crate::submission::compose::{Healthcheck, Located, Test};

/// The service's health check at `pace`; what is left out is inherited from the image.
pub(super) fn health(own: Option<&Healthcheck>, pace: Option<Pace>) -> Option<HealthConfig> {
    let timing = match pace {
        Some(Pace::Ours(timing)) => Some(timing),
        Some(Pace::Never) => return Some(no_health()),
        None => None,
    };
    if own.is_some_and(|own| own.disable) {
        return Some(no_health());
    }
    if own.is_none() && timing.is_none() {
        return None;
    }
    let test = own
        .and_then(|own| own.test.as_ref())
        .map(|test| match &test.value {
            Test::None => vec!["NONE".into()],
            Test::Cmd(words) => std::iter::once("CMD".into())
                .chain(words.iter().cloned())
                .collect(),
            Test::Shell(line) => vec!["CMD-SHELL".into(), line.clone()],
        });
    let pick =
        |ours: fn(&HealthTiming) -> Duration, theirs: Option<&Located<Duration>>| match &timing {
            Some(timing) => Some(nanos(ours(timing))),
            None => theirs.and_then(|time| written(time.value)),
        };
    let theirs = own
        .and_then(|own| own.timeout.as_ref())
        .map(|time| time.value);
    Some(HealthConfig {
        test,
        interval: pick(
            |timing| timing.interval,
            own.and_then(|own| own.interval.as_ref()),
        ),
        timeout: match (theirs, timing) {
            (Some(theirs), Some(_)) => Some(nanos(theirs.min(HealthTiming::TIMEOUT_CAP))),
            (Some(theirs), None) => written(theirs),
            (None, timing) => timing.map(|timing| nanos(timing.timeout)),
        },
        retries: timing.map(|timing| i64::from(timing.retries)).or_else(|| {
            own?.retries
                .as_ref()
                .and_then(|retries| i64::try_from(retries.value).ok())
        }),
        start_period: pick(
            |timing| timing.start_period,
            own.and_then(|own| own.start_period.as_ref()),
        ),
        start_interval: pick(
            |timing| timing.interval,
            own.and_then(|own| own.start_interval.as_ref()),
        ),
    })
}

/// No health check, not even the image's.
pub fn no_health() -> HealthConfig {
    HealthConfig {
        test: Some(vec!["NONE".into()]),
        ..HealthConfig::default()
    }
}

/// The image's own health check at the checker's pace.
pub fn inherited_health(timing: HealthTiming) -> Option<HealthConfig> {
    health(None, Some(Pace::Ours(timing)))
}

/// Nanoseconds for the API, where 0 would mean "inherit": at least 1 ms.
fn nanos(time: Duration) -> i64 {
    i64::try_from(time.max(Duration::from_millis(1)).as_nanos()).unwrap_or(i64::MAX)
}

/// What the student wrote; zero is as if nothing was written.
fn written(time: Duration) -> Option<i64> {
    (!time.is_zero()).then(|| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX))
}
