//! What can be written inside a container, and on what it lies, as a witness sees it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::lab::container::Container;
use crate::lab::token;

/// Tries to write at each path, as root and as each user that a process of the container has, in the container's own
/// file system; prints one JSON object for each of them.
///
/// `argv`: a name that nothing has, and the paths.
const ATTEMPT: &str = r#"
import json, os, sys
fresh, *paths = sys.argv[1:]
def able(path, mode):
    try:
        open(path, mode).close()
        if mode == "x":
            os.remove(path)
        return None
    except OSError as error:
        return os.strerror(error.errno)
def attempt(path):
    why = able(os.path.join(path, fresh), "x")
    device = os.stat(path).st_dev
    try:
        entries = sorted(os.listdir(path))[:100] if why else []
    except OSError:
        entries = []
    for entry in entries:
        entry = os.path.join(path, entry)
        if os.path.isfile(entry) and os.stat(entry).st_dev == device and able(entry, "a") is None:
            return None
    return why
# Other witnesses are here too: the container's own processes share its first one's mounts.
mounts = os.readlink("/proc/1/ns/mnt")
identities = {(True, 0, 0)}
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        if os.readlink(f"/proc/{pid}/ns/mnt") != mounts:
            continue
        status = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status") if ":" in line)
    except OSError:
        continue
    if status["State"].split()[0] != "Z":
        ids = [int(status[key].split()[1]) for key in ("Uid", "Gid")]
        identities.add((False, *ids, *map(int, status["Groups"].split())))
for root, uid, gid, *groups in sorted(identities):
    reader, writer = os.pipe()
    if os.fork() == 0:
        kinds = {}
        for line in open("/proc/1/mountinfo"):
            left, right = line.split(" - ", 1)
            kinds[left.split()[2]] = right.split()[0]
        os.chroot("/proc/1/root")
        os.chdir("/")
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        told = {"root": root, "uid": uid, "paths": {}}
        for path in paths:
            if os.path.isdir(path):
                device = os.stat(path).st_dev
                kind = kinds.get(f"{os.major(device)}:{os.minor(device)}", "")
                told["paths"][path] = {"kind": kind, "refused": attempt(path)}
        with os.fdopen(writer, "w") as out:
            out.write(json.dumps(told))
        os._exit(0)
    os.close(writer)
    told = os.fdopen(reader).read()
    if os.wait()[1] != 0 or not told:
        sys.exit(f"no pude ser el usuario {uid}:{gid}")
    print(told)
"#;

/// What one user found.
#[derive(Clone, Debug, Deserialize)]
pub struct Inside {
    /// Whether this is root itself, and not a user that a process has.
    pub root: bool,
    /// The user.
    pub uid: u32,
    /// The folders that are there.
    pub paths: BTreeMap<String, Place>,
}

/// A folder inside a container.
#[derive(Clone, Debug, Deserialize)]
pub struct Place {
    /// The kind of file system that it lies on, by the kernel's own account.
    pub kind: String,
    /// Why it cannot be written there, in the system's words; nothing when it can.
    pub refused: Option<String>,
}

/// What root, and each user that a process has, can write in the folders `paths` of `container`; `image` is the course's
/// base image.
///
/// # Errors
/// As [`Container::witnessed`].
pub async fn look_inside(
    container: &Container<'_>,
    image: &str,
    paths: &[&str],
) -> anyhow::Result<Vec<Inside>> {
    let fresh = token(16);
    let args: Vec<&str> = std::iter::once(fresh.as_str())
        .chain(paths.iter().copied())
        .collect();
    let told = container.witnessed(image, ATTEMPT, &args).await?;
    let lines = told.lines().map(serde_json::from_str);
    Ok(lines.collect::<Result<_, _>>()?)
}
