//! The JSON document of a verdict, as DESIGN's contract has it.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::Counts;
use crate::verdict::{StaticFinding, Verdict};

/// Version of the JSON document of findings.
const FINDINGS_VERSION: u32 = 1;

/// Prints one document: an object for one verdict, an array for several.
///
/// # Errors
/// When standard output cannot be written.
pub fn print(verdicts: &[Verdict]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match verdicts {
        [] => return Ok(()),
        [one] => serde_json::to_writer_pretty(&mut out, one)?,
        many => serde_json::to_writer_pretty(&mut out, many)?,
    }
    writeln!(out)?;
    Ok(())
}

/// Prints one document with what reading alone found.
///
/// # Errors
/// When standard output cannot be written.
pub fn print_findings(
    findings: &[StaticFinding],
    counts: &Counts,
    elapsed: Duration,
) -> anyhow::Result<()> {
    print_value(&json!({
        "version": FINDINGS_VERSION,
        "outcome": if counts.errors > 0 { "failed" } else { "passed" },
        "files": counts.files,
        "errors": counts.errors,
        "warnings": counts.warnings,
        "notes": counts.notes,
        "silenced": counts.silenced,
        "duration_ms": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        "findings": findings,
    }))
}

/// Prints one document.
///
/// # Errors
/// When standard output cannot be written.
pub fn print_value(document: &Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, document)?;
    writeln!(out)?;
    Ok(())
}
