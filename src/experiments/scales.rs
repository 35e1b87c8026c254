use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::Scaled;
use super::{Bench, Experiment};
use crate::submission::Location;
use crate::verdict::Finding;

/// The service runs as several replicas at once, each reachable from the host.
pub struct Scales;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// El servicio que se escala.
    servicio: String,
    /// Cuántas réplicas.
    replicas: u64,
    /// Lo único que se mira: `arranque` (que Compose pueda arrancarlas), `vida` (que respondan), `instancias` (que sean
    /// procesos distintos) o `puertos` (que cada una tenga el suyo en el anfitrión). Sin él, todo.
    mira: Option<Aspect>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Aspect {
    Arranque,
    Vida,
    Instancias,
    Puertos,
}

impl Experiment for Scales {
    type Params = Params;
    const ID: &'static str = "escala";
    const WHAT: &'static str = "Escala el servicio y pregunta a cada réplica quién es.";
    const CONTROL: &'static str =
        "Cada proceso tiene un nombre al azar: una réplica que responde por dos no vale.";
    const WHY: &'static str = "Un nombre o un puerto fijos solo los puede tener un contenedor: con ellos no hay segunda réplica.";

    fn tried(params: &Params) -> String {
        let look = match params.mira {
            None | Some(Aspect::Instancias) => " y preguntar a cada réplica quién es",
            Some(Aspect::Arranque) => "",
            Some(Aspect::Vida) => " y pedir `/health` a cada réplica",
            Some(Aspect::Puertos) => " y mirar en qué puerto del anfitrión quedó cada una",
        };
        format!(
            "`docker compose up -d --scale {}={}`{look}",
            params.servicio, params.replicas
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let (name, wanted) = (&params.servicio, params.replicas);
        let scaled = match bench.scaled(name, wanted).await {
            Ok(scaled) => scaled,
            Err(finding) => return Ok(finding),
        };
        let project = bench.compose.as_ref().ok().and_then(Option::as_ref);
        let service = project.and_then(|loaded| loaded.project.services.get(name));
        let at = service.map(|service| service.location.clone());
        let Some(only) = params.mira else {
            for look in [alive, published, distinct] {
                let finding = look(scaled, wanted, at.clone());
                if finding.outcome != crate::verdict::Outcome::Passed {
                    return Ok(finding);
                }
            }
            return Ok(Finding::passed(format!(
                "{} réplicas distintas responden, cada una con su puerto",
                scaled.replicas.len()
            )));
        };
        Ok(match only {
            Aspect::Arranque if scaled.replicas.len() as u64 == wanted => {
                Finding::passed(format!("Compose arrancó {wanted} contenedores de `{name}`"))
            }
            Aspect::Arranque => Finding::failed(format!(
                "pedí {wanted} réplicas y hay {}",
                scaled.replicas.len()
            ))
            .at(at),
            Aspect::Vida => alive(scaled, wanted, at),
            Aspect::Instancias => distinct(scaled, wanted, at),
            Aspect::Puertos => published(scaled, wanted, at),
        })
    }
}

fn alive(scaled: &Scaled, wanted: u64, at: Option<Location>) -> Finding {
    let mut troubles = scaled.replicas.iter().filter_map(|it| it.trouble.as_ref());
    match troubles.next() {
        None => Finding::passed(format!("las {wanted} réplicas responden")),
        Some(first) => {
            let saw = match troubles.count() {
                0 => format!("una réplica no responde: {first}"),
                more => format!("{} réplicas no responden; la primera: {first}", more + 1),
            };
            Finding::failed(saw).at(at)
        }
    }
}

fn distinct(scaled: &Scaled, wanted: u64, at: Option<Location>) -> Finding {
    let instances = scaled.replicas.iter().filter_map(|it| it.instance.as_ref());
    let distinct = instances.collect::<BTreeSet<_>>().len() as u64;
    if distinct >= wanted {
        return Finding::passed(format!("responden {distinct} procesos distintos"));
    }
    Finding::failed(format!(
        "pedí {wanted} réplicas y detrás de ellas solo hay {distinct} {}: el trabajo no se reparte",
        if distinct == 1 {
            "proceso de la API"
        } else {
            "procesos distintos de la API"
        }
    ))
    .at(at)
}

fn published(scaled: &Scaled, _: u64, at: Option<Location>) -> Finding {
    let ports: Vec<Option<u16>> = scaled.replicas.iter().map(|it| it.published).collect();
    let distinct = ports.iter().flatten().collect::<BTreeSet<_>>().len();
    let bare = ports.iter().filter(|port| port.is_none()).count();
    if bare > 0 {
        Finding::failed(format!(
            "de {} réplicas, {bare} no tienen su puerto publicado en el anfitrión: desde fuera no se llega a ellas",
            ports.len()
        ))
        .at(at)
    } else if distinct < ports.len() {
        Finding::failed(format!(
            "{} réplicas comparten {distinct} puertos del anfitrión",
            ports.len()
        ))
        .at(at)
    } else {
        Finding::passed(format!(
            "cada una de las {distinct} réplicas tiene su puerto en el anfitrión"
        ))
    }
}
