//! The rules on what only several files together show: Dockerfile, context, `.dockerignore`, Compose, scripts.

pub(super) mod addresses;
pub(super) mod built;
mod clutter;
pub(super) mod compose_build;
pub(super) mod container;
pub(super) mod context;
mod copied_secret;
pub(super) mod copies;
pub(super) mod delayed_output;
pub(super) mod entry_script;
mod exceptions;
mod foreign_pattern;
mod hidden_copy;
mod hidden_dependencies;
pub(super) mod ignore_file;
mod ignore_lines;
pub(super) mod late_removal;
mod listening;
mod misplaced_ignore;
mod missing_source;
pub(super) mod port_agreement;
pub(super) mod requirements;
mod root_only;
mod secret_file;
mod shadowed_library;
mod started;
mod volume_owner;
mod wording;

#[cfg(test)]
mod tests;
