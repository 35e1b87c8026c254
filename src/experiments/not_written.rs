use bollard::models::ContainerInspectResponse;
use memchr::memmem;
use schemars::JsonSchema;
use serde::Deserialize;

use super::requires_variable::{key, setting};
use super::{Bench, Experiment};
use crate::submission::Location;
use crate::submission::snapshot::Entry;
use crate::verdict::Finding;

/// A key stands in no file that is handed in, and the image brings none.
pub struct NotWritten;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// La clave que estaba escrita al principio.
    texto: String,
    /// La variable en la que se da la clave.
    variable: String,
}

impl Experiment for NotWritten {
    type Params = Params;
    const ID: &'static str = "clave-no-escrita";
    const WHAT: &'static str = "Busca la clave que venía escrita en todos los archivos de la entrega, y mira si la imagen trae alguna puesta.";
    const CONTROL: &'static str =
        "El `.env` de la raíz no cuenta: es de cada máquina y no se entrega.";
    const WHY: &'static str = "Lo que entra en el repositorio se queda en su historia: una clave escrita ahí hay que darla por perdida.";

    fn tried(params: &Params) -> String {
        format!(
            "buscar `{}` en todos los archivos de la entrega (menos `.env`), y `{}` en la imagen",
            params.texto, params.variable
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        for (path, entry) in bench.files().entries() {
            let Entry::File { bytes, .. } = entry else {
                continue;
            };
            if path == ".env" {
                continue;
            }
            if let Some(at) = memmem::find(bytes, params.texto.as_bytes()) {
                let line = bytes[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
                return Ok(Finding::failed(format!(
                    "la clave `{}` sigue escrita en `{path}`",
                    params.texto
                ))
                .at(Some(Location::line(path, line))));
            }
        }
        let given = setting(&params.variable, Some(&key(bench)));
        // A project that does not come up is told by the item that asks for it.
        if let Ok(scene) = bench.scene(&given).await
            && let Ok(front) = bench.front_of(&scene.stack).await?
        {
            let ContainerInspectResponse { image, .. } = front.container.inspect().await?;
            let image = image.unwrap_or_default();
            let config = bench.lab.docker().inspect_image(&image).await?.config;
            let baked = config.and_then(|config| config.env).unwrap_or_default();
            let of_variable = |line: &&String| {
                let value = line.strip_prefix(&params.variable);
                value
                    .and_then(|it| it.strip_prefix('='))
                    .is_some_and(|value| !value.is_empty())
            };
            if baked.iter().any(|line| of_variable(&line)) {
                return Ok(Finding::failed(format!(
                    "la imagen trae puesta una `{}`: quien la descargue la tiene",
                    params.variable
                )));
            }
        }
        Ok(Finding::passed(
            "no está en ningún archivo de la entrega, y la imagen no trae ninguna",
        ))
    }
}
