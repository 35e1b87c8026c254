use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::views::{Sight, absent, networks_of};
use super::{Bench, Experiment};
use crate::verdict::Finding;

/// One service reaches another by its name, or does not reach it at all.
pub struct Reaches;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// El servicio desde el que se mira.
    desde: String,
    /// El servicio al que se quiere llegar; tiene que servir la app.
    hacia: String,
    /// Si tiene que poder llegar (`true`) o no (`false`).
    llega: bool,
}

impl Experiment for Reaches {
    type Params = Params;
    const ID: &'static str = "alcanza";
    const WHAT: &'static str = "Desde la red de un servicio, pide `/config` a otro por su nombre y por cada una de sus direcciones.";
    const CONTROL: &'static str = "Quien pregunta es un testigo con la imagen del curso, en la red del contenedor; y quien responde demuestra que es él con una palabra al azar de su proceso.";
    const WHY: &'static str = "Cada servicio debería ver solo a quien necesita: así, quien entra por uno no llega a los demás.";

    fn tried(params: &Params) -> String {
        format!(
            "desde la red de `{}`, llegar a `{}` por su nombre y por sus direcciones",
            params.desde, params.hacia
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.read().await;
        let Params {
            desde,
            hacia,
            llega,
        } = params;
        let views = bench.views(risen).await?;
        let (view, other) = match (views.get(desde), views.get(hacia)) {
            (Some(view), Some(other)) => (view, other),
            (None, _) => return Ok(absent(desde)),
            (_, None) => return Ok(absent(hacia)),
        };
        let at = networks_of(risen, desde);
        let failed = |saw: String| Ok(Finding::failed(saw).at(at.clone()));
        if let Some(why) = view.blind.as_ref().or(other.blind.as_ref()) {
            return failed(why.clone());
        }
        let Some(process) = &other.own else {
            return failed(format!("`{hacia}` no sirve la app en su puerto"));
        };
        let sight = view.others.get(hacia).cloned().unwrap_or_default();
        if *llega {
            if sight.by_name.as_ref() == Some(process) {
                return Ok(Finding::passed(format!(
                    "desde `{desde}`, `{hacia}` responde por su nombre"
                )));
            }
            // A busy machine is no wall: look again with more time.
            let again = bench.stare(risen, desde).await?;
            let sight = again.others.get(hacia).cloned().unwrap_or_default();
            return if sight.by_name.as_ref() == Some(process) {
                Ok(Finding::passed(format!(
                    "desde `{desde}`, `{hacia}` responde por su nombre"
                )))
            } else if sight.by_name.is_some() {
                failed(format!(
                    "desde `{desde}`, bajo el nombre `{hacia}` responde otro contenedor"
                ))
            } else {
                failed(format!(
                    "desde `{desde}` no se llega a `{hacia}`: {}",
                    sight.trouble
                ))
            };
        }
        match way_to(&sight, process) {
            Some(way) => failed(format!("desde `{desde}` se llega a `{hacia}` {way}")),
            None => Ok(Finding::passed(format!(
                "desde `{desde}` no se llega a `{hacia}`, ni por su nombre ni por su dirección"
            ))),
        }
    }
}

/// How `process` was reached, if it was.
fn way_to(sight: &Sight, process: &str) -> Option<String> {
    if sight.by_name.as_deref() == Some(process) {
        return Some("por su nombre".to_owned());
    }
    let mut addresses = sight.by_address.iter();
    let (address, _) = addresses.find(|(_, answer)| *answer == process)?;
    Some(format!("por su dirección, {address}"))
}
