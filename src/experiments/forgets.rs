use super::{Bench, Experiment, NoParams};
use crate::lab::stack::UpError;
use crate::verdict::Finding;

/// `down -v` takes the history of predictions away.
pub struct Forgets;

impl Experiment for Forgets {
    type Params = NoParams;
    const ID: &'static str = "down-v-borra";
    const WHAT: &'static str =
        "Hace predicciones, tira el proyecto con sus volúmenes, lo levanta y cuenta el historial.";
    const CONTROL: &'static str = "Antes de tirarlo, en el historial tienen que estar ya las predicciones que hizo el verificador.";
    const WHY: &'static str = "Un volumen con nombre es del proyecto: se sabe dónde están los datos, y `down -v` los borra todos cuando se quiere empezar de cero.";

    fn tried(_: &NoParams) -> String {
        "hacer 3 predicciones, `docker compose down -v`, `up`, y contar el historial".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.write().await;
        bench.say("tiro el proyecto con sus volúmenes y cuento el historial");
        let front = match bench.front(risen).await? {
            Ok(front) => front,
            Err(finding) => return Ok(finding),
        };
        let mount = front.service.volumes.first();
        let at = mount.map_or(&front.service.location, |mount| &mount.location);
        let at = Some(at.clone());
        let before = match front.predict().await? {
            Ok(before) => before,
            Err(trouble) => return Ok(Finding::failed(trouble).at(at)),
        };
        let again = async {
            risen.stack.down(true).await.map_err(UpError::Engine)?;
            risen.stack.up_one(&front.service.name).await
        };
        if let Err(error) = bench.lab.timed("tirar con volúmenes", again).await {
            let mut finding = error.finding()?;
            finding.saw = format!("tras `down -v`, ya no se levanta: {}", finding.saw);
            return Ok(finding);
        }
        let after = match bench.front(risen).await? {
            Ok(front) => front.history().await?,
            Err(finding) => return Ok(finding),
        };
        Ok(if after == 0 {
            Finding::passed(format!(
                "había {before} predicciones y, tras `down -v` y `up`, ninguna"
            ))
        } else {
            Finding::failed(format!(
                "había {before} predicciones y, tras `down -v` y `up`, todavía hay {after}: el historial no está solo en un volumen del proyecto"
            ))
            .at(at)
        })
    }
}
