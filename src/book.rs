//! The book: the lessons of `book/`, and what of them is written from the same sources as the checker.
//!
//! The pages are plain mdBook. What they do not say themselves, they ask for in a line of its own: `{{#ejercicio ID}}`,
//! `{{#checklist}}`, `{{#reglas}}`, `{{#experimentos}}`, `{{#svg img/NAME.svg}}`. Every fenced block says in its info
//! string what is done with it (see [`verb`]); `tests/book.rs` does it.

pub mod build;
mod directives;
pub mod markdown;
pub mod panel;
pub mod preprocessor;
pub mod reference;
pub mod serve;
pub mod source;
pub mod verb;

pub use preprocessor::Muelle;
pub use verb::Verb;
