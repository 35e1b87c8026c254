//! Paths as compose files write them.

use super::ComposeError;
use crate::submission::dockerignore;
use crate::submission::location::Location;

/// Cleaned, relative to the project's folder; absolute, `~` and `..` paths stay so.
pub(super) fn clean(path: &str) -> String {
    dockerignore::clean(path)
}

/// Whether a build context is no path at all.
pub(super) fn is_remote(context: &str) -> bool {
    context.contains("://")
        || context.starts_with("git@")
        || context.starts_with("github.com/")
        || context.starts_with("docker-image:")
        || context.starts_with("service:")
        || context.starts_with("target:")
}

/// A build context: cleaned, but for a URL.
pub(super) fn context(context: &str) -> String {
    if is_remote(context) {
        context.to_owned()
    } else {
        clean(context)
    }
}

/// The path of a file that must be in the submission: `path`, as written in a file of the folder `dir`.
pub(super) fn inside(dir: &str, path: &str, location: &Location) -> Result<String, ComposeError> {
    let joined = join(dir, path);
    // Compose would fetch it, and a path that is cleaned no longer shows it.
    let fetched =
        path.contains("://") || path.starts_with("git@") || path.starts_with("github.com/");
    if fetched || joined.starts_with(['/', '~']) || joined == ".." || joined.starts_with("../") {
        return Err(ComposeError::Outside {
            message: format!(
                "`{path}` está fuera de la entrega y no se lee: pon el archivo en tu carpeta y usa una ruta relativa, como `./{}`",
                path.rsplit('/').next().unwrap_or(path)
            ),
            path: path.to_owned(),
            location: location.clone(),
        });
    }
    Ok(joined)
}

/// `path` as seen from above `dir`.
pub(super) fn join(dir: &str, path: &str) -> String {
    if dir.is_empty() || dir == "." || path.starts_with(['/', '~']) {
        clean(path)
    } else {
        clean(&format!("{dir}/{path}"))
    }
}

/// The folder that a file is in; empty for the root.
pub(super) fn folder(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(dir, _)| dir)
}
