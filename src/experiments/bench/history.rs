//! What the app remembers: predictions made, and how many its history has.

use super::Front;
use crate::lab::http::Request;

/// Predictions made before a test; more than a fresh start makes by itself.
pub const PREDICTIONS: u64 = 3;

impl Front<'_, '_> {
    /// Makes [`PREDICTIONS`] predictions; gives how many the history has then, or what is wrong, for the student.
    ///
    /// # Errors
    /// When the app does not answer at all.
    pub async fn predict(&self) -> anyhow::Result<Result<u64, String>> {
        for _ in 0..PREDICTIONS {
            let request = Request::post("/predict", r#"{"x":[6.7,3.0,5.2,2.3]}"#);
            let reply = self.ask(&request).await?;
            if reply.status != 200 {
                return Ok(Err(format!(
                    "`/predict` respondió {}: {}",
                    reply.status,
                    String::from_utf8_lossy(&reply.body)
                )));
            }
        }
        let count = self.history().await?;
        Ok(if count < PREDICTIONS {
            Err(format!(
                "hice {PREDICTIONS} predicciones y el historial tiene {count}: ¿está puesta la variable `HISTORIAL`?"
            ))
        } else {
            Ok(count)
        })
    }

    /// How many predictions its history has.
    ///
    /// # Errors
    /// When the app does not answer.
    pub async fn history(&self) -> anyhow::Result<u64> {
        let reply = self.ask(&Request::get("/historial")).await?;
        Ok(reply.json()["n"].as_u64().unwrap_or(0))
    }
}
