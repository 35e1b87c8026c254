//! The lab: the engine and everything that one submission owns on it.

mod apt;
pub mod doctor;
pub mod engine;
pub mod images;
pub mod lock;
pub mod tied;
