//! How much a submission may ask of the engine. An engine that is asked for too much goes on for minutes after whoever
//! asked is gone, so that everything is counted before it hears of it.

mod dockerfile;
mod project;

pub(super) use dockerfile::review as dockerfile;
pub(super) use project::review as project;

/// Bytes of a line of a Dockerfile; the engine reads none that is longer.
pub const LINE: usize = 65_535;

/// Bytes of one word of a Dockerfile once its variables are put in. `ENV` that doubles thirty times is a gigabyte, and
/// the kernel itself hands no program an argument above 128 KiB.
pub const WORD: u64 = 32 << 10;

/// Bytes of all words of a Dockerfile together, once expanded.
pub const WORDS: u64 = 1 << 20;

/// Variables inside of each other in one word, `${A:-${B:-…}}`; nobody reads more.
pub const NESTING: usize = 16;

/// Instructions of a Dockerfile; tens of thousands keep an engine busy for minutes.
pub const INSTRUCTIONS: usize = 500;

/// Stages of a Dockerfile; thousands take a builder forever.
pub const STAGES: usize = 50;

/// Layers that a stage adds, those of the stages under it counted: the engine's own limit is about 125, base included.
pub const LAYERS: usize = 110;

/// Bytes of a health check's command, which the engine runs again and again.
pub const HEALTHCHECK: usize = 16 << 10;

/// Bytes of a command or an entrypoint.
pub const COMMAND: usize = 64 << 10;

/// Bytes of all variables of one container; together with its arguments the kernel takes 128 KiB a word.
pub const ENVIRONMENT: usize = 64 << 10;

/// Services of a project, profiles included.
pub const SERVICES: usize = 40;

/// Containers of one service.
pub const REPLICAS: u64 = 20;

/// Containers of a project; each takes the engine a quarter of a second.
pub const CONTAINERS: u64 = 60;

/// Networks of a project; an engine has about thirty subnets to give to all who use it.
pub const NETWORKS: usize = 10;

/// Named volumes of a project.
pub const VOLUMES: usize = 40;

/// Mounts of one service, `tmpfs`, secrets and configs included.
pub const MOUNTS: usize = 40;

/// Published ports of a project; for each, some engines start a process of their own.
pub const PORTS: usize = 100;

/// Ports that one `EXPOSE` names; each is kept apart in the image's description.
pub const EXPOSED: u32 = 1_000;

/// Lines for `/etc/hosts`, aliases and name servers of one service.
pub const NAMES: usize = 100;

/// Bytes of all labels of one service.
pub const LABELS: usize = 64 << 10;
