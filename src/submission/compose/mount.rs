//! What a service mounts.

use super::fields::{Fields, Read, integer, invalid, text};
use super::paths;
use crate::submission::location::Location;
use crate::submission::yaml::{Kind, Node};

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

impl Mount {
    pub(super) fn read(node: &Node) -> Read<Self> {
        match text(node) {
            Some(written) => short(&written, &node.location),
            None => long(node),
        }
    }

    fn new(location: &Location, kind: MountKind, source: Option<String>, target: String) -> Self {
        Self {
            location: location.clone(),
            kind,
            source,
            target: if target.starts_with('/') {
                paths::clean(&target)
            } else {
                target
            },
            read_only: false,
            create_host_path: true,
            propagation: None,
            nocopy: false,
            subpath: None,
            tmpfs_size: None,
            tmpfs_mode: None,
            other: Vec::new(),
        }
    }
}

/// What stands between the colons of `[SOURCE:]TARGET[:OPTIONS]`. Compose takes a single letter for a Windows drive,
/// wherever it stands.
fn parts(written: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, _) in written.match_indices(':') {
        if !is_drive(&written[start..at]) {
            parts.push(&written[start..at]);
            start = at + 1;
        }
    }
    parts.push(&written[start..]);
    parts
}

/// `[SOURCE:]TARGET[:OPTIONS]`.
fn short(written: &str, location: &Location) -> Read<Mount> {
    let parts = parts(written);
    let empty = || {
        invalid(
            location,
            format!(
                "el volumen `{written}` tiene una parte vacía: escribe `ORIGEN:DESTINO` o `ORIGEN:DESTINO:ro`"
            ),
        )
    };
    if parts.iter().any(|part| part.is_empty()) {
        return empty();
    }
    let (source, target, options) = match parts.as_slice() {
        [target] => (None, (*target).to_owned(), ""),
        [source, target] => (Some(*source), (*target).to_owned(), ""),
        [source, target, options] => (Some(*source), (*target).to_owned(), *options),
        _ => {
            return invalid(
                location,
                format!(
                    "el volumen `{written}` tiene demasiados `:`: escribe `ORIGEN:DESTINO` o `ORIGEN:DESTINO:ro`"
                ),
            );
        }
    };
    let is_path = |source: &str| source.starts_with(['.', '/', '~', '\\']);
    let kind = match source {
        Some(source) if is_path(source) || source.contains(':') => MountKind::Bind,
        _ => MountKind::Volume,
    };
    let source = source.map(|source| match kind {
        MountKind::Bind if !source.contains(':') => paths::clean(source),
        _ => source.to_owned(),
    });
    let mut mount = Mount::new(location, kind, source, target);
    for option in options.split(',') {
        match option {
            "ro" => mount.read_only = true,
            "nocopy" => mount.nocopy = true,
            "shared" | "rshared" | "private" | "rprivate" | "slave" | "rslave" => {
                mount.propagation = Some(option.to_owned())
            }
            "z" | "Z" => mount.other.push((
                "selinux".to_owned(),
                Node::text(Some(option), location.clone()),
            )),
            _ => {}
        }
    }
    Ok(mount)
}

fn is_drive(part: &str) -> bool {
    part.len() == 1 && part.bytes().all(|b| b.is_ascii_alphabetic())
}

fn long(node: &Node) -> Read<Mount> {
    let mut fields = Fields::of(node);
    let location = node.location.clone();
    let kind = match fields.plain_text("type")?.as_deref() {
        Some("bind") => MountKind::Bind,
        Some("tmpfs") => MountKind::Tmpfs,
        Some("image") => MountKind::Image,
        Some("npipe") => MountKind::Npipe,
        Some("cluster") => MountKind::Cluster,
        _ => MountKind::Volume,
    };
    let Some(target) = fields.plain_text("target")? else {
        return invalid(
            &location,
            "a este volumen le falta `target`, la ruta de dentro del contenedor",
        );
    };
    let source = fields.plain_text("source")?.map(|source| match kind {
        MountKind::Bind => paths::clean(&source),
        _ => source,
    });
    if kind == MountKind::Bind && source.is_none() {
        return invalid(
            &location,
            "a este volumen de tipo `bind` le falta `source`, la ruta de tu máquina",
        );
    }
    let mut mount = Mount::new(&location, kind, source, target);
    mount.read_only = fields.is("read_only")?;
    if let Some(bind) = fields.node("bind") {
        let mut bind = Fields::of(&bind);
        mount.create_host_path = bind.flag("create_host_path")?.is_none_or(|flag| flag.value);
        mount.propagation = bind.plain_text("propagation")?;
        mount.other.extend(bind.rest());
    }
    if let Some(volume) = fields.node("volume") {
        let mut volume = Fields::of(&volume);
        mount.nocopy = volume.is("nocopy")?;
        mount.subpath = volume.plain_text("subpath")?;
        mount.other.extend(volume.rest());
    }
    if let Some(image) = fields.node("image") {
        mount.subpath = Fields::of(&image).plain_text("subpath")?;
    }
    if let Some(tmpfs) = fields.node("tmpfs") {
        let mut tmpfs = Fields::of(&tmpfs);
        mount.tmpfs_size = tmpfs.size("size")?.map(|size| size.value);
        if let Some(node) = tmpfs.node("mode") {
            if node.str().is_some() {
                return invalid(
                    &node.location,
                    "aquí `mode` va en octal y sin comillas, como `0755`",
                );
            }
            mount.tmpfs_mode = Some(mode(&node)?);
        }
    }
    mount.other.extend(fields.rest());
    Ok(mount)
}

/// A file mode: `0440` and `"0440"` are octal, `288` is what YAML makes of a number.
pub(super) fn mode(node: &Node) -> Read<u32> {
    let octal = match node.scalar().map(|s| (s.kind, s.text.as_str())) {
        Some((Kind::Text, text)) => u32::from_str_radix(text.trim_start_matches("0o"), 8).ok(),
        _ => u32::try_from(integer(node, "mode")?).ok(),
    };
    match octal {
        Some(mode) if mode <= 0o7777 => Ok(mode),
        _ => invalid(
            &node.location,
            "`mode` no es un modo de archivo: escríbelo en octal, como `0440`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(written: &str) -> Mount {
        short(written, &Location::line("c.yaml", 1)).unwrap()
    }

    #[test]
    fn a_source_that_looks_like_a_path_is_a_bind_and_any_other_a_volume() {
        let bind = read("./datos/../x:/x:ro");
        assert_eq!(
            (bind.kind, bind.source.as_deref(), bind.read_only),
            (MountKind::Bind, Some("x"), true)
        );
        assert_eq!(read(".:/app").source.as_deref(), Some("."));
        assert_eq!(read("../x:/x").source.as_deref(), Some("../x"));
        assert_eq!(
            read("/var/run/docker.sock:/s").source.as_deref(),
            Some("/var/run/docker.sock")
        );
        let volume = read("datos:/app/datos");
        assert_eq!(
            (volume.kind, volume.source.as_deref()),
            (MountKind::Volume, Some("datos"))
        );
        let anonymous = read("/cache");
        assert_eq!(
            (anonymous.source, anonymous.target.as_str()),
            (None, "/cache")
        );
    }

    #[test]
    fn a_letter_in_front_of_a_colon_is_a_drive_wherever_it_stands() {
        let read = |text| {
            let mount = short(text, &Location::line("c.yaml", 1)).expect("valid");
            (mount.source, mount.target, mount.read_only)
        };
        let drive = |path: &str| Some(path.to_owned());
        assert_eq!(read("c:/m:/m:ro"), (drive("c:/m"), "/m".to_owned(), true));
        assert_eq!(
            read("C:\\d:/d:rw"),
            (drive("C:\\d"), "/d".to_owned(), false)
        );
        assert_eq!(read("c:/a:d:/b"), (drive("c:/a"), "d:/b".to_owned(), false));
        assert_eq!(read("m:/models"), (None, "m:/models".to_owned(), false));
    }

    #[test]
    fn a_broken_short_form_is_told() {
        let error = |text| {
            short(text, &Location::line("c.yaml", 1))
                .unwrap_err()
                .to_string()
        };
        assert!(error("uno:/b:ro:x").contains("demasiados `:`"));
        assert!(error(":/b").contains("una parte vacía"));
    }
}
