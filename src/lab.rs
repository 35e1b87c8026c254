//! The lab: the engine and everything that one submission owns on it.

pub mod engine;
pub mod lock;
pub mod tied;
pub mod images;
