//! The rules on Dockerfiles, by topic.

pub(super) mod apt;
pub(super) mod base;
pub(super) mod brackets;
pub(super) mod command;
pub(super) mod comments;
pub(super) mod copies;
pub(super) mod failures;
pub(super) mod leftovers;
pub(super) mod listening;
pub(super) mod ownership;
pub(super) mod pip;
pub(super) mod retired;
pub(super) mod run;
pub(super) mod secrets;
pub(super) mod stages;
pub(super) mod user;
pub(super) mod variables;
