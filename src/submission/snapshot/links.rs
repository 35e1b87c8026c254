//! Symbolic links of a snapshot, followed as the system would, but never out of it.

use std::collections::VecDeque;

use super::{Entry, Snapshot};

/// Links followed for one path at most; the kernel's own limit.
const MOST_HOPS: usize = 40;

/// What a path comes to when its links are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// Something in the snapshot, by its real path; empty: the folder itself.
    Inside(String),
    /// Nothing; by the path where it would be.
    Missing(String),
    /// It leaves the snapshot, by the link at that path; nothing: by its own `..` or `/`.
    Outside(Option<String>),
    /// The links go round in a circle.
    Circle,
}

impl Snapshot {
    /// Follows `path` and all links on its way.
    pub fn resolve(&self, path: &str) -> Resolved {
        if is_rooted(path) {
            return Resolved::Outside(None);
        }
        let mut rest: VecDeque<String> = path.split('/').map(str::to_owned).collect();
        let mut real: Vec<String> = Vec::new();
        let mut by: Option<String> = None;
        let mut hops = 0;
        while let Some(part) = rest.pop_front() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    if real.pop().is_none() {
                        return Resolved::Outside(by);
                    }
                    continue;
                }
                _ => real.push(part),
            }
            let here = real.join("/");
            let Some(Entry::Link(target)) = self.entries.get(&here) else {
                continue;
            };
            hops += 1;
            if hops > MOST_HOPS {
                return Resolved::Circle;
            }
            if is_rooted(target) {
                return Resolved::Outside(Some(here));
            }
            real.pop();
            for part in target.split('/').rev() {
                rest.push_front(part.to_owned());
            }
            by = Some(here);
        }
        let real = real.join("/");
        if real.is_empty() || self.entries.contains_key(&real) {
            Resolved::Inside(real)
        } else {
            Resolved::Missing(real)
        }
    }
}

/// Whether a path starts anywhere else than here.
fn is_rooted(path: &str) -> bool {
    path.starts_with(['/', '~', '\\']) || path.get(1..2) == Some(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(links: &[(&str, &str)]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.insert("datos/a.txt", "A", false);
        for (path, target) in links {
            snapshot
                .entries
                .insert((*path).to_owned(), Entry::Link((*target).to_owned()));
        }
        snapshot
    }

    #[test]
    fn links_inside_are_followed_through_folders_and_chains() {
        let snapshot = snapshot(&[
            ("uno", "datos"),
            ("dos", "./uno/../datos/a.txt"),
            ("datos/b.txt", "../dos"),
        ]);
        for path in [
            "datos/a.txt",
            "uno/a.txt",
            "dos",
            "datos/b.txt",
            "uno/b.txt",
        ] {
            assert_eq!(
                snapshot.resolve(path),
                Resolved::Inside("datos/a.txt".into()),
                "{path}"
            );
            assert_eq!(
                snapshot.file(path).map(|b| &b[..]),
                Some(&b"A"[..]),
                "{path}"
            );
        }
        assert_eq!(snapshot.resolve("."), Resolved::Inside(String::new()));
    }

    #[test]
    fn links_that_lead_out_nowhere_or_in_circles_give_no_file() {
        let snapshot = snapshot(&[
            ("fuera", "/etc/passwd"),
            ("sube", "../../etc/passwd"),
            ("cadena", "fuera"),
            ("por", "datos/../.."),
            ("roto", "datos/no"),
            ("a", "b"),
            ("b", "a"),
            ("yo", "yo/yo"),
        ]);
        let out = |link: &str| Resolved::Outside(Some(link.to_owned()));
        assert_eq!(snapshot.resolve("fuera"), out("fuera"));
        assert_eq!(snapshot.resolve("sube"), out("sube"));
        assert_eq!(snapshot.resolve("cadena"), out("fuera"));
        assert_eq!(snapshot.resolve("por/x"), out("por"));
        assert_eq!(snapshot.resolve("../x"), Resolved::Outside(None));
        assert_eq!(snapshot.resolve("/x"), Resolved::Outside(None));
        assert_eq!(
            snapshot.resolve("roto"),
            Resolved::Missing("datos/no".into())
        );
        assert_eq!(snapshot.resolve("a"), Resolved::Circle);
        assert_eq!(snapshot.resolve("yo"), Resolved::Circle);
        for path in ["fuera", "sube", "cadena", "roto", "a", "yo", "datos"] {
            assert_eq!(snapshot.file(path), None, "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_links_that_stay_inside_are_written() {
        let snapshot = snapshot(&[
            ("bien", "datos/a.txt"),
            ("mal", "/etc/passwd"),
            ("roto", "no"),
        ]);
        let folder = tempfile::tempdir().unwrap();
        snapshot.write(folder.path()).unwrap();
        assert_eq!(std::fs::read(folder.path().join("bien")).unwrap(), b"A");
        for path in ["mal", "roto"] {
            assert!(std::fs::symlink_metadata(folder.path().join(path)).is_err());
        }
    }
}
