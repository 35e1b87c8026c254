//! What a service mounts.

use crate::submission::location::Location;
use crate::submission::yaml::Node;

/// One entry of `volumes`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mount {
    /// Where the entry is.
    pub location: Location,
    /// Kind.
    pub kind: MountKind,
    /// A volume's key, or a path on the host: cleaned and relative to the project's folder (`.` is the folder
    /// itself); absolute, `~` and `..` paths stay so. Nothing: an anonymous volume or a tmpfs.
    pub source: Option<String>,
    /// The path inside.
    pub target: String,
    /// Whether it may only be read.
    pub read_only: bool,
    /// Whether a missing host path is made (short form: yes; long form: unless it says otherwise).
    pub create_host_path: bool,
    /// Bind propagation.
    pub propagation: Option<String>,
    /// Whether a new volume starts without the image's files.
    pub nocopy: bool,
    /// The path inside the volume.
    pub subpath: Option<String>,
    /// Bytes of a tmpfs at most.
    pub tmpfs_size: Option<u64>,
    /// Mode of a tmpfs.
    pub tmpfs_mode: Option<u32>,
    /// Keys without a field of their own.
    pub other: Vec<(String, Node)>,
}

/// Kinds of mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountKind {
    /// A path of the host.
    Bind,
    /// A named or anonymous volume.
    Volume,
    /// Memory.
    Tmpfs,
    /// Another image's files.
    Image,
    /// A Windows pipe.
    Npipe,
    /// A swarm volume.
    Cluster,
}
