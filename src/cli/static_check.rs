//! `muelle check --static`: what reading alone can tell, without an engine.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::check::Format;
use super::{exit, tell};
use crate::report::{self, Counts};
use crate::rules;
use crate::submission::snapshot::SnapshotError;
use crate::submission::{Reading, Snapshot};
use crate::verdict::StaticFinding;

/// Reads and judges every one of `targets`: folders, or files alone.
///
/// `heed_comments`: whether the files themselves may ask not to be told of a rule.
pub fn run(targets: &[PathBuf], format: Format, heed_comments: bool) -> anyhow::Result<u8> {
    let begun = Instant::now();
    let here = [PathBuf::from(".")];
    let targets = if targets.is_empty() { &here } else { targets };
    let mut code = exit::PASSED;
    let mut counts = Counts::default();
    let mut all = Vec::new();
    for target in targets {
        let (reading, root) = match look(target) {
            Ok(found) => found,
            Err(error) => {
                tell::error(error);
                code = exit::USAGE;
                continue;
            }
        };
        let mut findings = rules::judge(&reading);
        if heed_comments {
            counts.silenced += rules::silence::heed(&mut findings, &reading.snapshot);
        }
        counts.add(&reading, &findings);
        if format == Format::Human {
            let text = report::snippet::render(&findings, &reading.snapshot, &root);
            tell::written(report::write(&text))?;
        } else {
            findings
                .iter_mut()
                .for_each(|finding| seen_from(finding, &root));
            all.append(&mut findings);
        }
    }
    let elapsed = begun.elapsed();
    tell::written(match format {
        Format::Human => report::write(&counts.summary(elapsed)),
        Format::Json => report::json::print_findings(&all, &counts, elapsed),
        Format::Sarif => report::json::print_value(&report::sarif::document(&all)),
        Format::Github => report::write(&report::github::render(&all)),
    })?;
    if counts.files == 0 && code == exit::PASSED {
        tell::progress("no hay ningún Dockerfile, `.dockerignore` ni archivo de Compose que leer");
    }
    Ok(code.max(if counts.errors > 0 {
        exit::FAILED
    } else {
        exit::PASSED
    }))
}

/// What `target` says, and what to put in front of its paths.
fn look(target: &Path) -> Result<(Reading, String), SnapshotError> {
    let shown = |path: &Path| path.to_string_lossy().into_owned();
    if target.is_dir() {
        return Ok((Reading::of(Snapshot::survey(target)?), shown(target)));
    }
    let folder = target.parent().map(shown).unwrap_or_default();
    Ok((Reading::of_file(target)?, folder))
}

/// Writes the finding's paths as whoever asked would.
fn seen_from(finding: &mut StaticFinding, root: &str) {
    let places = finding
        .location
        .iter_mut()
        .chain(
            finding
                .related
                .iter_mut()
                .map(|related| &mut related.location),
        )
        .chain(finding.patch.iter_mut().map(|patch| &mut patch.location));
    for place in places {
        place.file = report::under(root, &place.file);
    }
}
