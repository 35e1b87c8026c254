//! Exit codes. With several submissions the highest applies.

use crate::verdict::{Outcome, Verdict};

/// Every item passed.
pub const PASSED: u8 = 0;
/// An item failed.
pub const FAILED: u8 = 1;
/// Wrong usage, or a submission that cannot be read.
pub const USAGE: u8 = 2;
/// No engine, or the machine's fault.
pub const MACHINE: u8 = 3;
/// The sandbox's policy refused the submission.
pub const REFUSED: u8 = 4;
/// Ended by Ctrl-C (128 + SIGINT, as shells have it).
pub const INTERRUPTED: u8 = 130;
/// Ended by SIGTERM (128 + SIGTERM).
pub const TERMINATED: u8 = 143;

/// The code of one verdict.
pub fn of(verdict: &Verdict) -> u8 {
    match verdict.outcome {
        Outcome::Passed => PASSED,
        Outcome::Failed | Outcome::Blocked => FAILED,
        Outcome::Unverified | Outcome::Error => MACHINE,
        Outcome::Refused => REFUSED,
    }
}
