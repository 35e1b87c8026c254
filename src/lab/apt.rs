//! The package manager of Debian and Ubuntu.

use super::tied;

/// Installs packages without questions, from lists fetched anew.
///
/// # Errors
/// The command and its last words, or that the packages' servers cannot be reached.
pub(super) async fn install(packages: &[&str], options: &[&str]) -> Result<(), String> {
    let lists = get(&["update"]).await?;
    let order = [&["install", "--yes"], options, packages].concat();
    match get(&order).await {
        Ok(_) => Ok(()),
        // `update` takes old lists for good enough, so what it said comes to light only now.
        Err(why) => Err(match unreachable(&lists) {
            Some(complaint) => format!(
                "no llego a los servidores de paquetes de esta máquina: comprueba la conexión a la red (o su proxy) y \
                 repite la orden. Lo que dijo `apt-get update`: {complaint}"
            ),
            None => why,
        }),
    }
}

/// Runs `apt-get`; gives what it printed.
async fn get(arguments: &[&str]) -> Result<String, String> {
    let mut command = tied::command("apt-get");
    command
        .args(["-qq", "-o", "DPkg::Lock::Timeout=120"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("LC_ALL", "C.UTF-8");
    let log = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    tied::run(command, log.path())
        .await
        .map_err(|why| format!("`apt-get {}` falló: {why}", arguments.join(" ")))?;
    let said = std::fs::read(log.path()).unwrap_or_default();
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// The first complaint about a server that did not answer.
fn unreachable(lists: &str) -> Option<&str> {
    lists
        .lines()
        .find(|line| line.starts_with("W: Failed to fetch"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_could_not_be_fetched_are_the_cause_of_what_follows() {
        let said = "W: Failed to fetch http://deb.debian.org/debian/dists/bookworm/InRelease  Temporary failure resolving 'deb.debian.org'\n\
                    W: Some index files failed to download. They have been ignored, or old ones used instead.\n";
        assert!(unreachable(said).is_some_and(|line| line.ends_with("'deb.debian.org'")));
        assert_eq!(
            unreachable("W: Target Packages is configured twice\n"),
            None
        );
    }
}
