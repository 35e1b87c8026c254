//! Patterns of paths in an `exercise.toml`: `*` within a name, `**` for any folders.

/// Whether `path` fits `pattern`. `*` stands for anything within one name, `**` as a whole name for
/// any number of folders, none included. Upper and lower case differ, as they do for Docker.
pub fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    names(&pattern, &path)
}

fn names(pattern: &[&str], path: &[&str]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((&"**", rest)) => (0..=path.len()).any(|skip| names(rest, &path[skip..])),
        Some((first, rest)) => path
            .split_first()
            .is_some_and(|(name, below)| one_name(first, name) && names(rest, below)),
    }
}

fn one_name(pattern: &str, name: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(rest) = name.strip_prefix(head) else {
        return false;
    };
    // A star takes as little as it can, then more, until the rest fits.
    (0..=rest.len())
        .filter(|&i| rest.is_char_boundary(i))
        .any(|i| one_name(tail, &rest[i..]))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stay_within_a_name_and_double_stars_cross_folders() {
        for (pattern, path, fits) in [
            ("Dockerfile", "Dockerfile", true),
            ("Dockerfile", "app/Dockerfile", false),
            ("**/Dockerfile*", "Dockerfile", true),
            ("**/Dockerfile*", "docker/api/Dockerfile.prod", true),
            ("**/*.dockerignore", ".dockerignore", true),
            ("**/.env*", "app/datos/.env.local", true),
            ("**/.env*", "app/.environment/x", false),
            ("app/*.py", "app/main.py", true),
            ("app/*.py", "app/sub/main.py", false),
            ("app/**", "app/sub/main.py", true),
            ("compose*.y*ml", "compose.override.yaml", true),
            ("*ñ*", "piña", true),
        ] {
            assert_eq!(matches(pattern, path), fits, "{pattern} {path}");
        }
    }
}
