//! The JSON Schema of `exercise.toml`, for editors.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::catalogue::ExperimentSpec;
use super::exercise::manifest::Manifest;

/// The schema, with the names and parameters of `experiments`, as the text of
/// `exercises/exercise.schema.json`. Draft 7, which is what TOML editors understand best.
pub fn text(experiments: &[ExperimentSpec]) -> String {
    let mut schema: Value = SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<Manifest>()
        .into();
    // Editors see the `#:schema` line as a comment; nothing else may be added.
    if let Some(item) = schema.pointer_mut("/definitions/Item") {
        item["properties"]["experiment"]["enum"] = experiments.iter().map(|spec| spec.id).collect();
        item["allOf"] = experiments.iter().map(parameters_of).collect();
    }
    let mut text = format!("{schema:#}");
    text.push('\n');
    text
}

/// "When `experiment` is this one, `with` looks like that."
fn parameters_of(spec: &ExperimentSpec) -> Value {
    let mut with: Value = (spec.schema)().into();
    let mut required = vec!["experiment"];
    if let Some(with) = with.as_object_mut() {
        with.remove("$schema");
        with.remove("title");
        if with
            .get("required")
            .is_some_and(|names| names != &json!([]))
        {
            required.push("with");
        }
    }
    json!({
        "if": {"properties": {"experiment": {"const": spec.id}}},
        "then": {"properties": {"with": with}, "required": required},
    })
}
