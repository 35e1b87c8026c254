//! The image started as `docker run` would, with nothing around it.

use std::time::{Duration, Instant};

use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, HealthConfig, HostConfig, PortBinding};

use super::{APP_PORT, Bench, Image, KEY_HEADER};
use crate::lab::build::Built;
use crate::lab::container::{Container, GLANCE};
use crate::lab::engine::Reach;
use crate::lab::fault;
use crate::lab::http::Request;
use crate::lab::stack::no_health;
use crate::verdict::Finding;

/// Longest wait for an app to answer; the course's app needs a fraction of a second.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(15);

/// When what it has printed is first looked at: whatever comes later shows that it is still on its way.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// How much longer it is waited for each time that it has printed more and does not listen yet.
const MORE: Duration = Duration::from_secs(10);

/// Longest wait for an app that keeps printing.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the course's app says on `/health` when it has given up on loading its model.
const UNREADABLE_MODEL: &str = "el modelo no se pudo cargar";

/// A container of the image under test, and how its start went.
pub struct Alone<'lab> {
    /// The container; nothing when it could not even start.
    pub container: Option<Container<'lab>>,
    /// Nothing when `/health` answers 200; else what was seen, for the student.
    pub trouble: Option<String>,
}

impl<'lab> Bench<'lab> {
    /// The image started alone, once, for experiments that only look.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn alone(&self, image: &Image) -> anyhow::Result<&Alone<'lab>> {
        self.alone
            .get_or_try_init(|| {
                self.lab
                    .timed("arrancar sola", self.start_alone(image, "sola"))
            })
            .await
    }

    /// Starts the image alone as container `name`, and waits for its answer.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn start_alone(&self, image: &Image, name: &str) -> anyhow::Result<Alone<'lab>> {
        self.start_served(&image.built, name, self.port(), |_| {})
            .await
    }

    /// The image started alone, once, and sure to answer; or the finding for an item that needs it to.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn answering(&self) -> anyhow::Result<Result<(&Image, &Container<'lab>), Finding>> {
        let image = match self.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(Err(finding)),
        };
        let alone = self.alone(image).await?;
        Ok(match (&alone.container, &alone.trouble) {
            (Some(container), None) => Ok((image, container)),
            (_, trouble) => {
                let saw = trouble.clone().unwrap_or_default();
                Err(Finding::failed(saw).at(image.starts_at()))
            }
        })
    }

    /// Starts `built` as container `name`, as `docker run` would but for what `change` makes of the request, and
    /// waits until the app answers on `port`.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn start_served(
        &self,
        built: &Built,
        name: &str,
        port: u16,
        change: impl FnOnce(&mut ContainerCreateBody),
    ) -> anyhow::Result<Alone<'lab>> {
        let settings = |body: &mut ContainerCreateBody| {
            let environment = body.env.get_or_insert_default();
            environment.push(format!("AULA_CLAVE={}", self.switch_key));
            environment.push("LOG_LEVEL=INFO".to_owned());
            change(body);
        };
        let container = match self.start_on(built, name, &[port], settings).await? {
            Ok(container) => container,
            Err(trouble) => {
                return Ok(Alone {
                    container: None,
                    trouble: Some(trouble),
                });
            }
        };
        Ok(Alone {
            trouble: wait_for_answer(&container, port).await?,
            container: Some(container),
        })
    }

    /// Starts `built` as container `name`, as `docker run` would but for what `change` makes of the request: for
    /// programs that serve nothing. The inner error is why it does not start, for the student.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn start_run(
        &self,
        built: &Built,
        name: &str,
        change: impl FnOnce(&mut ContainerCreateBody),
    ) -> anyhow::Result<Result<Container<'lab>, String>> {
        self.start_on(built, name, &[], change).await
    }

    /// Starts the image as container `name` in `environment`, with the image's own health check unless `health` says
    /// otherwise, so that `ports` of it can be reached.
    ///
    /// # Errors
    /// The outer error is the machine's; the inner one says, for the student, why it does not start.
    pub async fn start(
        &self,
        name: &str,
        image: &Image,
        environment: Vec<String>,
        health: Option<HealthConfig>,
        ports: &[u16],
    ) -> anyhow::Result<Result<Container<'lab>, String>> {
        let settings = |body: &mut ContainerCreateBody| {
            body.env = Some(environment);
            body.healthcheck = health;
        };
        self.start_on(&image.built, name, ports, settings).await
    }

    async fn start_on(
        &self,
        built: &Built,
        name: &str,
        ports: &[u16],
        change: impl FnOnce(&mut ContainerCreateBody),
    ) -> anyhow::Result<Result<Container<'lab>, String>> {
        let started = async {
            // What is tried on this container has nothing to do with its health check.
            let mut body = self.body_of(built, ports, Some(no_health())).await?;
            change(&mut body);
            let container = Container::create(self.lab, name, body).await?;
            container.start().await?;
            Ok(container)
        };
        match started.await {
            Ok(container) => Ok(Ok(container)),
            Err(Error::DockerResponseServerError {
                status_code: 400 | 404 | 500,
                message,
            }) if !fault::is_machines(&message) => {
                Ok(Err(format!("el contenedor no arranca: {message}")))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Bench<'_> {
    /// What the engine is asked for to run `built` with nothing around it, so that `ports` of it can be reached.
    ///
    /// # Errors
    /// When the engine does not make the lab's network.
    async fn body_of(
        &self,
        built: &Built,
        ports: &[u16],
        healthcheck: Option<HealthConfig>,
    ) -> Result<ContainerCreateBody, Error> {
        let ports = || ports.iter().map(|port| format!("{port}/tcp"));
        let published = matches!(self.lab.engine().facts().reach, Reach::Published(_));
        let binding = PortBinding {
            host_ip: Some("127.0.0.1".into()),
            host_port: None,
        };
        Ok(ContainerCreateBody {
            image: Some(built.image.clone()),
            healthcheck,
            exposed_ports: published.then(|| ports().collect()),
            host_config: Some(HostConfig {
                network_mode: Some(self.lab.network().await?.to_owned()),
                port_bindings: published.then(|| {
                    ports()
                        .map(|port| (port, Some(vec![binding.clone()])))
                        .collect()
                }),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        })
    }
}

/// Waits until `/health` answers 200; gives what was seen instead, for the student.
///
/// # Errors
/// When the engine does not answer.
pub async fn wait_for_answer(
    container: &Container<'_>,
    port: u16,
) -> anyhow::Result<Option<String>> {
    wait(container, port, None).await
}

/// The same for an app that may be held in its start, as whenever the engine restarts one that was made so: it is let
/// go with `key`.
///
/// # Errors
/// When the engine does not answer.
pub async fn wake_and_wait(
    container: &Container<'_>,
    port: u16,
    key: &str,
) -> anyhow::Result<Option<String>> {
    wait(container, port, Some(key)).await
}

async fn wait(
    container: &Container<'_>,
    port: u16,
    key: Option<&str>,
) -> anyhow::Result<Option<String>> {
    let begun = Instant::now();
    let mut limit = ANSWER_LIMIT;
    let mut printed = None;
    let mut last;
    loop {
        let mut silent = false;
        match container.ask(port, &Request::get("/health")).await {
            Ok(reply) if reply.status == 200 => return Ok(None),
            Ok(reply) => {
                if let Some(key) = key {
                    let request = Request::post("/_averia/sana", "").header(KEY_HEADER, key);
                    // An app that does not take it shows in its health.
                    let _ = container.ask(port, &request).await;
                }
                last = format!("`/health` responde {}", reply.status);
            }
            Err(_) => {
                silent = true;
                last = format!("nadie responde en el puerto {port}");
            }
        }
        let state = container.state().await?;
        if state.running != Some(true) && state.restarting != Some(true) {
            return Ok(Some(format!(
                "el contenedor terminó con código {} sin llegar a responder. Sus últimas líneas:\n{}",
                state.exit_code.unwrap_or(-1),
                container.last_lines(5).await
            )));
        }
        if let Some(trouble) = hopeless(container, port, begun.elapsed()).await {
            return Ok(Some(format!(
                "{trouble}. Sus últimas líneas:\n{}",
                container.last_lines(5).await
            )));
        }
        let waited = begun.elapsed();
        if waited > FIRST_LOOK && printed.is_none() {
            printed = Some(container.logs().await?.len());
        }
        if waited > limit && silent && limit < PATIENCE {
            // An app that answers prints its accesses: only one that does not can show that it comes on.
            let now = container.logs().await?.len();
            if printed.replace(now).is_some_and(|before| now > before) {
                limit = waited + MORE;
            }
        }
        if waited > limit {
            return Ok(Some(format!(
                "el contenedor sigue en marcha, pero tras {} s {last}. Sus últimas líneas:\n{}",
                waited.as_secs(),
                container.last_lines(5).await
            )));
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// How long an app that is heard on another port may take to be heard on the right one as well.
const OTHER_PORT_PATIENCE: Duration = Duration::from_secs(2);

/// What makes any further wait for an answer pointless, for the student.
async fn hopeless(container: &Container<'_>, port: u16, waited: Duration) -> Option<String> {
    match container.ask(port, &Request::get("/health")).await {
        Ok(reply) if reply.status == 503 && reply.json()["motivo"] == UNREADABLE_MODEL => Some(
            "el contenedor sigue en marcha, pero `/health` responde 503: la app no pudo cargar el modelo"
                .to_owned(),
        ),
        Err(_) if port != APP_PORT && waited > OTHER_PORT_PATIENCE => {
            let other = container.ask(APP_PORT, &Request::get("/health")).await;
            other.ok().map(|_| {
                format!("nadie responde en el puerto {port}, pero sí en el {APP_PORT}")
            })
        }
        _ => None,
    }
}
