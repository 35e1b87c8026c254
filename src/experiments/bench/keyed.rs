//! The image built again with a key that only the checker knows wherever the submission writes the course's.

use bytes::Bytes;

use super::Bench;
use crate::lab::layers::{Layers, MARK_PREFIX};
use crate::lab::token;
use crate::submission::snapshot::Entry;
use crate::submission::{Location, Snapshot};
use crate::verdict::Finding;

/// The name of the variable, and of the build argument, that carries the key.
pub const KEY_VARIABLE: &str = "API_KEY";

/// The image with the checker's key.
pub struct Keyed {
    /// The key: a mark.
    pub key: String,
    /// Everything in the image.
    pub layers: Layers,
}

impl Bench<'_> {
    /// The image built with a random key in the place of `written`, also as build argument, once.
    ///
    /// # Errors
    /// The finding that says why there is none.
    pub async fn keyed(&self, written: &str) -> Result<&Keyed, Finding> {
        let keyed = self.keyed.get_or_init(|| {
            self.lab.timed("construir con otra clave", async {
                let keyed = self.build_keyed(written).await;
                keyed.unwrap_or_else(|error| Err(Finding::error(format!("{error:#}"))))
            })
        });
        keyed.await.as_ref().map_err(Clone::clone)
    }

    async fn build_keyed(&self, written: &str) -> anyhow::Result<Result<Keyed, Finding>> {
        let image = match self.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(Err(finding)),
        };
        self.say("construyo otra vez, con una clave al azar");
        let key = format!("{MARK_PREFIX}{}", token(24));
        let args = [(KEY_VARIABLE, key.as_str())];
        let edit = |files: &mut Snapshot| replace(files, written, &key);
        let built = match self.rebuild_with("clave", image, &args, edit).await? {
            Ok(built) => built,
            Err(failure) => {
                return Ok(Err(Finding::failed(format!(
                    "con otra clave, la imagen no se construye: {}",
                    failure.0.message.trim()
                ))));
            }
        };
        let _slot = self.lab.work_slot().await;
        let read = self.lab.layers(&built.image, &self.exercise.images);
        let layers = self.lab.timed("leer las capas", read).await?;
        Ok(Ok(Keyed { key, layers }))
    }

    /// The first place where the student's own files say `word`.
    pub fn place_of(&self, word: &str) -> Option<Location> {
        let mut files = self.files().entries();
        files.find_map(|(path, entry)| {
            let Entry::File { bytes, .. } = entry else {
                return None;
            };
            if self.exercise.course_files.contains(path) {
                return None;
            }
            let text = String::from_utf8_lossy(bytes);
            let line = text.lines().position(|line| line.contains(word))?;
            Some(Location::line(path, line + 1))
        })
    }
}

/// Puts `new` in the place of `old` in every file that has it.
fn replace(files: &mut Snapshot, old: &str, new: &str) {
    let mut changed: Vec<(String, Bytes, bool)> = Vec::new();
    for (path, entry) in files.entries() {
        if let Entry::File { bytes, executable } = entry
            && let Ok(text) = std::str::from_utf8(bytes)
            && text.contains(old)
        {
            let text = text.replace(old, new);
            changed.push((path.to_owned(), text.into(), *executable));
        }
    }
    for (path, bytes, executable) in changed {
        files.insert(&path, bytes, executable);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_replaced_wherever_it_is_written() {
        let mut files = Snapshot::default();
        files.insert("Dockerfile", "ENV A=clave-1 B=\"clave-1\"\n", false);
        files.insert("binario", &b"\xff clave-1"[..], false);
        replace(&mut files, "clave-1", "otra");
        let dockerfile = files.file("Dockerfile").expect("it is there");
        assert_eq!(&dockerfile[..], b"ENV A=otra B=\"otra\"\n");
        assert!(
            files
                .file("binario")
                .is_some_and(|bytes| bytes.ends_with(b"clave-1"))
        );
    }
}
