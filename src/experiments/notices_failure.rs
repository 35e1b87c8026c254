use bollard::models::HealthStatusEnum;

use super::bench::patient::{Change, Patient};
use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// The container turns unhealthy when `/health` answers 503.
pub struct NoticesFailure;

impl Experiment for NoticesFailure {
    type Params = NoParams;
    const ID: &'static str = "detecta-averia";
    const WHAT: &'static str =
        "Hace que la app responda 503 y espera a que el motor la dé por `unhealthy`.";
    const CONTROL: &'static str = "Antes tiene que haber estado sana, y solo cuentan chequeos que empezaron después de la avería.";
    const WHY: &'static str = "Un chequeo que siempre dice que sí es peor que ninguno: da por buena a una app que no atiende.";

    fn tried(_: &NoParams) -> String {
        "averiar la app, que pasa a responder 503, y esperar a que el motor la dé por `unhealthy`"
            .into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let patient = match bench.patient().await {
            Ok(patient) => patient,
            Err(finding) => return Ok(finding),
        };
        bench.say("averío la app y espero a que el chequeo lo note");
        notice(bench, patient, "500", "responde 503").await
    }
}

/// Makes the app ill, sees whether the engine notices, and cures it.
pub(super) async fn notice<'a, 'lab>(
    bench: &'a Bench<'lab>,
    mut patient: &'a Patient<'lab>,
    mode: &str,
    symptom: &str,
) -> anyhow::Result<Finding> {
    let _turn = bench.patient_turn.lock().await;
    let at = patient.healthcheck.clone();
    let mut first = patient.turns(HealthStatusEnum::HEALTHY).await?;
    if matches!(first, Change::Never(_)) && patient.was_ill() {
        match bench.relief().await {
            Some(Ok(relief)) => {
                patient = relief;
                first = patient.turns(HealthStatusEnum::HEALTHY).await?;
            }
            Some(Err(finding)) => return Ok(finding),
            None => {}
        }
    }
    match first {
        Change::Seen(_) => {}
        Change::Unprobed => return Ok(Finding::unverified(patient.unprobed())),
        _ => return Ok(Finding::failed("la app no llegó a estar sana antes de la avería").at(at)),
    }
    patient.set(mode).await?;
    let change = patient.turns(HealthStatusEnum::UNHEALTHY).await?;
    if !matches!(change, Change::Ended(_)) {
        patient.set("sana").await?;
    }
    patient.leave().await?;
    Ok(match change {
        Change::Seen(_) => Finding::passed(format!(
            "con la app que {symptom}, el motor la dio por `unhealthy`"
        )),
        Change::Never(health) => {
            let said = health.probes.last().map_or("", |probe| probe.output.trim());
            let said = if said.is_empty() {
                String::new()
            } else {
                format!(" (dijo «{said}»)")
            };
            Finding::failed(format!(
                "la app {symptom} y el chequeo sigue terminando con código 0{said}: para el motor sigue `healthy`"
            ))
            .at(at)
        }
        Change::Unprobed => Finding::unverified(patient.unprobed()),
        Change::NoCheck => Finding::failed("no hay chequeo de salud").at(at),
        Change::Ended(code) => {
            Finding::failed(format!("el contenedor terminó con código {code}")).at(at)
        }
    })
}
