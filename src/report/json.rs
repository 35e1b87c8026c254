//! The JSON document of a verdict, as DESIGN's contract has it.

use std::io::Write;

use crate::verdict::Verdict;

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
