//! What keeps a private engine from being started here.

use std::path::Path;

use super::cgroup::Cgroups;
use crate::lab::engine::machine::{is_root, program};
use crate::lab::lock;

/// The programs that it needs, with the Debian package of each.
const NEEDS: [(&str, &str); 15] = [
    ("dockerd", "docker.io"),
    ("containerd", "containerd"),
    ("runc", "runc"),
    ("iptables", "iptables"),
    ("ip", "iproute2"),
    // With it the engine lists the processes of a container.
    ("ps", "procps"),
    ("mkfs.ext4", "e2fsprogs"),
    ("unshare", "util-linux"),
    ("setpriv", "util-linux"),
    ("pivot_root", "util-linux"),
    ("mount", "mount"),
    ("losetup", "mount"),
    ("hostname", "hostname"),
    ("tar", "tar"),
    ("sed", "sed"),
];

/// Whether it is worth trying: the rest can be mended.
pub(in crate::lab::engine) fn is_possible() -> bool {
    cfg!(target_os = "linux") && is_root() && program("dockerd").is_some()
}

/// The packages of the programs that are missing.
pub(in crate::lab::engine) fn lacking() -> Vec<&'static str> {
    let missing = NEEDS.iter().filter(|(name, _)| program(name).is_none());
    let mut packages: Vec<&str> = missing.map(|(_, package)| *package).collect();
    packages.dedup();
    packages
}

/// What is missing, each with its way out; in Spanish, without a full stop.
pub(in crate::lab::engine) fn obstacles() -> Vec<String> {
    if !cfg!(target_os = "linux") {
        return vec!["el motor privado solo existe en Linux".to_owned()];
    }
    if !is_root() {
        return vec!["hace falta ser root (`sudo`)".to_owned()];
    }
    let mut obstacles = Vec::new();
    let missing = lacking();
    if !missing.is_empty() {
        obstacles.push(format!(
            "faltan programas: `sudo apt-get install {}`",
            missing.join(" ")
        ));
    }
    for name in ["dockerd", "containerd", "runc"] {
        let real = program(name).and_then(|path| path.canonicalize().ok());
        if let Some(path) = real.filter(|path| !path.starts_with("/usr")) {
            obstacles.push(format!(
                "`{name}` está en {} y el motor privado solo ve /usr: instálalo ahí",
                path.display()
            ));
        }
    }
    if let Err(why) = Cgroups::here("-") {
        obstacles.push(why);
    }
    if std::fs::read_to_string("/proc/sys/user/max_user_namespaces").is_ok_and(|n| n.trim() == "0")
    {
        obstacles.push(
            "este núcleo no permite espacios de usuarios: `sudo sysctl user.max_user_namespaces=10000`"
                .to_owned(),
        );
    }
    if !Path::new("/dev/loop-control").exists() {
        obstacles.push("falta /dev/loop-control: `sudo modprobe loop`".to_owned());
    }
    if is_overlay(&lock::home()) {
        obstacles.push(format!(
            "{} está en un sistema de archivos por capas, que no puede guardar otras capas: elige con `MUELLE_HOME` una carpeta de un disco (o de un volumen)",
            lock::home().display()
        ));
    }
    obstacles
}

/// Whether the nearest folder that exists is on an overlay.
fn is_overlay(folder: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        // OVERLAYFS_SUPER_MAGIC; the type of the field is not the same on all machines.
        folder
            .ancestors()
            .find_map(|folder| rustix::fs::statfs(folder).ok())
            .is_some_and(|disk| disk.f_type == 0x794c_7630)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        false
    }
}
