//! The image started as `docker run` would, with nothing around it.

use std::time::{Duration, Instant};

use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, HealthConfig, HostConfig, PortBinding};

use super::{APP_PORT, Bench, Image};
use crate::lab::container::{Container, GLANCE};
use crate::lab::engine::Reach;
use crate::lab::fault;
use crate::lab::http::Request;
use crate::lab::stack::no_health;

/// Longest wait for an app to answer; the course's app needs a fraction of a second.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(15);

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
        let environment = vec![
            format!("AULA_CLAVE={}", self.switch_key),
            "LOG_LEVEL=INFO".to_owned(),
        ];
        // What is tried on this container has nothing to do with its health check.
        let health = Some(no_health());
        let ports = [self.port()];
        Ok(
            match self.start(name, image, environment, health, &ports).await? {
                Ok(container) => Alone {
                    trouble: wait_for_answer(&container, self.port()).await?,
                    container: Some(container),
                },
                Err(trouble) => Alone {
                    container: None,
                    trouble: Some(trouble),
                },
            },
        )
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
        let started = async {
            let body = self.body_alone(image, environment, health, ports).await?;
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
    /// What the engine is asked for to run the image with nothing around it.
    ///
    /// # Errors
    /// When the engine does not make the lab's network.
    pub(super) async fn body_alone(
        &self,
        image: &Image,
        environment: Vec<String>,
        healthcheck: Option<HealthConfig>,
        ports: &[u16],
    ) -> Result<ContainerCreateBody, Error> {
        let ports = || ports.iter().map(|port| format!("{port}/tcp"));
        let published = matches!(self.lab.engine().facts().reach, Reach::Published(_));
        let binding = PortBinding {
            host_ip: Some("127.0.0.1".into()),
            host_port: None,
        };
        Ok(ContainerCreateBody {
            image: Some(image.built.image.clone()),
            env: Some(environment),
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
    let begun = Instant::now();
    let mut last;
    loop {
        match container.ask(port, &Request::get("/health")).await {
            Ok(reply) if reply.status == 200 => return Ok(None),
            Ok(reply) => last = format!("`/health` responde {}", reply.status),
            Err(_) => last = format!("nadie responde en el puerto {port}"),
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
        if begun.elapsed() > ANSWER_LIMIT {
            return Ok(Some(format!(
                "el contenedor sigue en marcha, pero tras {} s {last}. Sus últimas líneas:\n{}",
                ANSWER_LIMIT.as_secs(),
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
