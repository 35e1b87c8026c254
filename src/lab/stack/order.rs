//! In which order services come: dependencies first.

use std::collections::BTreeSet;

use crate::submission::compose::Service;

/// `services` in waves: each service after all of those that it depends on. There are no circles in a project.
pub(super) fn waves<'a>(services: &[&'a Service]) -> Vec<Vec<&'a Service>> {
    let mut left: Vec<&Service> = services.to_vec();
    let mut waves = Vec::new();
    while !left.is_empty() {
        let names: BTreeSet<&str> = left.iter().map(|service| service.name.as_str()).collect();
        let waits = |service: &&Service| {
            let on = service.depends_on.iter();
            on.clone().any(|it| names.contains(it.service.as_str()))
        };
        let (later, now): (Vec<_>, Vec<_>) = left.into_iter().partition(waits);
        if now.is_empty() {
            waves.push(later);
            break;
        }
        waves.push(now);
        left = later;
    }
    waves
}
