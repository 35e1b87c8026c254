//! What is really inside an image: every layer that the submission added, file by file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::Context;
use flate2::read::GzDecoder;
use futures_util::StreamExt;
use serde::Deserialize;

use super::Lab;

/// Every mark that `muelle` plants begins so; a word of `[A-Za-z0-9_-]` follows.
pub const MARK_PREFIX: &str = "MUELLE-";

/// Longest mark.
const MARK_LIMIT: usize = 64;

/// A file in a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerFile {
    /// Path from the image's root, without a leading `/`.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Planted marks found in its content.
    pub marks: Vec<String>,
}

/// A layer that the submission added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// The instruction that made it, from the image's history; empty when unknown.
    pub made_by: String,
    /// Its files.
    pub files: Vec<LayerFile>,
}

impl Layer {
    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// The instruction that made it as it stands in a Dockerfile, as far as the history still tells.
    pub fn instruction(&self) -> String {
        let text = self.made_by.trim();
        let text = text.strip_suffix("# buildkit").unwrap_or(text).trim();
        let text = text.strip_prefix("/bin/sh -c ").unwrap_or(text);
        match text.strip_prefix("#(nop)") {
            Some(other) => other.trim().to_owned(),
            None if text.starts_with("RUN ") || !self.made_by.starts_with("/bin/sh -c ") => {
                text.replacen("RUN /bin/sh -c ", "RUN ", 1)
            }
            None => format!("RUN {text}"),
        }
    }
}

/// The layers of an image that are not its base image's, and its configuration as text.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// Own layers, lowest first.
    pub own: Vec<Layer>,
    /// The whole image configuration, history included, as the engine stores it.
    pub config: String,
}

impl Layers {
    /// Every own file with its layer, lowest layer first.
    pub fn files(&self) -> impl Iterator<Item = (&Layer, &LayerFile)> {
        self.own
            .iter()
            .flat_map(|layer| layer.files.iter().map(move |file| (layer, file)))
    }

    /// Every own file that a container of the image sees: no higher layer took it away or put another in its place.
    pub fn visible(&self) -> impl Iterator<Item = &LayerFile> {
        let hidden = |index: usize, path: &str| {
            let higher = self.own[index + 1..].iter().flat_map(|layer| &layer.files);
            higher.into_iter().any(|other| hides(&other.path, path))
        };
        let layers = self.own.iter().enumerate();
        layers.flat_map(move |(index, layer)| {
            let files = layer.files.iter();
            files.filter(move |file| !hidden(index, &file.path))
        })
    }

    /// Bytes of all own layers.
    pub fn size(&self) -> u64 {
        self.own.iter().map(Layer::size).sum()
    }
}

impl Lab {
    /// Reads all layers of `image` above those of `bases`, the images that it may rest on.
    ///
    /// # Errors
    /// When the engine does not hand the image out, or in a form that is neither Docker's nor OCI's.
    pub async fn layers(&self, image: &str, bases: &[String]) -> anyhow::Result<Layers> {
        let mut diff_ids = Vec::new();
        for base in bases {
            if let Ok(base) = self.docker().inspect_image(base).await {
                diff_ids.push(base.root_fs.and_then(|fs| fs.layers).unwrap_or_default());
            }
        }
        let mut saved = tempfile::tempfile_in(self.dir())?;
        let mut stream = std::pin::pin!(self.docker().export_image(image));
        while let Some(chunk) = stream.next().await {
            saved.write_all(&chunk?)?;
        }
        tokio::task::spawn_blocking(move || read_saved(saved, &diff_ids)).await?
    }
}

/// Whether an entry `upper` of a higher layer hides `lower`: the same file, or a mark that it, or a folder around it,
/// was taken away (`.wh.NAME`) or emptied (`.wh..wh..opq`).
fn hides(upper: &str, lower: &str) -> bool {
    let (dir, name) = upper.rsplit_once('/').unwrap_or(("", upper));
    let around = |path: &str| {
        let rest = lower.strip_prefix(path);
        path.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match name.strip_prefix(".wh.") {
        None => upper == lower,
        Some(".wh..opq") => around(dir) && dir != lower,
        Some(gone) if dir.is_empty() => around(gone),
        Some(gone) => around(&format!("{dir}/{gone}")),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest {
    config: String,
    layers: Vec<String>,
}

#[derive(Deserialize)]
struct Config {
    rootfs: RootFs,
    #[serde(default)]
    history: Vec<History>,
}

#[derive(Deserialize)]
struct RootFs {
    diff_ids: Vec<String>,
}

#[derive(Deserialize)]
struct History {
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    empty_layer: bool,
}

/// Reads the archive of `docker save`: Docker's own layout and OCI's both carry `manifest.json`.
fn read_saved(mut saved: File, bases: &[Vec<String>]) -> anyhow::Result<Layers> {
    let mut places = HashMap::new();
    let mut aliases = HashMap::new();
    saved.seek(SeekFrom::Start(0))?;
    let mut archive = tar::Archive::new(BufReader::new(&mut saved));
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let path = normal(&entry.path()?);
        if entry.header().entry_type().is_symlink() {
            // Engines up to 24 save a layer that stands twice as a link to its first place.
            if let Some(target) = entry.link_name()? {
                let parent = Path::new(&path).parent().unwrap_or(Path::new(""));
                aliases.insert(path.clone(), normal(&parent.join(target)));
            }
        } else {
            places.insert(path, (entry.raw_file_position(), entry.size()));
        }
    }
    // Handles share one position in the file: each is used up before the next is opened.
    let open = |path: &str| -> anyhow::Result<_> {
        let path = aliases.get(path).map_or(path, String::as_str);
        let &(at, size) = places
            .get(path)
            .with_context(|| format!("falta `{path}` en la imagen guardada"))?;
        let mut file = saved.try_clone()?;
        file.seek(SeekFrom::Start(at))?;
        Ok(BufReader::with_capacity(256 << 10, file).take(size))
    };
    let manifests: Vec<Manifest> = serde_json::from_reader(open("manifest.json")?)?;
    let manifest = manifests
        .into_iter()
        .next()
        .context("una imagen sin manifiesto")?;
    let mut config = String::new();
    open(&manifest.config)?.read_to_string(&mut config)?;
    let parsed: Config = serde_json::from_str(&config)?;
    let skip = bases
        .iter()
        .filter(|base| parsed.rootfs.diff_ids.starts_with(base))
        .map(Vec::len)
        .max()
        .unwrap_or(0);
    let makers: Vec<_> = parsed
        .history
        .iter()
        .filter(|step| !step.empty_layer)
        .collect();
    let mut own = Vec::new();
    for (index, path) in manifest.layers.iter().enumerate().skip(skip) {
        let mut reader = open(path)?;
        let mut magic = [0; 2];
        let gzip = reader.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
        let reader = open(path)?;
        let files = if gzip {
            read_layer(GzDecoder::new(reader))?
        } else {
            read_layer(reader)?
        };
        own.push(Layer {
            made_by: makers
                .get(index)
                .map(|step| step.created_by.clone())
                .unwrap_or_default(),
            files,
        });
    }
    Ok(Layers { own, config })
}

/// `a/../b` → `b`, without touching the disk.
fn normal(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                parts.pop();
            }
            std::path::Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            _ => {}
        }
    }
    parts.join("/")
}

fn read_layer(reader: impl Read) -> anyhow::Result<Vec<LayerFile>> {
    let mut files = Vec::new();
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = normal(&entry.path()?);
        let mut file = LayerFile {
            path,
            size: entry.size(),
            marks: Vec::new(),
        };
        file.marks = find_marks(&mut entry)?;
        files.push(file);
    }
    Ok(files)
}

/// The distinct marks in `reader`, in order of appearance.
fn find_marks(reader: &mut impl Read) -> std::io::Result<Vec<String>> {
    let finder = memchr::memmem::Finder::new(MARK_PREFIX);
    let mut marks: Vec<String> = Vec::new();
    let mut buffer = vec![0; 256 << 10];
    let mut held = 0;
    loop {
        let read = reader.read(&mut buffer[held..])?;
        let filled = held + read;
        let last = read == 0;
        let window = &buffer[..filled];
        // A mark that starts in the tail may be cut: it is looked at again with what follows.
        let settled = if last {
            filled
        } else {
            filled.saturating_sub(MARK_LIMIT)
        };
        for at in finder.find_iter(window).take_while(|&at| at < settled) {
            let word = window[at..filled.min(at + MARK_LIMIT)]
                .iter()
                .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
                .map(|&b| char::from(b))
                .collect::<String>();
            if !marks.contains(&word) {
                marks.push(word);
            }
        }
        if last {
            return Ok(marks);
        }
        buffer.copy_within(settled..filled, 0);
        held = filled - settled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out its bytes in pieces of `step`, as a decompressor may.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let n = self.0.len().min(self.1).min(out.len());
            out[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    #[test]
    fn a_mark_is_found_wherever_the_reads_cut_it() {
        let mut text = vec![b'.'; 1000];
        text.extend_from_slice(b"x MUELLE-abc-01\n y MUELLE-abc-02 MUELLE-abc-01");
        for step in [1, 7, 64, 65, 999, 4096] {
            let marks = find_marks(&mut Drip(&text, step)).expect("reads");
            assert_eq!(marks, ["MUELLE-abc-01", "MUELLE-abc-02"], "step {step}");
        }
    }

    #[test]
    fn a_file_that_a_higher_layer_took_away_is_not_visible() {
        assert!(hides("app/.wh.README.md", "app/README.md"));
        assert!(hides(".wh.app", "app/README.md"));
        assert!(hides("app/.wh..wh..opq", "app/x/README.md"));
        assert!(hides("app/README.md", "app/README.md"));
        assert!(!hides("app/.wh.README", "app/README.md"));
        assert!(!hides("app/README.md.txt", "app/README.md"));
        let file = |path: &str| LayerFile {
            path: path.to_owned(),
            size: 0,
            marks: Vec::new(),
        };
        let layer = |paths: &[&str]| Layer {
            made_by: String::new(),
            files: paths.iter().map(|path| file(path)).collect(),
        };
        let layers = Layers {
            own: vec![layer(&["a/uno", "a/dos"]), layer(&["a/.wh.uno", "b/tres"])],
            config: String::new(),
        };
        let seen: Vec<_> = layers.visible().map(|file| file.path.as_str()).collect();
        assert_eq!(seen, ["a/dos", "a/.wh.uno", "b/tres"]);
    }

    #[test]
    fn links_of_a_saved_image_are_followed_by_name() {
        assert_eq!(normal(Path::new("b/../a/layer.tar")), "a/layer.tar");
        assert_eq!(normal(Path::new("./manifest.json")), "manifest.json");
    }
}
