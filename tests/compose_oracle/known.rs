//! The differences that stay, each with its reason.

use muelle::submission::compose::ComposeError;

use super::Answer;
use super::case::Case;
use super::theirs::Refusal;

/// The class of a difference that is meant to be there.
pub fn class(
    _case: &Case,
    _ours: &Answer<ComposeError>,
    _theirs: &Answer<Refusal>,
) -> Option<&'static str> {
    None
}
