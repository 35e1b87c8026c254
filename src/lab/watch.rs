//! The watch over a lab: the engine that stops, the disk that fills, the time that runs out. Whatever it finds ends
//! the lab's work, and says whose fault it is.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bollard::models::{ContainerStateStatusEnum as Status, ContainerSummary};
use bollard::query_parameters::ListContainersOptionsBuilder;

use super::anchor::{Anchor, Silence};
use super::{Lab, RUN_LABEL, limits, reaper};

/// How often the engine's disk is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// How long the engine may keep silent: a busy one answers in milliseconds.
const SILENCE: Duration = Duration::from_secs(30);

/// How long the disk gets to show that it was the lab that filled it, once its work is stopped.
const SETTLE: Duration = Duration::from_secs(10);

/// Why the work of a lab ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The machine's or the engine's fault.
    Machine(String),
    /// The submission took more than it may.
    Submission(String),
}

/// How far a lab's work is from a [`Halt`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Course {
    /// It goes on.
    #[default]
    Steady,
    /// It is to stop at once; whose fault it is will be known when it has.
    Stopping,
    /// It has ended.
    Halted(Halt),
}

impl Lab {
    /// Looks after the lab until something ends its work. Nothing else starts the anchor.
    pub async fn watch(&self) {
        // The anchor itself stays with the lab: it goes last, when the lab is closed.
        let mut anchor = self.anchor.lock().await;
        let watched = async {
            match anchor.as_mut() {
                Some(anchor) => self.look(anchor).await,
                // An engine without base images makes nothing, so there is nothing to look after.
                None => std::future::pending().await,
            }
        };
        let watched = tokio::time::timeout(limits::CHECK, watched).await;
        let halt = watched.unwrap_or_else(|_| {
            Halt::Machine(format!(
                "la comprobación entera no terminó en {} minutos",
                limits::CHECK.as_secs() / 60
            ))
        });
        self.course.send_replace(Course::Halted(halt));
    }

    /// Waits until the lab's work is to stop; nothing of it may go on while [`Lab::halted`] is asked why.
    pub async fn stopping(&self) {
        // The sender lives as long as the lab.
        let _ = self
            .course
            .subscribe()
            .wait_for(|course| *course != Course::Steady)
            .await;
    }

    /// Why the lab's work has ended, once it has.
    pub async fn halted(&self) -> Halt {
        let mut course = self.course.subscribe();
        loop {
            if let Course::Halted(halt) = &*course.borrow_and_update() {
                return halt.clone();
            }
            let _ = course.changed().await;
        }
    }

    /// Whether what was just seen in the lab can be believed.
    ///
    /// # Errors
    /// What is wrong: then it may be no more than a consequence of that.
    pub async fn trust(&self) -> Result<(), Halt> {
        if *self.course.borrow() != Course::Steady {
            return Err(self.halted().await);
        }
        let anchor = super::anchor::name(self.id());
        let asked = async {
            if self.moored.load(Ordering::Relaxed) {
                let state = self.docker().inspect_container(&anchor, None).await?.state;
                let status = state.and_then(|state| state.status);
                // One that is not started yet is no sign of anything: the first findings come within milliseconds.
                Ok(matches!(status, Some(Status::RUNNING | Status::CREATED)))
            } else {
                self.docker().ping().await.map(|_| true)
            }
        };
        let silence = match tokio::time::timeout(SILENCE, asked).await {
            Ok(Ok(true)) => return Ok(()),
            Ok(_) => Silence::Gone,
            Err(_) => Silence::Mute(SILENCE),
        };
        Err(Halt::Machine(silence.to_string()))
    }

    async fn look(&self, anchor: &mut Anchor) -> Halt {
        if let Err(error) = anchor.start().await {
            return Halt::Machine(format!(
                "no pude arrancar el ancla del laboratorio: {error}"
            ));
        }
        let mut before = None;
        // The least that was free when containers were last measured.
        let mut measured = u64::MAX;
        loop {
            let free = match anchor.free(SILENCE).await {
                Ok(free) => free,
                Err(silence) => return Halt::Machine(silence.to_string()),
            };
            let before = *before.get_or_insert(free);
            let written = before.saturating_sub(free);
            let worth_measuring = written > limits::CONTAINER_DISK as u64 / 2
                && free < measured.saturating_sub(limits::CONTAINER_DISK as u64 / 8);
            if worth_measuring || free < limits::DISK_LEFT {
                measured = free;
                if let Some(name) = self.glutton().await {
                    self.course.send_replace(Course::Stopping);
                    return Halt::Submission(format!(
                        "{name} escribió más de {} en el disco, y lo detuve",
                        size(limits::CONTAINER_DISK as u64)
                    ));
                }
            }
            if written > limits::LAB_DISK || free < limits::DISK_LEFT {
                return self.accuse(anchor, before, free).await;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The disk fills and no container shows it: stops all work and looks whether that gives the space back.
    async fn accuse(&self, anchor: &mut Anchor, before: u64, low: u64) -> Halt {
        let written = before.saturating_sub(low);
        self.course.send_replace(Course::Stopping);
        // Of several labs on one engine, one fills the disk for all: space that comes back would accuse every one.
        let alone = reaper::runs(self.docker()).await;
        let alone = alone.is_ok_and(|runs| runs.iter().all(|run| run == self.id()));
        for (what, clear) in [
            ("La construcción", false),
            ("Los volúmenes de la entrega", true),
        ] {
            if clear && reaper::clear(self.docker(), self.id()).await.is_err() {
                break;
            }
            let begun = std::time::Instant::now();
            while begun.elapsed() < SETTLE {
                let Ok(free) = anchor.free(SILENCE).await else {
                    break;
                };
                // Others may be writing too: half is proof enough.
                let came_back = free.saturating_sub(low) > written / 2;
                if alone && came_back && written > limits::CONTAINER_DISK as u64 {
                    return Halt::Submission(format!(
                        "{} escribió más de {} en el disco, y lo detuve",
                        what,
                        size(written / 2)
                    ));
                }
                tokio::time::sleep(LOOK).await;
            }
        }
        Halt::Machine(if low < limits::DISK_LEFT {
            format!(
                "el disco del motor está lleno: quedan {}. Haz sitio y vuelve a comprobar",
                size(low)
            )
        } else {
            format!(
                "el disco del motor perdió {} durante la comprobación, y no sé por qué",
                size(written)
            )
        })
    }

    /// A container of the lab, or a step of one of its builds, that wrote more than it may.
    async fn glutton(&self) -> Option<String> {
        let label = format!("{RUN_LABEL}={}", self.id());
        let filters = std::collections::HashMap::from([("label", vec![label])]);
        let options = ListContainersOptionsBuilder::default()
            .size(true)
            .filters(&filters)
            .build();
        let containers = self.docker().list_containers(Some(options)).await.ok()?;
        let fat = |container: &ContainerSummary| {
            container
                .size_rw
                .is_some_and(|size| size > limits::CONTAINER_DISK)
        };
        let found = containers.into_iter().find(fat)?;
        let name = found.names.unwrap_or_default().into_iter().next();
        let prefix = format!("/muelle-{}-", self.id());
        Some(
            match name.as_deref().and_then(|name| name.strip_prefix(&prefix)) {
                Some(name) => format!("el contenedor `{name}`"),
                None => "un paso de la construcción".to_owned(),
            },
        )
    }
}

/// Bytes for a reader: «1,5 GB».
fn size(bytes: u64) -> String {
    let giga = bytes as f64 / f64::from(1 << 30);
    if giga >= 1.0 {
        format!("{giga:.1} GB")
            .replace('.', ",")
            .replace(",0 ", " ")
    } else {
        format!("{} MB", bytes >> 20)
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_read_well() {
        assert_eq!(size(1 << 30), "1 GB");
        assert_eq!(size(3 << 29), "1,5 GB");
        assert_eq!(size(200 << 20), "200 MB");
    }
}
