//! The exercises and what is embedded in the binary.
