//! The host ports that stand for those the student chose.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Mutex;

use super::UpError;
use crate::submission::compose::{Port, Service};

/// Free ports of this machine instead of the student's: the same one for all containers of a stack, so
/// that the engine itself reports a clash.
#[derive(Default)]
pub(super) struct HostPorts {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The student's port → the one that stands for it.
    stand_ins: HashMap<u16, u16>,
    /// Ports of ranges that a container has: the engine gives each container the next free one.
    taken: HashMap<u16, String>,
}

impl HostPorts {
    /// The host ports of `container`, one of `service`, in the order of `ports`; an empty text is any port.
    pub fn of(&self, service: &Service, container: &str) -> Result<Vec<String>, UpError> {
        let mut known = self
            .known
            .lock()
            .map_err(|_| UpError::engine(anyhow::anyhow!("puertos en mal estado")))?;
        let ports = service.ports.iter();
        ports.map(|port| known.stand_in(port, container)).collect()
    }

    /// `container` is gone: its ports of ranges are free again.
    pub fn release(&self, container: &str) {
        if let Ok(mut known) = self.known.lock() {
            known.taken.retain(|_, owner| owner != container);
        }
    }
}

impl Known {
    fn stand_in(&mut self, port: &Port, container: &str) -> Result<String, UpError> {
        let chosen = match port.published {
            None => return Ok(String::new()),
            Some((first, last)) if first == last => first,
            Some((first, last)) => {
                let free = (first..=last).find(|port| !self.taken.contains_key(port));
                free.ok_or_else(|| {
                    UpError::failed(
                        format!(
                            "el rango de puertos {first}-{last} no da para más contenedores (`all ports are allocated`)"
                        ),
                        &port.location,
                    )
                })?
            }
        };
        self.taken
            .entry(chosen)
            .or_insert_with(|| container.to_owned());
        let stand_in = match self.stand_ins.entry(chosen) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(free_port().map_err(UpError::engine)?),
        };
        Ok(stand_in.to_string())
    }
}

/// A port that nothing listens on at this moment.
fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port())
}
