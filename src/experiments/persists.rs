use schemars::JsonSchema;
use serde::Deserialize;

use super::{Bench, Experiment};
use crate::lab::stack::UpError;
use crate::verdict::Finding;

/// The history of predictions outlives `down` and `up`, or a restart.
pub struct Persists;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// A qué tiene que sobrevivir: `down` (seguido de `up`; es lo que se entiende si no se dice) o `restart`.
    #[serde(default)]
    tras: After,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum After {
    #[default]
    Down,
    Restart,
}

impl After {
    /// What is done to the project.
    fn order(self) -> &'static str {
        match self {
            Self::Down => "`docker compose down` y `up`",
            Self::Restart => "`docker compose restart`",
        }
    }
}

impl Experiment for Persists {
    type Params = Params;
    const ID: &'static str = "persiste";
    const WHAT: &'static str =
        "Hace predicciones, tira el proyecto y lo levanta, o lo reinicia, y cuenta el historial.";
    const CONTROL: &'static str = "Antes de tirarlo, en el historial tienen que estar ya las predicciones que hizo el verificador.";
    const WHY: &'static str = "`down` borra los contenedores con todo lo que escribieron: solo queda lo que está en un volumen.";

    fn tried(params: &Params) -> String {
        format!(
            "hacer 3 predicciones, {}, y contar el historial",
            params.tras.order()
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.write().await;
        let order = params.tras.order();
        bench.say(format!("{order}, y cuento el historial"));
        let front = match bench.front(risen).await? {
            Ok(front) => front,
            Err(finding) => return Ok(finding),
        };
        let at = Some(front.service.location.clone());
        let before = match front.predict().await? {
            Ok(before) => before,
            Err(trouble) => return Ok(Finding::failed(trouble).at(at)),
        };
        let again = async {
            match params.tras {
                After::Down => {
                    risen.stack.down(false).await.map_err(UpError::Engine)?;
                    risen.stack.up_one(&front.service.name).await
                }
                After::Restart => risen.stack.restart(&front.service.name).await,
            }
        };
        if let Err(error) = bench.lab.timed("tirar y levantar", again).await {
            let mut finding = error.finding()?;
            finding.saw = format!("tras {order}, ya no se levanta: {}", finding.saw);
            return Ok(finding);
        }
        let after = match bench.front(risen).await? {
            Ok(front) => front.history().await?,
            Err(finding) => return Ok(finding),
        };
        Ok(if after >= before {
            Finding::passed(format!(
                "había {before} predicciones y, tras {order}, hay {after}"
            ))
        } else {
            Finding::failed(format!(
                "había {before} predicciones y, tras {order}, quedan {after}"
            ))
            .at(at)
        })
    }
}
