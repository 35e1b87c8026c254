//! What is known of Docker's official images, which none of them changes from one version to the next.

use super::written;
use crate::submission::Reading;
use crate::submission::compose::Service;
use crate::submission::reading::ImageBuild;

/// A reference to an image, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules) struct Reference<'s> {
    /// The repository, without `docker.io/` and `library/`.
    pub name: &'s str,
    /// The tag.
    pub tag: Option<&'s str>,
    /// Whether a digest fixes it.
    pub digest: bool,
}

impl<'s> Reference<'s> {
    pub(in crate::rules) fn of(text: &'s str) -> Self {
        let (text, digest) = match text.split_once('@') {
            Some((text, _)) => (text, true),
            None => (text, false),
        };
        let (name, tag) = match text.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (text, None),
        };
        let name = name.strip_prefix("docker.io/").unwrap_or(name);
        let name = name.strip_prefix("library/").unwrap_or(name);
        Self { name, tag, digest }
    }

    /// The first number of the tag: 17 for `17-alpine`.
    pub(super) fn major(&self) -> Option<u32> {
        let tag = self.tag?;
        let end = tag.find(|c: char| !c.is_ascii_digit()).unwrap_or(tag.len());
        tag[..end].parse().ok()
    }

    /// Whether it starts `CMD` itself, with no program of its own in front.
    pub(in crate::rules) fn has_no_entrypoint(&self) -> bool {
        [
            "alpine",
            "buildpack-deps",
            "busybox",
            "debian",
            "golang",
            "python",
            "ubuntu",
        ]
        .contains(&self.name)
    }

    /// Whether it is an official image that is known to come without `HEALTHCHECK`, as is their rule.
    pub(super) fn has_no_healthcheck(&self) -> bool {
        const KNOWN: [&str; 24] = [
            "alpine",
            "busybox",
            "caddy",
            "debian",
            "eclipse-temurin",
            "golang",
            "httpd",
            "mariadb",
            "memcached",
            "mongo",
            "mysql",
            "nginx",
            "node",
            "openjdk",
            "php",
            "postgres",
            "python",
            "rabbitmq",
            "redis",
            "ruby",
            "rust",
            "traefik",
            "ubuntu",
            "wordpress",
        ];
        KNOWN.contains(&self.name)
    }

    /// The folder in which a database of the official images keeps its data.
    pub(super) fn data_folder(&self) -> Option<&'static str> {
        Some(match self.name {
            "postgres" if self.major().is_some_and(|major| major >= 18) => "/var/lib/postgresql",
            "postgres" if self.major().is_some() => "/var/lib/postgresql/data",
            "mysql" | "mariadb" => "/var/lib/mysql",
            "mongo" => "/data/db",
            _ => return None,
        })
    }

    /// What others wait for: a server that takes a while until it answers.
    pub(super) fn is_database(&self) -> bool {
        [
            "elasticsearch",
            "mariadb",
            "mongo",
            "mysql",
            "postgres",
            "rabbitmq",
        ]
        .contains(&self.name)
    }
}

/// The image that a service runs as it is, when it is written without variables.
pub(in crate::rules) fn run_by<'s>(
    reading: &Reading,
    service: &'s Service,
) -> Option<Reference<'s>> {
    let image = service.image.as_ref()?;
    let plain = service.build.is_none() && written::is_literal(reading, &image.location);
    plain.then(|| Reference::of(&image.value))
}

/// Whether every stage of a build starts from an image of which `holds`, and its text never says `keyword`.
pub(in crate::rules) fn build_is(
    reading: &Reading,
    build: &ImageBuild,
    keyword: &str,
    holds: fn(&Reference<'_>) -> bool,
) -> bool {
    let dockerfile = &reading.dockerfiles[build.dockerfile];
    let bases = dockerfile.bases();
    let known = |image: &Option<String>| {
        let image = image.as_deref();
        image.is_some_and(|image| holds(&Reference::of(image)))
    };
    dockerfile.faults.is_empty()
        && !dockerfile.text.to_ascii_uppercase().contains(keyword)
        && !bases.is_empty()
        && bases.iter().all(|base| known(&base.image))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_taken_apart() {
        for (text, name, tag, digest) in [
            ("python:3.11-slim", "python", Some("3.11-slim"), false),
            ("docker.io/library/redis", "redis", None, false),
            ("localhost:5000/a/b", "localhost:5000/a/b", None, false),
            ("ghcr.io/a/b:1", "ghcr.io/a/b", Some("1"), false),
            ("nginx:1.27@sha256:00", "nginx", Some("1.27"), true),
        ] {
            assert_eq!(
                Reference::of(text),
                Reference { name, tag, digest },
                "{text}"
            );
        }
        assert_eq!(Reference::of("postgres:17-alpine").major(), Some(17));
        assert_eq!(Reference::of("postgres:alpine").data_folder(), None);
    }
}
