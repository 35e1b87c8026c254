//! `muelle`: an interactive Docker course whose checker judges by experiment.
//!
//! The flow is *read → judge → try → report*; see `ARCHITECTURE.md` for the map.

pub mod book;
pub mod cases;
pub mod check;
pub mod cli;
pub mod course;
pub mod experiments;
pub mod lab;
pub mod policy;
pub mod report;
pub mod rules;
pub mod submission;
pub mod verdict;
