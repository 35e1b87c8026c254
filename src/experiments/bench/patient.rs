//! A container whose app is made ill, to see what its health check notices.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bollard::models::HealthStatusEnum;

use super::{API_ROLE, Bench, KEY_HEADER, wait_for_answer};
use crate::lab::container::{Container, GLANCE, Health};
use crate::lab::http::Request;
use crate::lab::stack::{
    HealthTiming, Pace, ProbeCount, Stack, Tweaks, inherited_health, never_probed,
};
use crate::submission::Location;
use crate::verdict::Finding;

/// Longest wait for the engine to change its mind about a container's health.
const CHANGE_LIMIT: Duration = Duration::from_secs(60);

/// Probes of a well app that must all fail before its check counts as never healthy, and probes of
/// an ill one that must all succeed before its check counts as blind.
const PROBES_ENOUGH: usize = 3;

/// Probes of a hung app that the engine must have had to kill before that counts as noticing.
const KILLS_ENOUGH: usize = 2;

/// The experiments that need the patient; after the last of them it is discharged.
const VISITS: [&str; 4] = [
    "se-pone-sano",
    "detecta-averia",
    RECOVERS,
    "detecta-cuelgue",
];

/// The experiment that tells of a check which never forgets a failure.
pub const RECOVERS: &str = "se-recupera";

/// The app in a container of its own, with the student's health check at the checker's pace.
pub struct Patient<'lab> {
    container: Container<'lab>,
    key: String,
    port: u16,
    was_ill: AtomicBool,
    hangs: AtomicBool,
    visits_left: AtomicUsize,
    /// Where its health check is written.
    pub healthcheck: Option<Location>,
    /// Keeps the networks and volumes of the service.
    _stack: Option<Stack<'lab>>,
}

impl<'lab> Bench<'lab> {
    /// The patient, brought up once.
    ///
    /// # Errors
    /// The finding that keeps its health from being tried at all.
    pub async fn patient(&self) -> Result<&Patient<'lab>, Finding> {
        let patient = self.patient.get_or_init(|| {
            self.lab
                .timed("arrancar la paciente", self.admit("paciente"))
        });
        patient.await.as_ref().map_err(Clone::clone)
    }

    /// Another patient, never ill before: where an item of its own tells that the first one does not get well again,
    /// that fault is not told twice.
    ///
    /// # Errors
    /// As [`Bench::patient`].
    pub async fn relief(&self) -> Option<Result<&Patient<'lab>, Finding>> {
        let mut items = self.exercise.items.iter();
        items.find(|item| item.experiment == RECOVERS)?;
        let admit = || {
            self.lab
                .timed("arrancar otra paciente", self.admit("relevo"))
        };
        let relief = self.relief.get_or_init(admit).await;
        Some(relief.as_ref().map_err(Clone::clone))
    }

    async fn admit(&self, name: &str) -> Result<Patient<'lab>, Finding> {
        let broken = |error: anyhow::Error| Finding::error(error.to_string());
        let image = self.image().await?;
        let timing = HealthTiming {
            interval: Duration::from_millis(150),
            start_period: Duration::from_millis(1),
            retries: 1,
            timeout: self.image_timeout(image).await.map_err(broken)?,
        };
        let healthcheck = self
            .api()
            .and_then(|api| api.healthcheck.as_ref())
            .map(|check| check.location.clone())
            .or_else(|| image.healthcheck());
        let api = self.service_name(API_ROLE);
        let key = ("AULA_CLAVE".to_owned(), self.switch_key.clone());
        let (container, stack) = match &self.tuned {
            Some(loaded) if loaded.project.services.contains_key(api) => {
                let service = &loaded.project.services[api];
                let images = BTreeMap::from([(api.to_owned(), self.image_of(service).await?)]);
                let tweaks = Tweaks {
                    environment: BTreeMap::from([(api.to_owned(), vec![key])]),
                    reached: BTreeMap::from([(api.to_owned(), vec![self.port()])]),
                    health: Some(Pace::Ours(timing)),
                };
                let project = loaded.project.clone();
                let stack = Stack::new(self.lab, name, project, images, self.dir.clone(), tweaks);
                let up = stack.up_alone(api).await;
                up.map_err(|error| error.finding().unwrap_or_else(broken))?;
                let container = stack.containers(api).await.into_iter().next();
                let container = container
                    .ok_or_else(|| Finding::failed(format!("`{api}` no tiene ninguna réplica")))?;
                (container, Some(stack))
            }
            // Without a compose file the image's own check is all there is.
            _ => {
                let environment = vec![format!("{}={}", key.0, key.1)];
                let health = inherited_health(timing);
                let ports = [self.port()];
                let started = self.start(name, image, environment, health, &ports).await;
                (started.map_err(broken)?.map_err(Finding::failed)?, None)
            }
        };
        if let Some(trouble) = wait_for_answer(&container, self.port())
            .await
            .map_err(broken)?
        {
            return Err(Finding::failed(format!(
                "no hay app cuya salud mirar: {trouble}"
            )));
        }
        Ok(Patient {
            container,
            key: self.switch_key.clone(),
            port: self.port(),
            was_ill: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
            visits_left: AtomicUsize::new(
                self.exercise
                    .items
                    .iter()
                    .filter(|item| VISITS.contains(&item.experiment.as_str()))
                    .count(),
            ),
            healthcheck,
            _stack: stack,
        })
    }

    /// How long the image lets a probe take, at most [`HealthTiming::TIMEOUT_CAP`].
    async fn image_timeout(&self, image: &super::Image) -> anyhow::Result<Duration> {
        let config = self
            .lab
            .docker()
            .inspect_image(&image.built.image)
            .await?
            .config;
        let nanos = config
            .and_then(|config| config.healthcheck)
            .and_then(|check| check.timeout)
            .and_then(|timeout| u64::try_from(timeout).ok())
            .filter(|&timeout| timeout > 0);
        let timeout = nanos.map_or(HealthTiming::TIMEOUT_CAP, Duration::from_nanos);
        Ok(timeout.min(HealthTiming::TIMEOUT_CAP))
    }
}

/// What became of a container's health.
pub enum Change {
    /// The engine says so now; the last probe that made it so.
    Seen(Health),
    /// The probes that ran since never led there.
    Never(Health),
    /// The engine has not run the check once.
    Unprobed,
    /// There is no health check at all.
    NoCheck,
    /// The container ended.
    Ended(i64),
}

impl Patient<'_> {
    /// Sets the app's switch: `500`, `colgado` or `sana`.
    ///
    /// # Errors
    /// When the app does not take it.
    pub async fn set(&self, mode: &str) -> anyhow::Result<()> {
        let path = format!("/_averia/{mode}");
        let request = Request::post(&path, "").header(KEY_HEADER, &self.key);
        let reply = self.container.ask(self.port, &request).await?;
        anyhow::ensure!(
            reply.status == 200,
            "la app no aceptó la avería `{mode}` (respondió {})",
            reply.status
        );
        self.was_ill.fetch_or(mode != "sana", Ordering::Relaxed);
        self.hangs.store(mode == "colgado", Ordering::Relaxed);
        Ok(())
    }

    /// Whether it has been ill.
    pub fn was_ill(&self) -> bool {
        self.was_ill.load(Ordering::Relaxed)
    }

    /// What to say of [`Change::Unprobed`].
    pub fn unprobed(&self) -> String {
        never_probed(self.container.lab().engine().facts())
    }

    /// Ends one experiment's visit. After the last one the container goes: its health check, at the
    /// checker's pace, would keep a core busy for nothing.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn leave(&self) -> anyhow::Result<()> {
        if self.visits_left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.container.remove().await?;
        }
        Ok(())
    }

    /// Waits until the engine calls it healthy, or has seen enough probes to know that it never will.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn turns(&self, wanted: HealthStatusEnum) -> anyhow::Result<Change> {
        let begun = Instant::now();
        let mut probes = ProbeCount::default();
        loop {
            let state = self.container.state().await?;
            if state.running != Some(true) {
                return Ok(Change::Ended(state.exit_code.unwrap_or(-1)));
            }
            let Some(health) = self.container.health().await? else {
                return Ok(Change::NoCheck);
            };
            probes.look(&health);
            if probes.none_for(begun.elapsed()) {
                return Ok(Change::Unprobed);
            }
            let convinced = wanted == HealthStatusEnum::HEALTHY || self.shows_illness(&probes);
            if health.status == wanted && convinced {
                return Ok(Change::Seen(health));
            }
            // A probe that ran out of time may only show how busy this machine is.
            let enough = match wanted {
                HealthStatusEnum::HEALTHY => {
                    let failed = probes.verdicts().filter(|&code| code != 0).count();
                    failed >= PROBES_ENOUGH && failed == probes.verdicts().count()
                }
                _ => probes.codes().filter(|&code| code == 0).count() >= PROBES_ENOUGH,
            };
            if enough || begun.elapsed() > CHANGE_LIMIT {
                return Ok(Change::Never(health));
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Whether `probes`, which began since the app fell ill, noticed it. One that says that all is well never does; one
    /// that ran out of time may only show how busy this machine is, unless the app hangs: then that is how it shows,
    /// and only what the engine itself had to kill is given another chance.
    fn shows_illness(&self, probes: &ProbeCount) -> bool {
        let codes: Vec<i64> = probes.codes().collect();
        if codes.contains(&0) {
            return false;
        }
        if self.hangs.load(Ordering::Relaxed) {
            codes.iter().any(|&code| code > 0) || codes.len() >= KILLS_ENOUGH
        } else {
            probes.verdicts().any(|code| code != 0)
        }
    }
}
