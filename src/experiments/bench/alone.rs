//! The image started as `docker run` would, with nothing around it.

use std::time::{Duration, Instant};

use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, HealthConfig, HostConfig, PortBinding};

use super::{APP_PORT, Bench, Image, KEY_HEADER};
use crate::lab::container::{Container, GLANCE};
use crate::lab::engine::Reach;
use crate::lab::fault;
use crate::lab::http::Request;
use crate::lab::stack::no_health;

/// Longest wait for an app to answer; the course's app needs a fraction of a second.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(15);

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
        let started = async {
            let body = self
                .body_alone(image, environment, Some(no_health()))
                .await?;
            let container = Container::create(self.lab, name, body).await?;
            container.start().await?;
            Ok(container)
        };
        match started.await {
            Ok(container) => Ok(Alone {
                trouble: wait_for_answer(&container, APP_PORT).await?,
                container: Some(container),
            }),
            Err(Error::DockerResponseServerError {
                status_code: 400 | 404 | 500,
                message,
            }) if !fault::is_machines(&message) => Ok(Alone {
                container: None,
                trouble: Some(format!("el contenedor no arranca: {message}")),
            }),
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
    ) -> Result<ContainerCreateBody, Error> {
        let port = format!("{APP_PORT}/tcp");
        let published = matches!(self.lab.engine().facts().reach, Reach::Published(_));
        let binding = PortBinding {
            host_ip: Some("127.0.0.1".into()),
            host_port: None,
        };
        Ok(ContainerCreateBody {
            image: Some(image.built.image.clone()),
            env: Some(environment),
            healthcheck,
            exposed_ports: published.then(|| vec![port.clone()]),
            host_config: Some(HostConfig {
                network_mode: Some(self.lab.network().await?.to_owned()),
                port_bindings: published.then(|| [(port, Some(vec![binding]))].into()),
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
    let mut last;
    loop {
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
