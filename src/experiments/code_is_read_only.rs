use std::time::Duration;

use anyhow::Context;

use super::bench::APP_PORT;
use super::{Bench, Experiment, NoParams};
use crate::lab::http::Request;
use crate::lab::token;
use crate::verdict::Finding;

/// The app's own user can change neither its code nor its model.
pub struct CodeIsReadOnly;

/// Tries to open every file for writing and to make new ones; prints proof that it ran, then what it could do.
const ATTEMPT: &str = r#"
import json, os, sys
proof, code, model = sys.argv[1:4]
could = []
def attempt(path, mode, name):
    try:
        open(path, mode).close()
        could.append(name)
        if mode == "x":
            os.remove(path)
    except OSError:
        pass
for folder, _, names in os.walk(code):
    for name in names:
        attempt(os.path.join(folder, name), "a", os.path.join(folder, name))
attempt(model, "a", model)
for folder in sorted({code, os.path.dirname(model)}):
    attempt(os.path.join(folder, proof), "x", folder + "/")
print(proof[::-1], json.dumps(could))
"#;

impl Experiment for CodeIsReadOnly {
    type Params = NoParams;
    const ID: &'static str = "codigo-no-escribible";
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
            .ask(APP_PORT, &Request::get("/config"))
            .await?
            .json();
        let code = config["codigo"]
            .as_str()
            .context("la app no dice dónde está su código")?;
        let model = config["modelo_ruta"]
            .as_str()
            .context("la app no dice dónde está su modelo")?;
        let process = container.processes().await?.swap_remove(0);
        let user = format!("{}:{}", process.uid, process.gid);
        let proof = token(16);
        let python = ["python3", "-c", ATTEMPT, &proof, code, model];
        let run = container
            .exec(&python, Some(&user), Duration::from_secs(20))
            .await?;
        let expected: String = proof.chars().rev().collect();
        let Some(could) = run.output.trim().strip_prefix(&expected) else {
            return Ok(Finding::error(format!(
                "no pude lanzar mi intento de escritura dentro del contenedor: {}",
                run.output.trim()
            )));
        };
        let could: Vec<String> = serde_json::from_str(could.trim())?;
        Ok(match could.first() {
            None => Finding::passed(format!(
                "el usuario {user} no pudo escribir en `{code}` ni en `{model}`"
            )),
            Some(first) => Finding::failed(format!(
                "el usuario {user} pudo escribir en `{first}`{}",
                match could.len() {
                    1 => String::new(),
                    more => format!(" y en {} sitios más", more - 1),
                }
            ))
            .at(image.dockerfile.last("USER")),
        })
    }
}
