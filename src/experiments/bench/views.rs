//! What each service of the risen project reaches, seen from inside its own network.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::json;

use super::{Bench, Risen};
use crate::lab::container::Container;
use crate::submission::Location;
use crate::verdict::Finding;

/// What every service reaches, by its name.
pub type Views = BTreeMap<String, View>;

/// Seconds after which a first look tries no other service again; each try takes two at most.
const GLIMPSE: u32 = 1;

/// Seconds that a service gets before it counts as out of reach: the machine may be busy.
const STARE: u32 = 15;

/// What one service reaches.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct View {
    /// The name that the app's process in this container gave itself; nothing: it does not serve the app.
    pub own: Option<String>,
    /// Every other service, by its name.
    pub others: BTreeMap<String, Sight>,
    /// Why it could not be looked from there, for the student.
    #[serde(default)]
    pub blind: Option<String>,
}

/// How another service is seen.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Sight {
    /// The process that answers under the service's name.
    pub by_name: Option<String>,
    /// What happened instead.
    pub trouble: String,
    /// Processes that answer at an address of the service: address → process.
    pub by_address: BTreeMap<String, String>,
}

/// Runs in the network of a container. `argv`: seconds, its own port, `{service: [port, [address, …]]}`; prints a
/// [`View`]. The app's `instancia` is a word that each process chooses at random.
const LOOK: &str = r#"
import json, os, sys, threading, time, urllib.request
patience, port, others = float(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
http = urllib.request.build_opener(urllib.request.ProxyHandler({}))
def ask(host, port):
    with http.open(f"http://{host}:{port}/config", timeout=2) as reply:
        return str(json.loads(reply.read(65536))["instancia"])
def insist(host, port, seconds):
    until = time.monotonic() + seconds
    while True:
        try:
            return ask(host, port), ""
        except Exception as error:
            if time.monotonic() > until:
                return None, str(getattr(error, "reason", error))[:200]
        time.sleep(0.1)
own, _ = insist("127.0.0.1", port, 10)
seen = {name: {"by_name": None, "trouble": "el nombre no se resuelve", "by_address": {}} for name in others}
def by_name(name, port):
    answer, trouble = insist(name, port, patience)
    seen[name].update(by_name=answer, trouble=trouble)
def by_address(name, address, port):
    answer, _ = insist(address, port, patience)
    if answer:
        seen[name]["by_address"][address] = answer
threads = []
for name, (port, addresses) in others.items():
    threads.append(threading.Thread(target=by_name, args=(name, port), daemon=True))
    for address in addresses:
        threads.append(threading.Thread(target=by_address, args=(name, address, port), daemon=True))
for thread in threads:
    thread.start()
end = time.monotonic() + patience + 3
for thread in threads:
    thread.join(max(0, end - time.monotonic()))
print(json.dumps({"own": own, "others": seen}), flush=True)
os._exit(0)
"#;

impl<'lab> Bench<'lab> {
    /// What every service of the risen project reaches, looked at once.
    ///
    /// # Errors
    /// The outer error is the machine's; the inner one keeps the project from being looked at.
    pub async fn views(&self, risen: &Risen<'lab>) -> anyhow::Result<&Views> {
        let views = self.views.get_or_try_init(|| async {
            self.say("miro, desde dentro de cada servicio, a quién alcanza");
            let names = risen.stack.project().services.keys();
            let looked = names.map(|name| async move {
                let view = self.look(risen, name, GLIMPSE).await?;
                anyhow::Ok((name.clone(), view))
            });
            let all = try_join_all(looked);
            let views = self.lab.timed("mirar desde cada servicio", all).await?;
            anyhow::Ok(views.into_iter().collect())
        });
        views.await
    }

    /// Looks again from `service`, with time enough for a busy machine.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn stare(&self, risen: &Risen<'lab>, service: &str) -> anyhow::Result<View> {
        self.look(risen, service, STARE).await
    }

    async fn look(&self, risen: &Risen<'lab>, service: &str, seconds: u32) -> anyhow::Result<View> {
        let Some(container) = risen.stack.containers(service).await.into_iter().next() else {
            return Ok(View::blind(format!(
                "`{service}` no tiene ningún contenedor"
            )));
        };
        let services = &risen.stack.project().services;
        let mut others = BTreeMap::new();
        for (name, other) in services.iter().filter(|(name, _)| *name != service) {
            let mut addresses = Vec::new();
            for container in risen.stack.containers(name).await {
                addresses.extend(container.addresses().await?);
            }
            others.insert(name, json!([Self::port_of(other), addresses]));
        }
        let port = services.get(service).map_or(super::APP_PORT, Self::port_of);
        let args = [
            seconds.to_string(),
            port.to_string(),
            serde_json::to_string(&others)?,
        ];
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let base = self.base_image()?;
        match container.witnessed_network(base, LOOK, &args).await {
            Ok(told) => Ok(serde_json::from_str(told.trim())?),
            Err(error) => match ended(&container).await? {
                Some(how) => Ok(View::blind(format!("`{service}` {how}"))),
                None => Err(error),
            },
        }
    }
}

impl View {
    fn blind(why: String) -> Self {
        Self {
            blind: Some(why),
            ..Self::default()
        }
    }
}

/// How `container` ended; nothing while it runs.
async fn ended(container: &Container<'_>) -> anyhow::Result<Option<String>> {
    let state = container.state().await?;
    if state.running == Some(true) && state.restarting != Some(true) {
        return Ok(None);
    }
    Ok(Some(format!(
        "no sigue en marcha: terminó con código {}. Sus últimas líneas:\n{}",
        state.exit_code.unwrap_or(-1),
        container.last_lines(5).await
    )))
}

/// Where `service` says in which networks it is.
pub fn networks_of(risen: &Risen<'_>, service: &str) -> Option<Location> {
    let service = risen.stack.project().services.get(service)?;
    let first = service.networks.first();
    Some(
        first
            .map_or(&service.location, |first| &first.location)
            .clone(),
    )
}

/// The finding that `service` is not in the project.
pub fn absent(service: &str) -> Finding {
    Finding::failed(format!("el proyecto no tiene ningún servicio `{service}`"))
}
