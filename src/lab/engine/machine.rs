//! The kind of machine we run on, as far as the way out of a problem depends on it.

use std::path::Path;

use super::linux::Linux;

/// The systems for which our advice differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// Linux on its own hardware or in a virtual machine.
    Linux,
    /// Linux inside the Windows Subsystem for Linux, where Docker Desktop usually lends its engine.
    Wsl,
    /// macOS.
    MacOs,
    /// Windows outside WSL.
    Windows,
}

impl Machine {
    /// The machine this program runs on.
    #[must_use]
    pub fn here() -> Self {
        if cfg!(target_os = "macos") {
            Self::MacOs
        } else if cfg!(windows) {
            Self::Windows
        } else {
            let version = std::fs::read_to_string("/proc/version").unwrap_or_default();
            Self::of_kernel(&version)
        }
    }

    /// Tells WSL from other Linux kernels by the text of `/proc/version`.
    fn of_kernel(version: &str) -> Self {
        if version.to_ascii_lowercase().contains("microsoft") {
            Self::Wsl
        } else {
            Self::Linux
        }
    }

    /// What to do when Docker is installed but nothing answers, to stand after a colon.
    #[must_use]
    pub fn start_advice(self) -> &'static str {
        match self {
            Self::Linux => {
                "`sudo systemctl start docker` (sin systemd: `sudo service docker start`)."
            }
            Self::Wsl => {
                "abre Docker Desktop en Windows y activa «Settings › Resources › WSL integration» para esta distribución; \
                 si instalaste Docker dentro de WSL, `sudo service docker start`."
            }
            Self::MacOs => {
                "abre Docker Desktop (`open -a Docker`) y espera a que diga «Engine running»."
            }
            Self::Windows => {
                "abre Docker Desktop desde el menú Inicio y espera a que diga «Engine running»."
            }
        }
    }

    /// How to install Docker here, ready to print.
    #[must_use]
    pub fn install_advice(self) -> &'static str {
        match self {
            Self::Linux => Linux::here().install_advice(),
            Self::Wsl => {
                "Instala Docker Desktop en Windows y activa «Settings › Resources › WSL integration» para esta distribución, \
                 o instala Docker dentro de WSL con `sudo apt-get install docker.io`."
            }
            Self::MacOs => {
                "Instala Docker Desktop (`brew install --cask docker`) y ábrelo una vez."
            }
            Self::Windows => {
                "Instala Docker Desktop (`winget install Docker.DockerDesktop`), con WSL 2 activado (`wsl --install`), y ábrelo una vez."
            }
        }
    }
}

/// Whether this process may do what only root may.
#[must_use]
pub fn is_root() -> bool {
    #[cfg(unix)]
    {
        rustix::process::geteuid().is_root()
    }
    #[cfg(not(unix))]
    {
        false
    }
}

/// The first executable called `name` in `PATH`, or in the `sbin` folders that users' paths often lack.
#[must_use]
pub fn program(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(
            ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(|folder| Path::new(folder).to_path_buf()),
        )
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wsl_is_told_by_its_kernel() {
        assert_eq!(
            Machine::of_kernel("Linux version 5.15.90.1-microsoft-standard-WSL2 (oe-user@oe-host)"),
            Machine::Wsl
        );
        assert_eq!(
            Machine::of_kernel("Linux version 6.1.0-13-amd64 (x@y)"),
            Machine::Linux
        );
    }
}
