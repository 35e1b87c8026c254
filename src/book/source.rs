//! Where the book's pages come from: the binary, or a folder whose author is at work.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rust_embed::RustEmbed;
use tempfile::TempDir;

#[derive(RustEmbed)]
#[folder = "book/"]
#[include = "book.toml"]
#[include = "src/*"]
#[include = "theme/*"]
struct Pages;

/// The book's folder on disk.
pub struct Source {
    root: PathBuf,
    /// Goes with it when it was unpacked for the occasion.
    _unpacked: Option<TempDir>,
}

impl Source {
    /// The book of the course in `folder` when it has one, else the one inside the binary.
    ///
    /// # Errors
    /// When it cannot be unpacked.
    pub fn find(folder: Option<&Path>) -> anyhow::Result<Self> {
        let of_folder = folder.map(|folder| folder.join("book"));
        match of_folder.filter(|book| book.join("book.toml").is_file()) {
            Some(root) => Ok(Self {
                root,
                _unpacked: None,
            }),
            None => Self::embedded(),
        }
    }

    /// The book inside the binary, unpacked.
    ///
    /// # Errors
    /// When it cannot be unpacked.
    pub fn embedded() -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("muelle-libro-").tempdir()?;
        for path in Pages::iter() {
            let to = dir.path().join(&*path);
            let file = Pages::get(&path).context("un archivo del libro no está")?;
            let write = || {
                to.parent().map_or(Ok(()), fs::create_dir_all)?;
                fs::write(&to, &file.data)
            };
            write().with_context(|| format!("no puedo escribir `{}`", to.display()))?;
        }
        Ok(Self {
            root: dir.path().to_owned(),
            _unpacked: Some(dir),
        })
    }

    /// The folder with `book.toml`.
    pub fn root(&self) -> &Path {
        &self.root
    }
}
