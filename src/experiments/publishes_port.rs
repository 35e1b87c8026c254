use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::API_ROLE;
use super::{Bench, Experiment};
use crate::lab::http::Request;
use crate::submission::compose::Port;
use crate::verdict::Finding;

/// The app's service is published on the host port that the goal asks for, and answers behind it.
pub struct PublishesPort;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// El puerto del anfitrión.
    puerto: u16,
}

impl Experiment for PublishesPort {
    type Params = Params;
    const ID: &'static str = "publica-puerto";
    const WHAT: &'static str = "Levanta el proyecto, mira a qué puerto del contenedor lleva el del anfitrión y pregunta ahí a la app.";
    const CONTROL: &'static str = "El número es el que hay en el archivo; al levantar se cambia por uno libre, y tiene que ser el motor quien diga que lo publicó.";
    const WHY: &'static str = "En `ANFITRIÓN:CONTENEDOR`, el primero es el que abres en el navegador y el segundo donde escucha la app: si uno no es el que toca, nadie responde.";

    fn tried(params: &Params) -> String {
        format!(
            "levantar el proyecto y pedir `/health` por el puerto {} del anfitrión",
            params.puerto
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.read().await;
        let front = match bench.front(risen).await? {
            Ok(front) => front,
            Err(finding) => return Ok(finding),
        };
        let (name, wanted) = (bench.service_name(API_ROLE), params.puerto);
        let ports = front.service.ports.iter();
        let tcp: Vec<&Port> = ports.filter(|port| port.protocol == "tcp").collect();
        let Some(port) = tcp
            .iter()
            .find(|port| port.published == Some((wanted, wanted)))
        else {
            let at = tcp
                .first()
                .map_or(&front.service.location, |port| &port.location);
            let saw = match tcp.as_slice() {
                [] => format!(
                    "`{name}` no publica ningún puerto: `expose` y `EXPOSE` solo lo anuncian, y desde fuera no se llega"
                ),
                all => format!(
                    "el puerto {wanted} del anfitrión no lleva a `{name}`: {}",
                    all.iter()
                        .map(|port| told(port))
                        .collect::<Vec<_>>()
                        .join("; ")
                ),
            };
            return Ok(Finding::failed(saw).at(Some(at.clone())));
        };
        let failed = |saw: String| Ok(Finding::failed(saw).at(Some(port.location.clone())));
        if let Some(ip) = port.host_ip.as_ref().filter(|ip| !is_reached(ip)) {
            return failed(format!(
                "el puerto {wanted} solo se abre en la dirección {ip}, y en `localhost` no responde nadie"
            ));
        }
        if front.container.published(port.target).await?.is_none() {
            return failed(format!(
                "el motor no publicó el puerto {} del contenedor: ¿está `{name}` solo en redes internas?",
                port.target
            ));
        }
        match front
            .container
            .ask(port.target, &Request::get("/health"))
            .await
        {
            Ok(reply) if reply.status == 200 => Ok(Finding::passed(format!(
                "el puerto {wanted} del anfitrión lleva al {} de `{name}`, y `/health` respondió 200",
                port.target
            ))),
            Ok(reply) => failed(format!(
                "el puerto {wanted} del anfitrión lleva al {} de `{name}`, donde `/health` responde {}",
                port.target, reply.status
            )),
            Err(_) => failed(format!(
                "el puerto {wanted} del anfitrión lleva al {} del contenedor, donde no escucha nadie: la API escucha en el {}",
                port.target, front.port
            )),
        }
    }
}

/// Where a published port leads, as the student wrote it.
fn told(port: &Port) -> String {
    match port.published {
        Some((first, last)) if first == last => {
            format!(
                "publicas el {first}, que lleva al {} del contenedor",
                port.target
            )
        }
        Some((first, last)) => format!(
            "publicas uno cualquiera de {first} a {last}, que lleva al {} del contenedor",
            port.target
        ),
        None => format!(
            "publicas el {} del contenedor en un puerto al azar",
            port.target
        ),
    }
}

/// Whether `localhost` leads to what is opened on the address `ip`.
fn is_reached(ip: &str) -> bool {
    ["0.0.0.0", "127.0.0.1", "::", "::1"].contains(&ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_leads_to_the_loopback_and_to_all_addresses_but_to_no_other() {
        assert!(
            ["0.0.0.0", "127.0.0.1", "::", "::1"]
                .into_iter()
                .all(is_reached)
        );
        assert!(!is_reached("192.168.1.20"));
        assert!(!is_reached("127.0.0.2"));
    }
}
