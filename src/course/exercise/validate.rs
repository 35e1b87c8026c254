//! What serde cannot know: whether the parts of an `exercise.toml` agree with each other.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::manifest::{ItemEntry, Manifest};
use crate::course::catalogue::ExperimentSpec;
use crate::course::fault::{Fault, Text, did_you_mean};
use crate::submission::Snapshot;

/// Every fault of `manifest`, whose tree with all places is `tree`.
pub(super) fn faults(
    manifest: &Manifest,
    tree: &Spanned<DeTable<'_>>,
    app: &Snapshot,
    experiments: &[ExperimentSpec],
    text: Text<'_>,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    header(manifest, text, &mut faults);
    omitted(manifest, app, text, &mut faults);
    items(
        manifest.items.get_ref(),
        manifest.items.span(),
        text,
        &mut faults,
    );
    if faults.is_empty() {
        // A twin or a mistyped name would show up as a cycle too.
        cycle(manifest.items.get_ref(), text, &mut faults);
    }
    parameters(
        manifest.items.get_ref(),
        tree,
        experiments,
        text,
        &mut faults,
    );
    faults.sort_by(|a, b| a.location.cmp(&b.location));
    faults
}

fn header(manifest: &Manifest, text: Text<'_>, faults: &mut Vec<Fault>) {
    let id = manifest.id.get_ref();
    let words = || id.split('-');
    if words().any(str::is_empty) || !id.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-')) {
        faults.push(text.fault(
            &manifest.id.span(),
            format!("el id `{id}` solo puede llevar minúsculas, cifras y guiones entre palabras"),
        ));
    }
    for (name, value) in [
        ("title", &manifest.title),
        ("summary", &manifest.summary),
        ("goal", &manifest.goal),
    ] {
        if value.get_ref().trim().is_empty() {
            faults.push(text.fault(&value.span(), format!("`{name}` está vacío")));
        }
    }
    lesson(&manifest.lesson, text, faults);
    let hints = manifest.hints.get_ref();
    if hints.len() != 3 || hints.iter().any(|hint| hint.trim().is_empty()) {
        faults.push(text.fault(
            &manifest.hints.span(),
            format!(
                "`hints` lleva exactamente tres pistas con texto, de la más vaga a la más concreta; aquí hay {}",
                hints.iter().filter(|hint| !hint.trim().is_empty()).count()
            ),
        ));
    }
    if manifest.images.get_ref().is_empty() {
        faults.push(text.fault(
            &manifest.images.span(),
            "`images` está vacío: pon al menos una imagen base, como `python:3.11-slim`",
        ));
    }
}

fn lesson(lesson: &Spanned<String>, text: Text<'_>, faults: &mut Vec<Fault>) {
    let page = lesson.get_ref().split('#').next().unwrap_or_default();
    if !page.ends_with(".html") {
        faults.push(text.fault(
            &lesson.span(),
            format!(
                "`{}` no es una página del libro: se espera algo como `02-dockerfile.html#ancla`",
                lesson.get_ref()
            ),
        ));
    }
}

fn omitted(manifest: &Manifest, app: &Snapshot, text: Text<'_>, faults: &mut Vec<Fault>) {
    for path in &manifest.files.omit {
        if !manifest.files.app {
            faults.push(text.fault(
                &path.span(),
                "`omit` quita archivos de `_app`, pero aquí `app` no es `true`",
            ));
        } else if app.file(path.get_ref()).is_none() {
            let mut fault = text.fault(
                &path.span(),
                format!(
                    "`exercises/_app` no tiene ningún archivo `{}`",
                    path.get_ref()
                ),
            );
            fault.suggestion = did_you_mean(path.get_ref(), app.entries().map(|(path, _)| path));
            faults.push(fault);
        }
    }
}

fn items(items: &[ItemEntry], span: Range<usize>, text: Text<'_>, faults: &mut Vec<Fault>) {
    if items.is_empty() {
        faults.push(text.fault(
            &span,
            "`items` está vacío: un ejercicio necesita al menos una comprobación",
        ));
    }
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    for item in items {
        let id = item.id.get_ref();
        if id.is_empty() || id.contains(char::is_whitespace) {
            faults.push(text.fault(
                &item.id.span(),
                format!("el id `{id}` no puede estar vacío ni llevar espacios"),
            ));
        }
        match lines.get(id.as_str()) {
            Some(line) => faults.push(text.fault(
                &item.id.span(),
                format!("el id `{id}` ya está en la línea {line}"),
            )),
            None => {
                lines.insert(id, text.at(&item.id.span()).line);
            }
        }
        if item.title.get_ref().trim().is_empty() {
            faults.push(text.fault(&item.title.span(), "`title` está vacío"));
        }
        let points = *item.points.get_ref();
        if !points.is_finite() || points < 0.0 {
            faults.push(text.fault(
                &item.points.span(),
                format!("`points` no puede ser {points}: pon 0 o más"),
            ));
        }
        if let Some(page) = &item.lesson {
            lesson(page, text, faults);
        }
        for other in &item.blocked_by {
            if !items
                .iter()
                .any(|known| known.id.get_ref() == other.get_ref())
            {
                let mut fault = text.fault(
                    &other.span(),
                    format!(
                        "ningún ítem de este ejercicio se llama `{}`",
                        other.get_ref()
                    ),
                );
                fault.suggestion = did_you_mean(
                    other.get_ref(),
                    items.iter().map(|known| known.id.get_ref().as_str()),
                );
                faults.push(fault);
            }
        }
    }
}

/// Strikes out the items that wait for nothing, again and again; what is left waits for itself.
fn cycle(items: &[ItemEntry], text: Text<'_>, faults: &mut Vec<Fault>) {
    let mut waiting: Vec<&ItemEntry> = items.iter().collect();
    loop {
        let before = waiting.len();
        let left: Vec<&str> = waiting
            .iter()
            .map(|item| item.id.get_ref().as_str())
            .collect();
        waiting.retain(|item| {
            item.blocked_by
                .iter()
                .any(|other| left.contains(&other.get_ref().as_str()))
        });
        if waiting.len() == before {
            break;
        }
    }
    // An item that only waits for a cycle is left too: follow the arrows until one comes again.
    let Some(mut item) = waiting.first().copied() else {
        return;
    };
    let mut path: Vec<&str> = Vec::new();
    loop {
        let id = item.id.get_ref().as_str();
        if let Some(start) = path.iter().position(|seen| *seen == id) {
            path.drain(..start);
            path.push(id);
            break;
        }
        path.push(id);
        let next = waiting.iter().copied().find(|other| {
            item.blocked_by
                .iter()
                .any(|b| b.get_ref() == other.id.get_ref())
        });
        match next {
            Some(other) => item = other,
            None => return,
        }
    }
    let span = item
        .blocked_by
        .first()
        .map_or_else(|| item.id.span(), Spanned::span);
    faults.push(text.fault(
        &span,
        format!("`blocked_by` da la vuelta: {}", path.join(" → ")),
    ));
}

fn parameters(
    items: &[ItemEntry],
    tree: &Spanned<DeTable<'_>>,
    experiments: &[ExperimentSpec],
    text: Text<'_>,
    faults: &mut Vec<Fault>,
) {
    let entries = tree
        .get_ref()
        .get("items")
        .and_then(|items| items.get_ref().as_array());
    for (index, item) in items.iter().enumerate() {
        let name = item.experiment.get_ref();
        let span = item.experiment.span();
        let Some(spec) = experiments.iter().find(|spec| spec.id == name) else {
            let mut fault = text.fault(&span, format!("no conozco el experimento `{name}`"));
            fault.suggestion = did_you_mean(name, experiments.iter().map(|spec| spec.id));
            faults.push(fault);
            continue;
        };
        let with = entries
            .and_then(|entries| entries.get(index))
            .and_then(|entry| entry.get_ref().as_table()?.get("with"))
            .cloned()
            .unwrap_or_else(|| Spanned::new(span.clone(), DeValue::Table(DeTable::new())));
        if let Err(error) = (spec.check)(ValueDeserializer::from(with)) {
            let mut fault = text.toml_fault(&error, span);
            fault.message = format!("en los parámetros de `{name}`: {}", fault.message);
            faults.push(fault);
        }
    }
}
