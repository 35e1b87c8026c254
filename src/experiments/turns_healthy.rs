use bollard::models::HealthStatusEnum;

use super::bench::patient::Change;
use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// The container turns healthy once the app answers.
pub struct TurnsHealthy;

impl Experiment for TurnsHealthy {
    type Params = NoParams;
    const ID: &'static str = "se-pone-sano";
    const WHAT: &'static str =
        "Arranca la app y espera a que el motor la dé por `healthy` con el chequeo de la entrega.";
    const CONTROL: &'static str = "El ritmo es del verificador, pero la orden es la de la entrega. Que el chequeo diga siempre que sí lo descubren `detecta-averia` y `detecta-cuelgue`.";
    const WHY: &'static str =
        "Sin un chequeo que pueda acertar, Compose nunca arranca a quien espera `service_healthy`.";

    fn tried(_: &NoParams) -> String {
        "arrancar la app, con tu chequeo a mi ritmo, y esperar a que el motor la dé por `healthy`"
            .into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let patient = match bench.patient().await {
            Ok(patient) => patient,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.patient_turn.lock().await;
        bench.say("espero a que el chequeo de salud acierte");
        let at = patient.healthcheck.clone();
        let change = patient.turns(HealthStatusEnum::HEALTHY).await?;
        patient.leave().await?;
        Ok(match change {
            Change::Seen(_) => Finding::passed("el motor la dio por `healthy`"),
            Change::NoCheck => Finding::failed(
                "no hay chequeo de salud: ni `HEALTHCHECK` en la imagen ni `healthcheck` en Compose",
            )
            .at(at),
            Change::Unprobed => Finding::unverified(patient.unprobed()),
            Change::Ended(code) => {
                Finding::failed(format!("el contenedor terminó con código {code}")).at(at)
            }
            Change::Never(health) => Finding::failed(format!(
                "la app responde, pero el chequeo falla siempre: {}",
                health.last_words()
            ))
            .at(at),
        })
    }
}
