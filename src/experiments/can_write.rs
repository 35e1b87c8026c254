use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::as_app::AS_EACH;
use super::{Bench, Experiment};
use crate::lab::token;
use crate::verdict::Finding;

/// The app's own user can write where programs expect to.
pub struct CanWrite;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// La carpeta en la que se tiene que poder escribir.
    carpeta: String,
}

/// As each user of the app, makes a file in a folder and removes it; prints `[uid, what went wrong]`, with an empty
/// text where nothing did.
///
/// `argv`: a name that nothing has, the folder.
const ATTEMPT: &str = r#"
fresh, folder = sys.argv[1:3]
def work(uid):
    path = os.path.join(folder, fresh)
    try:
        with open(path, "x") as file:
            file.write("x")
        os.remove(path)
    except OSError as error:
        return [uid, error.strerror]
    return [uid, ""]
as_each(work)
"#;

impl Experiment for CanWrite {
    type Params = Params;
    const ID: &'static str = "puede-escribir";
    const WHAT: &'static str =
        "Intenta crear un archivo en una carpeta con cada usuario que tiene un proceso de la app.";
    const CONTROL: &'static str = "El intento lo hace un testigo con la imagen del curso, dentro del sistema de archivos del contenedor y con la identidad del proceso.";
    const WHY: &'static str = "Quitar permisos de más también rompe: muchas bibliotecas necesitan una carpeta temporal en la que escribir.";

    fn tried(params: &Params) -> String {
        format!(
            "crear un archivo en `{}` con el mismo usuario que la app",
            params.carpeta
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let (_, container) = match bench.answering().await? {
            Ok(answering) => answering,
            Err(finding) => return Ok(finding),
        };
        let script = format!("{AS_EACH}{ATTEMPT}");
        let args = [&token(16), params.carpeta.as_str()];
        let told = container
            .witnessed(bench.base_image()?, &script, &args)
            .await?;
        for line in told.lines() {
            let (uid, wrong): (u32, String) = serde_json::from_str(line)?;
            if !wrong.is_empty() {
                return Ok(Finding::failed(format!(
                    "con el usuario {uid}, el de la app, no pude crear un archivo en `{}`: {wrong}",
                    params.carpeta
                )));
            }
        }
        Ok(Finding::passed(format!(
            "con el usuario de la app pude escribir en `{}`",
            params.carpeta
        )))
    }
}
