//! The whole project brought up, with the app held in its start so that whoever does not wait is caught.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bollard::models::HealthStatusEnum;

use super::alone::wake_and_wait;
use super::{API_ROLE, APP_PORT, Bench, KEY_HEADER};
use crate::lab::container::{Container, GLANCE};
use crate::lab::http::{Reply, Request};
use crate::lab::stack::{HealthTiming, Pace, Phase, ProbeCount, Stack, Tweaks, UpError};
use crate::submission::Location;
use crate::submission::compose::{ComposeError, Condition, Loaded, Project, Service};
use crate::verdict::Finding;

/// How long a job that was started while the app is held may go on by itself before the app is let go:
/// long enough to catch one that only sleeps a while.
const OWN_PATIENCE: Duration = Duration::from_secs(8);

/// How long the app is held at most once it answers, when what waits for it cannot be told.
const HOLD_LIMIT: Duration = Duration::from_secs(30);

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
    /// Predictions that it had to turn away until then, being ill or still loading.
    pub turned_away: u64,
}

/// The app's first container in the project.
pub struct Front<'a, 'lab> {
    /// Its service.
    pub service: &'a Service,
    /// The container.
    pub container: Container<'lab>,
    /// The port that it serves on.
    pub port: u16,
}

impl Front<'_, '_> {
    /// Sends it `request`.
    ///
    /// # Errors
    /// As [`Container::ask`].
    pub async fn ask(&self, request: &Request<'_>) -> anyhow::Result<Reply> {
        self.container.ask(self.port, request).await
    }
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

    /// The app's first container in the risen project, answering.
    ///
    /// # Errors
    /// The outer error is the machine's; the inner one says what is wrong with the app.
    pub async fn front<'a>(
        &'a self,
        risen: &'a Risen<'lab>,
    ) -> anyhow::Result<Result<Front<'a, 'lab>, Finding>> {
        self.front_of(&risen.stack).await
    }

    /// The app's first container in `stack`, answering.
    ///
    /// # Errors
    /// As [`Self::front`].
    pub async fn front_of<'a>(
        &self,
        stack: &'a Stack<'lab>,
    ) -> anyhow::Result<Result<Front<'a, 'lab>, Finding>> {
        let name = self.service_name(API_ROLE);
        let Some(service) = stack.project().services.get(name) else {
            return Ok(Err(Finding::failed(format!("no hay servicio `{name}`"))));
        };
        let at = Some(service.location.clone());
        let Some(container) = stack.containers(name).await.into_iter().next() else {
            let saw = format!("`{name}` no tiene ningún contenedor");
            return Ok(Err(Finding::failed(saw).at(at)));
        };
        let port = Self::port_of(service);
        Ok(
            match wake_and_wait(&container, port, &self.switch_key).await? {
                Some(trouble) => Err(Finding::failed(format!("`{name}`: {trouble}")).at(at)),
                None => Ok(Front {
                    service,
                    container,
                    port,
                }),
            },
        )
    }

    /// The port that `service` serves the app on.
    pub fn port_of(service: &Service) -> u16 {
        let port = service
            .environment
            .get("PORT")
            .and_then(|port| port.value.as_ref()?.parse().ok());
        port.unwrap_or(APP_PORT)
    }

    /// The project as stack `name`, not yet up; the images are built once for all of its stacks.
    ///
    /// # Errors
    /// The finding that says why there is none.
    pub async fn stack(&self, name: &str, tweaks: Tweaks) -> Result<Stack<'lab>, Finding> {
        self.valid_project()?;
        let Some(loaded) = &self.tuned else {
            return Err(Finding::error(
                "el proyecto no se pudo cargar con otro entorno",
            ));
        };
        self.stack_of(name, loaded.project.clone(), tweaks).await
    }

    /// `project`, a reading of the submission that the policy has let through, as stack `name`, not yet up.
    ///
    /// # Errors
    /// The finding that says why an image is not built.
    pub async fn stack_of(
        &self,
        name: &str,
        project: Project,
        tweaks: Tweaks,
    ) -> Result<Stack<'lab>, Finding> {
        let mut images = BTreeMap::new();
        for (name, service) in &project.services {
            images.insert(name.clone(), self.image_of(service).await?);
        }
        let dir = self.dir.clone();
        Ok(Stack::new(self.lab, name, project, images, dir, tweaks))
    }

    async fn rise(&self) -> Result<Risen<'lab>, Finding> {
        self.valid_project()?;
        let Some(loaded) = &self.tuned else {
            return Err(Finding::error(
                "el proyecto no se pudo cargar con otro entorno",
            ));
        };
        let project = &loaded.project;
        let api = self.service_name(API_ROLE).to_owned();
        let port = project.services.get(&api).map_or(APP_PORT, Self::port_of);
        // Where nobody is asked to wait for the app, nothing is learned by holding it.
        let holds = self.exercise.services.len() > 1 && project.services.len() > 1;
        let key = ("AULA_CLAVE".to_owned(), self.switch_key.clone());
        let held = vec![
            key.clone(),
            ("AULA_INICIO".to_owned(), "cargando".to_owned()),
            // How slow its start is, is the checker's to say.
            ("CARGA_SEGUNDOS".to_owned(), "0".to_owned()),
        ];
        let tweaks = |environment| self.tweaks(project, environment);
        // Whoever waits for a healthy service waits in any case.
        let first = tweaks(if holds { held } else { vec![key.clone()] });
        let calm = Tweaks {
            health: Some(Pace::Never),
            ..tweaks(vec![key])
        };
        let stack = self.stack("proyecto", first).await?;
        self.say("levanto el proyecto con Compose");
        let up = async {
            if !holds {
                stack.up().await?;
                return Ok(Vec::new());
            }
            stack.hold(true);
            let early = async {
                let early = self.release(&stack, &api, port).await;
                early.map_err(UpError::Engine)
            };
            // A project that does not come up ends the hold as well.
            let ((), early) = tokio::try_join!(stack.up(), early)?;
            Ok(early)
        };
        let early = up.await.map_err(|error: UpError| {
            let finding = error.finding();
            finding.unwrap_or_else(|error| Finding::error(error.to_string()))
        })?;
        // Later containers of the app start well, and nobody asks for their health.
        stack.set_tweaks(calm);
        let ended = self.jobs(&stack, &api, &early).await;
        let jobs = ended.map_err(|error| Finding::error(error.to_string()))?;
        let (mut predictions, mut turned_away) = (0, 0);
        for container in stack.containers(&api).await {
            predictions += counter(&container, port, "iris_predicciones_total").await;
            turned_away += counter(&container, port, "iris_predicciones_rechazadas_total").await;
        }
        Ok(Risen {
            stack,
            jobs,
            predictions,
            turned_away,
        })
    }

    /// What the checker changes in `project` wherever it is brought up, with `environment` added to the app's.
    pub(super) fn tweaks(&self, project: &Project, environment: Vec<(String, String)>) -> Tweaks {
        let api = self.service_name(API_ROLE).to_owned();
        let port = project.services.get(&api).map_or(APP_PORT, Self::port_of);
        Tweaks {
            environment: BTreeMap::from([(api.clone(), environment)]),
            reached: BTreeMap::from([(api, vec![port])]),
            // A long start period: while the app is held, failures count against nobody.
            health: Some(Pace::Ours(HealthTiming {
                interval: Duration::from_millis(500),
                start_period: Duration::from_secs(120),
                retries: 3,
                timeout: HealthTiming::TIMEOUT_CAP,
            })),
        }
    }

    /// Whether there is a project with all the services that the exercise asks for.
    ///
    /// # Errors
    /// The finding that says what is missing or wrong.
    pub fn valid_project(&self) -> Result<(), Finding> {
        self.valid(&self.compose).map(|_| ())
    }

    /// The project that was `read`, if it has all the services that the exercise asks for.
    pub(in crate::experiments) fn valid<'l>(
        &self,
        read: &'l Result<Option<Loaded>, ComposeError>,
    ) -> Result<&'l Loaded, Finding> {
        let loaded = match read {
            Ok(Some(loaded)) => loaded,
            Ok(None) => {
                return Err(Finding::failed(
                    "no hay archivo de Compose: crea un `compose.yaml` en la raíz de la entrega",
                ));
            }
            Err(error) => return Err(Finding::failed(plain(error)).at(error.location().cloned())),
        };
        let services = &loaded.project.services;
        for name in self.exercise.services.values() {
            if !services.contains_key(name) {
                let there = services
                    .keys()
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>();
                return Err(Finding::failed(format!(
                    "falta el servicio `{name}`; el proyecto tiene {}",
                    there.join(", ")
                ))
                .at(loaded
                    .project
                    .files
                    .first()
                    .map(|file| Location::line(file, 1))));
            }
        }
        Ok(loaded)
    }

    /// Holds the app in its start until it is known who waits for it, then lets it go.
    /// Gives the services that were started while it was held.
    async fn release(
        &self,
        stack: &Stack<'lab>,
        api: &str,
        port: u16,
    ) -> anyhow::Result<Vec<String>> {
        let mut phases = stack.phases();
        // The sender lives as long as the stack, so the wait cannot be cut off.
        let _ = phases
            .wait_for(|phases| phases.get(api) == Some(&Phase::Started))
            .await;
        let containers = stack.containers(api).await;
        let mut answering = vec![false; containers.len()];
        let mut probes = ProbeCount::default();
        let begun = Instant::now();
        let mut since: Option<Instant> = None;
        while since.unwrap_or(begun).elapsed() < HOLD_LIMIT {
            for (container, answers) in containers.iter().zip(&mut answering) {
                *answers = *answers || container.ask(port, &Request::get("/health")).await.is_ok();
            }
            let ended = match containers.first() {
                Some(first) => first.state().await?.running != Some(true),
                None => true,
            };
            if ended {
                break;
            }
            if answering.iter().all(|&answers| answers) {
                let health = match containers.first() {
                    Some(first) => first.health().await?,
                    None => None,
                };
                if let Some(health) = &health {
                    probes.look(health);
                }
                // The probe has spoken of an app that is still loading: who waits, waits for its truth.
                let spoken = health.is_none() || probes.codes().next().is_some();
                let healthy = health.is_some_and(|it| it.status == HealthStatusEnum::HEALTHY);
                let patience = since.get_or_insert_with(Instant::now).elapsed() > OWN_PATIENCE;
                if spoken && self.settled(stack, api, healthy, patience).await? {
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

    /// Whether nothing more is to be learned by holding the app: every other service waits for what is not yet so, or is
    /// kept back by one that does, or has ended (or, with `patience` at its end, still runs).
    async fn settled(
        &self,
        stack: &Stack<'lab>,
        api: &str,
        healthy: bool,
        patience: bool,
    ) -> anyhow::Result<bool> {
        let phases = stack.phases().borrow().clone();
        let started = |name: &str| phases.get(name) == Some(&Phase::Started);
        for (name, service) in &stack.project().services {
            match phases.get(name) {
                _ if name == api => {}
                // What it waits for is there: it is about to start.
                Some(Phase::Waiting { on, condition })
                    if !patience
                        && match condition {
                            Condition::Healthy => on == api && healthy,
                            _ => ended(&stack.containers(on).await).await?,
                        } =>
                {
                    return Ok(false);
                }
                Some(Phase::Waiting { .. }) => {}
                Some(Phase::Started) => {
                    if !patience && !ended(&stack.containers(name).await).await? {
                        return Ok(false);
                    }
                }
                _ if service.depends_on.iter().any(|on| !started(&on.service)) => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
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

/// Whether all of `containers` have ended.
async fn ended(containers: &[Container<'_>]) -> anyhow::Result<bool> {
    for container in containers {
        if container.exit_within(Duration::ZERO).await?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The message of a compose error, whose location the verdict shows apart.
pub fn plain(error: &ComposeError) -> String {
    match error {
        ComposeError::Invalid { message, .. }
        | ComposeError::Excessive { message, .. }
        | ComposeError::Missing { message, .. }
        | ComposeError::Outside { message, .. } => message.clone(),
    }
}

/// What the app counts under `name`; 0 when it does not say.
pub async fn counter(container: &Container<'_>, port: u16, name: &str) -> u64 {
    let Ok(reply) = container.ask(port, &Request::get("/metrics")).await else {
        return 0;
    };
    let text = String::from_utf8_lossy(&reply.body);
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    lines
        .find(|(key, _)| *key == name)
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0)
}
