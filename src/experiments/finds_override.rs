use super::bench::modes::Mode;
use super::{Bench, Experiment, NoParams};
use crate::submission::Location;
use crate::verdict::Finding;

/// `docker compose` reads an override by itself that `-f` with the main file leaves out.
pub struct FindsOverride;

impl Experiment for FindsOverride {
    type Params = NoParams;
    const ID: &'static str = "encuentra-override";
    const WHAT: &'static str = "Carga el proyecto sin `-f` y con `-f` y solo el archivo principal, y compara qué archivos lee Compose.";
    const CONTROL: &'static str = "Vale cualquier nombre que Compose encuentre por su cuenta; un archivo incluido desde el principal no cuenta.";
    const WHY: &'static str =
        "Un override con otro nombre no lo lee nadie: todo parece funcionar, y falta la mitad.";

    fn tried(_: &NoParams) -> String {
        "comparar los archivos que lee `docker compose up` con los que lee `docker compose -f ARCHIVO up`".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let read = |mode| Some(bench.load_in(&bench.setting_of(mode)?));
        let (Some(all), Some(main)) = (read(Mode::Desarrollo), read(Mode::Produccion)) else {
            return Ok(Finding::failed(
                "no hay archivo de Compose en la raíz de la entrega",
            ));
        };
        let (all, main) = match (bench.valid(&all), bench.valid(&main)) {
            (Ok(all), Ok(main)) => (&all.project.files, &main.project.files),
            (Err(finding), _) | (_, Err(finding)) => return Ok(finding),
        };
        if let Some(more) = all.iter().find(|file| !main.contains(file)) {
            return Ok(Finding::passed(format!(
                "Compose lee por su cuenta `{more}`, además del principal"
            )));
        }
        let first = main.first().map_or("compose.yaml", String::as_str);
        let near = bench
            .files()
            .entries()
            .map(|(path, _)| path)
            .find(|path| is_near(path) && !all.iter().any(|file| file == path));
        let hint = match near {
            Some(near) => format!(". `{near}` tiene un nombre que Compose no busca"),
            None => String::new(),
        };
        let saw = format!("`docker compose up` solo lee `{first}`{hint}");
        Ok(Finding::failed(saw).at(Some(Location::line(first, 1))))
    }
}

/// Whether `path` is a YAML file of the root whose name may be meant to be an override's.
fn is_near(path: &str) -> bool {
    let lower = path.to_lowercase();
    !path.contains('/')
        && (lower.ends_with(".yml") || lower.ends_with(".yaml"))
        && ["over", "compose", "dev", "desarrollo"]
            .iter()
            .any(|word| lower.contains(word))
}
