use anyhow::Context;

use super::{Bench, Experiment, NoParams};
use crate::lab::http::Request;
use crate::lab::token;
use crate::verdict::Finding;

/// The app's own user can change neither its code nor its model.
pub struct CodeIsReadOnly;

/// Becomes each user that a process of the container has, with its groups, in the container's own file system; tries
/// to open every file for writing and to make new ones, and prints what it could do: `[[uid, path], …]`.
///
/// `argv`: a name that nothing has, the folder of the code, the file of the model.
const ATTEMPT: &str = r#"
import json, os, sys
fresh, code, model = sys.argv[1:4]
could = []
def attempt(uid, path, mode, name):
    try:
        open(path, mode).close()
        could.append([uid, name])
        if mode == "x":
            os.remove(path)
    except OSError:
        pass
identities = {}
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        status = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status") if ":" in line)
    except OSError:
        continue
    if int(pid) != os.getpid() and status["State"].split()[0] != "Z":
        ids = [int(status[key].split()[1]) for key in ("Uid", "Gid")]
        identities[(*ids, *map(int, status["Groups"].split()))] = pid
for (uid, gid, *groups), pid in identities.items():
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.chroot(f"/proc/{pid}/root")
        os.chdir("/")
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        for folder, _, names in os.walk(code):
            for name in names:
                attempt(uid, os.path.join(folder, name), "a", os.path.join(folder, name))
        attempt(uid, model, "a", model)
        for folder in sorted({code, os.path.dirname(model)}):
            attempt(uid, os.path.join(folder, fresh), "x", folder + "/")
        with os.fdopen(writer, "w") as out:
            out.write(json.dumps(could[:50]))
        os._exit(0)
    os.close(writer)
    told = os.fdopen(reader).read()
    if os.wait()[1] != 0 or not told:
        sys.exit(f"no pude ser el usuario {uid}:{gid}")
    print(told)
if not identities:
    sys.exit("no queda ningún proceso")
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
            .witnessed(base, ATTEMPT, &[&token(16), code, model])
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
