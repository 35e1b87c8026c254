//! Which files are secrets, going by their names and, where it could be read, by what is in them.

use crate::submission::snapshot::{Entry, Snapshot};

/// A file that is a secret, or is used for secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rules) struct SecretFile {
    /// The line that gives a secret away, when one does, from 1, and the name of what it sets.
    pub(in crate::rules) shown: Option<(usize, Option<String>)>,
}

/// Words in the name of a copy that is made to be published.
const HARMLESS: [&str; 14] = [
    "example",
    "ejemplo",
    "sample",
    "template",
    "plantilla",
    "dist",
    "default",
    "defaults",
    "tpl",
    "test",
    "demo",
    "schema",
    "vault",
    "encrypted",
];
const KEYS: [&str; 4] = ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];
const LOGINS: [&str; 6] = [
    ".netrc",
    "_netrc",
    ".pgpass",
    ".git-credentials",
    ".pypirc",
    ".npmrc",
];
const STORES: [&str; 6] = ["p12", "pfx", "jks", "keystore", "kdbx", "ppk"];
const FOLDERS: [&str; 6] = [
    "secrets",
    "secret",
    "secretos",
    "credentials",
    "credenciales",
    ".secrets",
];

/// What the file at `path` of `snapshot` gives away; nothing when it is no secret.
pub(in crate::rules) fn of(snapshot: &Snapshot, path: &str) -> Option<SecretFile> {
    let bytes = match snapshot.entry(path)? {
        Entry::File { bytes, .. } => Some(String::from_utf8_lossy(bytes)),
        Entry::Unread => None,
        Entry::Dir | Entry::Link(_) => return None,
    };
    judge(path, bytes.as_deref())
}

/// Whether a file of that name is used for secrets, whatever is in it.
pub(in crate::rules) fn is_named(path: &str) -> bool {
    judge(path, None).is_some()
}

/// Whether the name says that it is a copy without the secret.
pub(super) fn is_for_publication(path: &str) -> bool {
    let lower = path.to_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    name.split(['.', '-', '_'])
        .any(|part| HARMLESS.contains(&part))
}

fn judge(path: &str, text: Option<&str>) -> Option<SecretFile> {
    let lower = path.to_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    if is_for_publication(path) || text.is_some_and(|text| text.trim().is_empty()) {
        return None;
    }
    let found = |shown| Some(SecretFile { shown });
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if name == ".env" || name.starts_with(".env.") {
        let Some(text) = text else { return found(None) };
        let names: Vec<&str> = text
            .lines()
            .filter_map(|line| Some(pair(line)?.0))
            .collect();
        let public = |name: &&str| {
            [
                "VITE_",
                "NEXT_PUBLIC_",
                "REACT_APP_",
                "PUBLIC_",
                "VUE_APP_",
                "GATSBY_",
                "NUXT_PUBLIC_",
            ]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        };
        if names.is_empty() || names.iter().all(public) {
            return None;
        }
        return found(line_with_secret(text));
    }
    if KEYS.contains(&name) || extension == "pem" || extension == "key" {
        return match text {
            Some(text) => {
                let at = text
                    .lines()
                    .position(|line| line.contains("PRIVATE KEY-----"))?;
                found(Some((at + 1, None)))
            }
            // Certificates are public, and most files called `.pem` are certificates.
            None if KEYS.contains(&name) => found(None),
            None => {
                let public = ["cert", "ca", "chain", "pub", "public", "crt", "bundle"];
                let is_public = name
                    .split(['.', '-', '_'])
                    .any(|part| public.iter().any(|word| part.ends_with(word)));
                // `certs/empresa.pem`; its private half is a `.key`.
                let kept_with = lower.rsplit('/').nth(1).unwrap_or_default();
                let among = matches!(kept_with, "certs" | "certificates" | "ca-certificates");
                if is_public || among && extension == "pem" && !name.contains("key") {
                    None
                } else {
                    found(None)
                }
            }
        };
    }
    if LOGINS.contains(&name) {
        let Some(text) = text else {
            // Most `.npmrc` hold settings alone.
            return if name == ".npmrc" { None } else { found(None) };
        };
        let login = |line: &str| {
            let line = line.trim_start();
            !line.starts_with(['#', ';'])
                && !line.contains("${")
                && (line.contains("_authToken=")
                    || line.contains("_password")
                    || line.starts_with("password")
                    || line.contains(" password ")
                    || (name == ".git-credentials" && line.contains("://"))
                    || (name == ".pgpass" && line.matches(':').count() >= 4))
        };
        let at = text.lines().position(login)?;
        return found(Some((at + 1, None)));
    }
    let cloud = lower.ends_with(".aws/credentials")
        || lower.ends_with(".docker/config.json")
        || lower.ends_with(".kube/config")
        || matches!(
            name,
            "credentials.json" | "service-account.json" | "client_secret.json"
        );
    if STORES.contains(&extension) || cloud {
        let shown = text
            .and_then(|text| {
                text.lines()
                    .position(|line| line.contains("PRIVATE KEY-----"))
            })
            .map(|at| (at + 1, None));
        return found(shown);
    }
    // A folder of that name that holds code is a package.
    let data = matches!(
        extension,
        "txt" | "json" | "yml" | "yaml" | "env" | "ini" | "toml" | "secret" | "token" | "pass"
    ) || !name.contains('.');
    let mut folders = lower.split('/').rev().skip(1);
    let is_data = data && !matches!(name, "readme" | "readme.txt" | "makefile" | "license");
    (is_data && folders.any(|folder| FOLDERS.contains(&folder)))
        .then_some(SecretFile { shown: None })
}

/// The first line that sets something secret to what is no placeholder, and its name.
fn line_with_secret(text: &str) -> Option<(usize, Option<String>)> {
    text.lines().enumerate().find_map(|(index, line)| {
        let (name, value) = pair(line)?;
        gives_away(name, value).then(|| (index + 1, Some(name.to_owned())))
    })
}

fn pair(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let line = line.strip_prefix("export ").unwrap_or(line);
    if line.starts_with('#') {
        return None;
    }
    let (name, value) = line.split_once('=')?;
    let value = value.split(" #").next().unwrap_or(value).trim();
    Some((name.trim(), value.trim_matches(['"', '\''])))
}

/// Whether `name=value` gives a secret away: what is a placeholder, or known to all, does not.
fn gives_away(name: &str, value: &str) -> bool {
    let name = name.to_uppercase();
    let secret = [
        "PASSWORD",
        "PASSWD",
        "SECRET",
        "TOKEN",
        "API_KEY",
        "APIKEY",
        "PRIVATE_KEY",
        "ACCESS_KEY",
        "CLAVE",
        "CONTRASENA",
        "CREDENTIAL",
    ]
    .iter()
    .any(|word| name.contains(word));
    let about = [
        "_FILE",
        "_PATH",
        "_URL",
        "_URI",
        "_HOST",
        "_NAME",
        "_ID",
        "_LENGTH",
        "_TTL",
        "_EXPIRE",
        "_MINUTES",
        "_SECONDS",
        "_DAYS",
        "_ALGORITHM",
        "_TYPE",
        "_HEADER",
        "_PUBLICA",
        "TOKENS",
    ]
    .iter()
    .any(|end| name.ends_with(end));
    let lower = value.to_lowercase();
    let placeholder = [
        "change",
        "cambia",
        "your",
        "tu_",
        "tu-",
        "example",
        "ejemplo",
        "xxx",
        "***",
        "...",
        "<",
        "${",
        "placeholder",
        "todo",
        "aqui",
        "aquí",
        "here",
        "replace",
        "reemplaza",
        "dummy",
        "fake",
        "insert",
    ]
    .iter()
    .any(|word| lower.contains(word));
    let common = [
        "",
        "postgres",
        "root",
        "admin",
        "user",
        "test",
        "password",
        "secret",
        "true",
        "false",
        "none",
        "null",
        "guest",
        "dev",
        "local",
        "prefect",
        "minio",
        "minioadmin",
        "airflow",
        "1234",
        "12345",
        "123456",
        "mysql",
        "redis",
    ];
    secret && !about && !placeholder && !common.contains(&lower.as_str()) && value.len() >= 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_made_to_be_published_and_public_halves_are_no_secrets() {
        for path in [
            ".env.example",
            ".env.ejemplo",
            "config/.env.sample",
            "app/secrets/__init__.py",
            "certs/ca.pem",
            "certs/fullchain.pem",
            "secrets/README",
            "id_rsa.pub",
            ".envrc.md",
            ".npmrc",
            "secretos/ejemplo.txt",
        ] {
            assert!(!is_named(path), "{path}");
        }
        for path in [
            ".env",
            "app/.env.local",
            ".env.production",
            "clave.pem",
            "keys/id_ed25519",
            "secretos/api_key.txt",
            ".aws/credentials",
            "credentials.json",
            "almacen.p12",
        ] {
            assert!(is_named(path), "{path}");
        }
    }

    #[test]
    fn what_is_read_decides_over_the_name() {
        let shown = |path, text| judge(path, Some(text)).map(|secret| secret.shown);
        assert_eq!(shown("clave.pem", "-----BEGIN CERTIFICATE-----\n"), None);
        assert_eq!(
            shown("x.pem", "a\n-----BEGIN RSA PRIVATE KEY-----\n"),
            Some(Some((2, None)))
        );
        assert_eq!(shown(".env", "VITE_API=http://x\n"), None);
        assert_eq!(shown(".env", "\n"), None);
        assert_eq!(shown(".env", "APP_NAME=iris\n"), Some(None));
        assert_eq!(shown(".npmrc", "save-exact=true\n"), None);
        assert_eq!(
            shown(".npmrc", "//r/:_authToken=npm_abc\n"),
            Some(Some((1, None)))
        );
        assert_eq!(shown(".npmrc", "//r/:_authToken=${NPM_TOKEN}\n"), None);
    }

    #[test]
    fn placeholders_and_words_known_to_all_give_nothing_away() {
        for (name, value) in [
            ("API_KEY", "tu_clave_aqui"),
            ("SECRET_KEY", "<pon-la-tuya>"),
            ("DB_PASSWORD", "postgres"),
            ("TOKEN_TTL", "360000"),
            ("API_KEY_FILE", "/run/secrets/api_key"),
            ("LOG_LEVEL", "WARNING"),
            ("JWT_SECRET", "${JWT}"),
        ] {
            assert!(!gives_away(name, value), "{name}={value}");
        }
        assert!(gives_away("API_KEY", "sk-9f8a7b6c5d"));
        assert!(gives_away("db_password", "S3creta-2024"));
    }
}
