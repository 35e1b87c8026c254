use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// The app can write its history of predictions.
pub struct WritesHistory;

impl Experiment for WritesHistory {
    type Params = NoParams;
    const ID: &'static str = "escribe-historial";
    const WHAT: &'static str = "Levanta el proyecto, hace predicciones y cuenta el historial.";
    const CONTROL: &'static str =
        "Quien las cuenta es la app del curso, que lee el archivo del historial otra vez.";
    const WHY: &'static str = "Un volumen nuevo es de root si la imagen no dice otra cosa: una app sin root monta una carpeta en la que no puede escribir.";

    fn tried(_: &NoParams) -> String {
        "hacer 3 predicciones y contar el historial".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.write().await;
        let front = match bench.front(risen).await? {
            Ok(front) => front,
            Err(finding) => return Ok(finding),
        };
        let mount = front.service.volumes.first();
        let at = mount.map_or(&front.service.location, |mount| &mount.location);
        Ok(match front.predict().await? {
            Ok(count) => Finding::passed(format!("el historial tiene {count} predicciones")),
            Err(trouble) => Finding::failed(trouble).at(Some(at.clone())),
        })
    }
}
