//! The app made to die, and seen to come back or not.

use std::time::{Duration, Instant};

use anyhow::bail;

use super::alone::{ANSWER_LIMIT, wake_and_wait};
use super::{Bench, Front, KEY_HEADER};
use crate::lab::container::GLANCE;
use crate::lab::http::Request;

/// Longest time that the app may take to eat what it is told to.
const MEAL: Duration = Duration::from_secs(45);

/// What became of an app that was told to die or to eat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its process is gone.
    Died,
    /// It lives on, having eaten so many MB.
    Lives(u64),
}

impl Front<'_, '_> {
    /// The name that the app's process gave itself.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn instance(&self) -> anyhow::Result<String> {
        let config = self.ask(&Request::get("/config")).await?.json();
        Ok(config["instancia"].as_str().unwrap_or_default().to_owned())
    }

    /// Makes the process `instance` of the app end with code 3.
    ///
    /// # Errors
    /// When it does not.
    pub async fn die(&self, key: &str, instance: &str) -> anyhow::Result<()> {
        let request = Request::post("/_averia/muere", "").header(KEY_HEADER, key);
        if let Ok(reply) = self.ask(&request).await {
            bail!("la app no aceptó morir (respondió {})", reply.status);
        }
        match self.fate(instance).await? {
            Fate::Died => Ok(()),
            Fate::Lives(_) => bail!("la app aceptó morir y sigue viva"),
        }
    }

    /// Makes the process `instance` of the app take `megabytes` of memory.
    ///
    /// # Errors
    /// When neither happens that can happen.
    pub async fn gorge(&self, key: &str, instance: &str, megabytes: u64) -> anyhow::Result<Fate> {
        let request = Request::post("/_averia/traga", megabytes.to_string());
        let request = request.header(KEY_HEADER, key).within(MEAL);
        match self.ask(&request).await {
            Ok(reply) if reply.status == 200 => Ok(Fate::Lives(
                reply.json()["tragado"].as_u64().unwrap_or_default(),
            )),
            Ok(reply) => bail!("la app no aceptó comer (respondió {})", reply.status),
            Err(_) => self.fate(instance).await,
        }
    }

    /// Whether the process `instance` is gone: its container ended, or another answers in its place.
    async fn fate(&self, instance: &str) -> anyhow::Result<Fate> {
        let begun = Instant::now();
        loop {
            if self.container.state().await?.running != Some(true) {
                return Ok(Fate::Died);
            }
            match self.instance().await {
                Ok(now) if now != instance => return Ok(Fate::Died),
                Ok(_) => return Ok(Fate::Lives(0)),
                // It is on its way out, or back.
                Err(_) if begun.elapsed() < ANSWER_LIMIT => tokio::time::sleep(GLANCE).await,
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for another process than `instance` to serve the app; gives what was seen instead, for the student.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn comes_back(
        &self,
        bench: &Bench<'_>,
        instance: &str,
    ) -> anyhow::Result<Option<String>> {
        let begun = Instant::now();
        while begun.elapsed() < ANSWER_LIMIT {
            let trouble = wake_and_wait(&self.container, self.port, &bench.switch_key).await?;
            if trouble.is_some() {
                return Ok(trouble);
            }
            if self.instance().await.is_ok_and(|now| now != instance) {
                return Ok(None);
            }
            tokio::time::sleep(GLANCE).await;
        }
        Ok(Some("responde el mismo proceso de antes".to_owned()))
    }
}
