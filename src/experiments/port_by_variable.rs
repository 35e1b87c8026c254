use rand::RngExt;

use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// A variable that is given from outside reaches the app: it serves on the port that `PORT` says.
pub struct PortByVariable;

impl Experiment for PortByVariable {
    type Params = NoParams;
    const ID: &'static str = "puerto-por-variable";
    const WHAT: &'static str =
        "Arranca la imagen con `PORT` puesta a un puerto al azar, y le pide `/health` ahí.";
    const CONTROL: &'static str =
        "El puerto se elige en el momento: nadie lo puede haber escrito antes en el Dockerfile.";
    const WHY: &'static str = "La misma imagen se despliega en sitios distintos, y lo que cambia de uno a otro llega por variables de entorno.";

    fn tried(_: &NoParams) -> String {
        "arrancar con `-e PORT=` y un puerto al azar, y pedir `/health` en ese puerto".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let port: u16 = rand::rng().random_range(20_000..60_000);
        let started = bench.start_served(&image.built, "otro-puerto", port, |body| {
            let environment = body.env.get_or_insert_default();
            environment.push(format!("PORT={port}"));
        });
        let alone = bench.lab.timed("arrancar con otro puerto", started).await?;
        Ok(match alone.trouble {
            None => Finding::passed(format!("con `PORT={port}`, la app respondió en el {port}")),
            Some(trouble) => {
                Finding::failed(format!("con `-e PORT={port}`, {trouble}")).at(image.starts_at())
            }
        })
    }
}
