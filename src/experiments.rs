//! The catalogue of experiments: how an item of a checklist is tried. One file each.

pub mod bench;

mod announces_port;
mod answers;
mod builds;
mod can_write;
mod change_arrives;
mod code_is_read_only;
mod comes_back;
mod comes_up;
mod counts_on;
mod cpu_limit;
mod debug_mode;
mod declares_health;
mod default_values;
mod dependency_cache;
mod dependency_is_there;
mod each_its_own;
mod ends_by_itself;
mod ends_healthy;
mod environment_rules;
mod environment_sources;
mod file_secret;
mod finds_by_name;
mod finds_override;
mod forgets;
mod glutton_dies;
mod health_deadlines;
mod history_without;
mod image_size;
mod in_memory;
mod internal_network;
mod job_waits;
mod keeps_writing;
mod key_at_start;
mod key_not_in_image;
mod leaves_no_trace;
mod listens;
mod live_code;
mod log_accesses;
mod log_exceptions;
mod log_fields;
mod log_legible;
mod log_level;
mod log_time;
mod logs_are_json;
mod logs_at_once;
mod memory_limit;
mod mode_rises;
mod model_loaded;
mod model_origin;
mod needed_arrives;
mod needs_app;
mod no_canaries;
mod no_host_mounts;
mod no_warnings;
mod not_condemned;
mod not_written;
mod notices_failure;
mod notices_hang;
mod persists;
mod port_by_variable;
mod predicts;
mod prints_file;
mod publishable;
mod publishes;
mod publishes_port;
mod reaches;
mod read_only;
mod recovers;
mod requires_variable;
mod respects_stop;
mod runs_without_root;
mod scales;
mod serves;
mod starts_afresh;
mod stops_cleanly;
mod turns_healthy;
mod valid_project;
mod variable_arrives;
mod variable_rules;
mod waits_for_app;
mod warns_soon;
mod way_out;
mod without_capabilities;
mod writable;
mod writes_history;

use futures_util::future::{BoxFuture, FutureExt};
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};

use crate::course::ExperimentSpec;
use crate::verdict::Finding;
pub use bench::Bench;

/// One way to decide an item.
pub trait Experiment {
    /// What an item may set in its `[items.with]`.
    type Params: DeserializeOwned + JsonSchema + Send + Sync + 'static;

    /// Its name in `exercise.toml`.
    const ID: &'static str;

    /// What it does, whatever its parameters, for the student.
    const WHAT: &'static str;

    /// What keeps it from passing what is wrong, and from accusing what is right.
    const CONTROL: &'static str;

    /// Why what it tries matters, for the student.
    const WHY: &'static str;

    /// What it does with these parameters, for the student.
    fn tried(params: &Self::Params) -> String;

    /// Files of the submission in which it wants a canary planted before anything is built.
    fn canaries(_: &Self::Params) -> Vec<String> {
        Vec::new()
    }

    /// JSON files of the submission that it wants stamped before anything is built, see [`bench::Stamp`].
    fn stamped(_: &Self::Params) -> Vec<String> {
        Vec::new()
    }

    /// Does it. An `Err` is the machine's or our own fault, never the student's.
    fn run(
        bench: &Bench<'_>,
        params: &Self::Params,
    ) -> impl Future<Output = anyhow::Result<Finding>> + Send;
}

/// Parameters of an experiment that takes none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// An entry of the catalogue.
pub struct Entry {
    /// Name and parameters, as the exercise loader wants them.
    pub spec: ExperimentSpec,
    /// [`Experiment::WHAT`].
    pub what: &'static str,
    /// [`Experiment::CONTROL`].
    pub control: &'static str,
    /// [`Experiment::WHY`].
    pub why: &'static str,
    /// [`Experiment::tried`].
    pub tried: fn(&toml::Table) -> anyhow::Result<String>,
    /// [`Experiment::canaries`].
    pub canaries: fn(&toml::Table) -> anyhow::Result<Vec<String>>,
    /// [`Experiment::stamped`].
    pub stamped: fn(&toml::Table) -> anyhow::Result<Vec<String>>,
    /// [`Experiment::run`].
    pub run: for<'a> fn(&'a Bench<'_>, &'a toml::Table) -> BoxFuture<'a, anyhow::Result<Finding>>,
}

/// A parameter of an experiment, as an exercise sets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in `[items.with]`.
    pub name: String,
    /// What it is, in Spanish.
    pub what: String,
    /// Whether it must be set.
    pub required: bool,
}

impl Entry {
    /// The parameters that an exercise may set, from the documentation of `Params`.
    pub fn parameters(&self) -> Vec<Parameter> {
        let schema = serde_json::Value::from((self.spec.schema)());
        let required = |name: &str| {
            let names = schema["required"].as_array();
            names.is_some_and(|names| names.iter().any(|one| one == name))
        };
        let properties = schema["properties"].as_object().into_iter().flatten();
        let parameters = properties.map(|(name, property)| Parameter {
            name: name.clone(),
            what: property["description"].as_str().unwrap_or_default().into(),
            required: required(name),
        });
        parameters.collect()
    }

    const fn of<E: Experiment>() -> Self {
        Self {
            spec: ExperimentSpec::of::<E::Params>(E::ID),
            what: E::WHAT,
            control: E::CONTROL,
            why: E::WHY,
            tried: |params| Ok(E::tried(&params.clone().try_into()?)),
            canaries: |params| Ok(E::canaries(&params.clone().try_into()?)),
            stamped: |params| Ok(E::stamped(&params.clone().try_into()?)),
            run: |bench, params| {
                let params = params.clone().try_into::<E::Params>();
                async move { E::run(bench, &params?).await }.boxed()
            },
        }
    }
}

/// Every experiment.
pub static CATALOGUE: &[Entry] = &[
    Entry::of::<builds::Builds>(),
    Entry::of::<answers::Answers>(),
    Entry::of::<listens::Listens>(),
    Entry::of::<model_loaded::ModelLoaded>(),
    Entry::of::<runs_without_root::RunsWithoutRoot>(),
    Entry::of::<code_is_read_only::CodeIsReadOnly>(),
    Entry::of::<stops_cleanly::StopsCleanly>(),
    Entry::of::<leaves_no_trace::LeavesNoTrace>(),
    Entry::of::<dependency_cache::DependencyCache>(),
    Entry::of::<image_size::ImageSize>(),
    Entry::of::<no_canaries::NoCanaries>(),
    Entry::of::<needed_arrives::NeededArrives>(),
    Entry::of::<key_not_in_image::KeyNotInImage>(),
    Entry::of::<key_at_start::KeyAtStart>(),
    Entry::of::<comes_up::ComesUp>(),
    Entry::of::<no_warnings::NoWarnings>(),
    Entry::of::<job_waits::JobWaits>(),
    Entry::of::<scales::Scales>(),
    Entry::of::<internal_network::InternalNetwork>(),
    Entry::of::<environment_rules::EnvironmentRules>(),
    Entry::of::<default_values::DefaultValues>(),
    Entry::of::<variable_rules::VariableRules>(),
    Entry::of::<file_secret::FileSecret>(),
    Entry::of::<declares_health::DeclaresHealth>(),
    Entry::of::<turns_healthy::TurnsHealthy>(),
    Entry::of::<notices_failure::NoticesFailure>(),
    Entry::of::<recovers::Recovers>(),
    Entry::of::<notices_hang::NoticesHang>(),
    Entry::of::<health_deadlines::HealthDeadlines>(),
    Entry::of::<not_condemned::NotCondemned>(),
    Entry::of::<ends_healthy::EndsHealthy>(),
    Entry::of::<warns_soon::WarnsSoon>(),
    Entry::of::<logs_are_json::LogsAreJson>(),
    Entry::of::<log_fields::LogFields>(),
    Entry::of::<log_accesses::LogAccesses>(),
    Entry::of::<log_exceptions::LogExceptions>(),
    Entry::of::<log_legible::LogLegible>(),
    Entry::of::<log_time::LogTime>(),
    Entry::of::<log_level::LogLevel>(),
    Entry::of::<persists::Persists>(),
    Entry::of::<requires_variable::RequiresVariable>(),
    Entry::of::<variable_arrives::VariableArrives>(),
    Entry::of::<not_written::NotWritten>(),
    Entry::of::<environment_sources::EnvironmentSources>(),
    Entry::of::<finds_by_name::FindsByName>(),
    Entry::of::<reaches::Reaches>(),
    Entry::of::<way_out::WayOut>(),
    Entry::of::<publishes::Publishes>(),
    Entry::of::<finds_override::FindsOverride>(),
    Entry::of::<mode_rises::ModeRises>(),
    Entry::of::<live_code::LiveCode>(),
    Entry::of::<debug_mode::DebugMode>(),
    Entry::of::<no_host_mounts::NoHostMounts>(),
    Entry::of::<serves::Serves>(),
    Entry::of::<predicts::Predicts>(),
    Entry::of::<prints_file::PrintsFile>(),
    Entry::of::<ends_by_itself::EndsByItself>(),
    Entry::of::<each_its_own::EachItsOwn>(),
    Entry::of::<counts_on::CountsOn>(),
    Entry::of::<starts_afresh::StartsAfresh>(),
    Entry::of::<change_arrives::ChangeArrives>(),
    Entry::of::<announces_port::AnnouncesPort>(),
    Entry::of::<publishable::Publishable>(),
    Entry::of::<port_by_variable::PortByVariable>(),
    Entry::of::<dependency_is_there::DependencyIsThere>(),
    Entry::of::<can_write::CanWrite>(),
    Entry::of::<without_capabilities::WithoutCapabilities>(),
    Entry::of::<logs_at_once::LogsAtOnce>(),
    Entry::of::<keeps_writing::KeepsWriting>(),
    Entry::of::<history_without::HistoryWithout>(),
    Entry::of::<valid_project::ValidProject>(),
    Entry::of::<publishes_port::PublishesPort>(),
    Entry::of::<model_origin::ModelOrigin>(),
    Entry::of::<waits_for_app::WaitsForApp>(),
    Entry::of::<needs_app::NeedsApp>(),
    Entry::of::<comes_back::ComesBack>(),
    Entry::of::<respects_stop::RespectsStop>(),
    Entry::of::<memory_limit::MemoryLimit>(),
    Entry::of::<cpu_limit::CpuLimit>(),
    Entry::of::<glutton_dies::GluttonDies>(),
    Entry::of::<writes_history::WritesHistory>(),
    Entry::of::<forgets::Forgets>(),
    Entry::of::<read_only::ReadOnly>(),
    Entry::of::<writable::Writable>(),
    Entry::of::<in_memory::InMemory>(),
];

/// What the exercise loader must know of the catalogue.
pub fn specs() -> Vec<ExperimentSpec> {
    CATALOGUE.iter().map(|entry| entry.spec).collect()
}

/// The experiment of that name.
pub fn find(id: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.spec.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_experiment_has_a_name_of_its_own_and_a_reason() {
        for (index, entry) in CATALOGUE.iter().enumerate() {
            assert!(
                CATALOGUE[..index]
                    .iter()
                    .all(|other| other.spec.id != entry.spec.id)
            );
            for text in [entry.what, entry.control, entry.why] {
                assert!(text.ends_with('.'), "{}: {text}", entry.spec.id);
            }
            for parameter in entry.parameters() {
                assert!(!parameter.what.is_empty(), "{}", entry.spec.id);
            }
        }
    }
}
