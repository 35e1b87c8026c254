//! Images of versions that nobody mends any more, in a Dockerfile or a compose file.

use super::compose::official::{self, Reference};
use super::{Out, files};
use crate::submission::Reading;
use crate::submission::dockerfile::StageBase;

/// Repository, version, and when its support ended. Only ends that are past, so that no clock is asked.
///
/// Sources: Python's developer guide (status of versions), nodejs/Release, Debian LTS, Ubuntu's release cycle (standard
/// support), CentOS, Alpine's and PostgreSQL's and PHP's tables of releases, the life cycles of MySQL and MongoDB,
/// Prometheus' release cycle and Grafana's upgrade guide; where sources differ on the month, the year alone.
#[rustfmt::skip]
const ENDED: [(&str, &str, &str); 73] = [
    ("python", "2.7", "en enero de 2020"),
    ("python", "3.4", "en marzo de 2019"),
    ("python", "3.5", "en septiembre de 2020"),
    ("python", "3.6", "en diciembre de 2021"),
    ("python", "3.7", "en junio de 2023"),
    ("python", "3.8", "en octubre de 2024"),
    ("python", "3.9", "en octubre de 2025"),
    ("node", "8", "en diciembre de 2019"),
    ("node", "10", "en abril de 2021"),
    ("node", "12", "en abril de 2022"),
    ("node", "14", "en abril de 2023"),
    ("node", "16", "en septiembre de 2023"),
    ("node", "18", "en abril de 2025"),
    ("debian", "8", "en junio de 2020"),
    ("debian", "9", "en junio de 2022"),
    ("debian", "10", "en junio de 2024"),
    ("debian", "jessie", "en junio de 2020"),
    ("debian", "stretch", "en junio de 2022"),
    ("debian", "buster", "en junio de 2024"),
    ("ubuntu", "14.04", "en abril de 2019, salvo con Ubuntu Pro"),
    ("ubuntu", "16.04", "en abril de 2021, salvo con Ubuntu Pro"),
    ("ubuntu", "18.04", "en mayo de 2023, salvo con Ubuntu Pro"),
    ("ubuntu", "trusty", "en abril de 2019, salvo con Ubuntu Pro"),
    ("ubuntu", "xenial", "en abril de 2021, salvo con Ubuntu Pro"),
    ("ubuntu", "bionic", "en mayo de 2023, salvo con Ubuntu Pro"),
    ("centos", "6", "en noviembre de 2020"),
    ("centos", "7", "en junio de 2024"),
    ("centos", "8", "en diciembre de 2021"),
    ("alpine", "3.10", "en mayo de 2021"),
    ("alpine", "3.11", "en noviembre de 2021"),
    ("alpine", "3.12", "en mayo de 2022"),
    ("alpine", "3.13", "en noviembre de 2022"),
    ("alpine", "3.14", "en mayo de 2023"),
    ("alpine", "3.15", "en noviembre de 2023"),
    ("alpine", "3.16", "en mayo de 2024"),
    ("alpine", "3.17", "en noviembre de 2024"),
    ("postgres", "9.4", "en febrero de 2020"),
    ("postgres", "9.5", "en febrero de 2021"),
    ("postgres", "9.6", "en noviembre de 2021"),
    ("postgres", "10", "en noviembre de 2022"),
    ("postgres", "11", "en noviembre de 2023"),
    ("postgres", "12", "en noviembre de 2024"),
    ("mysql", "5.6", "en febrero de 2021"),
    ("mysql", "5.7", "en octubre de 2023"),
    ("mongo", "4.0", "en abril de 2022"),
    ("mongo", "4.2", "en abril de 2023"),
    ("mongo", "4.4", "en febrero de 2024"),
    ("php", "5.6", "en diciembre de 2018"),
    ("php", "7.2", "en noviembre de 2020"),
    ("php", "7.3", "en diciembre de 2021"),
    ("php", "7.4", "en noviembre de 2022"),
    ("php", "8.0", "en noviembre de 2023"),
    ("prom/prometheus", "2.37", "en julio de 2023"),
    ("prom/prometheus", "2.40", "en diciembre de 2022"),
    ("prom/prometheus", "2.41", "en enero de 2023"),
    ("prom/prometheus", "2.42", "en marzo de 2023"),
    ("prom/prometheus", "2.43", "en mayo de 2023"),
    ("prom/prometheus", "2.44", "en 2023"),
    ("prom/prometheus", "2.45", "en julio de 2024"),
    ("prom/prometheus", "2.46", "en septiembre de 2023"),
    ("prom/prometheus", "2.47", "en octubre de 2023"),
    ("prom/prometheus", "2.48", "en diciembre de 2023"),
    ("prom/prometheus", "2.49", "en febrero de 2024"),
    ("prom/prometheus", "2.50", "en abril de 2024"),
    ("prom/prometheus", "2.51", "en abril de 2024"),
    ("prom/prometheus", "2.52", "en junio de 2024"),
    ("grafana/grafana", "7", "en 2022"),
    ("grafana/grafana", "8", "en 2023"),
    ("grafana/grafana", "9.5", "en 2024"),
    ("grafana/grafana", "10.0", "en 2024"),
    ("grafana/grafana", "10.1", "en 2024"),
    ("grafana/grafana", "10.2", "en 2024"),
    ("grafana/grafana", "10.3", "en 2024"),
];

/// The Debians whose names other official images carry in their tags: `python:3.8-buster`.
const BUILT_ON: [&str; 3] = ["jessie", "stretch", "buster"];
const ON_DEBIAN: [&str; 8] = [
    "buildpack-deps",
    "golang",
    "node",
    "openjdk",
    "php",
    "python",
    "ruby",
    "rust",
];

/// What of the image ended, and when.
fn ended(image: Reference<'_>) -> Option<(String, &'static str)> {
    let tag = image.tag?;
    let version = tag.split('-').next().unwrap_or(tag);
    let version = version.strip_prefix('v').unwrap_or(version);
    let is = |known: &str| {
        let rest = version.strip_prefix(known);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let find = |name: &str, is: &dyn Fn(&str) -> bool| {
        let mut rows = ENDED.iter();
        rows.find(|(of, known, _)| *of == name && is(known))
            .map(|(_, known, when)| (*known, *when))
    };
    if let Some((known, when)) = find(image.name, &is) {
        return Some((format!("la versión {known}"), when));
    }
    let mut parts = tag.split('-').skip(1);
    let debian = parts.find(|part| BUILT_ON.contains(part) && ON_DEBIAN.contains(&image.name))?;
    let (known, when) = find("debian", &|known| known == debian)?;
    Some((format!("Debian {known}"), when))
}

fn message(text: &str, reference: Reference<'_>) -> Option<String> {
    let (what, when) = ended(reference)?;
    Some(format!(
        "`{text}` ya no recibe arreglos: {what} dejó de tener soporte {when}"
    ))
}

pub(super) fn check(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for stage in &file.dockerfile.stages {
            let (StageBase::Image(Some(image)), Some(from)) =
                (&stage.base, file.dockerfile.from_of(stage))
            else {
                continue;
            };
            if let Some(message) = message(image, Reference::of(image)) {
                out.span(file.dockerfile, from.image.span, message);
            }
        }
    }
    for (_, _, service) in reading.services() {
        let image = service.image.as_ref();
        if let (Some(reference), Some(image)) = (official::run_by(reading, service), image)
            && let Some(message) = message(&image.value, reference)
        {
            out.at(image.location.clone(), message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_known_by_all_of_its_number_and_no_newer_one_is_accused() {
        for (image, expected) in [
            ("python:3.6.15-slim", Some("la versión 3.6")),
            ("python:3.13-slim", None),
            ("python:3", None),
            ("python:3.11-slim-buster", Some("Debian buster")),
            ("node:14-alpine3.17", Some("la versión 14")),
            ("node:140", None),
            (
                "docker.io/library/debian:buster-slim",
                Some("la versión buster"),
            ),
            ("debian:12-slim", None),
            ("alpine:3.1", None),
            ("prom/prometheus:v2.47.0", Some("la versión 2.47")),
            ("prom/prometheus:v2.53.1", None),
            ("grafana/grafana:10.1.0", Some("la versión 10.1")),
            ("grafana/grafana:10.4.0", None),
            ("ghcr.io/alguien/python:3.6", None),
            ("postgres:10beta1", None),
            ("postgres:16", None),
        ] {
            let found = ended(Reference::of(image)).map(|(what, _)| what);
            assert_eq!(found.as_deref(), expected, "{image}");
        }
    }
}
