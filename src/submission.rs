//! Reading: one student's files as an immutable snapshot, and the models parsed from them.

pub mod compose;
pub mod dockerfile;
pub mod dockerignore;
pub mod dotenv;
mod duration;
pub mod interpolate;
pub mod known_images;
pub mod location;
pub mod reading;
pub mod shell;
pub mod snapshot;
pub mod yaml;

pub use location::Location;
pub use reading::Reading;
pub use snapshot::Snapshot;
