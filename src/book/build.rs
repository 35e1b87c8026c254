//! The book made into a folder of pages, in this process.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use mdbook_driver::MDBook;

use super::preprocessor::Muelle;
use super::source::Source;
use crate::course::Course;

/// Marks a folder that holds a book of ours and may be written anew.
const MARK: &str = ".muelle-libro";

/// What mdBook adds and our pages do not load: its search knows only English.
const UNUSED: [&str; 2] = ["searcher.js", "elasticlunr.min.js"];

/// Builds the book of `source`, with the exercises of `course`, into `dest`.
///
/// # Errors
/// When a page asks for what there is not, or `dest` cannot be written or holds something else.
pub fn build(source: &Source, course: Course, dest: &Path) -> anyhow::Result<()> {
    let dest = std::path::absolute(dest)?;
    if !may_be_emptied(&dest) {
        bail!(
            "la carpeta `{}` no está vacía y no es un libro de muelle: elige otra, que esta se vaciaría",
            dest.display()
        );
    }
    let mut book = MDBook::load(source.root()).context("no puedo leer el libro")?;
    book.config.build.build_dir = dest.clone();
    // Takes the place of the command in book.toml, which is for the stock mdbook.
    book.with_preprocessor(Muelle::new(course));
    book.build().context("no puedo construir el libro")?;
    fs::write(dest.join(MARK), "")?;
    for name in UNUSED {
        remove_hashed(&dest, name)?;
    }
    Ok(())
}

/// Whether `dest` is not there, is empty, or holds a book of ours.
fn may_be_emptied(dest: &Path) -> bool {
    match fs::read_dir(dest) {
        Ok(mut entries) => entries.next().is_none() || dest.join(MARK).is_file(),
        Err(_) => !dest.exists(),
    }
}

/// Removes `name.js`, whose name mdBook may have made `name-1a2b3c4d.js`.
fn remove_hashed(dest: &Path, name: &str) -> anyhow::Result<()> {
    let (stem, rest) = name.split_once('.').unwrap_or((name, ""));
    for entry in fs::read_dir(dest)? {
        let entry = entry?;
        let file = entry.file_name();
        let file = file.to_string_lossy();
        if file == name || (file.starts_with(&format!("{stem}-")) && file.ends_with(rest)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_else_in_it_is_never_emptied() {
        let dir = tempfile::tempdir().unwrap();
        assert!(may_be_emptied(dir.path()));
        assert!(may_be_emptied(&dir.path().join("nueva")));
        fs::write(dir.path().join("tesis.txt"), "").unwrap();
        assert!(!may_be_emptied(dir.path()));
        assert!(!may_be_emptied(&dir.path().join("tesis.txt")));
        fs::write(dir.path().join(MARK), "").unwrap();
        assert!(may_be_emptied(dir.path()));
    }
}
