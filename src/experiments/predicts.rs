use super::{Bench, Experiment, NoParams};
use crate::lab::container::Container;
use crate::lab::http::Request;
use crate::verdict::Finding;

/// The app of the image started alone classifies flowers.
pub struct Predicts;

/// Flowers that nobody confuses: measures and species.
const FLOWERS: [(&str, &str); 3] = [
    ("[5.1,3.5,1.4,0.2]", "setosa"),
    ("[5.5,2.4,3.8,1.1]", "versicolor"),
    ("[6.7,3.0,5.2,2.3]", "virginica"),
];

impl Experiment for Predicts {
    type Params = NoParams;
    const ID: &'static str = "predice";
    const WHAT: &'static str =
        "Arranca la imagen sola y le pide a `/predict` que clasifique tres flores.";
    const CONTROL: &'static str =
        "Las tres flores son de tres clases: una respuesta fija no acierta las tres.";
    const WHY: &'static str = "Que `/health` responda no quiere decir que la app haga su trabajo: para eso hay que pedírselo.";

    fn tried(_: &NoParams) -> String {
        "pedirle a `/predict` que clasifique tres flores, una de cada especie".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let (_, container) = match bench.answering().await? {
            Ok(answering) => answering,
            Err(finding) => return Ok(finding),
        };
        Ok(match wrong(container, bench.port()).await? {
            Some(saw) => Finding::failed(saw),
            None => Finding::passed("las tres flores salieron bien"),
        })
    }
}

/// What the app on `port` of `container` gets wrong of the flowers, for the student.
pub(super) async fn wrong(container: &Container<'_>, port: u16) -> anyhow::Result<Option<String>> {
    for (measures, species) in FLOWERS {
        let request = Request::post("/predict", format!("{{\"x\":{measures}}}"));
        let reply = container.ask(port, &request).await?;
        let class = reply.json()["clase"].as_str().map(str::to_owned);
        if reply.status != 200 || class.as_deref() != Some(species) {
            return Ok(Some(format!(
                "`POST /predict` de una {species} respondió {} {}",
                reply.status,
                String::from_utf8_lossy(&reply.body)
            )));
        }
    }
    Ok(None)
}
