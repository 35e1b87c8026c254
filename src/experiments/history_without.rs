use schemars::JsonSchema;
use serde::Deserialize;

use super::{Bench, Experiment};
use crate::lab::layers::Layer;
use crate::verdict::Finding;

/// The image's own history shows none of the workshop's commands.
pub struct HistoryWithout;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Lo que no debe aparecer en ninguna orden ejecutada en la etapa final.
    ordenes: Vec<String>,
}

/// The instructions that run nothing.
const QUIET: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
    "#(nop)",
];

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    history: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    created_by: String,
}

impl Experiment for HistoryWithout {
    type Params = Params;
    const ID: &'static str = "historia-sin-ordenes";
    const WHAT: &'static str = "Lee `docker history` de la imagen final y busca en lo que ejecutó cada paso las órdenes que tenían que quedarse en otra etapa.";
    const CONTROL: &'static str = "Solo cuentan los pasos que ejecutan algo: nombrar la orden en una etiqueta o en una variable no es ejecutarla.";
    const WHY: &'static str = "La historia de la imagen final tiene que contar solo lo que se despliega: una orden del taller que sigue ahí falla en silencio, o ejecuta en producción lo que era de la construcción.";

    fn tried(_: &Params) -> String {
        "leer `docker history` de la imagen y buscar en ella las órdenes del taller".into()
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let config: Config = serde_json::from_str(&bench.layers(image).await?.config)?;
        for step in &config.history {
            let Some(run) = ran(&step.created_by) else {
                continue;
            };
            if params
                .ordenes
                .iter()
                .any(|order| run.contains(order.as_str()))
            {
                return Ok(Finding::failed(format!(
                    "la imagen final ejecutó `{run}` al construirse"
                ))
                .at(image.dockerfile.step(&run)));
            }
        }
        Ok(Finding::passed(
            "en la historia de la imagen no hay ninguna orden del taller",
        ))
    }
}

/// The instruction of a step that ran something; nothing for one that only notes or copies.
fn ran(created_by: &str) -> Option<String> {
    let layer = Layer {
        made_by: created_by.to_owned(),
        ..Layer::default()
    };
    if created_by.contains("#(nop)") {
        return None;
    }
    let instruction = layer.instruction();
    let first = instruction.split_whitespace().next()?;
    (!QUIET.contains(&first)).then_some(instruction)
}

#[cfg(test)]
mod tests {
    use super::ran;

    #[test]
    fn steps_that_ran_something_are_told_from_those_that_did_not() {
        for (history, instruction) in [
            ("/bin/sh -c python c.py m", Some("RUN python c.py m")),
            (
                "RUN /bin/sh -c python c.py m # buildkit",
                Some("RUN python c.py m"),
            ),
            ("python c.py m", Some("python c.py m")),
            ("/bin/sh -c #(nop)  CMD [\"python\"]", None),
            ("COPY app app # buildkit", None),
            ("LABEL de=python c.py", None),
            ("", None),
        ] {
            assert_eq!(ran(history).as_deref(), instruction, "{history}");
        }
    }
}
