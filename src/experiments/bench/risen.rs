//! The whole project brought up, with the app held in its start so that whoever does not wait is caught.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{APP_PORT, API_ROLE, Bench, KEY_HEADER};
use crate::lab::container::{Container, GLANCE};
use crate::lab::http::Request;
use crate::lab::stack::{HealthTiming, Phase, ProbeCount, Stack, Tweaks, UpError};
use crate::submission::compose::{ComposeError, Service};
use crate::verdict::Finding;

/// How long the app is held at most, when what waits for it cannot be told.
const HOLD_LIMIT: Duration = Duration::from_secs(10);

/// How long a job that was started too early may go on trying by itself before the app is let go.
const OWN_PATIENCE: Duration = Duration::from_secs(2);

/// Longest wait for a job to end once the app is well.
const JOB_LIMIT: Duration = Duration::from_secs(20);

/// The project, up.
pub struct Risen<'lab> {
    /// The stack.
    pub stack: Stack<'lab>,
    /// The one-shot jobs (every service but the app's), by service.
    pub jobs: BTreeMap<String, JobRun>,
    /// Predictions that the app had answered when the jobs were over.
    pub predictions: u64,
}

/// How a one-shot job went.
#[derive(Clone, Debug)]
pub struct JobRun {
    /// Whether it was started while the app was still held in its start.
    pub started_early: bool,
    /// Its exit code; nothing when it still runs.
    pub code: Option<i64>,
    /// How often the engine restarted it.
    pub restarts: i64,
    /// What it printed.
    pub output: String,
}

impl<'lab> Bench<'lab> {
    /// The project brought up, once.
    ///
    /// # Errors
    /// The finding that says why it does not come up.
    pub async fn risen(&self) -> Result<&Risen<'lab>, Finding> {
        let risen = self
            .risen
            .get_or_init(|| self.lab.timed("levantar el proyecto", self.rise()));
        risen.await.as_ref().map_err(Clone::clone)
    }

    /// The port that `service` serves the app on.
    pub fn port_of(service: &Service) -> u16 {
        let port = service.environment.get("PORT").and_then(|port| port.value.as_ref()?.parse().ok());
        port.unwrap_or(APP_PORT)
    }

    /// The service that serves the app, in the checker's surroundings.
    pub fn tuned_api(&self) -> Option<&Service> {
        self.tuned.as_ref()?.project.services.get(self.service_name(API_ROLE))
    }

    async fn rise(&self) -> Result<Risen<'lab>, Finding> {
        self.valid_project()?;
        let Some(loaded) = &self.tuned else {
            return Err(Finding::error("el proyecto no se pudo cargar con otro entorno"));
        };
        let project = loaded.project.clone();
        let mut images = BTreeMap::new();
        for (name, service) in &project.services {
            images.insert(name.clone(), self.image_of(service).await?);
        }
        let api = self.service_name(API_ROLE).to_owned();
        let port = project.services.get(&api).map_or(APP_PORT, Self::port_of);
        let key = ("AULA_CLAVE".to_owned(), self.switch_key.clone());
        let held = vec![key.clone(), ("AULA_INICIO".to_owned(), "cargando".to_owned())];
        let tweaks = |environment| Tweaks {
            environment: BTreeMap::from([(api.clone(), environment)]),
            reached: BTreeMap::from([(api.clone(), vec![port])]),
            // A long start period: while the app is held, failures count against nobody.
            health: Some(HealthTiming {
                interval: Duration::from_millis(200),
                start_period: Duration::from_secs(120),
                retries: 3,
                timeout: HealthTiming::TIMEOUT_CAP,
            }),
        };
        self.say("levanto el proyecto con Compose");
        let dir = self.dir.clone();
        let stack = Stack::new(self.lab, "proyecto", project, images, dir, tweaks(held));
        stack.hold(true);
        let (up, early) = tokio::join!(stack.up(), self.release(&stack, &api, port));
        up.map_err(|error| match error {
            UpError::Failed { message, location } => Finding::failed(message).at(Some(location)),
            UpError::Engine(error) => Finding::error(error.to_string()),
        })?;
        let early = early.map_err(|error| Finding::error(error.to_string()))?;
        // Later containers of the app start well.
        stack.set_tweaks(tweaks(vec![key]));
        let ended = self.jobs(&stack, &api, &early).await;
        let jobs = ended.map_err(|error| Finding::error(error.to_string()))?;
        let mut predictions = 0;
        for container in stack.containers(&api).await {
            predictions += predictions_of(&container, port).await.unwrap_or(0);
        }
        Ok(Risen {
            stack,
            jobs,
            predictions,
        })
    }

    /// Whether there is a project with all the services that the exercise asks for.
    fn valid_project(&self) -> Result<(), Finding> {
        let loaded = match &self.compose {
            Ok(Some(loaded)) => loaded,
            Ok(None) => {
                return Err(Finding::failed(
                    "no hay archivo de Compose: crea un `compose.yaml` en la raíz de la entrega",
                ));
            }
            Err(error @ ComposeError::Outside { .. }) => {
                return Err(Finding::refused(plain(error)).at(error.location().cloned()));
            }
            Err(error) => return Err(Finding::failed(plain(error)).at(error.location().cloned())),
        };
        let services = &loaded.project.services;
        for name in self.exercise.services.values() {
            if !services.contains_key(name) {
                let there = services.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>();
                return Err(Finding::failed(format!(
                    "falta el servicio `{name}`; el proyecto tiene {}",
                    there.join(", ")
                ))
                .at(super::compose_start(self)));
            }
        }
        Ok(())
    }

    /// Holds the app in its start until it is known who waits for it, then lets it go.
    /// Gives the services that were started while it was held.
    async fn release(
        &self,
        stack: &Stack<'lab>,
        api: &str,
        port: u16,
    ) -> anyhow::Result<Vec<String>> {
        let begun = Instant::now();
        let mut phases = stack.phases();
        let started = phases.wait_for(|phases| phases.get(api) == Some(&Phase::Started));
        if tokio::time::timeout(HOLD_LIMIT, started).await.is_err() {
            stack.hold(false);
            return Ok(Vec::new());
        }
        let containers = stack.containers(api).await;
        let mut well = vec![false; containers.len()];
        let mut probes = ProbeCount::default();
        let mut since = None;
        while begun.elapsed() < HOLD_LIMIT {
            for (container, answers) in containers.iter().zip(&mut well) {
                *answers = *answers || container.ask(port, &Request::get("/health")).await.is_ok();
            }
            let ended = match containers.first() {
                Some(first) => first.state().await?.running != Some(true),
                None => true,
            };
            if ended {
                break;
            }
            if well.iter().all(|&answers| answers) {
                let health = match containers.first() {
                    Some(first) => first.health().await?,
                    None => None,
                };
                if let Some(health) = &health {
                    probes.look(health);
                }
                let others: Vec<_> = stack
                    .phases()
                    .borrow()
                    .iter()
                    .filter(|(name, _)| *name != api)
                    .map(|(name, phase)| (name.clone(), phase.clone()))
                    .collect();
                let all_wait = others.iter().all(|(_, phase)| matches!(phase, Phase::Waiting { .. }));
                // The probe has spoken of an app that is still loading: who waits, waits for its truth.
                if all_wait && (health.is_none() || !probes.codes().is_empty()) {
                    break;
                }
                let mut busy = false;
                for (name, phase) in &others {
                    if *phase == Phase::Started {
                        for container in stack.containers(name).await {
                            busy |= container.exit_within(Duration::ZERO).await?.is_none();
                        }
                    }
                }
                let started = others.iter().all(|(_, phase)| *phase == Phase::Started);
                let patience = since.get_or_insert_with(Instant::now).elapsed() > OWN_PATIENCE;
                if started && (!busy || patience) {
                    break;
                }
            }
            tokio::time::sleep(GLANCE).await;
        }
        let early = stack
            .phases()
            .borrow()
            .iter()
            .filter(|(name, phase)| *name != api && **phase == Phase::Started)
            .map(|(name, _)| name.clone())
            .collect();
        for container in &containers {
            let request = Request::post("/_averia/sana", "").header(KEY_HEADER, &self.switch_key);
            // An app that ended, or is not the course's, shows in what is tried next.
            let _ = container.ask(port, &request).await;
        }
        stack.hold(false);
        Ok(early)
    }

    async fn jobs(
        &self,
        stack: &Stack<'lab>,
        api: &str,
        early: &[String],
    ) -> anyhow::Result<BTreeMap<String, JobRun>> {
        let mut jobs = BTreeMap::new();
        for name in self.exercise.services.values().filter(|name| *name != api) {
            let Some(container) = stack.containers(name).await.into_iter().next() else {
                continue;
            };
            let code = container.exit_within(JOB_LIMIT).await?;
            jobs.insert(
                name.clone(),
                JobRun {
                    started_early: early.contains(name),
                    code,
                    restarts: container.inspect().await?.restart_count.unwrap_or(0),
                    output: container.logs().await?,
                },
            );
        }
        Ok(jobs)
    }
}

/// The message of a compose error, whose location the verdict shows apart.
fn plain(error: &ComposeError) -> String {
    match error {
        ComposeError::Invalid { message, .. }
        | ComposeError::Missing { message, .. }
        | ComposeError::Outside { message, .. } => message.clone(),
    }
}

/// How many predictions the app says that it has answered.
async fn predictions_of(container: &Container<'_>, port: u16) -> Option<u64> {
    let reply = container.ask(port, &Request::get("/metrics")).await.ok()?;
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    let line = text.lines().find(|line| line.starts_with("iris_predicciones_total"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
