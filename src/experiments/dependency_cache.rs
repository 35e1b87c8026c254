use anyhow::Context;
use bollard::models::ContainerCreateBody;
use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::{Image, StepError};
use super::{Bench, Experiment};
use crate::lab::build::Built;
use crate::lab::container::Container;
use crate::lab::token;
use crate::submission::Snapshot;
use crate::verdict::Finding;

/// Changing the code does not install the dependencies again; changing their list does.
///
/// Which step installs is found by asking for a version that does not exist: the step that fails is
/// the one. Whether it ran again after a change of the code is what the builder says of that step,
/// and what the installed files' own time stamps say.
pub struct DependencyCache;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Carpeta del paquete una vez instalado.
    paquete: String,
    /// La lista de dependencias.
    requisitos: String,
    /// Un archivo del código, que se cambia sin cambiar lo que hace.
    codigo: String,
}

impl Experiment for DependencyCache {
    type Params = Params;
    const ID: &'static str = "cache-de-dependencias";
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
        let recoded = bench.rebuild("codigo", image, |files| {
            append(files, &params.codigo, &format!("\n# {}\n", token(12)));
        });
        let impossible = bench.rebuild("imposible", image, |files| {
            files.insert(&params.requisitos, impossible(files, &params.requisitos), false);
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
        let step = failure.step.context("el constructor no dice qué paso falló")?;
        let at = image.dockerfile.step(&step);
        let again = Finding::failed(format!(
            "cambié un comentario de `{}` y `{}` volvió a ejecutarse",
            params.codigo,
            instruction(&step)
        ))
        .at(at);
        let after = recoded.steps.iter().find(|after| after.name == step);
        if after.is_some_and(|after| !after.cached) {
            return Ok(again);
        }
        let before = installed(bench, image, &image.built, params).await?;
        let Some((path, before)) = before else {
            return Ok(Finding::failed(format!(
                "el paquete `{}` no está instalado en la imagen",
                params.paquete
            )));
        };
        let after = stamp(bench, &recoded, &path).await?;
        Ok(if after == Some(before) {
            Finding::passed(format!(
                "tras cambiar el código, `{}` salió de la caché; con otra versión en `{}`, se ejecuta",
                instruction(&step),
                params.requisitos
            ))
        } else {
            again
        })
    }
}

/// The name of a step without the builder's numbering.
fn instruction(step: &str) -> &str {
    step.split_once("] ")
        .or_else(|| step.split_once(" : "))
        .map_or(step, |(_, text)| text)
}

fn append(files: &mut Snapshot, path: &str, text: &str) {
    let mut content = files.file(path).map(|bytes| bytes.to_vec()).unwrap_or_default();
    content.extend_from_slice(text.as_bytes());
    files.insert(path, content, false);
}

/// The list of dependencies with a version that no index has in every line that pins one.
fn impossible(files: &Snapshot, path: &str) -> String {
    let text = files.file(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let lines = text.unwrap_or_default();
    let lines = lines.lines().map(|line| match line.split_once("==") {
        Some((name, _)) => format!("{name}==999.{}\n", line.len()),
        None => format!("{line}\n"),
    });
    lines.collect()
}

/// Where the image has the package's first file, and its time stamp.
async fn installed(
    bench: &Bench<'_>,
    image: &Image,
    built: &Built,
    params: &Params,
) -> anyhow::Result<Option<(String, u64)>> {
    let layers = bench.layers(image).await?;
    let file = format!("{}/__init__.py", params.paquete);
    let path = layers
        .files()
        .map(|(_, found)| &found.path)
        .filter(|path| path.ends_with(&file))
        .last();
    let Some(path) = path else { return Ok(None) };
    let path = format!("/{path}");
    Ok(stamp(bench, built, &path).await?.map(|stamp| (path, stamp)))
}

/// The time stamp of `path` in an image.
async fn stamp(bench: &Bench<'_>, built: &Built, path: &str) -> anyhow::Result<Option<u64>> {
    let body = ContainerCreateBody {
        image: Some(built.image.clone()),
        ..ContainerCreateBody::default()
    };
    let name = format!("sello-{}", token(6).to_lowercase());
    let container = Container::create(bench.lab, &name, body).await?;
    let file = container.file(path).await?;
    Ok(file.and_then(|(header, _)| header.mtime().ok()))
}
