//! The package manager of Debian and Ubuntu.

use super::tied;

/// Runs `apt-get` without questions.
///
/// # Errors
/// The command and its last words.
pub(super) async fn get(arguments: &[&str]) -> Result<(), String> {
    let mut command = tied::command("apt-get");
    command
        .args(["-qq", "-o", "DPkg::Lock::Timeout=120"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    let log = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    tied::run(command, log.path())
        .await
        .map_err(|why| format!("`apt-get {}` falló: {why}", arguments.join(" ")))
}
