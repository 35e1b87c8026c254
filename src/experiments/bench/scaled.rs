//! A service of the risen project brought to several replicas, once, and what each of them is.

use anyhow::anyhow;

use super::{Bench, wait_for_answer};
use crate::lab::http::Request;
use crate::verdict::Finding;

/// The replicas of a service.
#[derive(Clone, Debug)]
pub struct Scaled {
    /// One by one.
    pub replicas: Vec<Replica>,
}

/// What was seen of one replica.
#[derive(Clone, Debug)]
pub struct Replica {
    /// Nothing when it answers; else what was seen, for the student.
    pub trouble: Option<String>,
    /// The name that its process gave itself.
    pub instance: Option<String>,
    /// The port of the host that its own port is published on.
    pub published: Option<u16>,
}

impl Bench<'_> {
    /// `service` of the risen project as `replicas` containers.
    ///
    /// # Errors
    /// The finding that says why it does not scale.
    pub async fn scaled(&self, service: &str, replicas: u64) -> Result<&Scaled, Finding> {
        let scaled = self.scaled.get_or_init(|| async {
            let scaled = self.scale(service, replicas).await;
            scaled.unwrap_or_else(|error| Err(Finding::error(format!("{error:#}"))))
        });
        scaled.await.as_ref().map_err(Clone::clone)
    }

    async fn scale(&self, service: &str, replicas: u64) -> anyhow::Result<Result<Scaled, Finding>> {
        let risen = match self.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(Err(finding)),
        };
        let _turn = self.stack_turn.write().await;
        self.say(format!("escalo `{service}` a {replicas}"));
        let scaled = risen.stack.scale(service, replicas);
        if let Err(error) = self.lab.timed("escalar", scaled).await {
            return error.finding().map(Err);
        }
        let project = risen.stack.project();
        let written = project.services.get(service);
        let port = Self::port_of(written.ok_or_else(|| anyhow!("no hay servicio `{service}`"))?);
        let mut scaled = Scaled {
            replicas: Vec::new(),
        };
        for container in risen.stack.containers(service).await {
            let trouble = wait_for_answer(&container, port).await?;
            let config = match &trouble {
                None => container.ask(port, &Request::get("/config")).await?.json(),
                Some(_) => serde_json::Value::Null,
            };
            scaled.replicas.push(Replica {
                trouble,
                instance: config["instancia"].as_str().map(str::to_owned),
                published: container.published(port).await?,
            });
        }
        Ok(Ok(scaled))
    }
}
