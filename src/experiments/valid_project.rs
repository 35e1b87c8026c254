use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// Compose takes the file, and the services that the goal asks for are in it.
pub struct ValidProject;

impl Experiment for ValidProject {
    type Params = NoParams;
    const ID: &'static str = "compose-valido";
    const WHAT: &'static str = "Lee el archivo de Compose entero, como `docker compose config -q`, y busca los servicios que pide el objetivo.";
    const CONTROL: &'static str = "En las pruebas de muelle, su lector se compara con Docker Compose sobre los mismos archivos.";
    const WHY: &'static str = "Compose lee el archivo entero antes de hacer nada: una línea que no entiende lo detiene todo.";

    fn tried(_: &NoParams) -> String {
        "leer el archivo de Compose, como `docker compose config -q`".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        Ok(match bench.valid_project() {
            Ok(()) => Finding::passed("Compose lo acepta y los servicios que se piden están"),
            Err(finding) => finding,
        })
    }
}
