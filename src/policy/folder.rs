//! The folder itself: nothing that is read by its name, or named by another file, may lie outside.

use super::{Review, refuse};
use crate::submission::compose::ComposeError;
use crate::submission::snapshot::{Entry, Resolved};
use crate::submission::{Location, Snapshot};

/// Files that are read because of their name alone.
fn is_read(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let lower = name.to_lowercase();
    lower.contains("dockerfile")
        || lower.ends_with(".dockerignore")
        || name.starts_with(".env")
        || (lower.contains("compose") && (lower.ends_with(".yml") || lower.ends_with(".yaml")))
}

/// Links may lead anywhere (a virtual environment's do) as long as nobody follows them.
pub(super) fn review(files: &Snapshot) -> Review {
    for (path, entry) in files.entries() {
        if matches!(entry, Entry::Link(_)) && is_read(path) {
            inside(files, path, &Location::line(path, 1))?;
        }
    }
    Ok(())
}

/// Why a project could not be read, where that is the policy's matter.
pub(super) fn unread(files: &Snapshot, error: &ComposeError) -> Review {
    match error {
        ComposeError::Outside {
            message, location, ..
        }
        | ComposeError::Excessive { message, location } => refuse(location, message.clone()),
        ComposeError::Missing { path, location, .. } => {
            let at = location.clone().unwrap_or_else(|| Location::line(path, 1));
            inside(files, path, &at)
        }
        ComposeError::Invalid { .. } => Ok(()),
    }
}

/// A path that a file names at `at` must not leave the folder, neither by itself nor through a link in it.
pub(super) fn inside(files: &Snapshot, path: &str, at: &Location) -> Review {
    if path.contains('$') || path.contains("://") {
        return refuse(
            at,
            format!(
                "`{path}` no es una ruta de la entrega, y nada de fuera entra en el laboratorio"
            ),
        );
    }
    match files.resolve(path) {
        Resolved::Inside(_) | Resolved::Missing(_) => Ok(()),
        Resolved::Outside(None) => refuse(
            at,
            format!(
                "`{path}` queda fuera de la entrega, y de fuera no se lee ni se monta nada: usa una ruta relativa a tu carpeta, como `./datos`"
            ),
        ),
        Resolved::Outside(Some(link)) => refuse(
            at,
            format!(
                "`{path}` pasa por el enlace `{link}`, que sale de la entrega: pon ahí el archivo o la carpeta de verdad"
            ),
        ),
        Resolved::Circle => refuse(
            at,
            format!(
                "`{path}` es un enlace que da vueltas sobre sí mismo: pon ahí el archivo de verdad"
            ),
        ),
    }
}

/// `path` seen from `base`, cleaned; nothing when it leaves the submission.
pub fn join(base: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    if path.starts_with(['/', '~']) || base.starts_with(['/', '~']) || path.contains("://") {
        return None;
    }
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
