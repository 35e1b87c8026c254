use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::StepError;
use super::bench::program::{SAY_LIMIT, listen};
use super::{Bench, Experiment};
use crate::lab::token;
use crate::verdict::Finding;

/// A container of the image prints what a file of the folder says.
pub struct PrintsFile;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// El archivo que se cambia por una palabra.
    archivo: String,
    /// Lo que el contenedor tiene que imprimir; `{palabra}` es el contenido del archivo.
    espera: String,
}

impl Experiment for PrintsFile {
    type Params = Params;
    const ID: &'static str = "imprime-el-archivo";
    const WHAT: &'static str = "Cambia un archivo de la carpeta por una palabra al azar, reconstruye, arranca un contenedor y busca la palabra en lo que imprime.";
    const CONTROL: &'static str = "La palabra solo la conoce el verificador: ni una frase escrita en el Dockerfile ni un archivo hecho antes la pueden decir.";
    const WHY: &'static str = "La imagen lleva dentro una copia de tus archivos y la orden con la que arrancan: sin las dos cosas, `docker run` no hace lo tuyo.";

    fn tried(params: &Params) -> String {
        format!(
            "poner una palabra al azar en `{}`, reconstruir, arrancar un contenedor y leer lo que imprime",
            params.archivo
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        bench.say("reconstruyo con otra palabra y arranco un contenedor");
        let word = token(12);
        let rebuilt = bench.rebuild("palabra", image, |files| {
            files.insert(&params.archivo, format!("{word}\n"), false);
        });
        let built = match bench.lab.timed("reconstruir", rebuilt).await? {
            Ok(built) => built,
            Err(StepError(failure)) => {
                return Ok(Finding::failed(format!(
                    "puse «{word}» en `{}` y la imagen dejó de construirse: {}",
                    params.archivo, failure.message
                )));
            }
        };
        let container = match bench.start_run(&built, "palabra", |_| {}).await? {
            Ok(container) => container,
            Err(trouble) => return Ok(Finding::failed(trouble).at(image.starts_at())),
        };
        let wanted = params.espera.replace("{palabra}", &word);
        let said = listen(&container, SAY_LIMIT, |log| log.contains(&wanted)).await?;
        Ok(if said.log.contains(&wanted) {
            Finding::passed(format!("imprimió «{wanted}»"))
        } else {
            Finding::failed(format!(
                "puse «{word}» en `{}` y esperaba «{wanted}», pero el contenedor {}",
                params.archivo,
                said.told()
            ))
            .at(image.starts_at())
        })
    }
}
