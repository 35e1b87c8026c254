use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::views::absent;
use super::{Bench, Experiment};
use crate::lab::http::Request;
use crate::verdict::Finding;

/// A service is reached through a port of the host, or through none.
pub struct Publishes;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// El servicio que se mira.
    servicio: String,
    /// Si tiene que estar publicado (`true`) o no (`false`).
    publica: bool,
}

/// How often a published port is tried.
const TRIES: usize = 3;

impl Experiment for Publishes {
    type Params = Params;
    const ID: &'static str = "publica";
    const WHAT: &'static str = "Mira qué puertos del anfitrión llevan a un servicio y, si tiene que haber uno, pregunta por él.";
    const CONTROL: &'static str = "Se mira lo que el motor publicó de verdad: un `ports` en una red interna no publica nada. Los puertos del anfitrión se cambian por otros libres.";
    const WHY: &'static str = "Un puerto publicado es una puerta a toda la máquina: solo la necesita quien atiende a los de fuera.";

    fn tried(params: &Params) -> String {
        if params.publica {
            format!("llegar a `{}` por un puerto del anfitrión", params.servicio)
        } else {
            format!(
                "buscar puertos del anfitrión que lleven a `{}`",
                params.servicio
            )
        }
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.read().await;
        let name = &params.servicio;
        let Some(service) = risen.stack.project().services.get(name) else {
            return Ok(absent(name));
        };
        let first = service.ports.first().map(|port| &port.location);
        let at = first.unwrap_or(&service.location).clone();
        let failed = |saw: String| Ok(Finding::failed(saw).at(Some(at.clone())));
        let Some(container) = risen.stack.containers(name).await.into_iter().next() else {
            return failed(format!("`{name}` no tiene ningún contenedor"));
        };
        if !params.publica {
            let ports = container.inspect().await?.network_settings;
            let ports = ports.and_then(|network| network.ports).unwrap_or_default();
            let open = ports
                .into_iter()
                .find(|(_, bindings)| bindings.as_ref().is_some_and(|it| !it.is_empty()));
            return match open {
                Some((port, _)) => failed(format!(
                    "el puerto {port} de `{name}` está publicado en el anfitrión"
                )),
                None => Ok(Finding::passed(format!(
                    "ningún puerto del anfitrión lleva a `{name}`"
                ))),
            };
        }
        let port = Bench::port_of(service);
        let own = bench.views(risen).await?.get(name);
        let own = own.and_then(|view| view.own.clone());
        let mut last = String::new();
        for _ in 0..TRIES {
            match container
                .ask_published(port, &Request::get("/config"))
                .await
            {
                Ok(None) if service.ports.is_empty() => {
                    return failed(format!("`{name}` no publica ningún puerto"));
                }
                Ok(None) => {
                    return failed(format!(
                        "el motor no publica el puerto {port} de `{name}`: o `ports` nombra otro, o todas sus redes son internas, y de ahí no se publica nada"
                    ));
                }
                Ok(Some(reply)) => {
                    let answer = reply.json()["instancia"].as_str().map(str::to_owned);
                    if answer.is_some() && answer == own {
                        return Ok(Finding::passed(format!(
                            "`{name}` responde en un puerto del anfitrión"
                        )));
                    }
                    last = format!("responde {}, pero no es `{name}`", reply.status);
                }
                Err(error) => last = error.to_string(),
            }
        }
        failed(format!(
            "el puerto publicado de `{name}` no lleva a su app: {last}"
        ))
    }
}
