use anyhow::Context;
use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::StepError;
use super::{Bench, Experiment};
use crate::lab::build::Built;
use crate::lab::token;
use crate::submission::Snapshot;
use crate::submission::dockerfile::unnumbered;
use crate::verdict::Finding;

/// Changing the code does not install the dependencies again; changing their list does.
///
/// Which step installs is found by asking for a version that does not exist: the step that fails is
/// the one. Whether it ran again after a change of the code is what the builder says of that step.
pub struct DependencyCache;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Carpeta del paquete una vez instalado, si también hay que comprobar que la imagen lo trae.
    #[serde(default)]
    paquete: Option<String>,
    /// La lista de dependencias.
    requisitos: String,
    /// Un archivo del código, que se cambia sin cambiar lo que hace.
    codigo: String,
}

impl Experiment for DependencyCache {
    type Params = Params;
    const ID: &'static str = "cache-de-dependencias";
    const WHAT: &'static str = "Reconstruye con el código cambiado y mira si el paso que instala las dependencias salió de la caché.";
    const CONTROL: &'static str = "Cuál es ese paso se averigua pidiendo una versión que no existe: el que falla es el que instala. Antes de acusar se repite con una lista nueva, y se mira que repetir lo mismo sí salga de la caché.";
    const WHY: &'static str = "Con las dependencias en su propia capa, cada cambio de código se construye en segundos en vez de minutos.";

    fn tried(params: &Params) -> String {
        format!(
            "reconstruir tras cambiar `{}` y ver si se reinstala; y pedir en `{}` una versión que no existe",
            params.codigo, params.requisitos
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        bench.say("reconstruyo con el código cambiado y con una dependencia imposible");
        let recoded = bench.rebuild("codigo", image, |files| recode(files, params));
        let impossible = bench.rebuild("imposible", image, |files| {
            files.insert(
                &params.requisitos,
                impossible(files, &params.requisitos),
                false,
            );
        });
        let rebuilt = async { tokio::join!(recoded, impossible) };
        let (recoded, impossible) = bench.lab.timed("reconstruir dos veces", rebuilt).await;
        let Err(StepError(failure)) = impossible? else {
            return Ok(Finding::failed(format!(
                "pedí en `{}` una versión que no existe y la imagen se construyó igual: no instala lo que dice ese archivo",
                params.requisitos
            )));
        };
        let recoded = match recoded? {
            Ok(built) => built,
            Err(StepError(failure)) => {
                return Ok(Finding::failed(format!(
                    "cambié un comentario de `{}` y la imagen dejó de construirse: {}",
                    params.codigo, failure.message
                )));
            }
        };
        if let Some(package) = &params.paquete {
            let file = format!("{package}/__init__.py");
            let layers = bench.layers(image).await?;
            if !layers.files().any(|(_, found)| found.path.ends_with(&file)) {
                return Ok(Finding::failed(format!(
                    "el paquete `{package}` no está instalado en la imagen"
                )));
            }
        }
        let step = failure
            .step
            .context("el constructor no dice qué paso falló")?;
        let ran = |built: &Built| {
            built
                .steps
                .iter()
                .any(|after| after.name == step && !after.cached)
        };
        // A step that another build has in hand at this moment is said neither to run nor to be cached, and a cache
        // can be emptied meanwhile. Before anybody is accused: once more, with a list that no other build has, and
        // then the very same once more, which any engine that keeps its cache has no need to run.
        let mut again = ran(&recoded);
        if again {
            let (list, code) = (
                format!("\n# {}\n", token(12)),
                format!("\n# {}\n", token(12)),
            );
            let mut ran_in = Vec::new();
            for (name, code) in [
                ("otra-vez", ""),
                ("otra-vez-codigo", &code),
                ("igual", &code),
            ] {
                let built = bench.rebuild(name, image, |files| {
                    append(files, &params.requisitos, &list);
                    append(files, &params.codigo, code);
                });
                match built.await? {
                    Ok(built) => ran_in.push(ran(&built)),
                    Err(StepError(failure)) => anyhow::bail!(failure.message),
                }
            }
            again = ran_in[1];
            if again && ran_in[2] {
                return Ok(Finding::unverified(
                    "este motor no conserva la caché de construcción ni para repetir lo mismo: suele faltarle sitio en el disco (`docker system df`)",
                ));
            }
        }
        let name = unnumbered(&step);
        Ok(if again {
            Finding::failed(format!(
                "cambié un comentario de `{}` y `{name}` volvió a ejecutarse",
                params.codigo
            ))
            .at(image.dockerfile.step(&step))
        } else {
            Finding::passed(format!(
                "tras cambiar el código, `{name}` salió de la caché; con otra versión en `{}`, se ejecuta",
                params.requisitos
            ))
        })
    }
}

/// Changes a comment of the code.
fn recode(files: &mut Snapshot, params: &Params) {
    append(files, &params.codigo, &format!("\n# {}\n", token(12)));
}

fn append(files: &mut Snapshot, path: &str, text: &str) {
    let mut content = files
        .file(path)
        .map(|bytes| bytes.to_vec())
        .unwrap_or_default();
    content.extend_from_slice(text.as_bytes());
    files.insert(path, content, false);
}

/// The list of dependencies with a version that no index has in every line that pins one.
fn impossible(files: &Snapshot, path: &str) -> String {
    let text = files
        .file(path)
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let lines = text.unwrap_or_default();
    let lines = lines.lines().map(|line| match line.split_once("==") {
        Some((name, _)) => format!("{name}==999.{}\n", line.len()),
        None => format!("{line}\n"),
    });
    lines.collect()
}
