use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Bench, Experiment};
use crate::verdict::Finding;

/// The key that the app needs is nowhere in the image.
pub struct KeyNotInImage;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// La clave que trae el ejercicio: donde la entrega la escribe, el verificador pone otra al azar.
    clave: String,
    /// Dónde se busca: en la `historia` de la imagen, en su `configuracion` o en sus `capas`.
    donde: Place,
}

/// Where a key may be left.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Place {
    /// Las instrucciones con que se hizo.
    Historia,
    /// Lo que dice cómo arrancarla.
    Configuracion,
    /// Los archivos de todas sus capas.
    Capas,
}

impl Experiment for KeyNotInImage {
    type Params = Params;
    const ID: &'static str = "clave-fuera-de-la-imagen";
    const WHAT: &'static str = "Construye la imagen con una clave al azar donde la entrega escribía la del ejercicio, y también como `--build-arg API_KEY`, y la busca en la historia, en la configuración o en los bytes de las capas.";
    const CONTROL: &'static str = "La clave es nueva en cada comprobación, y se busca en lo que guarda el motor, también en capas que otra tapó.";
    const WHY: &'static str = "Una imagen se copia, se sube y se comparte: quien la tiene lee con `docker history` y `docker inspect` todo lo que llegó a estar escrito.";

    fn tried(params: &Params) -> String {
        let place = match params.donde {
            Place::Historia => "en `docker history`",
            Place::Configuracion => "en `docker inspect`",
            Place::Capas => "en los bytes de cada capa",
        };
        format!("construir con una clave al azar en lugar de la tuya, y buscarla {place}")
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let (image, keyed) = match (bench.image().await, bench.keyed(&params.clave).await) {
            (Ok(image), Ok(keyed)) => (image, keyed),
            (Err(finding), _) | (_, Err(finding)) => return Ok(finding),
        };
        let config: Value = serde_json::from_str(&keyed.layers.config)?;
        let written = || {
            let place = bench.place_of(&params.clave);
            place.or_else(|| image.dockerfile.last("ARG"))
        };
        Ok(match params.donde {
            Place::Historia => match step_with(&config, &keyed.key) {
                Some(step) => Finding::failed(format!(
                    "la clave se lee en la historia de la imagen: `{}`",
                    step.replace(&keyed.key, "«la clave»")
                ))
                .at(written()),
                None => Finding::passed("la clave no está en la historia de la imagen"),
            },
            Place::Configuracion => match field_with(&config["config"], &keyed.key) {
                Some(field) => Finding::failed(format!(
                    "la clave se lee en la configuración de la imagen, en `{field}`: cualquier `docker inspect` la enseña"
                ))
                .at(written()),
                None => Finding::passed("la clave no está en la configuración de la imagen"),
            },
            Place::Capas => {
                let mut files = keyed.layers.files();
                match files.find(|(_, file)| file.marks.contains(&keyed.key)) {
                    Some((layer, file)) => Finding::failed(format!(
                        "la clave quedó en `/{}`, en la capa de `{}`",
                        file.path,
                        layer.instruction()
                    ))
                    .at(image.dockerfile.step(&layer.instruction())),
                    None => Finding::passed("la clave no está en ningún archivo de ninguna capa"),
                }
            }
        })
    }
}

/// The first step of an image's history that names `key`.
fn step_with(config: &Value, key: &str) -> Option<String> {
    let steps = config["history"].as_array()?;
    let mut made = steps.iter().filter_map(|step| step["created_by"].as_str());
    made.find(|text| text.contains(key)).map(str::to_owned)
}

/// The first field of what says how to run the image that holds `key`.
fn field_with(config: &Value, key: &str) -> Option<String> {
    let mut fields = config.as_object()?.iter();
    let found = fields.find(|(_, value)| value.to_string().contains(key));
    found.map(|(name, _)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_and_the_step_that_name_the_key_are_told() {
        let config = serde_json::json!({
            "config": {"Env": ["A=1", "API_KEY=xyz"], "Cmd": ["python"]},
            "history": [{"created_by": "COPY app app"}, {"created_by": "ENV API_KEY=xyz"}, {}],
        });
        assert_eq!(field_with(&config["config"], "xyz").as_deref(), Some("Env"));
        assert_eq!(
            step_with(&config, "xyz").as_deref(),
            Some("ENV API_KEY=xyz")
        );
        assert_eq!(field_with(&config["config"], "abc"), None);
        assert_eq!(step_with(&config, "abc"), None);
    }
}
