use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::Fate;
use super::{Bench, Experiment};
use crate::verdict::Finding;

/// An app that eats too much memory is killed before the machine notices.
pub struct GluttonDies;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Cuántos MB intenta ocupar; menos de 900, porque el laboratorio también tiene su límite.
    mb: u64,
}

impl Experiment for GluttonDies {
    type Params = Params;
    const ID: &'static str = "gloton-muere";
    const WHAT: &'static str =
        "Levanta el proyecto y hace que la propia app ocupe memoria hasta que alguien la pare.";
    const CONTROL: &'static str = "Cada proceso tiene un nombre al azar: que muriera se sabe porque su contenedor terminó o porque responde otro.";
    const WHY: &'static str = "Una fuga de memoria crece hasta donde la dejen. Con un límite muere el culpable; sin él, el núcleo mata a quien le parezca.";

    fn tried(params: &Params) -> String {
        format!("hacer que la API ocupe {} MB de memoria", params.mb)
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.write().await;
        let front = match bench.front(risen).await? {
            Ok(front) => front,
            Err(finding) => return Ok(finding),
        };
        bench.say("hago que la app ocupe memoria hasta que alguien la pare");
        let instance = front.instance().await?;
        let meal = front.gorge(&bench.switch_key, &instance, params.mb);
        let fate = bench.lab.timed("comer memoria", meal).await?;
        let limit = front.service.memory_limit();
        let at = limit.map_or(&front.service.location, |limit| &limit.location);
        Ok(match fate {
            Fate::Died => Finding::passed(format!(
                "quiso ocupar {} MB y el motor la mató antes",
                params.mb
            )),
            Fate::Lives(eaten) => Finding::failed(format!(
                "la API ocupó {eaten} MB y siguió viva: nada le pone techo"
            ))
            .at(Some(at.clone())),
        })
    }
}
