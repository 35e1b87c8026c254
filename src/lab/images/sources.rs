//! Where this machine gets its own packages from, read from its own apt configuration.

use std::path::Path;

/// What a stand-in is made from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sources {
    /// The suite to bootstrap, as `bookworm`.
    pub suite: &'static str,
    /// What the image's label says it is made from, as `debian bookworm`.
    pub made_of: &'static str,
    /// The text of its `debian.sources`.
    pub text: String,
    /// Packages that this distribution needs besides the recipe's.
    pub extra_packages: &'static [&'static str],
}

/// A distribution that has the Python of the course among its packages.
struct Distribution {
    id: &'static str,
    suite: &'static str,
    made_of: &'static str,
    components: &'static str,
    keyring: &'static str,
    extra_packages: &'static [&'static str],
}

/// Debian's bookworm can be bootstrapped from any release of Debian; on Ubuntu only its own release will do.
const DISTRIBUTIONS: [Distribution; 2] = [
    Distribution {
        id: "debian",
        suite: "bookworm",
        made_of: "debian bookworm",
        components: "main",
        keyring: "/usr/share/keyrings/debian-archive-keyring.gpg",
        // Without it the much larger `usrmerge` is taken, with all of Perl.
        extra_packages: &["usr-is-merged"],
    },
    Distribution {
        id: "ubuntu",
        suite: "jammy",
        made_of: "ubuntu jammy",
        components: "main universe",
        keyring: "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
        extra_packages: &[],
    },
];

/// One source of packages, of either of apt's two formats.
#[derive(Debug, Default)]
struct Entry {
    uris: Vec<String>,
    suites: Vec<String>,
    components: Vec<String>,
    keyring: Option<String>,
}

/// Reads them from this machine.
///
/// # Errors
/// Why this machine's packages will not do, in Spanish, to stand after a colon.
pub(super) fn here() -> Result<Sources, String> {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let mut texts = Vec::new();
    let mut files = vec![Path::new("/etc/apt/sources.list").to_path_buf()];
    if let Ok(folder) = std::fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(folder.filter_map(|entry| Some(entry.ok()?.path())));
    }
    files.sort();
    for file in files {
        if let Ok(text) = std::fs::read_to_string(&file) {
            texts.push((file.to_string_lossy().into_owned(), text));
        }
    }
    read(&release, &texts)
}

fn read(release: &str, files: &[(String, String)]) -> Result<Sources, String> {
    let field = |name: &str| {
        release.lines().find_map(|line| {
            Some(
                line.strip_prefix(name)?
                    .strip_prefix('=')?
                    .trim_matches('"')
                    .to_owned(),
            )
        })
    };
    let (id, codename) = (
        field("ID").unwrap_or_default(),
        field("VERSION_CODENAME").unwrap_or_default(),
    );
    let Some(distribution) = DISTRIBUTIONS
        .iter()
        .find(|distribution| distribution.id == id)
    else {
        return Err("solo sé hacerla en Debian y en Ubuntu 22.04".to_owned());
    };
    if id == "ubuntu" && codename != distribution.suite {
        return Err(format!(
            "los paquetes de Ubuntu «{codename}» no traen Python 3.11 (los de Ubuntu 22.04 y los de Debian, sí)"
        ));
    }
    let own: &[&str] = &[
        &codename,
        "stable",
        "oldstable",
        "testing",
        "unstable",
        "sid",
    ];
    let mut text = String::new();
    let mut has_base = false;
    for entry in files.iter().flat_map(|(name, text)| entries(name, text)) {
        let mut suites: Vec<String> = Vec::new();
        for suite in &entry.suites {
            let (base, pocket) = suite
                .split_once('-')
                .map_or((suite.as_str(), ""), |(base, pocket)| (base, pocket));
            if own.contains(&base) && matches!(pocket, "" | "updates" | "security") {
                let dash = if pocket.is_empty() { "" } else { "-" };
                suites.push(format!("{}{dash}{pocket}", distribution.suite));
            }
        }
        suites.dedup();
        let uris: Vec<String> = entry.uris.iter().filter_map(|uri| reachable(uri)).collect();
        if suites.is_empty()
            || uris.is_empty()
            || !entry.components.iter().any(|component| component == "main")
        {
            continue;
        }
        has_base |= suites.iter().any(|suite| suite == distribution.suite);
        let keyring = entry
            .keyring
            .unwrap_or_else(|| distribution.keyring.to_owned());
        let stanza = format!(
            "Types: deb\nURIs: {}\nSuites: {}\nComponents: {}\nSigned-By: {keyring}\n",
            uris.join(" "),
            suites.join(" "),
            distribution.components
        );
        if !text.contains(&stanza) {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&stanza);
        }
    }
    if !has_base {
        return Err("en /etc/apt no encuentro de dónde saca esta máquina sus paquetes".to_owned());
    }
    Ok(Sources {
        suite: distribution.suite,
        made_of: distribution.made_of,
        text,
        extra_packages: distribution.extra_packages,
    })
}

/// An address that also means something inside an image; a list of mirrors is replaced by its first one.
fn reachable(uri: &str) -> Option<String> {
    if let Some(list) = uri.strip_prefix("mirror+file:") {
        let text = std::fs::read_to_string(list).ok()?;
        let first = text.lines().find(|line| line.starts_with("http"))?;
        return first.split_whitespace().next().map(str::to_owned);
    }
    uri.starts_with("http").then(|| uri.to_owned())
}

fn entries(name: &str, text: &str) -> Vec<Entry> {
    if name.ends_with(".sources") {
        text.split("\n\n").filter_map(stanza).collect()
    } else if name.ends_with(".list") {
        text.lines().filter_map(line).collect()
    } else {
        Vec::new()
    }
}

/// One paragraph of a `.sources` file.
fn stanza(text: &str) -> Option<Entry> {
    let mut entry = Entry::default();
    let mut types = Vec::new();
    let mut enabled = true;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let words = || {
            value
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        match key.to_ascii_lowercase().as_str() {
            "types" => types = words(),
            "uris" => entry.uris = words(),
            "suites" => entry.suites = words(),
            "components" => entry.components = words(),
            "enabled" => enabled = value.trim() != "no",
            "signed-by" => {
                entry.keyring = Some(value.trim().to_owned()).filter(|path| path.starts_with('/'))
            }
            _ => {}
        }
    }
    (enabled && types.iter().any(|kind| kind == "deb")).then_some(entry)
}

/// One line of a `.list` file.
fn line(text: &str) -> Option<Entry> {
    let rest = text.trim().strip_prefix("deb ")?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    Some(Entry {
        uris: vec![words.next()?],
        suites: vec![words.next()?],
        components: words.collect(),
        keyring: options
            .split_whitespace()
            .find_map(|option| option.strip_prefix("signed-by="))
            .map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN_12: &str = "ID=debian\nVERSION_CODENAME=bookworm\n";

    fn file(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    #[test]
    fn the_mirrors_of_debian_are_taken_and_other_sources_are_not() {
        let files = [
            file(
                "/etc/apt/sources.list.d/debian.sources",
                "Types: deb\n# nota\nURIs: http://espejo.invalid/debian\nSuites: bookworm bookworm-updates bookworm-backports\nComponents: main contrib\nSigned-By: /k.gpg\n\nTypes: deb\nURIs: http://espejo.invalid/seguridad\nSuites: bookworm-security\nComponents: main\n",
            ),
            file(
                "/etc/apt/sources.list.d/node.sources",
                "Types: deb\nURIs: http://otro.invalid\nSuites: nodistro\nComponents: main\n",
            ),
        ];
        assert_eq!(
            read(DEBIAN_12, &files).unwrap().text,
            "Types: deb\nURIs: http://espejo.invalid/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /k.gpg\n\n\
             Types: deb\nURIs: http://espejo.invalid/seguridad\nSuites: bookworm-security\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
        );
    }

    #[test]
    fn another_release_of_debian_gives_bookworm_from_its_own_mirror() {
        let files = [file(
            "/etc/apt/sources.list",
            "deb-src http://espejo.invalid/debian trixie main\ndeb [arch=amd64 signed-by=/k.gpg] http://espejo.invalid/debian trixie main\n",
        )];
        let sources = read("ID=debian\nVERSION_CODENAME=trixie\n", &files).unwrap();
        assert_eq!(
            (sources.suite, sources.text.as_str()),
            (
                "bookworm",
                "Types: deb\nURIs: http://espejo.invalid/debian\nSuites: bookworm\nComponents: main\nSigned-By: /k.gpg\n"
            )
        );
    }

    #[test]
    fn a_distribution_without_the_right_python_is_explained() {
        assert_eq!(
            read("ID=ubuntu\nVERSION_CODENAME=noble\n", &[]).unwrap_err(),
            "los paquetes de Ubuntu «noble» no traen Python 3.11 (los de Ubuntu 22.04 y los de Debian, sí)"
        );
        assert_eq!(
            read("ID=fedora\n", &[]).unwrap_err(),
            "solo sé hacerla en Debian y en Ubuntu 22.04"
        );
        assert_eq!(
            read(DEBIAN_12, &[]).unwrap_err(),
            "en /etc/apt no encuentro de dónde saca esta máquina sus paquetes"
        );
    }
}
