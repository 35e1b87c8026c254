//! What an engine's `top` says, as processes.

use anyhow::Context;

use super::Process;

/// Numeric ids, as the machine's `ps` gives them.
pub const COLUMNS: &str = "-eo uid,gid,pid,args";

/// Podman's own words: with any others it runs the image's `ps`, which can lie or be missing.
pub const PODMAN_COLUMNS: &str = "huser,hgroup,hpid,args";

/// One row as a process.
pub fn process(row: &[String]) -> anyhow::Result<Process> {
    let id = |column: usize, file: &str| {
        let name = row.get(column).map_or("", |name| name.trim());
        number(name, || std::fs::read_to_string(file).unwrap_or_default())
            .with_context(|| format!("el motor llama `{name}` a un usuario que aquí no existe"))
    };
    Ok(Process {
        uid: id(0, "/etc/passwd")?,
        gid: id(1, "/etc/group")?,
        args: row.get(3..).unwrap_or_default().join(" "),
    })
}

/// Podman gives names where the machine has them.
fn number(name: &str, database: impl Fn() -> String) -> Option<u32> {
    if name == "root" {
        return Some(0);
    }
    name.parse().ok().or_else(|| {
        let database = database();
        let line = database
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        line.split(':').nth(2)?.parse().ok()
    })
}

/// The engine's own words, or what its machine lacks.
pub fn told(error: bollard::errors::Error) -> anyhow::Error {
    let lacks_ps = error.to_string().contains(r#"exec: "ps""#);
    let error = anyhow::Error::from(error);
    if lacks_ps {
        error.context(
            "en la máquina del motor falta el programa `ps`, con el que enumera procesos: `sudo apt-get install procps`",
        )
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_and_a_number_is_taken_as_it_is() {
        let database = || "daemon:x:1:1::/:/bin/sh\nmalo\n".to_owned();
        assert_eq!(number("1000", database), Some(1000));
        assert_eq!(number("root", String::new), Some(0));
        assert_eq!(number("daemon", database), Some(1));
        assert_eq!(number("malo", database), None);
    }

    #[test]
    fn an_engine_without_ps_is_told_what_to_install() {
        let error = bollard::errors::Error::DockerResponseServerError {
            status_code: 500,
            message: r#"ps: exec: "ps": executable file not found in $PATH"#.into(),
        };
        assert!(told(error).to_string().contains("procps"));
    }
}
