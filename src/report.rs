//! Verdicts made visible: one file per format.

pub mod json;
pub mod terminal;
