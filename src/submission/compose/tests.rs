#![expect(clippy::unwrap_used)]
use super::*;
