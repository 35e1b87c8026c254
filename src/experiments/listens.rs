use super::bench::KEY_HEADER;
use super::{Bench, Experiment, NoParams};
use crate::lab::http::Request;
use crate::verdict::Finding;

/// The app is heard on the port that the exercise asks for, well or not.
pub struct Listens;

impl Experiment for Listens {
    type Params = NoParams;
    const ID: &'static str = "contesta-en-su-puerto";
    const WHAT: &'static str =
        "Arranca la imagen sola y le habla desde fuera en el puerto que pide el ejercicio.";
    const CONTROL: &'static str = "Quien contesta tiene que ser la app del curso. Vale cualquier respuesta: si además está sana lo deciden otros.";
    const WHY: &'static str = "Antes de buscar por qué una app responde con un error conviene saber si alguien escucha donde se la llama.";

    fn tried(_: &NoParams) -> String {
        "arrancar la imagen sola y hablarle desde fuera en su puerto".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        bench.say("arranco la imagen sola y llamo a su puerto");
        let at = image.dockerfile.last("ENV");
        let at = at.or_else(|| image.dockerfile.last("CMD"));
        let alone = bench.alone(image).await?;
        let trouble = alone.trouble.clone();
        let Some(container) = &alone.container else {
            return Ok(Finding::failed(trouble.unwrap_or_default()).at(at));
        };
        let request = Request::post("/_averia/sana", "").header(KEY_HEADER, &bench.switch_key);
        let port = bench.port();
        Ok(match (container.ask(port, &request).await, trouble) {
            (Ok(reply), _) if reply.status == 200 => {
                Finding::passed(format!("la app contesta en el puerto {port}"))
            }
            (Err(_), Some(trouble)) => Finding::failed(trouble).at(at),
            _ => Finding::failed(format!(
                "quien contesta en el puerto {port} no es la app del curso"
            ))
            .at(at),
        })
    }
}
