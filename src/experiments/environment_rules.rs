use super::{Bench, Experiment, NoParams};
use crate::lab::http::Request;
use crate::verdict::Finding;

/// Changing a variable from outside changes what the running app says of itself.
pub struct EnvironmentRules;

impl Experiment for EnvironmentRules {
    type Params = NoParams;
    const ID: &'static str = "entorno-manda";
    const WHAT: &'static str = "Levanta el proyecto con otros valores en el shell y en `.env`, y pregunta a la app cuáles tiene.";
    const CONTROL: &'static str = "El nombre es otro en cada comprobación, con espacios y ñ: nadie puede tenerlo escrito de antemano.";
    const WHY: &'static str = "La misma imagen tiene que servir en desarrollo y en producción: lo que cambia entre ambos llega por el entorno.";

    fn tried(_: &NoParams) -> String {
        "levantar con otro `APP_NAME` (con espacios y ñ) y `LOG_LEVEL=DEBUG`, en el shell y en `.env`, y preguntar a la app".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.read().await;
        let front = match bench.front(risen).await? {
            Ok(front) => front,
            Err(finding) => return Ok(finding),
        };
        let config = front.ask(&Request::get("/config")).await?.json();
        for (variable, field, wanted) in [
            ("APP_NAME", "app_name", bench.app_name.as_str()),
            ("LOG_LEVEL", "log_level", "DEBUG"),
        ] {
            let seen = config[field].as_str().unwrap_or_default();
            if seen != wanted {
                let at = front
                    .service
                    .environment
                    .get(variable)
                    .map(|value| value.location.clone());
                return Ok(Finding::failed(format!(
                    "puse `{variable}={wanted}` fuera y la app sigue diciendo «{seen}»"
                ))
                .at(at.or_else(|| Some(front.service.location.clone()))));
            }
        }
        Ok(Finding::passed(format!(
            "la app dice «{}» y su nivel de log es DEBUG",
            bench.app_name
        )))
    }
}
