use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// The image builds from a clean folder.
pub struct Builds;

impl Experiment for Builds {
    type Params = NoParams;
    const ID: &'static str = "construye";
    const WHAT: &'static str = "Construye la imagen como la pide Compose (o `docker build .`), con el contexto que deja `.dockerignore`.";
    const CONTROL: &'static str = "Los archivos del curso se ponen intactos sobre la entrega, y nada se descarga: si falta la imagen base, el punto no se decide.";
    const WHY: &'static str =
        "Si la imagen no se construye desde una carpeta limpia, nadie más que tú podrá usarla.";

    fn tried(_: &NoParams) -> String {
        "construir la imagen desde una copia limpia de tu carpeta".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        Ok(match bench.image().await {
            Ok(image) => {
                Finding::passed(format!("se construyó en {} pasos", image.built.steps.len()))
            }
            Err(finding) => finding,
        })
    }
}
