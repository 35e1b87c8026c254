//! Which files are read, going by their names.

/// What a file is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A Dockerfile.
    Dockerfile,
    /// A `.dockerignore`.
    Dockerignore,
    /// A compose file.
    Compose,
    /// A file of variables; never so by its name alone, only where something names it.
    Dotenv,
}

impl FileKind {
    /// What a file that is come across is, if anything that is read.
    pub(in crate::submission) fn of(path: &str) -> Option<Self> {
        if is_dockerfile(path) {
            Some(Self::Dockerfile)
        } else if is_compose(path) {
            Some(Self::Compose)
        } else if path.ends_with(".dockerignore") {
            Some(Self::Dockerignore)
        } else {
            None
        }
    }

    /// What a file is that somebody asks to have read: names that nobody would look for count too.
    pub(in crate::submission) fn asked_for(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        let is = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        Self::of(path).or_else(|| {
            if is(&[".yml", ".yaml"]) {
                Some(Self::Compose)
            } else if name.contains("dockerfile") || name.contains("containerfile") {
                Some(Self::Dockerfile)
            } else if name.starts_with(".env") || is(&[".env"]) {
                Some(Self::Dotenv)
            } else {
                None
            }
        })
    }
}

/// Whether a file of that name is a Dockerfile; templates of Dockerfiles are none, nor how editors colour them.
pub(in crate::submission) fn is_dockerfile(path: &str) -> bool {
    const OTHERS: [&str; 20] = [
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
        "tmlanguage",
        "tmpreferences",
        "nanorc",
        "vim",
        "xml",
        "html",
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

/// Whether a file of that name is a compose file.
fn is_compose(path: &str) -> bool {
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
