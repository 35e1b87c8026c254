//! What is certain of the best-known base images without pulling them: their programs, users, and what they start.
//!
//! Sources: the images' own Dockerfiles (docker-library's `python`, `golang`, `php`, `ruby`, `rust-lang/docker-rust`,
//! `buildpack-deps`, `postgres`, `redis`; `nodejs/docker-node`; `nginxinc/docker-nginx`; `GoogleContainerTools/distroless`),
//! the package lists of Debian and Ubuntu base images, and BusyBox's applets in Alpine. What changed between versions,
//! or is not certain, is not answered: an unknown tag, another registry or a program missing here give `None`.

mod table;

use table::{
    ALPINE_USERS, DEBIAN_USERS, IN_ALPINE, IN_DEBIAN, IN_FULL, NOT_IN_ALPINE, NOT_IN_DEBIAN,
    RELEASES, REPOSITORIES, Repository,
};

/// A base image that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownImage {
    /// Its repository without registry: `python`.
    pub name: &'static str,
    /// What it is built on.
    pub system: System,
    /// What it does when it is started without more.
    pub starts: Starts,
    /// Whether a process that it starts by itself runs as root all along.
    pub stays_root: bool,
    has: &'static str,
    lacks: &'static str,
    users: &'static str,
}

/// What an image is built on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Debian with the everyday tools of `buildpack-deps`; `gcc` and `make` among them.
    DebianFull,
    /// Debian's base and no more.
    Debian,
    /// Ubuntu's base and no more.
    Ubuntu,
    /// Alpine: BusyBox, no bash.
    Alpine,
    /// Some Linux with a shell, of whose programs little is certain.
    Other,
    /// No shell and no package manager.
    Distroless,
}

/// What an image does when it is started without more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starts {
    /// An interpreter or a shell that waits for a keyboard, and ends at once without one.
    Prompt,
    /// A server.
    Server,
    /// Nothing that is known here.
    Unknown,
}

/// What is known of the image that `reference` names.
#[must_use]
pub fn of(reference: &str) -> Option<KnownImage> {
    if let Some(path) = reference.strip_prefix("gcr.io/distroless/") {
        return distroless(path);
    }
    let named = reference
        .split_once('@')
        .map_or(reference, |(named, _)| named);
    let only_digest = named != reference && !named.rsplit('/').next()?.contains(':');
    if only_digest {
        return None;
    }
    let (path, tag) = match named.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, tag),
        _ => (named, "latest"),
    };
    let path = [
        "docker.io/",
        "index.docker.io/",
        "mirror.gcr.io/",
        "public.ecr.aws/docker/",
    ]
    .iter()
    .find_map(|registry| path.strip_prefix(registry))
    .unwrap_or(path);
    let path = path.strip_prefix("library/").unwrap_or(path);
    let repository = REPOSITORIES
        .iter()
        .find(|repository| repository.name == path)?;
    // Python 2 and what it lacks are another matter.
    if path == "python" && tag.starts_with('2') {
        return None;
    }
    Some(KnownImage {
        name: repository.name,
        system: system(repository, tag)?,
        starts: repository.starts,
        stays_root: repository.stays_root,
        has: repository.has,
        lacks: repository.lacks,
        users: repository.users,
    })
}

/// The system of one tag; nothing when a part of it is not understood.
fn system(repository: &Repository, tag: &str) -> Option<System> {
    let mut system = repository.plain;
    for part in tag.split('-') {
        let alpine = part.strip_prefix("alpine");
        if alpine.is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.')) {
            system = repository.alpine;
        } else if part == "slim" {
            system = repository.slim;
        } else if !understood(repository, part) {
            return None;
        }
    }
    system
}

fn understood(repository: &Repository, part: &str) -> bool {
    let version = part.trim_start_matches('v').trim_start_matches("rc");
    let version = version.starts_with(|c: char| c.is_ascii_digit())
        && version
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
    version
        || part == "latest"
        || RELEASES.contains(&part)
        || matches!(repository.name, "php" if matches!(part, "cli" | "fpm" | "apache" | "zts"))
        || matches!(repository.name, "eclipse-temurin" if matches!(part, "jre" | "jdk"))
        || matches!(repository.name, "rabbitmq" if part == "management")
}

fn distroless(path: &str) -> Option<KnownImage> {
    let tag = path.split_once(':').map_or("latest", |(_, tag)| tag);
    if tag.contains("debug") {
        return None;
    }
    Some(KnownImage {
        name: "distroless",
        system: System::Distroless,
        starts: Starts::Unknown,
        stays_root: false,
        has: if path.starts_with("python3") {
            "python3"
        } else {
            ""
        },
        lacks: "sh bash curl wget apt-get apk cat ls pip pip3",
        users: "root nobody nonroot",
    })
}

impl KnownImage {
    /// Whether a program of that name is in it; nothing when that is not certain.
    #[must_use]
    pub fn has(&self, program: &str) -> Option<bool> {
        if lists(self.has, program) {
            return Some(true);
        }
        if lists(self.lacks, program) {
            return Some(false);
        }
        let (has, lacks) = match self.system {
            System::Debian | System::Ubuntu => (IN_DEBIAN, NOT_IN_DEBIAN),
            System::Alpine => (IN_ALPINE, NOT_IN_ALPINE),
            System::DebianFull if lists(IN_FULL, program) => return Some(true),
            // Tools of tools come along with the full images: only what nothing brings is said to be missing.
            System::DebianFull => (IN_DEBIAN, "apk sudo jq uv poetry conda dnf"),
            System::Other => ("sh", "sudo"),
            System::Distroless => ("", ""),
        };
        if lists(has, program) {
            return Some(true);
        }
        lists(lacks, program).then_some(false)
    }

    /// Whether it has a user of that name; nothing when that is not certain.
    #[must_use]
    pub fn has_user(&self, name: &str) -> Option<bool> {
        if lists(self.users, name) {
            return Some(true);
        }
        let users = match self.system {
            System::Debian | System::DebianFull | System::Ubuntu => DEBIAN_USERS,
            System::Alpine => ALPINE_USERS,
            System::Other | System::Distroless => return (name == "root").then_some(true),
        };
        Some(lists(users, name))
    }

    /// Whether a text can be run by a shell in it.
    #[must_use]
    pub fn has_shell(&self) -> bool {
        self.system != System::Distroless
    }
}

fn lists(words: &str, word: &str) -> bool {
    words.split_whitespace().any(|listed| listed == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(reference: &str, program: &str) -> Option<bool> {
        of(reference).and_then(|image| image.has(program))
    }

    #[test]
    fn slim_lacks_what_the_full_image_has() {
        assert_eq!(has("python:3.11-slim", "curl"), Some(false));
        assert_eq!(has("python:3.11-slim-bookworm", "wget"), Some(false));
        assert_eq!(has("python:3.11", "curl"), Some(true));
        assert_eq!(has("python", "git"), Some(true));
        assert_eq!(has("python:3.11-slim", "python"), Some(true));
        assert_eq!(has("python:3.12-alpine3.20", "wget"), Some(true));
        assert_eq!(has("python:3.12-alpine", "bash"), Some(false));
        assert_eq!(has("node:22-slim", "curl"), Some(false));
    }

    #[test]
    fn official_images_are_known_under_all_their_names_and_others_are_not() {
        assert_eq!(
            has("docker.io/library/python:3.11-slim@sha256:aa", "curl"),
            Some(false)
        );
        assert_eq!(
            has("public.ecr.aws/docker/library/debian:12", "curl"),
            Some(false)
        );
        for unknown in [
            "mi-registro:5000/python:3.11-slim",
            "bitnami/python:3.11",
            "python@sha256:aa",
            "python:3.11-mio",
            "python:3.11-windowsservercore",
            "python:2.7-slim",
        ] {
            assert_eq!(of(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn what_differs_between_versions_is_not_answered() {
        assert_eq!(has("nginx:1.27", "curl"), None);
        assert_eq!(has("debian:13", "adduser"), None);
        assert_eq!(has("ubuntu:22.04", "ps"), None);
        assert_eq!(has("python:3.11-slim", "mi-programa"), None);
    }

    #[test]
    fn users_of_the_image_are_told_from_those_that_must_be_made() {
        let user = |reference, name| of(reference).and_then(|image| image.has_user(name));
        assert_eq!(user("node:22-slim", "node"), Some(true));
        assert_eq!(user("python:3.11-slim", "node"), Some(false));
        assert_eq!(user("python:3.11-slim", "nobody"), Some(true));
        assert_eq!(user("nginx:1.27", "app"), None);
        assert_eq!(user("alpine:3.20", "app"), Some(false));
    }
}
