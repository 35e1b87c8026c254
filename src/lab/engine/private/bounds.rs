//! How much a private engine may use.

/// How much a private engine may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of its disk: images, layers, volumes, logs, build caches.
    pub disk: u64,
    /// Of the engine itself.
    pub engine: Share,
    /// Of everything that it runs: containers and the steps of builds.
    pub work: Share,
}

/// A share of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Bytes.
    pub memory: u64,
    /// Processes and threads.
    pub pids: u32,
    /// Hundredths of a processor.
    pub cpu_percent: u32,
}

impl Default for Bounds {
    /// As much as the largest exercise needs; less memory where the machine has little.
    fn default() -> Self {
        const GIB: u64 = 1 << 30;
        let half = memory_of_machine() / 2;
        Self {
            disk: 8 * GIB,
            engine: Share {
                memory: GIB,
                pids: 2048,
                cpu_percent: 200,
            },
            work: Share {
                memory: half.clamp(GIB, 4 * GIB),
                pids: 2048,
                cpu_percent: 200,
            },
        }
    }
}

impl Bounds {
    /// The engine and its work together.
    pub(super) fn whole(&self) -> Share {
        Share {
            memory: self.engine.memory + self.work.memory,
            pids: self.engine.pids + self.work.pids,
            cpu_percent: self.engine.cpu_percent + self.work.cpu_percent,
        }
    }
}

/// Its memory in bytes; a guess of 4 GiB where it does not say.
fn memory_of_machine() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = text.lines().find_map(|line| {
        let words = line.strip_prefix("MemTotal:")?;
        words.split_whitespace().next()?.parse::<u64>().ok()
    });
    kib.unwrap_or(4 << 20) << 10
}
