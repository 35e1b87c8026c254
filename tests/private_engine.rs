//! The private engine, for real: needs Linux, root, a running engine and the image `python:3.11-slim`
//! (`muelle images prepare`). It fails, and never skips, where they are missing.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests stop the test, as the tests do"
)]

mod private_engine {
    pub mod bench;
    mod bounds;
    mod ending;
    mod network;
    mod walls;
}
