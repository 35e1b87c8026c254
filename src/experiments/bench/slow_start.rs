//! The image alone, at the student's own pace, with a model that takes its time to load.

use std::time::{Duration, Instant};

use bollard::models::HealthStatusEnum;

use super::{ANSWER_LIMIT, Bench, KEY_HEADER};
use crate::lab::container::{Container, GLANCE, Health};
use crate::lab::http::Request;
use crate::lab::stack::{ProbeCount, never_probed};
use crate::verdict::Finding;

/// How long the model takes to load.
pub const LOADING: Duration = Duration::from_secs(6);

/// The experiment that waits for its turn until a slow start went well.
pub const WARNS_SOON: &str = "avisa-pronto";

/// Longest wait for `healthy` once the model is loaded.
pub const HEALTHY_LIMIT: Duration = Duration::from_secs(15);

/// The same where probes run out of time.
const BUSY_LIMIT: Duration = Duration::from_secs(45);

/// How much later than planned the checker may let the app go before what it saw may count for nothing.
const LATE: Duration = Duration::from_millis(300);

/// How long the app is held at most where a busy machine has not run the probes that fit into [`LOADING`].
const HELD_LIMIT: Duration = Duration::from_secs(40);

/// How long after its start a probe is seen at most.
const SEEN_LATE: Duration = Duration::from_secs(2);

/// Probes of a loaded app that must all fail before its check counts as never healthy.
const PROBES_ENOUGH: usize = 3;

/// How a slow start went.
#[derive(Clone, Debug)]
pub struct SlowStart {
    /// The health of the loading app when the engine called it unhealthy.
    pub condemned: Option<Health>,
    /// Whether the engine called it healthy in the end.
    pub healthy: bool,
    /// Its health at the end.
    pub last: Health,
}

/// What one try showed, and whether the checker was too late for it to count.
struct Try {
    seen: Result<SlowStart, Finding>,
    late: bool,
}

impl Bench<'_> {
    /// The slow start, watched once.
    ///
    /// # Errors
    /// The finding that says why there is nothing to watch.
    pub async fn slow_start(&self) -> Result<&SlowStart, Finding> {
        let watched = self.slow_start.get_or_init(|| {
            self.lab.timed("arranque lento", async {
                let watched = self.watch_slow_start().await;
                watched.unwrap_or_else(|error| Err(Finding::error(format!("{error:#}"))))
            })
        });
        watched.await.as_ref().map_err(Clone::clone)
    }

    async fn watch_slow_start(&self) -> anyhow::Result<Result<SlowStart, Finding>> {
        let mut items = self.exercise.items.iter();
        let warns = items.any(|item| item.experiment == WARNS_SOON);
        // Both are hardly more than waiting: what is needed next is done meanwhile.
        let (first, ()) = tokio::join!(self.try_slow_start("lenta"), async {
            if warns {
                self.warning().await;
            }
        });
        let first = first?;
        if !first.late {
            return Ok(first.seen);
        }
        // The machine was busy and the app was held for too long: once more with nothing else going on.
        let _quiet = self.lab.quiet().await;
        let second = self.try_slow_start("lenta-tranquila").await?;
        Ok(if second.late {
            Err(Finding::error(
                "la máquina está demasiado ocupada para medir plazos de segundos",
            ))
        } else {
            second.seen
        })
    }

    async fn try_slow_start(&self, name: &str) -> anyhow::Result<Try> {
        let found = |finding| Try {
            seen: Err(finding),
            late: false,
        };
        let image = match self.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(found(finding)),
        };
        let at = image.healthcheck();
        let Some(check) = self.health_check(image).await? else {
            let saw = "no hay chequeo de salud: la imagen no lleva `HEALTHCHECK`";
            return Ok(found(Finding::failed(saw).at(at)));
        };
        // On a busy machine fewer probes fit into the same time: the app is held until as many have run as always do.
        let mut expected = check.counted_by(LOADING, None);
        let mut quickest: Option<Duration> = None;
        self.say("arranco la app con un modelo que tarda en cargar");
        let environment = vec![
            format!("AULA_CLAVE={}", self.switch_key),
            "AULA_INICIO=cargando".to_owned(),
        ];
        let ports = [self.port()];
        let begun = Instant::now();
        let container = match self.start(name, image, environment, None, &ports).await? {
            Ok(container) => container,
            Err(trouble) => return Ok(found(Finding::failed(trouble))),
        };
        let mut condemned = None;
        let mut seen = Vec::new();
        let mut counted = 0;
        while condemned.is_none()
            && (begun.elapsed() < LOADING || counted < expected)
            && begun.elapsed() < HELD_LIMIT
        {
            let health = match look(&container).await? {
                Ok(health) => health,
                Err(finding) => return Ok(found(finding.at(at))),
            };
            for probe in &health.probes {
                if !seen.contains(&probe.start) {
                    seen.push(probe.start.clone());
                    // One that was cut off does not show how slow the check is.
                    if !probe.timed_out() {
                        quickest = Some(quickest.map_or(probe.took, |least| least.min(probe.took)));
                        expected = check.counted_by(LOADING, quickest);
                    }
                    let counts = check.start_period.is_zero()
                        || begun.elapsed() > check.start_period + SEEN_LATE;
                    counted += u32::from(counts);
                }
            }
            if health.status == HealthStatusEnum::UNHEALTHY {
                condemned = Some(health);
            } else {
                tokio::time::sleep(GLANCE).await;
            }
        }
        // As many failures as the engine needed fit into the time that loading takes: then it is no matter how late it is.
        let late = begun.elapsed() > LOADING + LATE && check.retries > expected;
        let heard = loop {
            match container.ask(self.port(), &Request::get("/health")).await {
                Ok(reply) => break Some(reply),
                Err(_) if begun.elapsed() > LOADING + ANSWER_LIMIT => break None,
                Err(_) => tokio::time::sleep(GLANCE).await,
            }
        };
        let Some(reply) = heard else {
            let last = container.last_lines(5).await;
            return Ok(found(Finding::failed(format!(
                "{} s después de arrancar nadie responde en el puerto {}. Sus últimas líneas:\n{last}",
                begun.elapsed().as_secs(),
                self.port()
            ))));
        };
        if reply.status == 200 {
            return Ok(found(Finding::failed(
                "la app no tardó en cargar: algo en su arranque le cambia el entorno que le doy con `docker run -e`",
            )));
        }
        let request = Request::post("/_averia/sana", "").header(KEY_HEADER, &self.switch_key);
        let released = container.ask(self.port(), &request).await?;
        if released.status != 200 {
            return Ok(found(Finding::failed(
                "quien responde en el puerto de la app no es la app del curso",
            )));
        }
        let mut probes = ProbeCount::default();
        let loaded = Instant::now();
        let (healthy, last) = loop {
            let health = match look(&container).await? {
                Ok(health) => health,
                Err(finding) => return Ok(found(finding.at(at))),
            };
            probes.look(&health);
            if health.status == HealthStatusEnum::HEALTHY {
                break (true, health);
            }
            // Only probes of the loading app can have made it so.
            if health.status == HealthStatusEnum::UNHEALTHY
                && probes.codes().next().is_none()
                && condemned.is_none()
            {
                condemned = Some(health.clone());
            }
            // A probe that ran out of time may only show how busy this machine is.
            let failed = probes.verdicts().filter(|&code| code != 0).count();
            let limit = match probes.verdicts().count() < probes.codes().count() {
                true => BUSY_LIMIT,
                false => HEALTHY_LIMIT,
            };
            if failed >= PROBES_ENOUGH || loaded.elapsed() > limit {
                break (false, health);
            }
            tokio::time::sleep(GLANCE).await;
        };
        container.remove().await?;
        if last.probes.is_empty() && !healthy && condemned.is_none() {
            // A first probe that comes later than all this is as good as none; an engine that runs none is another matter.
            if check.interval < HEALTHY_LIMIT {
                return Ok(found(Finding::unverified(never_probed(
                    self.lab.engine().facts(),
                ))));
            }
        }
        Ok(Try {
            late: late && condemned.is_some(),
            seen: Ok(SlowStart {
                condemned,
                healthy,
                last,
            }),
        })
    }
}

/// The container's health; the finding where it has none to look at.
async fn look(container: &Container<'_>) -> anyhow::Result<Result<Health, Finding>> {
    let state = container.state().await?;
    if state.running != Some(true) {
        return Ok(Err(Finding::failed(format!(
            "el contenedor terminó con código {}. Sus últimas líneas:\n{}",
            state.exit_code.unwrap_or(-1),
            container.last_lines(5).await
        ))));
    }
    Ok(container.health().await?.ok_or_else(|| {
        Finding::failed("no hay chequeo de salud: la imagen no lleva `HEALTHCHECK`")
    }))
}
