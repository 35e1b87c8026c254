use super::{Bench, Experiment, NoParams};
use crate::lab::http::Request;
use crate::verdict::Finding;

/// The image started alone serves the app and predicts.
pub struct Answers;

/// Flowers that nobody confuses: measures and species.
const FLOWERS: [(&str, &str); 3] = [
    ("[5.1,3.5,1.4,0.2]", "setosa"),
    ("[5.5,2.4,3.8,1.1]", "versicolor"),
    ("[6.7,3.0,5.2,2.3]", "virginica"),
];

impl Experiment for Answers {
    type Params = NoParams;
    const ID: &'static str = "responde-y-predice";
    const WHAT: &'static str = "Arranca la imagen sola, sin variables ni volúmenes, y le pide `/health` y tres predicciones desde fuera.";
    const CONTROL: &'static str =
        "Las tres flores son de tres clases: una respuesta fija no acierta las tres.";
    const WHY: &'static str = "Una imagen que solo arranca con ayuda, o que no se oye desde fuera, no se puede desplegar.";

    fn tried(_: &NoParams) -> String {
        "arrancar la imagen sola, pedir `/health` desde fuera y clasificar tres flores".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        bench.say("arranco la imagen sola y le pido predicciones");
        let alone = bench.alone(image).await?;
        let (Some(container), None) = (&alone.container, &alone.trouble) else {
            let saw = alone.trouble.clone().unwrap_or_default();
            let at = image
                .dockerfile
                .last("CMD")
                .or_else(|| image.dockerfile.last("ENTRYPOINT"));
            return Ok(Finding::failed(saw).at(at));
        };
        for (measures, species) in FLOWERS {
            let request = Request::post("/predict", format!("{{\"x\":{measures}}}"));
            let reply = container.ask(bench.port(), &request).await?;
            let class = reply.json()["clase"].as_str().map(str::to_owned);
            if reply.status != 200 || class.as_deref() != Some(species) {
                return Ok(Finding::failed(format!(
                    "`POST /predict` de una {species} respondió {} {}",
                    reply.status,
                    String::from_utf8_lossy(&reply.body)
                )));
            }
        }
        Ok(Finding::passed(
            "`/health` respondió 200 y las tres flores salieron bien",
        ))
    }
}
