use bollard::models::HealthStatusEnum;

use super::bench::patient::{Change, RECOVERS};
use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// A container that was unhealthy turns healthy again once its app is well.
pub struct Recovers;

impl Experiment for Recovers {
    type Params = NoParams;
    const ID: &'static str = RECOVERS;
    const WHAT: &'static str =
        "Cura la app después de una avería y espera a que el motor la vuelva a dar por `healthy`.";
    const CONTROL: &'static str = "La app estuvo averiada de verdad, y solo cuentan chequeos que empezaron después de curarla.";
    const WHY: &'static str = "Un chequeo que se queda en «enfermo» saca del servicio, o reinicia una y otra vez, a una app que ya está bien.";

    fn tried(_: &NoParams) -> String {
        "averiar la app, curarla y esperar a que el motor la vuelva a dar por `healthy`".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let patient = match bench.patient().await {
            Ok(patient) => patient,
            Err(finding) => return Ok(finding),
        };
        bench.say("curo la app y espero a que el chequeo lo note");
        let _turn = bench.patient_turn.lock().await;
        let at = patient.healthcheck.clone();
        if !patient.was_ill() {
            patient.set("500").await?;
            let change = patient.turns(HealthStatusEnum::UNHEALTHY).await?;
            patient.set("sana").await?;
            if !matches!(change, Change::Seen(_)) {
                patient.leave().await?;
                return Ok(Finding::failed("la app averiada no llegó a `unhealthy`").at(at));
            }
        }
        let change = patient.turns(HealthStatusEnum::HEALTHY).await?;
        patient.leave().await?;
        Ok(match change {
            Change::Seen(_) => {
                Finding::passed("curada la app, el motor la volvió a dar por `healthy`")
            }
            Change::Never(health) => Finding::failed(format!(
                "la app ya responde bien, pero el chequeo sigue fallando: {}",
                health.last_words()
            ))
            .at(at),
            Change::Unprobed => Finding::unverified(patient.unprobed()),
            Change::NoCheck => Finding::failed("no hay chequeo de salud").at(at),
            Change::Ended(code) => {
                Finding::failed(format!("el contenedor terminó con código {code}")).at(at)
            }
        })
    }
}
