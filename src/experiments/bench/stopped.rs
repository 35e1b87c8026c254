//! The image started alone and stopped as `docker stop` does, and what became of it.

use std::time::{Duration, Instant};

use super::{Bench, Image, KEY_HEADER};
use crate::lab::http::Request;
use crate::lab::token;
use crate::verdict::Finding;

/// The header with the word that the course's app says good-bye with when the signal reaches it: one that nobody
/// could print in its stead.
const GOODBYE_HEADER: &str = "X-Aula-Despedida";

/// How a container took `docker stop`.
#[derive(Clone, Debug)]
pub struct Stopped {
    /// Whether the signal reached the app.
    pub heard: bool,
    /// Seconds that it had.
    pub grace: u64,
    /// How long it took.
    pub took: Duration,
    /// Its exit code.
    pub code: i64,
    /// The command line of its process 1.
    pub first: String,
}

impl Stopped {
    /// Whether it had to be killed.
    pub fn killed(&self) -> bool {
        self.code == 137 && self.took.as_secs() >= self.grace
    }

    /// Whether there is nothing to complain of.
    pub fn clean(&self) -> bool {
        self.heard && self.code == 0
    }

    /// How long it took, in seconds, as Spanish writes it.
    pub fn seconds(&self) -> String {
        format!("{:.1}", self.took.as_secs_f64()).replace('.', ",")
    }
}

impl Bench<'_> {
    /// How the image takes `docker stop` with `grace` seconds, tried once.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn stopped(
        &self,
        image: &Image,
        grace: u64,
    ) -> anyhow::Result<&Result<Stopped, Finding>> {
        self.stopped
            .get_or_try_init(|| async {
                let first = self.stop(image, grace, "parada").await?;
                if first.as_ref().is_ok_and(Stopped::clean) {
                    return Ok(first);
                }
                // Once more with nothing else going on: slow is not the same as deaf.
                let _quiet = self.lab.quiet().await;
                self.stop(image, grace, "parada-tranquila").await
            })
            .await
    }

    async fn stop(
        &self,
        image: &Image,
        grace: u64,
        name: &str,
    ) -> anyhow::Result<Result<Stopped, Finding>> {
        let started = self.start_alone(image, name);
        let alone = self.lab.timed("arrancar y parar", started).await?;
        let (Some(container), None) = (&alone.container, &alone.trouble) else {
            let saw = alone.trouble.clone().unwrap_or_default();
            return Ok(Err(Finding::failed(saw).at(image.starts_at())));
        };
        let first = container.processes().await?.swap_remove(0).args;
        let goodbye = token(16);
        let request = Request::post("/_averia/sana", "")
            .header(KEY_HEADER, &self.switch_key)
            .header(GOODBYE_HEADER, &goodbye);
        if container.ask(self.port(), &request).await?.status != 200 {
            return Ok(Err(Finding::failed(
                "quien responde en el puerto de la app no es la app del curso",
            )));
        }
        let begun = Instant::now();
        container.stop(Duration::from_secs(grace)).await?;
        Ok(Ok(Stopped {
            took: begun.elapsed(),
            grace,
            code: container.state().await?.exit_code.unwrap_or(-1),
            heard: container.logs().await?.contains(&goodbye),
            first,
        }))
    }
}
