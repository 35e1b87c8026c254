use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::API_ROLE;
use super::{Bench, Experiment};
use crate::lab::http::Request;
use crate::verdict::Finding;

/// The app's model is the copy that was built into the image, or the one that lies on the host.
pub struct ModelOrigin;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// De dónde tiene que venir: `contexto`, si se copió al construir, o `anfitrión`, si se monta al arrancar.
    origen: Origin,
    /// El modelo.
    #[serde(default = "model")]
    archivo: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
enum Origin {
    #[serde(rename = "contexto")]
    Context,
    #[serde(rename = "anfitrión")]
    Host,
}

fn model() -> String {
    "models/modelo.json".to_owned()
}

impl Experiment for ModelOrigin {
    type Params = Params;
    const ID: &'static str = "modelo-viene-de";
    const WHAT: &'static str = "Pone una versión del modelo en lo que se construye y otra en la carpeta del anfitrión, levanta el proyecto y pregunta a la app cuál tiene.";
    const CONTROL: &'static str =
        "Las dos versiones son palabras al azar: la app solo puede saber la que leyó.";
    const WHY: &'static str = "Lo que se copia al construir va en la imagen y no cambia; lo que se monta se cambia sin reconstruir. Hay que saber cuál de los dos se está usando.";

    fn tried(params: &Params) -> String {
        let origin = match params.origen {
            Origin::Context => "construir con",
            Origin::Host => "dejar en el anfitrión",
        };
        format!(
            "{origin} otra versión de `{}`, levantar el proyecto y preguntar a la app cuál tiene",
            params.archivo
        )
    }

    fn stamped(params: &Params) -> Vec<String> {
        vec![params.archivo.clone()]
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let file = &params.archivo;
        let Some(stamp) = bench.stamps.get(file) else {
            anyhow::bail!("`{file}` no es un archivo JSON del ejercicio");
        };
        let _turn = bench.stack_turn.read().await;
        let front = match bench.front(risen).await? {
            Ok(front) => front,
            Err(finding) => return Ok(finding),
        };
        let name = bench.service_name(API_ROLE);
        let config = front.ask(&Request::get("/config")).await?.json();
        let seen = config["model_version"].as_str().unwrap_or_default();
        let service = front.service;
        let at = match (params.origen, &service.build, service.volumes.first()) {
            (Origin::Context, None, _) => service.image.as_ref().map(|it| it.location.clone()),
            (_, _, Some(mount)) => Some(mount.location.clone()),
            _ => None,
        };
        let failed = |saw: String| {
            Ok(Finding::failed(saw).at(at.or_else(|| Some(service.location.clone()))))
        };
        match params.origen {
            Origin::Context if seen == stamp.built => Ok(Finding::passed(
                "la app tiene la versión que puse en el contexto al construir",
            )),
            Origin::Host if seen == stamp.around => Ok(Finding::passed(format!(
                "la app tiene la versión que dejé en `{file}` del anfitrión"
            ))),
            Origin::Context if seen == stamp.around => failed(format!(
                "`{name}` no usa el modelo con que se construye la imagen, sino el `{file}` del anfitrión, montado al arrancar: en otra máquina no estaría"
            )),
            Origin::Host if seen == stamp.built => failed(format!(
                "cambié `{file}` en el anfitrión y la app sigue con la copia de la imagen"
            )),
            _ => failed(format!(
                "cambié la versión de `{file}` y la app dice tener otra, «{seen}»"
            )),
        }
    }
}
