//! Images in archives that `docker save` wrote.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use bollard::query_parameters::ImportImageOptionsBuilder;
use bytes::Bytes;
use futures_util::StreamExt;
use serde::Deserialize;

use super::{ImagesError, engine_words};
use crate::lab::engine::{Engine, Say};

/// Loads `reference` from the first archive of `folder` that carries it; `None` when none does.
///
/// # Errors
/// When the folder cannot be read, or the engine refuses the archive.
pub(super) async fn load(
    engine: &Engine,
    reference: &str,
    folder: &Path,
    say: Say<'_>,
) -> Result<Option<PathBuf>, ImagesError> {
    let wanted = reference.to_owned();
    let place = folder.to_owned();
    let found = tokio::task::spawn_blocking(move || find(&place, &wanted))
        .await
        .map_err(io::Error::other)
        .and_then(|result| result)
        .map_err(|error| ImagesError::File {
            path: folder.display().to_string(),
            why: error.to_string(),
        })?;
    let Some(file) = found else { return Ok(None) };
    say(&format!("Cargo {reference} de {}…", file.display()));
    let body = stream(&file).await.map_err(|error| ImagesError::File {
        path: file.display().to_string(),
        why: error.to_string(),
    })?;
    let mut progress =
        engine
            .docker()
            .import_image_stream(ImportImageOptionsBuilder::new().build(), body, None);
    while let Some(step) = progress.next().await {
        step.map_err(|error| ImagesError::Engine {
            doing: format!("cargar {}", file.display()),
            why: engine_words(&error),
        })?;
    }
    Ok(Some(file))
}

/// A file as a stream of pieces.
pub(super) async fn stream(
    file: &Path,
) -> io::Result<impl futures_util::Stream<Item = io::Result<Bytes>> + Send + 'static> {
    use tokio::io::AsyncReadExt;
    const PIECE: usize = 256 * 1024;
    let file = tokio::fs::File::open(file).await?;
    Ok(futures_util::stream::try_unfold(
        file,
        |mut file| async move {
            let mut piece = Vec::with_capacity(PIECE);
            let read = (&mut file)
                .take(PIECE as u64)
                .read_to_end(&mut piece)
                .await?;
            Ok((read > 0).then_some((Bytes::from(piece), file)))
        },
    ))
}

/// The first archive of the folder, by name, whose manifest names the reference.
fn find(folder: &Path, reference: &str) -> io::Result<Option<PathBuf>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".tar") || name.ends_with(".tar.gz") || name.ends_with(".tgz")
        })
        .collect();
    files.sort();
    // A file that is no archive carries nothing.
    Ok(files.into_iter().find(|file| {
        references(file).is_ok_and(|names| names.iter().any(|name| name == reference))
    }))
}

/// The names that an archive's manifest gives its images.
fn references(file: &Path) -> io::Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Entry {
        #[serde(rename = "RepoTags", default)]
        tags: Option<Vec<String>>,
    }
    /// No honest manifest is larger.
    const LARGEST: u64 = 1024 * 1024;

    let reader = BufReader::new(File::open(file)?);
    let compressed = file.extension().is_none_or(|extension| extension != "tar");
    let reader: Box<dyn Read> = if compressed {
        Box::new(flate2::read::GzDecoder::new(reader))
    } else {
        Box::new(reader)
    };
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.path()?.as_ref() == Path::new("manifest.json") {
            let mut text = String::new();
            entry.by_ref().take(LARGEST).read_to_string(&mut text)?;
            let manifest: Vec<Entry> = serde_json::from_str(&text)?;
            return Ok(manifest
                .into_iter()
                .flat_map(|entry| entry.tags.unwrap_or_default())
                .map(|tag| short(&tag))
                .collect());
        }
    }
    Ok(Vec::new())
}

/// Podman writes names in full.
fn short(tag: &str) -> String {
    let tag = tag.strip_prefix("docker.io/").unwrap_or(tag);
    tag.strip_prefix("library/").unwrap_or(tag).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn archive(tags: &str) -> Vec<u8> {
        let manifest = format!(r#"[{{"Config":"c.json","RepoTags":{tags},"Layers":[]}}]"#);
        let mut builder = tar::Builder::new(Vec::new());
        for (name, data) in [("c.json", "{}"), ("manifest.json", manifest.as_str())] {
            let mut header = tar::Header::new_gnu();
            header.set_size(data.len() as u64);
            header.set_mode(0o644);
            builder
                .append_data(&mut header, name, data.as_bytes())
                .unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn the_archive_that_carries_the_reference_is_found_among_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a.tar"), "no soy un tar").unwrap();
        std::fs::write(path("b.tar"), archive(r#"["redis:7"]"#)).unwrap();
        std::fs::write(path("c.tar"), archive("null")).unwrap();
        let mut gz = flate2::write::GzEncoder::new(
            File::create(path("d.tar.gz")).unwrap(),
            flate2::Compression::fast(),
        );
        gz.write_all(&archive(r#"["python:3.11-slim"]"#)).unwrap();
        gz.finish().unwrap();
        assert_eq!(
            find(folder.path(), "python:3.11-slim").unwrap(),
            Some(path("d.tar.gz"))
        );
        assert_eq!(find(folder.path(), "redis:7").unwrap(), Some(path("b.tar")));
        assert_eq!(find(folder.path(), "nginx:1").unwrap(), None);
    }

    #[test]
    fn a_name_that_podman_wrote_in_full_is_the_same_name() {
        assert_eq!(
            short("docker.io/library/python:3.11-slim"),
            "python:3.11-slim"
        );
    }
}
