//! Base images: present, pulled, loaded from a folder, or built as labelled stand-ins.

mod archive;
mod sources;
mod standin;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::query_parameters::{
    CreateImageOptionsBuilder, ImportImageOptionsBuilder, RemoveImageOptions,
};
use futures_util::StreamExt;

use super::engine::{Engine, Say, is_root};
use super::lock;

pub use standin::STANDIN_LABEL;

/// An image that the course builds on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseImage {
    /// Its name as a Dockerfile writes it, as `python:3.11-slim`.
    pub reference: String,
}

impl BaseImage {
    /// The image called `reference`.
    pub fn new(reference: impl Into<String>) -> Self {
        Self {
            reference: reference.into(),
        }
    }
}

/// How an image came to be here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was here already; with what it stands in for the official one, if it does.
    Present(Option<String>),
    /// Pulled from its registry.
    Pulled,
    /// Loaded from this archive.
    Loaded(PathBuf),
    /// Built as a stand-in from the packages of this distribution.
    StandIn(String),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Present(None) => write!(f, "ya estaba"),
            Self::Present(Some(made_of)) => {
                write!(f, "ya estaba (sustituta hecha con paquetes de {made_of})")
            }
            Self::Pulled => write!(f, "descargada de su registro"),
            Self::Loaded(file) => write!(f, "cargada de {}", file.display()),
            Self::StandIn(made_of) => write!(f, "sustituta construida con paquetes de {made_of}"),
        }
    }
}

/// An image that is ready to be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Its name.
    pub reference: String,
    /// How it came to be here.
    pub source: Source,
}

/// Why images are not ready; its text is complete, way out included.
#[derive(Debug, thiserror::Error)]
pub enum ImagesError {
    /// One image could not be had in any way.
    #[error(
        "No pude conseguir la imagen {reference}.\n{}\n{}",
        listed(tried),
        way_out(reference)
    )]
    Unavailable {
        /// Its name.
        reference: String,
        /// What was tried, with what came of it.
        tried: Vec<String>,
    },
    /// The engine failed at something that it does not fail at.
    #[error("El motor de Docker falló al {doing}: {why}\nPara ver qué le pasa: `muelle doctor`.")]
    Engine {
        /// What it was doing.
        doing: String,
        /// What it said.
        why: String,
    },
    /// A file of ours or of the user's cannot be used.
    #[error("No pude usar {path}: {why}")]
    File {
        /// Which.
        path: String,
        /// Why.
        why: String,
    },
}

fn listed(tried: &[String]) -> String {
    tried
        .iter()
        .map(|line| format!("  - {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn way_out(reference: &str) -> String {
    format!(
        "Con conexión: `docker pull {reference}`.\n\
         Sin conexión: en otra máquina, `docker pull {reference} && docker save -o imagen.tar {reference}`; copia aquí imagen.tar y luego \
         `muelle images prepare --from CARPETA` con la carpeta donde la dejaste."
    )
}

/// The longest wait for a registry's first word.
const FIRST_WORD: Duration = Duration::from_secs(20);

/// The longest silence in the middle of a pull.
const SILENCE: Duration = Duration::from_secs(60);

/// The longest pull.
const WHOLE_PULL: Duration = Duration::from_secs(900);

/// Sees to it that every image is here, in this order: kept if present, pulled, loaded from `from`, built as a
/// stand-in. A stand-in made by an older recipe is built anew.
///
/// # Errors
/// The first image that cannot be had, with everything that was tried and the way out.
pub async fn prepare(
    engine: &Engine,
    images: &[BaseImage],
    from: Option<&Path>,
    say: Say<'_>,
) -> Result<Vec<Prepared>, ImagesError> {
    let path = lock::chosen_home()
        .unwrap_or_else(std::env::temp_dir)
        .join(lock_name());
    let _turn = lock::hold(
        &path,
        "Otra orden de muelle está preparando imágenes; espero a que termine.",
        say,
    )
    .await
    .map_err(|error| ImagesError::File {
        path: path.display().to_string(),
        why: error.to_string(),
    })?;
    let mut prepared = Vec::with_capacity(images.len());
    for image in images {
        let source = prepare_one(engine, &image.reference, from, say).await?;
        prepared.push(Prepared {
            reference: image.reference.clone(),
            source,
        });
    }
    Ok(prepared)
}

/// One lock for each user: in a shared temporary folder, nobody can hold up the others.
fn lock_name() -> String {
    #[cfg(unix)]
    {
        format!("muelle-images-{}.lock", rustix::process::geteuid().as_raw())
    }
    #[cfg(not(unix))]
    {
        "muelle-images.lock".to_owned()
    }
}

async fn prepare_one(
    engine: &Engine,
    reference: &str,
    from: Option<&Path>,
    say: Say<'_>,
) -> Result<Source, ImagesError> {
    let recipe = standin::recipe(reference);
    let mut stale = false;
    if let Some(labels) = labels(engine, reference).await? {
        let made_of = labels.get(STANDIN_LABEL).cloned();
        stale = made_of.is_some()
            && recipe
                .is_some_and(|recipe| labels.get(standin::RECIPE_LABEL) != Some(&recipe.hash()));
        if !stale {
            return Ok(Source::Present(made_of));
        }
        say(&format!(
            "La sustituta de {reference} es de una receta anterior; la renuevo."
        ));
    }
    let mut tried = Vec::new();
    if engine.is_private() {
        tried.push("descargarla: el motor privado no tiene salida a la red".to_owned());
    } else {
        say(&format!("Descargo {reference}…"));
        match pull(engine, reference).await {
            Ok(()) => return Ok(Source::Pulled),
            Err(why) => tried.push(format!("descargarla: {why}")),
        }
    }
    match from {
        None => {
            tried.push("cargarla de un archivo: no diste ninguna carpeta con `--from`".to_owned())
        }
        Some(folder) => match archive::load(engine, reference, folder, say).await? {
            Some(file) => return Ok(Source::Loaded(file)),
            None => tried.push(format!(
                "cargarla de {}: ningún .tar ni .tar.gz de esa carpeta contiene {reference}",
                folder.display()
            )),
        },
    }
    match recipe {
        None => tried.push("construir una sustituta: no hay receta para esta imagen".to_owned()),
        Some(_) if !is_root() => {
            tried.push("construir una sustituta con paquetes de Debian: hace falta ser root (`sudo muelle images prepare`)".to_owned());
        }
        Some(recipe) => match standin::build(engine, recipe, say).await {
            Ok(made_of) => return Ok(Source::StandIn(made_of)),
            Err(why) => tried.push(format!(
                "construir una sustituta con paquetes de Debian: {why}"
            )),
        },
    }
    if stale {
        say(&format!(
            "No pude renovar la sustituta de {reference}; sigo con la que hay."
        ));
        return Ok(Source::Present(standin_label(engine, reference).await));
    }
    Err(ImagesError::Unavailable {
        reference: reference.to_owned(),
        tried,
    })
}

/// Pulls one image. A machine without a network must not hang here.
async fn pull(engine: &Engine, reference: &str) -> Result<(), String> {
    let (name, tag) = name_and_tag(reference);
    let options = CreateImageOptionsBuilder::new()
        .from_image(name)
        .tag(tag)
        .build();
    let mut progress = engine.docker().create_image(Some(options), None, None);
    let whole = async {
        let mut patience = FIRST_WORD;
        loop {
            match tokio::time::timeout(patience, progress.next()).await {
                Err(_) => {
                    return Err(format!(
                        "sin noticias del registro en {} s",
                        patience.as_secs()
                    ));
                }
                Ok(None) => return Ok(()),
                Ok(Some(Err(error))) => return Err(engine_words(&error)),
                Ok(Some(Ok(_))) => patience = SILENCE,
            }
        }
    };
    match tokio::time::timeout(WHOLE_PULL, whole).await {
        Ok(result) => result?,
        Err(_) => return Err(format!("no terminó en {} min", WHOLE_PULL.as_secs() / 60)),
    }
    match engine.docker().inspect_image(reference).await {
        Ok(_) => Ok(()),
        Err(error) => Err(engine_words(&error)),
    }
}

/// Copies an image from one engine to another; an older bearer of its name goes.
///
/// # Errors
/// When either engine fails.
pub(super) async fn copy(from: &Engine, to: &Engine, reference: &str) -> Result<(), ImagesError> {
    let failed = |error: bollard::errors::Error| ImagesError::Engine {
        doing: format!("copiar la imagen {reference}"),
        why: engine_words(&error),
    };
    if labels(to, reference).await?.is_some() {
        let removed = to
            .docker()
            .remove_image(reference, None::<RemoveImageOptions>, None)
            .await;
        removed.map_err(failed)?;
    }
    let pieces = from.docker().export_image(reference);
    let options = ImportImageOptionsBuilder::new().build();
    let mut progress = to.docker().import_image_stream(options, pieces, None);
    while let Some(step) = progress.next().await {
        step.map_err(failed)?;
    }
    Ok(())
}

/// Splits `host:5000/name:tag`; no tag means `latest`. A digest goes where the tag does.
fn name_and_tag(reference: &str) -> (&str, &str) {
    if let Some(parts) = reference.split_once('@') {
        return parts;
    }
    match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (reference, "latest"),
    }
}

/// What the engine said, without bollard's wrapping.
fn engine_words(error: &bollard::errors::Error) -> String {
    use bollard::errors::Error;
    match error {
        Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        Error::DockerStreamError { error } => error.trim().to_owned(),
        other => other.to_string(),
    }
}

/// The labels of an image; `None` when it is not here.
async fn labels(
    engine: &Engine,
    reference: &str,
) -> Result<Option<std::collections::HashMap<String, String>>, ImagesError> {
    use bollard::errors::Error;
    match engine.docker().inspect_image(reference).await {
        Ok(image) => Ok(Some(
            image
                .config
                .and_then(|config| config.labels)
                .unwrap_or_default(),
        )),
        Err(Error::DockerResponseServerError {
            status_code: 404, ..
        }) => Ok(None),
        Err(error) => Err(ImagesError::Engine {
            doing: format!("buscar la imagen {reference}"),
            why: engine_words(&error),
        }),
    }
}

/// Those of `references` that are not here. The checker asks before it starts, and never pulls by itself.
///
/// # Errors
/// When the engine does not answer.
pub async fn missing<'a>(
    engine: &Engine,
    references: &[&'a str],
) -> Result<Vec<&'a str>, ImagesError> {
    let mut missing = Vec::new();
    for reference in references {
        if labels(engine, reference).await?.is_none() {
            missing.push(*reference);
        }
    }
    Ok(missing)
}

/// What to tell whoever wants to use images that are not here.
#[must_use]
pub fn missing_message(missing: &[&str]) -> String {
    let names = missing.join(", ");
    match missing {
        [_] => format!("Falta la imagen base {names}. Prepárala con `muelle images prepare`."),
        _ => format!("Faltan las imágenes base {names}. Prepáralas con `muelle images prepare`."),
    }
}

/// What an image is made from, when it is a stand-in of ours, as `debian bookworm`.
pub async fn standin_label(engine: &Engine, reference: &str) -> Option<String> {
    labels(engine, reference)
        .await
        .ok()
        .flatten()?
        .get(STANDIN_LABEL)
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_splits_at_its_tag_and_not_at_a_port() {
        assert_eq!(name_and_tag("python:3.11-slim"), ("python", "3.11-slim"));
        assert_eq!(
            name_and_tag("localhost:5000/python"),
            ("localhost:5000/python", "latest")
        );
        assert_eq!(name_and_tag("python@sha256:ab"), ("python", "sha256:ab"));
    }

    #[test]
    fn an_image_that_cannot_be_had_lists_what_was_tried_and_the_way_out() {
        let error = ImagesError::Unavailable {
            reference: "python:3.11-slim".into(),
            tried: vec!["descargarla: sin noticias del registro en 20 s".into()],
        };
        assert_eq!(
            error.to_string(),
            "No pude conseguir la imagen python:3.11-slim.\n\
             \x20 - descargarla: sin noticias del registro en 20 s\n\
             Con conexión: `docker pull python:3.11-slim`.\n\
             Sin conexión: en otra máquina, `docker pull python:3.11-slim && docker save -o imagen.tar python:3.11-slim`; copia aquí imagen.tar y luego `muelle images prepare --from CARPETA` con la carpeta donde la dejaste."
        );
    }

    #[test]
    fn what_is_missing_is_said_in_singular_and_plural() {
        assert_eq!(
            missing_message(&["a:1"]),
            "Falta la imagen base a:1. Prepárala con `muelle images prepare`."
        );
        assert_eq!(
            missing_message(&["a:1", "b:2"]),
            "Faltan las imágenes base a:1, b:2. Prepáralas con `muelle images prepare`."
        );
    }
}
