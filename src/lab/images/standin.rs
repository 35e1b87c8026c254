//! Stand-ins: images built from the distribution's packages, for machines that reach no registry.
//!
//! A stand-in behaves like the official image where the lessons depend on it, and says what it is by its labels.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use bollard::query_parameters::{CreateImageOptionsBuilder, RemoveImageOptions};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use super::sources::{self, Sources};
use super::{archive, engine_words, name_and_tag};
use crate::lab::engine::{Engine, Say, program};
use crate::lab::{apt, tied};

/// The label by which a stand-in is known; its value says what it is made from.
pub const STANDIN_LABEL: &str = "dev.muelle.standin";

/// The label that tells the recipe of a stand-in, so that an old one is renewed.
pub(super) const RECIPE_LABEL: &str = "dev.muelle.recipe";

/// How to make a stand-in.
#[derive(Debug)]
pub(super) struct Recipe {
    reference: &'static str,
    packages: &'static [&'static str],
    /// Runs on the bootstrapped tree: `$1` the tree, `$2` our working folder, in which it leaves `version`.
    finish: &'static str,
    /// The image's configuration, as instructions; `@VERSION@` is what `finish` found.
    changes: &'static [&'static str],
}

/// Every image that a stand-in can be made for.
const RECIPES: [Recipe; 1] = [Recipe {
    reference: "python:3.11-slim",
    packages: &[
        "ca-certificates",
        "netbase",
        "tzdata",
        "python3.11",
        "python3.11-venv",
    ],
    finish: FINISH_PYTHON,
    changes: &[
        "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
        "ENV LANG=C.UTF-8",
        "ENV PYTHON_VERSION=@VERSION@",
        "WORKDIR /",
        r#"CMD ["python3"]"#,
    ],
}];

/// What the slim images leave out.
const LEFT_OUT: [&str; 5] = [
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/lintian/*",
];

/// The recipe for an image, if there is one.
pub(super) fn recipe(reference: &str) -> Option<&'static Recipe> {
    RECIPES.iter().find(|recipe| recipe.reference == reference)
}

impl Recipe {
    /// Changes whenever the recipe does.
    pub(super) fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for part in [
            self.packages,
            self.changes,
            &LEFT_OUT[..],
            &[self.finish, FINISH_APT],
        ]
        .concat()
        {
            hash.update(part);
            hash.update([0]);
        }
        hash.finalize()
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// Builds the image and gives it its name; the old bearer of the name keeps it until that moment.
///
/// # Errors
/// What went wrong, in Spanish, to stand after a colon.
pub(super) async fn build(
    engine: &Engine,
    recipe: &Recipe,
    say: Say<'_>,
) -> Result<String, String> {
    let sources = sources::here()?;
    ensure_mmdebstrap(say).await?;
    say(&format!(
        "Construyo una sustituta de {} con paquetes de {} (menos de un minuto)…",
        recipe.reference, sources.made_of
    ));
    let work = tempfile::Builder::new()
        .prefix("muelle-imagen-")
        .tempdir()
        .map_err(|error| format!("no pude crear una carpeta temporal: {error}"))?;
    bootstrap(recipe, &sources, work.path()).await?;
    import(engine, recipe, &sources, work.path()).await?;
    Ok(sources.made_of.to_owned())
}

async fn ensure_mmdebstrap(say: Say<'_>) -> Result<(), String> {
    if program("mmdebstrap").is_some() {
        return Ok(());
    }
    say("Instalo mmdebstrap con apt-get, para construir la imagen…");
    apt::install(&["mmdebstrap"], &["--no-install-recommends"]).await
}

/// Makes `image.tar` in the working folder.
async fn bootstrap(recipe: &Recipe, sources: &Sources, work: &Path) -> Result<(), String> {
    let write = |name: &str, text: &str| -> Result<String, String> {
        let path = work.join(name);
        let mut file = std::fs::File::create(&path).map_err(|error| error.to_string())?;
        file.write_all(text.as_bytes())
            .map_err(|error| error.to_string())?;
        Ok(path.to_string_lossy().into_owned())
    };
    let list = write("debian.sources", &sources.text)?;
    let script = write("finish.sh", &format!("{}{FINISH_APT}", recipe.finish))?;
    let packages: Vec<&str> = recipe
        .packages
        .iter()
        .chain(sources.extra_packages)
        .copied()
        .collect();
    // In namespaces of its own: a killed run leaves no process and no mount behind.
    let mut command = tied::confined(&["--propagation=private"], "mmdebstrap");
    command
        .args([
            "--mode=root",
            "--variant=minbase",
            "--format=tar",
            "--quiet",
        ])
        .arg(format!("--include={}", packages.join(",")))
        .args(LEFT_OUT.map(|path| format!("--dpkgopt=path-exclude={path}")))
        .args([
            "--dpkgopt=force-unsafe-io",
            r#"--aptopt=Acquire::Languages "none""#,
        ])
        .args([r#"--aptopt=APT::Install-Recommends "false""#])
        .args(proxy().map(|address| format!(r#"--aptopt=Acquire::http::Proxy "{address}""#)))
        .arg(format!(
            r#"--customize-hook=sh "{script}" "$1" "{}""#,
            work.display()
        ))
        .arg(sources.suite)
        .arg(work.join("image.tar"))
        .arg(list)
        .env("TMPDIR", work);
    if Path::new(MERGED_USR).is_dir() {
        command.arg(format!("--hook-dir={MERGED_USR}"));
    }
    tied::run(command, &work.join("log"))
        .await
        .map_err(|why| format!("`mmdebstrap` falló: {why}"))
}

/// Without these hooks a tree is born with the old layout of folders, and turned to the new one by much larger means.
const MERGED_USR: &str = "/usr/share/mmdebstrap/hooks/merged-usr";

/// The proxy that this machine's apt goes through, if it does.
fn proxy() -> Option<String> {
    let output = Command::new("apt-config")
        .args(["shell", "P", "Acquire::http::Proxy"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let address = text.trim().strip_prefix("P='")?.strip_suffix('\'')?;
    (!address.is_empty()).then(|| address.to_owned())
}

async fn import(
    engine: &Engine,
    recipe: &Recipe,
    sources: &Sources,
    work: &Path,
) -> Result<(), String> {
    let version =
        std::fs::read_to_string(work.join("version")).map_err(|error| error.to_string())?;
    let mut changes: Vec<String> = recipe
        .changes
        .iter()
        .map(|change| change.replace("@VERSION@", version.trim()))
        .collect();
    changes.push(format!(
        "LABEL {STANDIN_LABEL}=\"{}\" {RECIPE_LABEL}=\"{}\"",
        sources.made_of,
        recipe.hash()
    ));
    let body = archive::stream(&work.join("image.tar"))
        .await
        .map_err(|error| error.to_string())?;
    let (name, tag) = name_and_tag(recipe.reference);
    let old = engine
        .docker()
        .inspect_image(recipe.reference)
        .await
        .ok()
        .and_then(|image| image.id);
    let options = CreateImageOptionsBuilder::new()
        .from_src("-")
        .repo(name)
        .tag(tag)
        .changes(changes)
        .build();
    let mut progress =
        engine
            .docker()
            .create_image(Some(options), Some(bollard::body_try_stream(body)), None);
    while let Some(step) = progress.next().await {
        step.map_err(|error| format!("el motor no aceptó la imagen: {}", engine_words(&error)))?;
    }
    if let Some(old) = old {
        // One that is still in use stays; it goes with whatever uses it.
        let _ = engine
            .docker()
            .remove_image(&old, None::<RemoveImageOptions>, None)
            .await;
    }
    Ok(())
}

/// Python as the official image has it: in `/usr/local`, where packages can be installed freely and are found again
/// after being copied from another stage. `/usr/local` becomes a virtual environment of the distribution's Python, the
/// one supported way to give it another prefix. System packages stay visible, without which `pip install --user` is
/// refused.
const FINISH_PYTHON: &str = r#"
set -eu
root=$1 work=$2
chroot "$root" /usr/bin/python3.11 -m venv --system-site-packages /usr/local
rm -f "$root"/usr/local/bin/activate* "$root"/usr/local/bin/Activate.ps1
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$root/etc/pip.conf"
# Bytecode that holds whatever time stamps the layers give to the sources: else each new container compiles pip anew.
chroot "$root" /usr/local/bin/python -m compileall -q -f -j 0 --invalidation-mode unchecked-hash \
  /usr/lib/python3.11 /usr/local/lib/python3.11 >/dev/null || true
# Every file of the base costs a look each time a layer is exported; these are second copies of the time zones.
rm -rf "$root/usr/share/zoneinfo/right" "$root/usr/share/zoneinfo/posix"
chroot "$root" /usr/local/bin/python -c 'import platform; print(platform.python_version())' >"$work/version"
"#;

/// What every stand-in ends with: the host's certificate authorities (a class may sit behind a proxy that inspects),
/// the official images' apt settings instead of those of the bootstrap, and no leftovers.
const FINISH_APT: &str = r#"
for authority in /usr/local/share/ca-certificates/*.crt; do
  if [ -f "$authority" ]; then cp "$authority" "$root/usr/local/share/ca-certificates/"; fi
done
chroot "$root" update-ca-certificates >/dev/null
if [ -s /etc/ssl/certs/ca-certificates.crt ]; then
  cat /etc/ssl/certs/ca-certificates.crt >"$root/etc/ssl/certs/ca-certificates.crt"
fi
if [ -f "$root/etc/apt/sources.list.d/0000debian.sources" ]; then
  mv "$root/etc/apt/sources.list.d/0000debian.sources" "$root/etc/apt/sources.list.d/debian.sources"
fi
rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap"
cat >"$root/etc/apt/apt.conf.d/docker-clean" <<'END'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
END
cat >"$root/etc/apt/apt.conf.d/docker-options" <<'END'
Acquire::GzipIndexes "true";
Acquire::Languages "none";
Apt::AutoRemove::SuggestsImportant "false";
END
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/cache/apt/*.bin "$root"/var/lib/apt/lists/*
rm -rf "$root"/var/log/*.log "$root"/var/log/apt/* "$root"/var/cache/debconf/*-old "$root"/usr/share/doc "$root"/usr/share/man
mkdir -p "$root/usr/share/doc" "$root/usr/share/man/man1"
: >"$root/etc/hostname"
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_follows_the_recipe() {
        let python = recipe("python:3.11-slim").unwrap();
        let other = Recipe {
            packages: &["python3.11"],
            ..RECIPES[0]
        };
        assert_eq!(python.hash(), RECIPES[0].hash());
        assert_ne!(python.hash(), other.hash());
        assert_eq!(python.hash().len(), 12);
    }
}
