use anyhow::Context;

use super::bench::as_app::AS_EACH;
use super::{Bench, Experiment, NoParams};
use crate::lab::http::Request;
use crate::lab::token;
use crate::verdict::Finding;

/// The app's own user can change neither its code nor its model.
pub struct CodeIsReadOnly;

/// As each user of the app, tries to open every file for writing and to make new ones, and prints what it could do:
/// `[[uid, path], …]`.
///
/// `argv`: a name that nothing has, the folder of the code, the file of the model.
const ATTEMPT: &str = r#"
fresh, code, model = sys.argv[1:4]
def work(uid):
    could = []
    def attempt(path, mode, name):
        try:
            open(path, mode).close()
            could.append([uid, name])
            if mode == "x":
                os.remove(path)
        except OSError:
            pass
    for folder, _, names in os.walk(code):
        for name in names:
            attempt(os.path.join(folder, name), "a", os.path.join(folder, name))
    attempt(model, "a", model)
    for folder in sorted({code, os.path.dirname(model)}):
        attempt(os.path.join(folder, fresh), "x", folder + "/")
    return could[:50]
as_each(work)
"#;

impl Experiment for CodeIsReadOnly {
    type Params = NoParams;
    const ID: &'static str = "codigo-no-escribible";
    const WHAT: &'static str = "Intenta escribir en el código y en el modelo con cada usuario que tiene un proceso de la app.";
    const CONTROL: &'static str = "El intento lo hace un testigo con la imagen del curso, dentro del sistema de archivos del contenedor y con la identidad del proceso: lo que la imagen traiga no puede mentir ni faltar.";
    const WHY: &'static str =
        "Si la app puede reescribir su código, un intruso puede quedarse a vivir en él.";

    fn tried(_: &NoParams) -> String {
        "escribir, con el mismo usuario que la app, en cada archivo de su código y en el modelo"
            .into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let alone = bench.alone(image).await?;
        let (Some(container), None) = (&alone.container, &alone.trouble) else {
            return Ok(Finding::failed(alone.trouble.clone().unwrap_or_default()));
        };
        let config = container
            .ask(bench.port(), &Request::get("/config"))
            .await?
            .json();
        let code = config["codigo"]
            .as_str()
            .context("la app no dice dónde está su código")?;
        let model = config["modelo_ruta"]
            .as_str()
            .context("la app no dice dónde está su modelo")?;
        let base = bench.base_image()?;
        let told = container
            .witnessed(
                base,
                &format!("{AS_EACH}{ATTEMPT}"),
                &[&token(16), code, model],
            )
            .await?;
        let mut could: Vec<(u32, String)> = Vec::new();
        for line in told.lines() {
            could.extend(serde_json::from_str::<Vec<_>>(line)?);
        }
        Ok(match could.first() {
            None => Finding::passed(format!(
                "con el usuario de la app no pude escribir en `{code}` ni en `{model}`"
            )),
            Some((uid, first)) => Finding::failed(format!(
                "con el usuario {uid}, el de la app, pude escribir en `{first}`{}",
                match could.len() {
                    1 => String::new(),
                    more => format!(" y en {} sitios más", more - 1),
                }
            ))
            .at(image.dockerfile.last("USER")),
        })
    }
}
