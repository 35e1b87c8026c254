//! The control groups of a private engine, of version 1 or 2.
//!
//! `muelle/ID` bounds the whole; below it `in` is the root of what the engine sees of them, with `eng` for the engine
//! and `work` for all that it runs. So nothing that writes to them from inside can loosen the bounds of the whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::bounds::{Bounds, Share};

/// What must be countable.
const NEEDED: [&str; 3] = ["memory", "pids", "cpu"];

/// The devices that a program may use: null, zero, full, random, urandom, tty, console, ptmx, tunnels (of its own
/// network; `runc` insists), pts; any may be made. No disk of the host's is among them.
const DEVICES: [&str; 12] = [
    "b *:* m",
    "c *:* m",
    "c 1:3 rwm",
    "c 1:5 rwm",
    "c 1:7 rwm",
    "c 1:8 rwm",
    "c 1:9 rwm",
    "c 5:0 rwm",
    "c 5:1 rwm",
    "c 5:2 rwm",
    "c 10:200 rwm",
    "c 136:* rwm",
];

/// The control groups of one engine.
#[derive(Debug)]
pub(super) struct Cgroups {
    hierarchies: Vec<Hierarchy>,
    id: String,
}

/// One tree of control groups: all of version 2, or some controllers of version 1.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hierarchy {
    /// `/` (version 2), or as `cpu,cpuacct` or `name=systemd`.
    controllers: String,
    root: PathBuf,
}

impl Hierarchy {
    fn is_unified(&self) -> bool {
        self.controllers == "/"
    }

    fn has(&self, controller: &str) -> bool {
        self.is_unified() || self.controllers.split(',').any(|one| one == controller)
    }

    fn whole(&self, id: &str) -> PathBuf {
        self.root.join("muelle").join(id)
    }

    /// The files and values that bound one group.
    fn limits(&self, share: &Share) -> Vec<(&'static str, String)> {
        const PERIOD: u64 = 100_000;
        let quota = PERIOD * u64::from(share.cpu_percent) / 100;
        let memory = share.memory.to_string();
        let mut limits = Vec::new();
        if self.has("memory") {
            let file = if self.is_unified() {
                "memory.max"
            } else {
                "memory.limit_in_bytes"
            };
            limits.push((file, memory));
        }
        if self.has("pids") {
            limits.push(("pids.max", share.pids.to_string()));
        }
        if self.is_unified() {
            limits.push(("cpu.max", format!("{quota} {PERIOD}")));
        } else if self.has("cpu") {
            limits.push(("cpu.cfs_period_us", PERIOD.to_string()));
            limits.push(("cpu.cfs_quota_us", quota.to_string()));
        }
        limits
    }
}

impl Cgroups {
    /// Those of this machine, for the engine `id`; none is made yet.
    ///
    /// # Errors
    /// What is missing, in Spanish.
    pub(super) fn here(id: &str) -> Result<Self, String> {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self::at(Path::new("/sys/fs/cgroup"), &own, id)
    }

    fn at(root: &Path, own: &str, id: &str) -> Result<Self, String> {
        let hierarchies: Vec<Hierarchy> = if root.join("cgroup.controllers").is_file() {
            vec![Hierarchy {
                controllers: "/".to_owned(),
                root: root.to_owned(),
            }]
        } else {
            own.lines()
                .filter_map(|line| line.split(':').nth(1))
                .filter(|controllers| !controllers.is_empty())
                .map(|controllers| Hierarchy {
                    controllers: controllers.to_owned(),
                    root: root.join(controllers.trim_start_matches("name=")),
                })
                .filter(|hierarchy| hierarchy.root.is_dir())
                .collect()
        };
        let unified = fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
        for needed in NEEDED {
            let found = hierarchies.iter().any(|hierarchy| {
                if hierarchy.is_unified() {
                    unified.split_whitespace().any(|one| one == needed)
                } else {
                    hierarchy.has(needed)
                }
            });
            if !found {
                return Err(format!(
                    "este núcleo no deja limitar `{needed}` con grupos de control (/sys/fs/cgroup)"
                ));
            }
        }
        Ok(Self {
            hierarchies,
            id: id.to_owned(),
        })
    }

    /// Makes them and bounds the whole.
    pub(super) fn make(&self, bounds: &Bounds) -> io::Result<()> {
        for hierarchy in &self.hierarchies {
            let whole = hierarchy.whole(&self.id);
            let inside = whole.join("in");
            fs::create_dir_all(&whole).map_err(|error| named(&whole, &error))?;
            // Only a group without children can be closed.
            if hierarchy.has("devices") && !hierarchy.is_unified() {
                write(&whole.join("devices.deny"), "a")?;
                for device in DEVICES {
                    write(&whole.join("devices.allow"), device)?;
                }
            }
            for group in ["eng", "work"] {
                fs::create_dir_all(inside.join(group)).map_err(|error| named(&inside, &error))?;
            }
            if hierarchy.is_unified() {
                for group in [&hierarchy.root, &hierarchy.root.join("muelle"), &whole] {
                    write(&group.join("cgroup.subtree_control"), "+memory +pids +cpu")?;
                }
            }
            if hierarchy.has("cpuset") && !hierarchy.is_unified() {
                self.inherit_cpuset(hierarchy)?;
            }
            for (file, value) in hierarchy.limits(&bounds.whole()) {
                write(&whole.join(file), &value)?;
            }
            // No way round memory by swapping, where swap is counted at all.
            let swap = if hierarchy.is_unified() {
                ("memory.swap.max", "0".to_owned())
            } else {
                (
                    "memory.memsw.limit_in_bytes",
                    bounds.whole().memory.to_string(),
                )
            };
            if whole.join(swap.0).exists() {
                write(&whole.join(swap.0), &swap.1)?;
            }
        }
        Ok(())
    }

    /// A group of version 1 without processors can hold no process.
    fn inherit_cpuset(&self, hierarchy: &Hierarchy) -> io::Result<()> {
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let value = fs::read_to_string(hierarchy.root.join(file))?;
            let whole = hierarchy.whole(&self.id);
            let inside = whole.join("in");
            for group in [
                &hierarchy.root.join("muelle"),
                &whole,
                &inside,
                &inside.join("eng"),
                &inside.join("work"),
            ] {
                write(&group.join(file), value.trim())?;
            }
        }
        Ok(())
    }

    /// The files by which a process joins the root of the engine's view.
    pub(super) fn doors(&self) -> Vec<PathBuf> {
        self.each(|whole| whole.join("in/cgroup.procs"))
    }

    /// The hierarchies as the engine's tree mounts them.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self
            .hierarchies
            .iter()
            .map(|hierarchy| hierarchy.controllers.as_str())
            .collect();
        names.join(" ")
    }

    /// What the first process inside writes: itself into the engine's group, then the bounds of the engine's and the
    /// work's. (In version 2, a group that gives controllers to its children can hold no process.)
    pub(super) fn settings(&self, bounds: &Bounds) -> String {
        let mut settings = String::new();
        let mut line = |path: PathBuf, value: &str| {
            settings.push_str(&format!("{} {value}\n", path.display()));
        };
        for hierarchy in &self.hierarchies {
            let inside = hierarchy.whole(&self.id).join("in");
            line(inside.join("eng/cgroup.procs"), "0");
            if hierarchy.is_unified() {
                line(inside.join("cgroup.subtree_control"), "+memory +pids +cpu");
            }
            for (group, share) in [("eng", &bounds.engine), ("work", &bounds.work)] {
                for (file, value) in hierarchy.limits(share) {
                    line(inside.join(group).join(file), &value);
                }
            }
        }
        settings.trim_end().to_owned()
    }

    /// Removes them; whether nothing is left, which is so when all their processes have ended.
    pub(super) fn remove(&self) -> bool {
        fn remove(folder: &Path) -> bool {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    remove(&entry.path());
                }
            }
            fs::remove_dir(folder).is_ok() || !folder.exists()
        }
        self.each(Path::to_owned).iter().all(|whole| remove(whole))
    }

    fn each<T>(&self, of: impl Fn(&Path) -> T) -> Vec<T> {
        self.hierarchies
            .iter()
            .map(|hierarchy| of(&hierarchy.whole(&self.id)))
            .collect()
    }
}

fn write(file: &Path, value: &str) -> io::Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .open(file)
        .and_then(|mut file| io::Write::write_all(&mut file, value.as_bytes()))
        .map_err(|error| named(file, &error))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        disk: 1 << 30,
        engine: Share {
            memory: 1000,
            pids: 10,
            cpu_percent: 50,
        },
        work: Share {
            memory: 2000,
            pids: 20,
            cpu_percent: 150,
        },
    };

    #[test]
    fn version_1_gives_each_hierarchy_its_own_limits() {
        let root = tempfile::tempdir().unwrap();
        for name in ["memory", "cpu,cpuacct", "pids", "systemd"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        let own = "4:memory:/x\n3:cpu,cpuacct:/\n2:pids:/\n1:name=systemd:/y\n0::/\n";
        let cgroups = Cgroups::at(root.path(), own, "abc").unwrap();
        assert_eq!(cgroups.names(), "memory cpu,cpuacct pids name=systemd");
        let settings = cgroups
            .settings(&BOUNDS)
            .replace(&root.path().display().to_string(), "");
        assert_eq!(
            settings,
            "/memory/muelle/abc/in/eng/cgroup.procs 0\n\
             /memory/muelle/abc/in/eng/memory.limit_in_bytes 1000\n\
             /memory/muelle/abc/in/work/memory.limit_in_bytes 2000\n\
             /cpu,cpuacct/muelle/abc/in/eng/cgroup.procs 0\n\
             /cpu,cpuacct/muelle/abc/in/eng/cpu.cfs_period_us 100000\n\
             /cpu,cpuacct/muelle/abc/in/eng/cpu.cfs_quota_us 50000\n\
             /cpu,cpuacct/muelle/abc/in/work/cpu.cfs_period_us 100000\n\
             /cpu,cpuacct/muelle/abc/in/work/cpu.cfs_quota_us 150000\n\
             /pids/muelle/abc/in/eng/cgroup.procs 0\n\
             /pids/muelle/abc/in/eng/pids.max 10\n\
             /pids/muelle/abc/in/work/pids.max 20\n\
             /systemd/muelle/abc/in/eng/cgroup.procs 0"
        );
    }

    #[test]
    fn version_2_joins_before_it_hands_controllers_down() {
        let root = tempfile::tempdir().unwrap();
        fs::write(
            root.path().join("cgroup.controllers"),
            "cpuset cpu io memory pids\n",
        )
        .unwrap();
        let cgroups = Cgroups::at(root.path(), "0::/\n", "abc").unwrap();
        assert_eq!(cgroups.names(), "/");
        let settings = cgroups
            .settings(&BOUNDS)
            .replace(&root.path().display().to_string(), "");
        assert_eq!(
            settings,
            "/muelle/abc/in/eng/cgroup.procs 0\n\
             /muelle/abc/in/cgroup.subtree_control +memory +pids +cpu\n\
             /muelle/abc/in/eng/memory.max 1000\n\
             /muelle/abc/in/eng/pids.max 10\n\
             /muelle/abc/in/eng/cpu.max 50000 100000\n\
             /muelle/abc/in/work/memory.max 2000\n\
             /muelle/abc/in/work/pids.max 20\n\
             /muelle/abc/in/work/cpu.max 150000 100000"
        );
    }

    #[test]
    fn a_kernel_that_cannot_count_processes_is_told() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("memory")).unwrap();
        let why = Cgroups::at(root.path(), "4:memory:/x\n", "abc").unwrap_err();
        assert!(why.contains("`pids`"), "{why}");
    }
}
