use std::time::Instant;

use super::bench::ANSWER_LIMIT;
use super::{Bench, Experiment, NoParams};
use crate::lab::container::GLANCE;
use crate::lab::http::Request;
use crate::verdict::Finding;

/// The port that the engine hands out for what the image announces leads to the app.
pub struct Publishable;

impl Experiment for Publishable {
    type Params = NoParams;
    const ID: &'static str = "publicable";
    const WHAT: &'static str = "Arranca la imagen como `docker run -P` y pide `/health` en el puerto del anfitrión que reparte el motor.";
    const CONTROL: &'static str =
        "Si la imagen anuncia varios puertos, basta con que uno lleve a la app.";
    const WHY: &'static str = "Anunciar un puerto no lo abre: alguien tiene que escuchar detrás, en ese y en todas las direcciones del contenedor.";

    fn tried(_: &NoParams) -> String {
        "arrancar con `docker run -P` y pedir `/health` en el puerto que reparte el motor".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let published = match bench.start_published(image).await? {
            Ok(published) => published,
            Err(trouble) => return Ok(Finding::failed(trouble).at(image.starts_at())),
        };
        let ports: Vec<(&str, u16)> = published.tcp().collect();
        let begun = Instant::now();
        loop {
            for &(port, host) in &ports {
                let Some(addr) = published.at(host).await? else {
                    continue;
                };
                let reply = Request::get("/health").send(bench.lab.engine(), addr).await;
                if reply.is_ok_and(|reply| reply.status == 200) {
                    return Ok(Finding::passed(format!(
                        "el motor publicó el {port} en el {host}, y ahí responde la app"
                    )));
                }
            }
            let state = published.container.state().await?;
            if state.running != Some(true) || begun.elapsed() > ANSWER_LIMIT {
                break;
            }
            tokio::time::sleep(GLANCE).await;
        }
        let ports: Vec<&str> = ports.into_iter().map(|(port, _)| port).collect();
        let saw = match ports.as_slice() {
            [] => "el motor no publicó ningún puerto".to_owned(),
            [port] => {
                format!("la imagen anuncia el puerto {port}, pero detrás de él no responde nadie")
            }
            ports => format!(
                "la imagen anuncia los puertos {}, pero detrás de ninguno responde la app",
                ports.join(", ")
            ),
        };
        Ok(Finding::failed(saw).at(image.dockerfile.last("EXPOSE")))
    }
}
