//! What the lines of a stage may have put into it: programs and users. What is not understood may have brought anything.

use super::files::Line;
use crate::submission::known_images::KnownImage;
use crate::submission::shell::{ShellWord, Simple};

/// Programs that neither install programs nor make users.
const HARMLESS: &str = "[ [[ : true false echo printf rm mkdir chmod chown chgrp touch cd export set test ls cat ln \
    find grep sleep useradd groupadd adduser addgroup usermod groupmod passwd python python3 pip pip3 pytest flask \
    uvicorn gunicorn npm npx yarn pnpm node tsc go cargo mvn javac java ruff black mypy pwd id env date uname which \
    command type exit umask ldconfig update-ca-certificates locale-gen cp mv sed awk head tail sort tee tr cut sha256sum";

/// Debian and Alpine packages that bring no program but their own and no user.
const PLAIN_PACKAGES: &str = "build-essential gcc g++ make cmake git ca-certificates tzdata tini dumb-init gosu procps \
    netcat-openbsd netcat-traditional iputils-ping vim nano jq unzip zip xz-utils bzip2 ffmpeg tesseract-ocr pkg-config \
    gettext gettext-base locales less sqlite3 openssl gnupg tree file bash musl-dev gfortran default-libmysqlclient-dev \
    postgresql-client linux-headers su-exec build-base htop ninja-build patch swig nginx-light graphviz poppler-utils \
    curl wget sudo openssh-client";

/// Programs that no other package brings along with it, as far as [`PLAIN_PACKAGES`] go.
const ALONE: &str = "curl wget sudo jq nano java php cargo go node npm npx apk yum dnf useradd groupadd apt-get apt";

/// Programs that packages of Python may bring.
const FROM_PIP: &str = "uv poetry pipenv supervisord cmake dumb-init http httpie conda node";

/// Whether `program`, which the base lacks, is certain to be missing behind `lines`.
pub(super) fn is_absent(base: KnownImage, lines: &[Line<'_>], program: &str) -> bool {
    base.has(program) == Some(false)
        && !lines.iter().any(|line| may_bring(*line, program))
        && !fills_path(lines)
}

/// Whether a user, which the base lacks, is certain to be missing behind `lines`.
pub(super) fn lacks_user(base: KnownImage, lines: &[Line<'_>], name: &str) -> bool {
    let makes = |command: &Simple| match command.program() {
        Some("useradd" | "adduser" | "usermod" | "newusers") => command
            .args()
            .iter()
            .any(|word| word.expands || word.text == name),
        _ => command
            .args()
            .iter()
            .chain(command.redirects.iter().map(|redirect| &redirect.target))
            .any(|word| word.text.contains("passwd")),
    };
    base.has_user(name) == Some(false)
        && !lines.iter().any(|line| {
            copies_into_system(*line)
                || line.is("RUN")
                    && (!line.script.understood
                        || line
                            .run()
                            .iter()
                            .any(|command| makes(command) || may_do_anything(command)))
        })
}

/// Whether something is copied into a folder that `ENV` puts into `PATH`.
fn fills_path(lines: &[Line<'_>]) -> bool {
    let paths: Vec<&str> = lines
        .iter()
        .filter(|line| line.is("ENV"))
        .flat_map(|line| line.instruction.pairs())
        .filter(|pair| pair.name.text() == "PATH")
        .filter_map(|pair| pair.value.as_ref())
        .flat_map(|value| value.text().split(':'))
        .map(|folder| folder.trim_end_matches('/'))
        .collect();
    lines
        .iter()
        .filter_map(|line| line.transfer())
        .any(|transfer| paths.contains(&transfer.destination.text().trim_end_matches('/')))
}

/// Whether that folder holds packages of Python and the programs that those bring.
fn holds_python(folder: &str) -> bool {
    let name = folder.rsplit('/').next().unwrap_or(folder);
    matches!(
        name,
        "venv" | ".venv" | "env" | "virtualenv" | ".local" | "site-packages"
    )
}

fn may_bring(line: Line<'_>, program: &str) -> bool {
    if let Some(transfer) = line.transfer() {
        let named = transfer
            .sources
            .iter()
            .any(|word| word.text().contains(program));
        let python = holds_python(transfer.destination.text().trim_end_matches('/'));
        return named || copies_into_system(line) || python && listed(FROM_PIP, program);
    }
    line.is("RUN")
        && (!line.script.understood
            || line
                .run()
                .iter()
                .any(|command| may_install(command, program)))
}

/// Whether a command may put `program` in place.
pub(super) fn may_install(command: &Simple, program: &str) -> bool {
    let is_it = command.program() == Some(program);
    let named = command.words.iter().any(|word| {
        word.text.contains(program) || word.text.len() > 2 && program.starts_with(&word.text)
    });
    let by_pip =
        command.words.iter().any(|word| word.text.contains("pip")) && listed(FROM_PIP, program);
    let by_packages = packages(command).is_some() && !listed(ALONE, program);
    named && !is_it || by_pip || by_packages || may_do_anything(command)
}

fn listed(words: &str, word: &str) -> bool {
    words.split_whitespace().any(|listed| listed == word)
}

/// Whether a command may install whatever it likes.
fn may_do_anything(command: &Simple) -> bool {
    if command.words.is_empty() {
        return false;
    }
    if packages(command).is_some_and(|packages| packages.iter().all(|word| is_plain(word))) {
        return false;
    }
    let Some(program) = command.program() else {
        return true;
    };
    if ["apt-get", "apt", "apk"].contains(&program) {
        return !matches!(
            command.verb(),
            Some(
                "update"
                    | "clean"
                    | "autoclean"
                    | "upgrade"
                    | "dist-upgrade"
                    | "autoremove"
                    | "purge"
                    | "remove"
                    | "del"
            )
        );
    }
    if ["sh", "bash", "ash", "dash"].contains(&program) {
        // What `-c` hands over is looked at by itself.
        return !command.has_short('c');
    }
    let tools = ["npx", "python", "python3", "cp", "mv", "ln", "tee"].contains(&program);
    let reaches = command
        .words
        .iter()
        .any(|word| word.expands || word.text.contains("/bin") || word.text.contains("playwright"));
    if ["curl", "wget", "git"].contains(&program) {
        return reaches
            || command
                .redirects
                .iter()
                .any(|redirect| redirect.target.text.contains("/bin"));
    }
    tools && reaches || !listed(HARMLESS, program)
}

/// The packages that a command installs with the system's package manager.
pub(super) fn packages(command: &Simple) -> Option<Vec<&ShellWord>> {
    let (verb, valued): (&str, &[&str]) = match command.program()? {
        "apt-get" | "apt" | "aptitude" => ("install", &["-t", "-o", "-c"]),
        "apk" => ("add", &["-t", "--virtual", "-X", "--repository"]),
        _ => return None,
    };
    (command.verb() == Some(verb)).then_some(())?;
    let mut packages = Vec::new();
    let mut args = command.args().iter();
    let mut seen = false;
    while let Some(word) = args.next() {
        if valued.contains(&word.text.as_str()) {
            args.next();
        } else if word.text == verb && !seen {
            seen = true;
        } else if !word.text.starts_with('-') {
            packages.push(word);
        }
    }
    Some(packages)
}

fn is_plain(word: &ShellWord) -> bool {
    let name = word.text.split(['=', '/']).next().unwrap_or_default();
    !word.expands
        && !word.text.starts_with(['.', '/'])
        && (name.starts_with("lib")
            || name.starts_with("python3")
            || name.ends_with("-dev")
            || PLAIN_PACKAGES.split_whitespace().any(|plain| plain == name))
}

/// Whether something is copied to where programs and users are looked up.
fn copies_into_system(line: Line<'_>) -> bool {
    let Some(transfer) = line.transfer() else {
        return false;
    };
    let Some(destination) = &transfer.destination.value else {
        return true;
    };
    let destination = destination.trim_end_matches('/');
    let below = ["/usr", "/bin", "/sbin", "/lib", "/etc", "/opt", "/root"];
    let archive = line.is("ADD")
        && transfer
            .sources
            .iter()
            .any(|word| word.text().contains(".t"));
    archive
        || destination.is_empty() && transfer.from.is_some()
        || below
            .iter()
            .any(|folder| destination == *folder || destination.starts_with(&format!("{folder}/")))
            && !destination.starts_with("/usr/src")
            && !destination.starts_with("/usr/local/app")
            && !holds_python(destination)
}
