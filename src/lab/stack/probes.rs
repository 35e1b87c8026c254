//! At which pace health is looked at, and what the looks show.

use std::time::Duration;

use crate::lab::container::Health;
use crate::lab::engine::Facts;

/// An engine that has not run a check once by then does not run checks.
const FIRST_PROBE_LIMIT: Duration = Duration::from_secs(30);

/// What to say of an engine that does not run health checks.
pub fn never_probed(facts: &Facts) -> String {
    let way_out = if facts.is_podman {
        "Podman se lo encarga a systemd: pruébalo en una máquina con systemd en marcha, o con Docker Engine"
    } else {
        "Pruébalo con otro motor, o mira qué le pasa a este con `muelle doctor`"
    };
    format!(
        "este motor no ejecutó el chequeo de salud ni una vez en {} s, así que aquí no se puede probar. {way_out}",
        FIRST_PROBE_LIMIT.as_secs()
    )
}

/// How often health checks run.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// At the checker's pace.
    Ours(HealthTiming),
    /// Not at all.
    Never,
}

/// The timing of health checks that the checker uses instead of the student's: the *test* is the
/// student's, the *interval* is ours.
#[derive(Clone, Copy, Debug)]
pub struct HealthTiming {
    /// Time between two probes.
    pub interval: Duration,
    /// Time in which failures do not make a container unhealthy.
    pub start_period: Duration,
    /// Failures in a row that make a container unhealthy.
    pub retries: u32,
    /// Longest time a probe may take, where the service does not set one: the image's, cut to
    /// [`HealthTiming::TIMEOUT_CAP`].
    pub timeout: Duration,
}

impl HealthTiming {
    /// No probe is waited for longer: an app that hangs is seen by then.
    pub const TIMEOUT_CAP: Duration = Duration::from_secs(5);
}

/// Counts the probes that ran wholly after a moment.
///
/// The engine's clock may not be ours, so the moment is "the newest probe when it was asked first":
/// the next one may have begun before, all later ones have not.
#[derive(Default)]
pub struct ProbeCount {
    started: bool,
    seen: Vec<String>,
    /// Exit code and whether it ran out of time.
    ran: Vec<(i64, bool)>,
}

impl ProbeCount {
    /// Takes in a look at the probes; the first look sets the moment.
    pub fn look(&mut self, health: &Health) {
        for probe in &health.probes {
            if !self.seen.contains(&probe.start) {
                self.seen.push(probe.start.clone());
                if self.started {
                    self.ran.push((probe.code, probe.timed_out()));
                }
            }
        }
        self.started = true;
    }

    /// Whether no probe was seen in all this time, long enough for any engine that runs them.
    pub fn none_for(&self, time: Duration) -> bool {
        self.seen.is_empty() && time > FIRST_PROBE_LIMIT
    }

    /// Exit codes of the probes that ran wholly after the moment.
    pub fn codes(&self) -> impl Iterator<Item = i64> {
        self.ran.iter().skip(1).map(|&(code, _)| code)
    }

    /// The same without those that ran out of time.
    pub fn verdicts(&self) -> impl Iterator<Item = i64> {
        self.ran
            .iter()
            .skip(1)
            .filter(|(_, late)| !late)
            .map(|&(code, _)| code)
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::HealthStatusEnum;

    use super::*;
    use crate::lab::container::Probe;

    fn health(starts: &[(&str, i64)]) -> Health {
        Health {
            status: HealthStatusEnum::STARTING,
            probes: starts
                .iter()
                .map(|&(start, code)| Probe {
                    start: start.into(),
                    code,
                    output: String::new(),
                    took: Duration::ZERO,
                })
                .collect(),
        }
    }

    #[test]
    fn an_engine_that_never_probes_is_told_from_one_that_is_slow() {
        let mut count = ProbeCount::default();
        count.look(&health(&[]));
        assert!(!count.none_for(Duration::from_secs(20)));
        assert!(count.none_for(Duration::from_secs(40)));
        count.look(&health(&[("1", 1)]));
        assert!(!count.none_for(Duration::from_secs(40)));
    }

    #[test]
    fn a_probe_that_may_have_begun_before_the_moment_does_not_count() {
        let mut count = ProbeCount::default();
        count.look(&health(&[("1", 0), ("2", 0)]));
        count.look(&health(&[("2", 0), ("3", 0)]));
        assert_eq!(count.codes().count(), 0);
        count.look(&health(&[("3", 0), ("4", 1), ("5", 1)]));
        assert_eq!(count.codes().collect::<Vec<_>>(), [1, 1]);
    }
}
