use schemars::JsonSchema;
use serde::Deserialize;

use super::Experiment;
use super::bench::program::{SAY_LIMIT, Said, listen};
use super::bench::{Bench, Image};
use crate::lab::token;
use crate::verdict::Finding;

/// Every container of the image runs the program anew, with what it was given itself.
pub struct EachItsOwn;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// La variable de entorno cuyo valor imprime el programa.
    variable: String,
}

impl Experiment for EachItsOwn {
    type Params = Params;
    const ID: &'static str = "cada-contenedor-lo-suyo";
    const WHAT: &'static str = "Arranca dos contenedores de la misma imagen con distinto valor en una variable; cada uno tiene que imprimir el suyo.";
    const CONTROL: &'static str = "Los valores son palabras al azar que nacen después de construir: nada que se ejecutara al construir las puede decir.";
    const WHY: &'static str = "Lo que se ejecuta al construir pasa una sola vez y queda grabado para todos; lo que ha de pasar en cada contenedor se dice con `CMD` o `ENTRYPOINT`.";

    fn tried(params: &Params) -> String {
        format!(
            "arrancar dos contenedores con distinta `{}` y leer lo que imprime cada uno",
            params.variable
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        bench.say("arranco dos contenedores de la misma imagen");
        let (one, other) = (token(10), token(10));
        let (said_one, said_other) = tokio::join!(
            said(bench, image, params, "uno", &one),
            said(bench, image, params, "otro", &other)
        );
        for (word, not, said) in [(&one, &other, said_one?), (&other, &one, said_other?)] {
            let said = match said {
                Ok(said) => said,
                Err(trouble) => return Ok(Finding::failed(trouble).at(image.starts_at())),
            };
            if !said.log.contains(word.as_str()) || said.log.contains(not.as_str()) {
                return Ok(Finding::failed(format!(
                    "arranqué un contenedor con `{}={word}`, y {}",
                    params.variable,
                    said.told()
                ))
                .at(image.starts_at()));
            }
        }
        Ok(Finding::passed("cada contenedor imprimió lo suyo"))
    }
}

async fn said(
    bench: &Bench<'_>,
    image: &Image,
    params: &Params,
    name: &str,
    word: &str,
) -> anyhow::Result<Result<Said, String>> {
    let started = bench.start_run(&image.built, name, |body| {
        body.env = Some(vec![format!("{}={word}", params.variable)]);
    });
    Ok(match started.await? {
        Ok(container) => Ok(listen(&container, SAY_LIMIT, |log| log.contains(word)).await?),
        Err(trouble) => Err(trouble),
    })
}
