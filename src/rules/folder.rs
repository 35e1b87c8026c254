//! The rules on what only several files together show: Dockerfile, context, `.dockerignore`, Compose, scripts.

pub(super) mod compose_build;
pub(super) mod context;
pub(super) mod copies;
pub(super) mod entry_script;
pub(super) mod ignore_file;
pub(super) mod late_removal;
pub(super) mod port_agreement;
pub(super) mod probe_program;
pub(super) mod requirements;
pub(super) mod secret_file;

#[cfg(test)]
mod tests;
