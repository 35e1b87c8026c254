//! Why no engine could be had, said so that the student can mend it.

use super::endpoint::Origin;
use super::machine::Machine;

/// Why no engine could be had. Its text is complete: what happened, what to do here, whom to ask next.
#[derive(Debug)]
pub enum EngineError {
    /// The address that the user chose does not answer.
    NotAnswering {
        /// The address.
        host: String,
        /// Who chose it.
        origin: Origin,
        /// What was seen when trying.
        why: String,
    },
    /// The address needs a transport that this program does not speak (ssh, TLS).
    Unsupported {
        /// The address.
        host: String,
        /// Who chose it.
        origin: Origin,
    },
    /// The chosen docker context cannot be used.
    Context {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// An engine runs, but this user may not talk to it.
    PermissionDenied {
        /// The socket that refused us.
        socket: String,
    },
    /// Nothing answers in any of the default places.
    NoEngine {
        /// The addresses tried, with what was seen at each.
        tried: Vec<String>,
        /// Whether the `dockerd` program is installed.
        installed: bool,
    },
    /// The engine answers, but not with what we need to know about it.
    Facts {
        /// The engine's address.
        host: String,
        /// What it said.
        why: String,
    },
    /// A private engine could not be started.
    Private {
        /// What went wrong, with the last lines of its log where there are some.
        why: String,
    },
    /// It runs, but lacks base images; with what to say.
    NoImages(String),
    /// A variable of ours has a value that means nothing.
    Setting {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// The values it may have.
        allowed: &'static str,
    },
}

/// The last line of every message: where to go next.
const DOCTOR: &str = "Para ver qué falta: `muelle doctor`. Para que lo arregle por ti lo que se pueda: `muelle doctor --fix`.";

impl std::error::Error for EngineError {}

impl std::fmt::Display for EngineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.tell(Machine::here(), f)
    }
}

impl EngineError {
    /// A private engine failed with `error`.
    pub(super) fn private(error: &dyn std::fmt::Display) -> Self {
        Self::Private {
            why: format!("{error}."),
        }
    }

    /// Writes the message for a given machine.
    fn tell(&self, machine: Machine, f: &mut dyn std::fmt::Write) -> std::fmt::Result {
        match self {
            Self::NotAnswering { host, origin, why } => {
                writeln!(f, "El motor de {host} no responde: {why}.")?;
                writeln!(f, "La eligió {origin}.")?;
                match origin {
                    Origin::DockerHost => writeln!(
                        f,
                        "Si no la necesitas, quítala con `unset DOCKER_HOST`; si la necesitas, comprueba que su motor esté en marcha."
                    )?,
                    Origin::Context(_) => writeln!(
                        f,
                        "Para volver al motor de esta máquina: `docker context use default`."
                    )?,
                    Origin::Default => writeln!(f, "Para arrancarlo: {}", machine.start_advice())?,
                }
            }
            Self::Unsupported { host, origin } => {
                writeln!(
                    f,
                    "No sé hablar con {host} (lo pide {origin}): muelle entiende unix://, tcp:// sin TLS y npipe://, pero no ssh:// ni TLS."
                )?;
                writeln!(
                    f,
                    "Usa el motor de esta máquina (`unset DOCKER_HOST`, `docker context use default`)"
                )?;
                writeln!(
                    f,
                    "o trae aquí el socket remoto con `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock USUARIO@MAQUINA` y `export DOCKER_HOST=unix:///tmp/docker.sock`."
                )?;
            }
            Self::Context { name, why } => {
                writeln!(f, "No puedo usar el contexto de Docker «{name}»: {why}.")?;
                writeln!(
                    f,
                    "Mira los que hay con `docker context ls`; para volver al motor de esta máquina: `docker context use default` (y `unset DOCKER_CONTEXT`)."
                )?;
            }
            Self::PermissionDenied { socket } => {
                writeln!(
                    f,
                    "Hay un motor de Docker en {socket}, pero tu usuario no tiene permiso para hablar con él."
                )?;
                writeln!(
                    f,
                    "Entra en el grupo docker con `sudo usermod -aG docker \"$USER\"` y abre una sesión nueva (o, solo en esta terminal, `newgrp docker`)."
                )?;
            }
            Self::NoEngine { tried, installed } => {
                writeln!(f, "No hay ningún motor de Docker en marcha. Busqué en:")?;
                for place in tried {
                    writeln!(f, "  - {place}")?;
                }
                if *installed || machine != Machine::Linux {
                    writeln!(f, "Para arrancarlo: {}", machine.start_advice())?;
                }
                if !*installed {
                    writeln!(f, "¿Todavía no lo tienes? {}", machine.install_advice())?;
                }
            }
            Self::Facts { host, why } => {
                writeln!(
                    f,
                    "En {host} responde algo, pero no como un motor de Docker: {why}."
                )?;
                writeln!(
                    f,
                    "muelle necesita Docker Engine 20.10 o posterior (API 1.41), o Podman 4 con su socket compatible."
                )?;
            }
            Self::NoImages(message) => writeln!(f, "{message}")?,
            Self::Private { why } => {
                writeln!(f, "No pude arrancar un motor propio y privado: {why}")?;
                writeln!(
                    f,
                    "Con un motor de Docker en marcha no hace falta (`--sandbox compartido`): {}",
                    machine.start_advice()
                )?;
            }
            Self::Setting {
                name,
                value,
                allowed,
            } => {
                return write!(
                    f,
                    "{name}={value} no significa nada. Valores posibles: {allowed}. Para quitarla: `unset {name}`."
                );
            }
        }
        write!(f, "{DOCTOR}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(error: &EngineError, machine: Machine) -> String {
        let mut out = String::new();
        error.tell(machine, &mut out).unwrap();
        out
    }

    #[test]
    fn no_engine_on_linux_says_how_to_start_it_and_where_it_looked() {
        let error = EngineError::NoEngine {
            tried: vec!["unix:///var/run/docker.sock: no existe".into()],
            installed: true,
        };
        assert_eq!(
            text(&error, Machine::Linux),
            "No hay ningún motor de Docker en marcha. Busqué en:\n\
             \x20 - unix:///var/run/docker.sock: no existe\n\
             Para arrancarlo: `sudo systemctl start docker` (sin systemd: `sudo service docker start`).\n\
             Para ver qué falta: `muelle doctor`. Para que lo arregle por ti lo que se pueda: `muelle doctor --fix`."
        );
    }

    #[test]
    fn a_refused_socket_names_the_group_to_enter() {
        let error = EngineError::PermissionDenied {
            socket: "/var/run/docker.sock".into(),
        };
        assert_eq!(
            text(&error, Machine::Linux),
            "Hay un motor de Docker en /var/run/docker.sock, pero tu usuario no tiene permiso para hablar con él.\n\
             Entra en el grupo docker con `sudo usermod -aG docker \"$USER\"` y abre una sesión nueva (o, solo en esta terminal, `newgrp docker`).\n\
             Para ver qué falta: `muelle doctor`. Para que lo arregle por ti lo que se pueda: `muelle doctor --fix`."
        );
    }

    #[test]
    fn each_machine_gets_its_own_way_out() {
        let error = EngineError::NoEngine {
            tried: Vec::new(),
            installed: false,
        };
        assert!(text(&error, Machine::Wsl).contains("WSL integration"));
        assert!(text(&error, Machine::MacOs).contains("open -a Docker"));
        assert!(text(&error, Machine::Windows).contains("winget install"));
    }

    #[test]
    fn a_chosen_address_that_fails_says_who_chose_it() {
        let error = EngineError::NotAnswering {
            host: "tcp://10.0.0.1:2375".into(),
            origin: Origin::Context("aula".into()),
            why: "sin respuesta en 5 s".into(),
        };
        assert!(text(&error, Machine::Linux).starts_with(
            "El motor de tcp://10.0.0.1:2375 no responde: sin respuesta en 5 s.\nLa eligió el contexto de Docker «aula».\n"
        ));
    }
}
