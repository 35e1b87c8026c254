use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::fingerprint;
use super::{Bench, Experiment};
use crate::lab::http::Request;
use crate::verdict::Finding;

/// The secret reaches the app as a file, and shows nowhere else.
pub struct FileSecret;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// El archivo de la entrega que guarda el secreto.
    ruta: String,
    /// En qué se fija: `app` (si la recibe), `inspect`, `entorno` o `imagen`. Si no se pone, en todo.
    #[serde(default = "Place::all")]
    mira: Vec<Place>,
}

/// Where the secret is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Place {
    /// La app: tiene que recibirla.
    App,
    /// Lo que enseña `docker inspect`.
    Inspect,
    /// El entorno de los procesos.
    Entorno,
    /// Las capas, la configuración y la historia de la imagen.
    Imagen,
}

impl Place {
    fn all() -> Vec<Self> {
        vec![Self::App, Self::Inspect, Self::Entorno, Self::Imagen]
    }

    fn told(self) -> &'static str {
        match self {
            Self::App => "en la app",
            Self::Inspect => "en `docker inspect`",
            Self::Entorno => "en `/proc/*/environ`",
            Self::Imagen => "en la imagen",
        }
    }
}

/// Prints how many processes have the secret in their environment, and of how many it could be read.
///
/// A process that the engine is just putting into the container (a health check) cannot be read until it is there.
const LOOK: &str = r#"
import glob, os, sys, time
secret = sys.argv[1].encode()
seen = read = 0
until = time.monotonic() + 10
for path in glob.glob("/proc/[0-9]*/environ"):
    while path != f"/proc/{os.getpid()}/environ":
        try:
            seen += secret in open(path, "rb").read()
            read += 1
        except PermissionError:
            if time.monotonic() < until:
                time.sleep(0.02)
                continue
            raise
        except (FileNotFoundError, ProcessLookupError):
            pass
        break
print(seen, read)
"#;

impl Experiment for FileSecret {
    type Params = Params;
    const ID: &'static str = "secreto-por-archivo";
    const WHAT: &'static str = "Pone una clave al azar y la busca en la app, en `docker inspect`, en el entorno de los procesos y en la imagen.";
    const CONTROL: &'static str = "La app demuestra que la tiene con su huella. El entorno lo lee un testigo con la imagen del curso, en `/proc` del núcleo; si no puede leer ninguno, el punto no se decide.";
    const WHY: &'static str = "Las variables de entorno se ven en `docker inspect`, en los volcados y en los procesos hijos; un archivo en `/run/secrets` no.";

    fn tried(params: &Params) -> String {
        let places: Vec<&str> = params.mira.iter().map(|place| place.told()).collect();
        let places = match places.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} y {last}", others.join(", ")),
            None => "en ninguna parte".to_owned(),
        };
        format!(
            "poner una clave al azar en `{}` y buscarla {places}",
            params.ruta
        )
    }

    fn canaries(params: &Params) -> Vec<String> {
        vec![params.ruta.clone()]
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let looks = |place| params.mira.contains(&place);
        let _turn = bench.stack_turn.read().await;
        let front = match bench.front(risen).await? {
            Ok(front) => front,
            Err(finding) => return Ok(finding),
        };
        let at = front
            .service
            .secrets
            .first()
            .map_or(&front.service.location, |secret| &secret.location)
            .clone();
        let failed = |saw: String| Ok(Finding::failed(saw).at(Some(at.clone())));

        let config = front.ask(&Request::get("/config")).await?.json();
        let print = config["api_key_huella"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let received = bench
            .canaries
            .keys()
            .find(|mark| fingerprint(mark) == print);
        let secret = match received {
            Some(secret) => secret.as_str(),
            None if looks(Place::App) => {
                return failed(if print.is_empty() {
                    "la app no recibe ninguna clave".to_owned()
                } else {
                    format!("la app tiene una clave, pero no es la de `{}`", params.ruta)
                });
            }
            None => match bench.canary(&params.ruta) {
                Some(secret) => secret,
                None => return Ok(Finding::error("no quedó ninguna clave puesta")),
            },
        };
        if looks(Place::Inspect) {
            let inspected = serde_json::to_string(&front.container.inspect().await?.config)?;
            if inspected.contains(secret) {
                return failed("la clave se lee en `docker inspect`".to_owned());
            }
        }
        if looks(Place::Entorno) {
            let look = front
                .container
                .witnessed(bench.base_image()?, LOOK, &[secret])
                .await?;
            match look.trim().split_once(' ') {
                Some((_, "0")) | None => {
                    return Ok(Finding::error("no pude mirar el entorno de los procesos"));
                }
                Some(("0", _)) => {}
                Some(_) => {
                    return failed(
                        "la clave está en el entorno de un proceso (`/proc/*/environ`)".to_owned(),
                    );
                }
            }
        }
        if looks(Place::Imagen) {
            let image = match bench.image().await {
                Ok(image) => image,
                Err(finding) => return Ok(finding),
            };
            let layers = bench.layers(image).await?;
            if layers.config.contains(secret) {
                return failed(
                    "la clave está en la configuración o en la historia de la imagen".to_owned(),
                );
            }
            let has = |marks: &[String]| marks.iter().any(|mark| mark == secret);
            if let Some((_, file)) = layers.files().find(|(_, file)| has(&file.marks)) {
                return failed(format!(
                    "la clave está dentro de la imagen, en `/{}`",
                    file.path
                ));
            }
        }
        Ok(Finding::passed(match params.mira.as_slice() {
            [Place::App] => "la app recibió la clave: coincide su huella".to_owned(),
            [only] => format!("busqué la clave {} y no está", only.told()),
            _ => "la app recibió la clave (coincide su huella) y no se ve en `inspect`, en el entorno ni en la imagen".to_owned(),
        }))
    }
}
