//! The two forms of a command, with brackets and without.

use crate::rules::files::{self, File, Line};
use crate::rules::health::may_work;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::instruction::Command;
use crate::submission::dockerfile::{Kind, StageBase, Word};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Órdenes con corchetes y sin ellos",
    rules: &RULES,
};

static RULES: [Rule; 4] = [
    Rule {
        id: "imagen-sin-shell",
        title: "la orden necesita un shell y la imagen no lo tiene",
        level: Level::Error,
        why: "Una orden sin corchetes la ejecuta `/bin/sh`, y ni `scratch` ni las imágenes distroless lo traen.",
        fix: "escribe la orden con corchetes, y lo que haya que preparar hazlo en una etapa anterior",
        lesson: "03-multietapa.html#multi-stage-build",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM gcr.io/distroless/static-debian12:nonroot\nCOPY app /app\nCMD /app\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM gcr.io/distroless/static-debian12:nonroot\nCOPY app /app\nCMD [\"/app\"]\n",
        )],
        check: no_shell,
    },
    Rule {
        id: "lista-mal-escrita",
        title: "los corchetes no forman una lista",
        level: Level::Error,
        why: "Si no es JSON, con comillas dobles y comas, Docker se lo da entero al shell, que busca un programa que empieza por `[`.",
        fix: "escribe cada palabra entre comillas dobles y sepáralas con comas: `[\"python\", \"app.py\"]`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &["slim lint ID.20013"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nCMD ['python', 'app.py']\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nCMD [\"python\", \"app.py\"]\n",
        )],
        check: broken,
    },
    Rule {
        id: "operadores-sin-shell",
        title: "un operador del shell entre corchetes no hace nada",
        level: Level::Error,
        why: "La forma con corchetes no pasa por ningún shell: `&&`, `|` o `>` llegan al programa como un argumento más.",
        fix: "deja una sola orden; si hacen falta varias, ponlas en un guion que acabe en `exec \"$@\"`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nCMD [\"python\", \"migra.py\", \"&&\", \"python\", \"app.py\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nCMD [\"sh\", \"-c\", \"python migra.py && exec python app.py\"]\n",
        )],
        check: operators,
    },
    Rule {
        id: "variable-sin-shell",
        title: "una variable entre corchetes no se cambia por su valor",
        level: Level::Warning,
        why: "Es el shell quien pone el valor de `$NOMBRE`, y la forma con corchetes no pasa por ninguno: el programa recibe el texto tal cual.",
        fix: "lee la variable en el programa, o usa `CMD [\"sh\", \"-c\", \"exec programa --port $PORT\"]`",
        lesson: "06-entorno.html#archivo-env",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nENV PORT=8000\nUSER 10001\nCMD [\"uvicorn\", \"a:b\", \"--host\", \"0.0.0.0\", \"--port\", \"$PORT\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nENV PORT=8000\nUSER 10001\nCMD [\"sh\", \"-c\", \"exec uvicorn a:b --host 0.0.0.0 --port $PORT\"]\n",
        )],
        check: variables,
    },
];

fn no_shell(reading: &Reading, out: &mut Out<'_>) {
    for (file, line, command) in commands(reading) {
        let Some(stage) = line
            .instruction
            .stage
            .filter(|_| command.shell_text().is_some() && !command.broken_array)
        else {
            continue;
        };
        let lowest = file
            .dockerfile
            .lineage(stage)
            .last()
            .or(file.dockerfile.stages.get(stage));
        let scratch = lowest.is_some_and(|stage| stage.base == StageBase::Scratch);
        let bare = scratch || file.known(stage).is_some_and(|base| !base.has_shell());
        let brings = file.before(line).into_iter().any(|line| {
            line.is("ADD")
                || line.is("SHELL")
                || line.transfer().is_some_and(|transfer| {
                    let to = transfer.destination.text();
                    to == "/"
                        || to == "."
                        || to == "./"
                        || to.contains("bin")
                        || to.contains("usr")
                        || to.ends_with("sh")
                        || to.contains('$')
                })
        });
        if bare && !brings {
            out.span(
                file.dockerfile,
                command.span,
                "sin corchetes la ejecuta `/bin/sh`, y en esta imagen no está".to_owned(),
            );
        }
    }
}

/// Every command in brackets or what should be one.
fn commands(reading: &Reading) -> impl Iterator<Item = (File<'_>, Line<'_>, &Command)> {
    files::all(reading).flat_map(|file| {
        file.lines()
            .filter_map(move |line| Some((file, line, line.instruction.command()?)))
    })
}

fn broken(reading: &Reading, out: &mut Out<'_>) {
    for (file, line, command) in commands(reading).filter(|(_, _, command)| command.broken_array) {
        let text = file.text(command.span);
        let inner = text[1..].trim_start();
        let quoted = inner.starts_with(['\'', '"', '“', '”', '‘', '«']);
        // `[ "$A" = b ]` is a test.
        let words: Vec<&str> = text.split_whitespace().collect();
        let test = words.first() == Some(&"[") && !words.iter().any(|word| word.ends_with(','));
        // A test, `[ -f x ]`, or what a comment behind it spoils.
        let comment = text
            .rfind(']')
            .is_some_and(|end| text[end + 1..].trim_start().starts_with('#'));
        let list = matches!(line.instruction.kind, Kind::Cmd(_) | Kind::Entrypoint(_))
            && text.trim_end().ends_with(']')
            && text.contains(',');
        if !(quoted || list) || comment || test {
            continue;
        }
        let straight: String = text
            .chars()
            .map(|c| {
                if matches!(c, '\'' | '“' | '”' | '‘' | '’') {
                    '"'
                } else {
                    c
                }
            })
            .collect();
        let reads = |text: &str| serde_json::from_str::<Vec<String>>(text).is_ok();
        let message = if text.contains('\'') && !text.contains('"') {
            "las comillas simples no valen aquí: el shell recibe el texto con sus corchetes"
        } else {
            "esto no es una lista JSON: el shell recibe el texto con sus corchetes"
        };
        let finding = out.span(file.dockerfile, command.span, message.to_owned());
        if reads(&straight) && !(text.contains('"') && text.contains('\'')) {
            file.mend(finding, command.span, straight);
        }
    }
}

/// Whether the words are handed to a shell, or to something that reads such words itself.
fn through_shell(words: &[Word]) -> bool {
    let shells = [
        "sh",
        "bash",
        "ash",
        "dash",
        "zsh",
        "cmd",
        "powershell",
        "pwsh",
        "find",
        "xargs",
        "test",
        "[",
        "expr",
        "envsubst",
        "parallel",
        "su",
        "watch",
        "sudo",
    ];
    words.iter().take(3).any(|word| {
        let name = word.text().rsplit('/').next().unwrap_or_default();
        shells.contains(&name)
    })
}

/// The words that stand for themselves: no programs in another language behind `-c` and `-e`.
fn plain(words: &[Word]) -> impl Iterator<Item = &Word> {
    words
        .iter()
        .enumerate()
        .filter(|(at, _)| {
            at.checked_sub(1)
                .and_then(|before| words.get(before))
                .is_none_or(|before| !matches!(before.text(), "-c" | "-e" | "--eval" | "-g" | "-r"))
        })
        .map(|(_, word)| word)
}

fn operators(reading: &Reading, out: &mut Out<'_>) {
    for (file, line, command) in commands(reading) {
        let Some(words) = command.exec_words() else {
            continue;
        };
        if through_shell(words) || file.is_argument(line) {
            continue;
        }
        let used = words.windows(2).position(|two| {
            // Behind an option it is the option's: `cut -d "|"`.
            !two[0].text().starts_with('-')
                && ["&&", "||", "|", ">", ">>", "2>&1"].contains(&two[1].text())
        });
        if let Some(before) = used {
            let word = &words[before + 1];
            let operator = word.text();
            let message = format!("`{operator}` llega al programa como un argumento");
            let finding = out.span(file.dockerfile, word.span, message);
            // The others may be meant as they are.
            let next = words.get(before + 2).map(Word::text);
            if !["&&", "||"].contains(&operator) || may_work(words[0].text(), operator, next) {
                finding.level(Level::Warning);
            }
        }
    }
}

fn variables(reading: &Reading, out: &mut Out<'_>) {
    for (file, line, command) in commands(reading) {
        let Some(words) = command.exec_words() else {
            continue;
        };
        let own = [
            "python",
            "python3",
            "node",
            "uvicorn",
            "gunicorn",
            "flask",
            "streamlit",
            "fastapi",
            "npm",
            "java",
            "curl",
            "wget",
            "echo",
        ];
        let name = words.first().map_or("", |word| {
            word.text().rsplit('/').next().unwrap_or_default()
        });
        if through_shell(words) || file.is_argument(line) || !own.contains(&name) {
            continue;
        }
        for word in plain(words).skip(1) {
            let Some(variable) = variable(word.text()) else {
                continue;
            };
            out.span(
                file.dockerfile,
                word.span,
                format!("el programa recibe `{variable}` tal cual, no su valor"),
            );
        }
    }
}

/// `$NAME` or `${NAME}` in capitals.
fn variable(text: &str) -> Option<&str> {
    let at = text.find('$')?;
    let rest = &text[at + 1..];
    let inner = rest.strip_prefix('{').unwrap_or(rest);
    let length = inner
        .find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_')
        .unwrap_or(inner.len());
    let braces = rest.len() - inner.len();
    let closed = braces == 0 || inner[length..].contains('}');
    let end = if braces == 0 {
        at + 1 + length
    } else {
        at + 2 + inner.find('}')? + 1
    };
    (length > 1 && closed && inner.starts_with(|c: char| c.is_ascii_uppercase()))
        .then(|| &text[at..end])
}
