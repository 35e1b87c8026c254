//! The families of Linux, as far as installing Docker differs.

/// What `/etc/os-release` says this is, or is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linux {
    /// Debian, Ubuntu and theirs.
    Debian,
    /// Fedora.
    Fedora,
    /// Arch and its.
    Arch,
    /// openSUSE and SLE.
    Suse,
    /// Alpine.
    Alpine,
    /// Any other.
    Other,
}

impl Linux {
    /// That of this machine.
    #[must_use]
    pub fn here() -> Self {
        Self::of(&std::fs::read_to_string("/etc/os-release").unwrap_or_default())
    }

    fn of(release: &str) -> Self {
        let words = |key: &str| {
            release
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
                .unwrap_or_default()
                .trim_matches(['"', '\''])
                .to_ascii_lowercase()
        };
        let (id, like) = (words("ID"), words("ID_LIKE"));
        std::iter::once(id.as_str())
            .chain(like.split_whitespace())
            .find_map(|word| match word {
                "debian" | "ubuntu" => Some(Self::Debian),
                "fedora" => Some(Self::Fedora),
                "arch" => Some(Self::Arch),
                "alpine" => Some(Self::Alpine),
                word if word.contains("suse") => Some(Self::Suse),
                _ => None,
            })
            .unwrap_or(Self::Other)
    }

    /// How to install Docker and keep it running, ready to print.
    #[must_use]
    pub fn install_advice(self) -> &'static str {
        match self {
            Self::Debian => {
                "Instálalo con `sudo apt-get install docker.io` y arráncalo con `sudo systemctl enable --now docker`."
            }
            Self::Fedora => {
                "Instálalo con `sudo dnf install moby-engine` y arráncalo con `sudo systemctl enable --now docker`."
            }
            Self::Arch => {
                "Instálalo con `sudo pacman -S docker` y arráncalo con `sudo systemctl enable --now docker`."
            }
            Self::Suse => {
                "Instálalo con `sudo zypper install docker` y arráncalo con `sudo systemctl enable --now docker`."
            }
            Self::Alpine => {
                "Instálalo con `sudo apk add docker` y arráncalo con `sudo rc-update add docker && sudo service docker start`."
            }
            Self::Other => {
                "Las instrucciones para tu distribución están en https://docs.docker.com/engine/install/."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_is_told_by_its_name_or_by_what_it_is_like() {
        for (release, family) in [
            ("NAME=\"Debian GNU/Linux\"\nID=debian\n", Linux::Debian),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", Linux::Debian),
            ("ID=fedora\nVARIANT_ID=workstation\n", Linux::Fedora),
            (
                "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n",
                Linux::Suse,
            ),
            ("ID=manjaro\nID_LIKE=arch\n", Linux::Arch),
            ("ID=alpine\n", Linux::Alpine),
            ("ID=nixos\n", Linux::Other),
            ("", Linux::Other),
        ] {
            assert_eq!(Linux::of(release), family, "{release}");
        }
    }

    #[test]
    fn only_debian_is_told_of_apt() {
        for family in [
            Linux::Fedora,
            Linux::Arch,
            Linux::Suse,
            Linux::Alpine,
            Linux::Other,
        ] {
            assert!(!family.install_advice().contains("apt-get"));
        }
        assert!(
            Linux::Debian
                .install_advice()
                .contains("apt-get install docker.io")
        );
    }
}
