//! What the course must know of the experiments: their names and what parameters they take.
//!
//! The experiments themselves live in a higher layer, which hands this list down.

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use toml::de::ValueDeserializer;

/// One experiment, as an `exercise.toml` may name it.
#[derive(Clone, Copy)]
pub struct ExperimentSpec {
    /// The name used in `experiment = "…"`.
    pub id: &'static str,
    /// The JSON Schema of its `[items.with]`.
    pub schema: fn() -> Schema,
    /// Whether `[items.with]` fits; the error keeps its place in the file.
    pub check: fn(ValueDeserializer<'_>) -> Result<(), toml::de::Error>,
}

impl ExperimentSpec {
    /// The experiment `id` whose parameters are a `P`.
    ///
    /// `P` should have `#[serde(deny_unknown_fields)]`, so that a mistyped parameter is an error.
    pub const fn of<P: DeserializeOwned + JsonSchema>(id: &'static str) -> Self {
        Self {
            id,
            schema: || {
                let settings = SchemaSettings::draft07().with(|s| s.inline_subschemas = true);
                settings.into_generator().into_root_schema_for::<P>()
            },
            check: |with| P::deserialize(with).map(drop),
        }
    }
}

impl std::fmt::Debug for ExperimentSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ExperimentSpec").field(&self.id).finish()
    }
}
