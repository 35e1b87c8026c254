//! The image alone, at the student's own pace, and how long the engine takes to notice that its app fell ill.

use std::time::{Duration, Instant};

use bollard::models::HealthStatusEnum;

use super::{Bench, Image, KEY_HEADER, wait_for_answer};
use crate::lab::container::{Container, GLANCE, Health};
use crate::lab::http::Request;
use crate::lab::stack::ProbeCount;
use crate::verdict::{Finding, Outcome};

/// How long the engine may take to call an ill app unhealthy.
pub const WARNING_LIMIT: Duration = Duration::from_secs(9);

/// Longest wait for the app to be called healthy before it is made ill.
const HEALTHY_LIMIT: Duration = Duration::from_secs(20);

/// An engine that takes longer to say how a container is has too much to do for anybody's seconds to be counted.
const BUSY: Duration = Duration::from_millis(700);

/// Probes of an ill app that must all succeed before its check counts as blind.
const PROBES_ENOUGH: usize = 3;

impl Bench<'_> {
    /// Whether the engine notices soon that the app fell ill, tried once.
    pub async fn warning(&self) -> &Finding {
        let tried = self.warning.get_or_init(|| {
            self.lab.timed("aviso de avería", async {
                let tried = self.try_warning().await;
                tried.unwrap_or_else(|error| Finding::error(format!("{error:#}")))
            })
        });
        tried.await
    }

    async fn try_warning(&self) -> anyhow::Result<Finding> {
        let image = match self.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let first = warn(self, image, "avisa").await?;
        if first.blind || first.finding.outcome != Outcome::Failed {
            return Ok(first.finding);
        }
        // Once more with nothing else going on: a busy machine is slow to start probes.
        let _quiet = self.lab.quiet().await;
        let second = warn(self, image, "avisa-tranquila").await?;
        let late = !second.blind && second.finding.outcome == Outcome::Failed;
        Ok(if late && second.slowest > BUSY {
            Finding::error("la máquina está demasiado ocupada para medir plazos de segundos")
        } else {
            second.finding
        })
    }
}

/// What one try showed.
struct Try {
    finding: Finding,
    /// The check noticed nothing at all, or there was nothing to notice: another try would show the same.
    blind: bool,
    /// The longest that the engine took to say how the container is.
    slowest: Duration,
}

async fn warn(bench: &Bench<'_>, image: &Image, name: &str) -> anyhow::Result<Try> {
    let mut slowest = Duration::ZERO;
    let (passed, blind, saw) = see_warning(bench, image, name, &mut slowest).await?;
    let finding = if passed {
        Finding::passed(saw)
    } else {
        Finding::failed(saw).at(image.healthcheck())
    };
    Ok(Try {
        finding,
        blind,
        slowest,
    })
}

/// Whether the engine noticed in time, whether there is no use in another try, and what was seen.
async fn see_warning(
    bench: &Bench<'_>,
    image: &Image,
    name: &str,
    slowest: &mut Duration,
) -> anyhow::Result<(bool, bool, String)> {
    let environment = vec![format!("AULA_CLAVE={}", bench.switch_key)];
    let ports = [bench.port()];
    let started = bench.start(name, image, environment, None, &ports).await?;
    let container = match started {
        Ok(container) => container,
        Err(trouble) => return Ok((false, true, trouble)),
    };
    if let Some(trouble) = wait_for_answer(&container, bench.port()).await? {
        return Ok((false, true, trouble));
    }
    let begun = Instant::now();
    loop {
        match look(&container, slowest).await? {
            None => return Ok((false, true, "no hay chequeo de salud".into())),
            Some(health) if health.status == HealthStatusEnum::HEALTHY => break,
            Some(_) if begun.elapsed() > HEALTHY_LIMIT => {
                let saw = format!(
                    "la app respondía, pero en {} s no llegó a `healthy`",
                    HEALTHY_LIMIT.as_secs()
                );
                return Ok((false, false, saw));
            }
            Some(_) => tokio::time::sleep(GLANCE).await,
        }
    }
    let request = Request::post("/_averia/500", "").header(KEY_HEADER, &bench.switch_key);
    let reply = container.ask(bench.port(), &request).await?;
    if reply.status != 200 {
        let saw = "quien responde en el puerto de la app no es la app del curso";
        return Ok((false, true, saw.into()));
    }
    let begun = Instant::now();
    let mut probes = ProbeCount::default();
    let (noticed, blind) = loop {
        let Some(health) = look(&container, slowest).await? else {
            break (false, true);
        };
        probes.look(&health);
        let approving = probes.codes().filter(|&code| code == 0).count();
        if health.status == HealthStatusEnum::UNHEALTHY {
            break (true, false);
        }
        if approving >= PROBES_ENOUGH || begun.elapsed() > WARNING_LIMIT {
            break (false, approving > 0);
        }
        tokio::time::sleep(GLANCE).await;
    };
    let took = format!("{:.1}", begun.elapsed().as_secs_f64()).replace('.', ",");
    container.remove().await?;
    let saw = match (noticed, blind) {
        (true, _) => format!("{took} s después de la avería, el motor la dio por `unhealthy`"),
        (false, true) => {
            "la app responde 503 y el chequeo sigue terminando con código 0: para el motor sigue `healthy`"
                .into()
        }
        (false, false) => {
            format!("{took} s después de la avería, el motor todavía no la daba por `unhealthy`")
        }
    };
    Ok((noticed, blind, saw))
}

/// The container's health, and in `slowest` how long it took to learn it if nothing took longer before.
async fn look(container: &Container<'_>, slowest: &mut Duration) -> anyhow::Result<Option<Health>> {
    let begun = Instant::now();
    let health = container.health().await?;
    *slowest = begun.elapsed().max(*slowest);
    Ok(health)
}
