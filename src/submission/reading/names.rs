//! Which files are read, going by their names.

/// Whether a file of that name is a Dockerfile; templates of Dockerfiles are none.
pub(in crate::submission) fn is_dockerfile(path: &str) -> bool {
    const OTHERS: [&str; 14] = [
        "md",
        "txt",
        "template",
        "tmpl",
        "tpl",
        "j2",
        "jinja",
        "jinja2",
        "erb",
        "in",
        "dockerignore",
        "orig",
        "bak",
        "swp",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let lower = extension.to_ascii_lowercase();
    if OTHERS.contains(&lower.as_str()) {
        return false;
    }
    matches!(lower.as_str(), "dockerfile" | "containerfile")
        || [name, stem]
            .iter()
            .any(|name| matches!(*name, "Dockerfile" | "dockerfile" | "Containerfile"))
        || name.starts_with("Dockerfile.")
        || name.starts_with("Dockerfile-")
        || name.starts_with("Containerfile.")
}

pub(super) fn is_read(path: &str) -> bool {
    is_dockerfile(path) || is_compose(path) || path.ends_with(".dockerignore")
}

/// Whether a file of that name is a compose file.
pub(in crate::submission) fn is_compose(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some(stem) = name
        .strip_suffix(".yml")
        .or_else(|| name.strip_suffix(".yaml"))
    else {
        return false;
    };
    ["compose", "docker-compose"].iter().any(|start| {
        stem.strip_prefix(start)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
    })
}
