//! The one place that says how much anything of a lab may take: every container goes through [`contain`].
//!
//! What the student wrote stays where it is lower than ours; whoever asks what *they* wrote asks the compose model,
//! because the engine shows both alike.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use bollard::models::{HostConfig, HostConfigLogConfig, MountType, ResourcesUlimits};

/// Memory of a container or of a step of a build, in bytes, swap included: an app of the course needs a tenth of it.
pub const MEMORY: i64 = 1 << 30;

/// Processes and threads of a container: enough for any server, too few for a fork bomb to be felt.
pub const PIDS: i64 = 512;

/// The length of a scheduling period, in microseconds: the kernel's own default.
pub const CPU_PERIOD: i64 = 100_000;

/// Processor time in each period: two cores, whatever the machine has.
pub const CPU_QUOTA: i64 = 2 * CPU_PERIOD;

/// Open files of a process; the engine's own default of a million is memory of the kernel's.
pub const FILES: i64 = 16_384;

/// Bytes that a container may write into its own layer, and the length of one file: the kernel bounds the file at
/// once, the watch the rest within a second.
pub const CONTAINER_DISK: i64 = 1 << 30;

/// Bytes by which a whole lab, builds and volumes included, may shrink the engine's disk: a dozen images of the course.
pub const LAB_DISK: u64 = 4 << 30;

/// Free bytes of the engine's disk below which nothing seen there can be believed.
pub const DISK_LEFT: u64 = 256 << 20;

/// Bytes of `/dev/shm` at most; where nothing is asked for the engine gives 64 MiB.
pub const SHARED_MEMORY: i64 = 256 << 20;

/// Size of a tmpfs that says none; the kernel's own default is half of the machine's memory.
pub const TMPFS: i64 = 64 << 20;

/// Size of one log file, and how many there are: what a container printed last always survives.
pub const LOG: (&str, &str) = ("5m", "2");

/// Longest build.
pub const BUILD: Duration = Duration::from_secs(300);

/// Longest start of one container, which takes a quarter of a second.
pub const START: Duration = Duration::from_secs(60);

/// Longest experiment, with the builds and starts that it is the first to need.
pub const ITEM: Duration = Duration::from_secs(360);

/// Longest check of one submission.
pub const CHECK: Duration = Duration::from_secs(1200);

/// Longest removal of a lab, and of what killed ones left: they take a second.
pub const CLOSE: Duration = Duration::from_secs(60);

/// Longest removal of a lab whose engine is in trouble already.
pub const CLOSE_IN_TROUBLE: Duration = Duration::from_secs(5);

/// The rights of root that images legitimately use: becoming another user, owning files, low ports. Of the engine's
/// own default, these are taken away: making devices, raw packets, `chroot`, writing to the audit log, and handing
/// rights on by file or by set.
const CAPABILITIES: [&str; 8] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "SETGID",
    "SETUID",
];

/// Puts the limits on a container: the lower of theirs and ours.
pub fn contain(host: &mut HostConfig) {
    let memory = lower(host.memory, MEMORY);
    host.memory = Some(memory);
    host.memory_swap = Some(memory);
    host.memory_reservation = host.memory_reservation.map(|least| least.min(memory));
    host.oom_kill_disable = None;
    host.pids_limit = Some(lower(host.pids_limit, PIDS));
    // As a quota, because the engine refuses more `NanoCpus` than the machine has.
    let most = CPU_QUOTA * 1_000_000_000 / CPU_PERIOD;
    host.nano_cpus = host.nano_cpus.filter(|&cpus| cpus > 0 && cpus < most);
    if host.nano_cpus.is_none() {
        host.cpu_period = Some(CPU_PERIOD);
        host.cpu_quota = Some(CPU_QUOTA);
    }
    host.shm_size = host.shm_size.map(|size| size.min(SHARED_MEMORY));
    ulimits(host.ulimits.get_or_insert_default());
    capabilities(host);
    let options = host.security_opt.get_or_insert_default();
    options.retain(|option| !option.starts_with("no-new-privileges"));
    options.push("no-new-privileges:true".to_owned());
    for options in host.tmpfs.iter_mut().flatten().map(|(_, options)| options) {
        if !options.split(',').any(|option| option.starts_with("size=")) {
            let separator = if options.is_empty() { "" } else { "," };
            options.push_str(&format!("{separator}size={TMPFS}"));
        }
    }
    for mount in host.mounts.iter_mut().flatten() {
        if mount.typ == Some(MountType::TMPFS) {
            let options = mount.tmpfs_options.get_or_insert_default();
            options.size_bytes.get_or_insert(TMPFS);
        }
    }
    // Logs stay with the engine and small, whatever driver the service asks for.
    host.log_config = Some(HostConfigLogConfig {
        typ: Some("json-file".to_owned()),
        config: Some(HashMap::from([
            ("max-size".to_owned(), LOG.0.to_owned()),
            ("max-file".to_owned(), LOG.1.to_owned()),
        ])),
    });
}

fn lower(theirs: Option<i64>, ours: i64) -> i64 {
    theirs
        .filter(|&limit| limit > 0)
        .map_or(ours, |limit| limit.min(ours))
}

fn ulimits(limits: &mut Vec<ResourcesUlimits>) {
    // A core dump is written wherever the *host's* kernel was told to.
    for (name, ours) in [("nofile", FILES), ("core", 0), ("fsize", CONTAINER_DISK)] {
        // `-1` means without limit.
        let least = |theirs: Option<i64>| match theirs {
            Some(limit) if limit >= 0 => limit.min(ours),
            _ => ours,
        };
        match limits
            .iter_mut()
            .find(|limit| limit.name.as_deref() == Some(name))
        {
            Some(limit) => {
                limit.soft = Some(least(limit.soft));
                limit.hard = Some(least(limit.hard));
            }
            None => limits.push(ResourcesUlimits {
                name: Some(name.to_owned()),
                soft: Some(ours),
                hard: Some(ours),
            }),
        }
    }
}

/// What the student drops is dropped, what the policy lets them add is added; the rest is the list above.
fn capabilities(host: &mut HostConfig) {
    let named = |list: &Option<Vec<String>>| -> BTreeSet<String> {
        let names = list.iter().flatten().map(|name| name.to_uppercase());
        names
            .map(|name| name.strip_prefix("CAP_").unwrap_or(&name).to_owned())
            .collect()
    };
    let (added, dropped) = (named(&host.cap_add), named(&host.cap_drop));
    let kept = CAPABILITIES
        .into_iter()
        .filter(|name| !dropped.contains("ALL") && !dropped.contains(*name))
        .map(str::to_owned);
    let all = kept.chain(added).collect::<BTreeSet<_>>();
    host.cap_add = Some(all.into_iter().collect());
    host.cap_drop = Some(vec!["ALL".to_owned()]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contained(mut host: HostConfig) -> HostConfig {
        contain(&mut host);
        host
    }

    fn limit(host: &HostConfig, name: &str) -> (Option<i64>, Option<i64>) {
        let limits = host.ulimits.as_ref().unwrap();
        let mut named = limits
            .iter()
            .filter(|limit| limit.name.as_deref() == Some(name));
        let found = named.next().unwrap();
        assert!(named.next().is_none(), "{name} twice");
        (found.soft, found.hard)
    }

    #[test]
    fn without_any_word_of_theirs_everything_is_bounded() {
        let host = contained(HostConfig::default());
        assert_eq!(
            (host.memory, host.memory_swap),
            (Some(MEMORY), Some(MEMORY))
        );
        assert_eq!(host.pids_limit, Some(PIDS));
        assert_eq!(host.cpu_quota, Some(CPU_QUOTA));
        assert_eq!(limit(&host, "core"), (Some(0), Some(0)));
        assert_eq!(host.cap_drop, Some(vec!["ALL".to_owned()]));
        assert_eq!(host.cap_add.unwrap(), CAPABILITIES);
    }

    #[test]
    fn a_lower_limit_of_theirs_wins_and_a_higher_or_endless_one_does_not() {
        let host = contained(HostConfig {
            memory: Some(64 << 20),
            pids_limit: Some(-1),
            nano_cpus: Some(500_000_000),
            ulimits: Some(vec![ResourcesUlimits {
                name: Some("nofile".into()),
                soft: Some(100),
                hard: Some(-1),
            }]),
            ..HostConfig::default()
        });
        assert_eq!(
            (host.memory, host.memory_swap),
            (Some(64 << 20), Some(64 << 20))
        );
        assert_eq!(host.pids_limit, Some(PIDS));
        assert_eq!((host.nano_cpus, host.cpu_quota), (Some(500_000_000), None));
        assert_eq!(limit(&host, "nofile"), (Some(100), Some(FILES)));
        let host = contained(HostConfig {
            nano_cpus: Some(64_000_000_000),
            memory: Some(MEMORY * 8),
            memory_reservation: Some(MEMORY * 4),
            ..HostConfig::default()
        });
        assert_eq!((host.nano_cpus, host.cpu_quota), (None, Some(CPU_QUOTA)));
        assert_eq!(
            (host.memory, host.memory_reservation),
            (Some(MEMORY), Some(MEMORY))
        );
    }

    #[test]
    fn rights_that_the_student_drops_or_adds_are_dropped_or_added() {
        let caps = |add: &[&str], drop: &[&str]| {
            let own = |list: &[&str]| Some(list.iter().map(|&name| name.to_owned()).collect());
            contained(HostConfig {
                cap_add: own(add),
                cap_drop: own(drop),
                ..HostConfig::default()
            })
            .cap_add
            .unwrap()
        };
        assert_eq!(
            caps(&["CAP_net_bind_service"], &["all"]),
            ["NET_BIND_SERVICE"]
        );
        assert!(!caps(&[], &["CHOWN"]).contains(&"CHOWN".to_owned()));
        assert!(caps(&["SETPCAP"], &[]).contains(&"SETPCAP".to_owned()));
    }

    #[test]
    fn a_tmpfs_has_a_size() {
        let own = |options: &str| ("/tmp".to_owned(), options.to_owned());
        let sized = |options: &str| {
            let host = contained(HostConfig {
                tmpfs: Some(HashMap::from([own(options)])),
                ..HostConfig::default()
            });
            host.tmpfs.unwrap().remove("/tmp").unwrap()
        };
        assert_eq!(sized(""), format!("size={TMPFS}"));
        assert_eq!(sized("noexec"), format!("noexec,size={TMPFS}"));
        assert_eq!(sized("size=1m,uid=5"), "size=1m,uid=5");
    }
}
