//! Whose the files of the image are, and who may change them.

use super::user::{last_user, name_of};
use crate::rules::files::{self, Line};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::Kind;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "De quién son los archivos",
    rules: &RULES,
};

static RULES: [Rule; 3] = [
    Rule {
        id: "chown-duplica-la-capa",
        title: "`chown -R` guarda otra vez lo que ya estaba copiado",
        level: Level::Note,
        why: "Cada paso es una capa: al cambiar de dueño archivos de un paso anterior, la capa nueva los guarda enteros otra vez.",
        fix: "si el usuario debe poder cambiarlos, cópialos con `COPY --chown=…`; si no, déjalos de root y quita este paso",
        lesson: "03-multietapa.html#comparacion-de-tamanos",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN useradd -m app\nWORKDIR /app\nCOPY . .\nRUN chown -R app /app\nUSER app\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN useradd -m app && mkdir /datos && chown -R app /datos\nWORKDIR /app\nCOPY . .\nUSER app\nCMD [\"python\", \"-V\"]\n",
        )],
        check: chown,
    },
    Rule {
        id: "codigo-del-usuario",
        title: "la app puede cambiar su propio código",
        level: Level::Note,
        why: "Si el código es del usuario que lo ejecuta, un fallo de la app basta para reescribirla.",
        fix: "copia el código sin `--chown`, para que sea de root, y da al usuario solo las carpetas en las que escribe",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &["kics aa93e17f"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /app\nCOPY --chown=10001 . .\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: owned_code,
    },
    Rule {
        id: "permisos-para-todos",
        title: "cualquiera puede escribir en los archivos",
        level: Level::Warning,
        why: "Con `777` cualquier proceso del contenedor puede cambiar esos archivos, también los ejecutables.",
        fix: "da el permiso justo a quien lo necesita: `chown usuario carpeta`, o `chmod 755`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN mkdir /datos && chmod -R 777 /datos\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN mkdir /datos && chown 10001 /datos\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: open_to_all,
    },
];

fn chown(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        let kept = file.kept();
        for line in file
            .lines()
            .filter(|line| line.instruction.stage.is_some_and(|s| kept.contains(&s)))
        {
            let before = file.before(line);
            for command in line
                .run()
                .iter()
                .filter(|command| command.program() == Some("chown"))
            {
                if !command.has_short('R') && !command.has_arg("--recursive") {
                    continue;
                }
                let paths = command
                    .args()
                    .iter()
                    .filter(|word| !word.text.starts_with('-'))
                    .skip(1);
                let copied = paths.filter(|word| !word.expands).find_map(|path| {
                    let path = absolute(&before, &path.text)?;
                    before.iter().enumerate().find_map(|(at, other)| {
                        let transfer = other
                            .transfer()
                            .filter(|transfer| transfer.chown.is_none())?;
                        let to = absolute(&before[..at], transfer.destination.value.as_deref()?)?;
                        let inside = to == path
                            || to.starts_with(&format!("{}/", path.trim_end_matches('/')));
                        inside.then_some(*other)
                    })
                });
                if let Some(copied) = copied {
                    out.span(
                        file.dockerfile,
                        command.span,
                        "este paso guarda una segunda copia de lo que ya estaba en la imagen"
                            .to_owned(),
                    )
                    .related(
                        file.dockerfile.location(copied.instruction.span),
                        "aquí se copió".to_owned(),
                    );
                }
            }
        }
    }
}

/// A path seen from the last `WORKDIR` of `lines`.
fn absolute(lines: &[Line<'_>], path: &str) -> Option<String> {
    let path = path.trim_end_matches('/').trim_start_matches("./");
    if path.starts_with('/') {
        return Some(path.to_owned());
    }
    let folder = lines
        .iter()
        .rev()
        .find_map(|line| match &line.instruction.kind {
            Kind::Workdir(word) => Some(word.value.clone()),
            _ => None,
        })??;
    let folder = folder.trim_end_matches('/');
    if !folder.starts_with('/') {
        return None;
    }
    Some(if path == "." || path.is_empty() {
        folder.to_owned()
    } else {
        format!("{folder}/{path}")
    })
}

fn owned_code(reading: &Reading, out: &mut Out<'_>) {
    const CODE: [&str; 7] = [".", "./", "app", "app/", "src", "src/", "./app"];
    for file in files::all(reading) {
        for stage in file.outputs() {
            let Some((_, user)) = last_user(file, stage) else {
                continue;
            };
            let Some(name) = name_of(user) else { continue };
            for line in file.lineage(stage) {
                let Some(transfer) = line.transfer().filter(|transfer| transfer.from.is_none())
                else {
                    continue;
                };
                let Some(owner) = &transfer.chown else {
                    continue;
                };
                let code = transfer.sources.iter().any(|source| {
                    CODE.contains(&source.text())
                        || source.text().ends_with(".py")
                        || source.text().ends_with(".js")
                });
                if code && name_of(owner) == Some(name) && name != "root" && name != "0" {
                    out.span(
                        file.dockerfile,
                        owner.span,
                        format!("el código queda en manos de `{name}`, que es quien lo ejecuta"),
                    );
                }
            }
        }
    }
}

fn open_to_all(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        let kept = file.kept();
        for line in file
            .lines()
            .filter(|line| line.instruction.stage.is_some_and(|s| kept.contains(&s)))
        {
            for command in line
                .run()
                .iter()
                .filter(|command| command.program() == Some("chmod"))
            {
                let mode = command
                    .args()
                    .iter()
                    .find(|word| !word.text.starts_with('-'));
                if let Some(mode) = mode.filter(|m| {
                    [
                        "777", "0777", "a+rwx", "ugo+rwx", "a=rwx", "666", "o+w", "a+w",
                    ]
                    .contains(&m.text.as_str())
                }) {
                    out.span(
                        file.dockerfile,
                        command.span,
                        format!("`{}` deja escribir a cualquiera", mode.text),
                    );
                }
            }
        }
    }
}
