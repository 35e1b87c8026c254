//! The rules on compose files and what they read, by topic.

pub(super) mod address;
pub(super) mod base;
pub(super) mod data;
pub(super) mod depends;
pub(super) mod env;
pub(super) mod env_files;
pub(super) mod exposure;
pub(super) mod hosts;
pub(super) mod limits;
pub(super) mod neighbours;
pub(super) mod networks;
pub(super) mod official;
pub(super) mod ports;
pub(super) mod privileges;
pub(super) mod secrets;
pub(super) mod volumes;
pub(super) mod written;
