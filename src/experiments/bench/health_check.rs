//! The health check that an image carries, with the engine's own defaults filled in.

use std::time::Duration;

use bollard::models::HealthConfig;

use super::{Bench, Image};

/// What the engine takes where nothing is written, for the interval and for the timeout.
const DEFAULT_TIME: Duration = Duration::from_secs(30);

/// What a probe of the course's app takes at most on a machine with time for it.
const PROBE: Duration = Duration::from_millis(300);

/// A check whose quickest probe takes longer is slow by itself, and not because the machine is busy.
const SLOW_PROBE: Duration = Duration::from_secs(3);

/// Failures in a row that make a container unhealthy where nothing is written.
const DEFAULT_RETRIES: u32 = 3;

/// A health check as the engine would run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Time between the end of a probe and the next.
    pub interval: Duration,
    /// Longest time that a probe may take.
    pub timeout: Duration,
    /// Failures in a row that make a container unhealthy.
    pub retries: u32,
    /// Time after the start in which failures do not count.
    pub start_period: Duration,
}

impl HealthCheck {
    /// Nothing where `config` has no test, or `NONE`.
    fn of(config: &HealthConfig) -> Option<Self> {
        let test = config.test.as_ref()?.first()?;
        if test == "NONE" {
            return None;
        }
        let written = |nanos: Option<i64>| {
            let nanos = nanos.and_then(|nanos| u64::try_from(nanos).ok());
            nanos.filter(|&nanos| nanos > 0).map(Duration::from_nanos)
        };
        let time = |nanos| written(nanos).unwrap_or(DEFAULT_TIME);
        let retries = config.retries.and_then(|count| u32::try_from(count).ok());
        Some(Self {
            interval: time(config.interval),
            timeout: time(config.timeout),
            retries: retries
                .filter(|&count| count > 0)
                .unwrap_or(DEFAULT_RETRIES),
            start_period: written(config.start_period).unwrap_or_default(),
        })
    }

    /// How long the engine takes at most to call an app unhealthy that stops answering.
    pub fn slowest_notice(&self) -> Duration {
        (self.interval + self.timeout).saturating_mul(self.retries)
    }

    /// How many probes that count are over, on a machine with time for them, when a container is `age` old; `quickest`
    /// is what the quickest probe took, if one was seen.
    pub fn counted_by(&self, age: Duration, quickest: Option<Duration>) -> u32 {
        let probe = quickest.filter(|took| *took > SLOW_PROBE).unwrap_or(PROBE);
        let counting = age.saturating_sub(self.start_period + probe);
        let whole = counting.as_nanos() / (self.interval + probe).as_nanos().max(1);
        u32::try_from(whole).unwrap_or(u32::MAX)
    }
}

impl Bench<'_> {
    /// The health check that `image` carries; nothing when it has none.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn health_check(&self, image: &Image) -> anyhow::Result<Option<HealthCheck>> {
        let inspected = self.lab.docker().inspect_image(&image.built.image).await?;
        let config = inspected.config.and_then(|config| config.healthcheck);
        Ok(config.as_ref().and_then(HealthCheck::of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(test: &[&str], interval: i64, timeout: i64, retries: i64) -> HealthConfig {
        HealthConfig {
            test: Some(test.iter().map(|word| (*word).to_owned()).collect()),
            interval: Some(interval),
            timeout: Some(timeout),
            retries: Some(retries),
            ..HealthConfig::default()
        }
    }

    #[test]
    fn what_is_not_written_is_the_engines_default() {
        let check = HealthCheck::of(&config(&["CMD", "true"], 0, 0, 0)).expect("a check");
        assert_eq!(check.slowest_notice(), Duration::from_secs(180));
    }

    #[test]
    fn no_test_is_no_check() {
        assert_eq!(HealthCheck::of(&config(&["NONE"], 0, 0, 0)), None);
        assert_eq!(HealthCheck::of(&HealthConfig::default()), None);
    }

    #[test]
    fn only_probes_behind_the_start_period_count() {
        let check = config(&["CMD", "true"], 1_000_000_000, 2_000_000_000, 2);
        let mut check = HealthCheck::of(&check).expect("a check");
        let age = Duration::from_secs(6);
        assert_eq!(check.counted_by(age, None), 4);
        // A busy machine's probes are as many as ever; those of a check that sleeps are fewer.
        assert_eq!(check.counted_by(age, Some(Duration::from_secs(1))), 4);
        assert_eq!(check.counted_by(age, Some(Duration::from_secs(4))), 0);
        check.start_period = Duration::from_secs(2);
        assert_eq!(check.counted_by(age, None), 2);
        check.start_period = Duration::from_secs(20);
        assert_eq!(check.counted_by(age, None), 0);
    }

    #[test]
    fn the_slowest_notice_counts_every_retry() {
        let check = config(&["CMD", "true"], 10_000_000_000, 3_000_000_000, 3);
        let check = HealthCheck::of(&check).expect("a check");
        assert_eq!(check.slowest_notice(), Duration::from_secs(39));
    }
}
