//! Health checks that compose files write.

use super::official;
use super::written;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::compose::{Located, Service, Test};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Chequeos de salud en Compose",
    rules: &RULES,
};

static RULES: [Rule; 6] = [
    Rule {
        id: "chequeo-que-no-falla",
        title: "un chequeo de salud que acierta siempre",
        level: Level::Warning,
        why: "Lo último que se ejecuta decide la salud: con `|| true`, `exit 0` o `echo` al final, el servicio está sano aunque la app no conteste.",
        fix: "quita ese final: el chequeo tiene que terminar en error cuando la app falla",
        lesson: "02-dockerfile.html#health-check",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: redis-cli ping || true\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: redis-cli ping || exit 1\n",
        )],
        check: never_fails,
    },
    Rule {
        id: "chequeo-sin-shell",
        title: "un chequeo `CMD` está escrito para un shell",
        level: Level::Error,
        why: "Con `CMD` cada elemento de la lista es una palabra y no hay shell: un `||` le llega al programa como un argumento más, y el chequeo falla siempre o prueba otra cosa.",
        fix: "escribe `CMD-SHELL` y la orden entera en un solo texto",
        lesson: "02-dockerfile.html#health-check",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: [\"CMD\", \"redis-cli ping || exit 1\"]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: [\"CMD-SHELL\", \"redis-cli ping || exit 1\"]\n",
        )],
        check: no_shell,
    },
    Rule {
        id: "chequeo-con-variable-sin-shell",
        title: "un chequeo `CMD` recibe `$VARIABLE` tal cual",
        level: Level::Warning,
        why: "Con `CMD` no hay shell que sustituya las variables del contenedor: el programa recibe el dólar y el nombre.",
        fix: "escribe `CMD-SHELL` y la orden entera en un solo texto",
        lesson: "02-dockerfile.html#health-check",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  base:\n    image: postgres:17\n    healthcheck:\n      test: [\"CMD\", \"pg_isready\", \"-U\", \"$$POSTGRES_USER\"]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  base:\n    image: postgres:17\n    healthcheck:\n      test: [\"CMD-SHELL\", \"pg_isready -U $$POSTGRES_USER\"]\n",
        )],
        check: variable,
    },
    Rule {
        id: "chequeo-curl-sin-fail",
        title: "un chequeo con `curl` acierta aunque la app responda un error",
        level: Level::Warning,
        why: "`curl` termina bien con cualquier respuesta, también con un 500 o un 503: para él basta con que alguien conteste.",
        fix: "añade `-f`: `curl -f …`",
        lesson: "02-dockerfile.html#health-check",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  web:\n    image: nginx:1.27\n    healthcheck:\n      test: [\"CMD\", \"curl\", \"-s\", \"http://localhost/\"]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  web:\n    image: nginx:1.27\n    healthcheck:\n      test: [\"CMD\", \"curl\", \"-sf\", \"http://localhost/\"]\n",
        )],
        check: curl,
    },
    Rule {
        id: "chequeo-sin-programa",
        title: "un chequeo usa un programa que la imagen no trae",
        level: Level::Error,
        why: "El chequeo se ejecuta dentro del contenedor: si el programa no está, falla siempre, aunque la app conteste.",
        fix: "usa lo que la imagen tiene: en `python`, `python -c \"import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health')\"`",
        lesson: "02-dockerfile.html#health-check",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    command: python -m http.server 8000\n    healthcheck:\n      test: curl -f http://localhost:8000/ || exit 1\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    command: python -m http.server 8000\n    healthcheck:\n      test: [\"CMD\", \"python\", \"-c\", \"import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/')\"]\n",
        )],
        check: program,
    },
    Rule {
        id: "cero-es-por-omision",
        title: "un cero en un chequeo de salud vale como no escribirlo",
        level: Level::Note,
        why: "Para Docker, 0 quiere decir «lo de siempre»: 3 intentos y 30 segundos.",
        fix: "escribe el número que quieres, desde `retries: 1` e `interval: 1s`",
        lesson: "02-dockerfile.html#health-check",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: [\"CMD\", \"redis-cli\", \"ping\"]\n      retries: 0\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: [\"CMD\", \"redis-cli\", \"ping\"]\n      retries: 1\n",
        )],
        check: zero,
    },
];

/// Every test that a compose file writes and that is not turned off.
fn tests(reading: &Reading) -> impl Iterator<Item = (&Service, &Located<Test>)> {
    reading.services().filter_map(|(_, _, service)| {
        let healthcheck = service
            .healthcheck
            .as_ref()
            .filter(|check| !check.disable)?;
        Some((service, healthcheck.test.as_ref()?))
    })
}

/// What a shell gets to run, if one does.
fn script(test: &Test) -> Option<&str> {
    match test {
        Test::Shell(text) => Some(text),
        Test::Cmd(words) => match words.as_slice() {
            [shell, flag, text] if written::is_shell(shell) && flag == "-c" => Some(text),
            _ => None,
        },
        Test::None => None,
    }
}

fn never_fails(reading: &Reading, out: &mut Out<'_>) {
    for (service, test) in tests(reading) {
        let always = match (&test.value, script(test)) {
            (_, Some(text)) => succeeds(text),
            (Test::Cmd(words), None) => words.first().is_some_and(|word| {
                matches!(word.as_str(), "true" | "/bin/true" | "echo" | "/bin/echo")
            }),
            _ => false,
        };
        if always {
            let message = format!("`{}` está siempre sano, conteste o no", service.name);
            out.at(test.location.clone(), message);
        }
    }
}

/// Whether a script always ends well, as far as its last command tells.
fn succeeds(text: &str) -> bool {
    let text = text.trim().trim_end_matches([';', ' ']);
    let split = [("||", true), ("&&", false), (";", true), ("\n", true)];
    let last = split
        .iter()
        .filter_map(|(operator, frees)| Some((text.rfind(operator)?, operator.len(), *frees)))
        .max_by_key(|(at, ..)| *at);
    let (before, tail, frees) = match last {
        Some((at, length, frees)) => (&text[..at], text[at + length..].trim(), frees),
        None => ("", text, true),
    };
    let even = |quote: char| tail.matches(quote).count() % 2 == 0;
    let good = matches!(tail, "true" | "/bin/true" | ":" | "exit 0")
        || (tail.starts_with("echo ") && !tail.contains(['|', '&', ')', '`', '}', '$']));
    let plain = !before.contains("exit") && !before.contains("set -") && !before.ends_with('|');
    frees && good && plain && even('"') && even('\'')
}

/// Whether a command without a shell may do what it should in spite of the operator among its words: most programs
/// pass over words that they do not know, and what was to follow only ends the check.
pub(in crate::rules) fn may_work(program: &str, operator: &str, next: Option<&str>) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    // They take each word for one more address, and fail.
    let strict = matches!(name, "curl" | "wget");
    !strict && (operator == "||" || matches!(next, None | Some("exit" | "true" | ":")))
}

/// Whether a script goes on to something else when its first command fails.
pub(in crate::rules) fn tries_another(text: &str) -> bool {
    let ends = |next: &str| {
        let word = next.split_whitespace().next();
        matches!(word, None | Some("exit" | "false" | "kill" | "return"))
    };
    text.trim_end_matches([';', ' ', '\n'])
        .contains([';', '\n'])
        || text.split("||").skip(1).any(|next| !ends(next))
}

fn no_shell(reading: &Reading, out: &mut Out<'_>) {
    for (_, test) in tests(reading) {
        let Test::Cmd(words) = &test.value else {
            continue;
        };
        match words.as_slice() {
            [word] if word.trim().contains(' ') && !word.starts_with(['/', '.']) => {
                let message =
                    format!("no hay un programa que se llame `{word}`: el chequeo falla siempre");
                out.at(test.location.clone(), message);
            }
            [first, rest @ ..] if !written::is_shell(first) => {
                let operator = rest
                    .iter()
                    .position(|word| matches!(word.as_str(), "||" | "&&"));
                if let Some(at) = operator {
                    let operator = &rest[at];
                    let message = format!("`{first}` recibe `{operator}` como un argumento más");
                    let finding = out.at(test.location.clone(), message);
                    if may_work(first, operator, rest.get(at + 1).map(String::as_str)) {
                        finding.level(Level::Warning);
                    }
                }
            }
            _ => {}
        }
    }
}

fn variable(reading: &Reading, out: &mut Out<'_>) {
    for (_, test) in tests(reading) {
        let Test::Cmd(words) = &test.value else {
            continue;
        };
        let shell = words.iter().any(|word| written::is_shell(word));
        let name = words.iter().find_map(|word| written::shell_variable(word));
        if let Some(name) = name.filter(|_| !shell) {
            let message = format!("no hay un shell que sustituya `${name}` en este chequeo");
            out.at(test.location.clone(), message);
        }
    }
}

fn curl(reading: &Reading, out: &mut Out<'_>) {
    for (_, test) in tests(reading) {
        let words: Vec<&str> = match (&test.value, script(test)) {
            (_, Some(text)) => text.split_whitespace().collect(),
            (Test::Cmd(words), None) => words.iter().map(String::as_str).collect(),
            _ => continue,
        };
        let Some((&"curl" | &"/usr/bin/curl", rest)) = words.split_first() else {
            continue;
        };
        let end = rest.iter().position(|word| matches!(*word, "||" | "&&"));
        let (options, after) = rest.split_at(end.unwrap_or(rest.len()));
        // What comes out of it may be looked at.
        let read =
            |word: &&str| word.contains(['|', '$', '`', '[', ';', '>']) || word.starts_with("-w");
        let looked_at =
            options.iter().any(read) || options.contains(&"--write-out") || after.contains(&"&&");
        let fails = |word: &&str| {
            let short = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
            word.starts_with("--fail") || short.is_some_and(|flags| flags.contains(['f', 'K']))
        };
        let web = options.iter().any(|word| {
            word.contains("http://")
                || word.contains("https://")
                || word.contains("localhost")
                || word.contains("127.0.0.1")
        });
        if web && !looked_at && !options.iter().any(fails) {
            out.at(
                test.location.clone(),
                "a este `curl` también le vale un error 500",
            );
        }
    }
}

fn program(reading: &Reading, out: &mut Out<'_>) {
    for (service, test) in tests(reading) {
        let first = match (&test.value, script(test)) {
            (_, Some(text)) => text.split_whitespace().next(),
            (Test::Cmd(words), None) => words.first().map(String::as_str),
            _ => None,
        };
        let (Some(first), Some(image)) = (first, official::run_by(reading, service)) else {
            continue;
        };
        let started = [&service.command, &service.entrypoint]
            .into_iter()
            .flatten();
        let mut started = started.flat_map(|command| &command.words);
        if script(test).is_some_and(tries_another) {
            continue;
        }
        // The command may install it, or be a script that does.
        let may_install = started.any(|word| {
            written::is_shell(word)
                || word.contains(first)
                || word.starts_with(['.', '/'])
                || word.ends_with(".sh")
        });
        // A program of the machine may be mounted.
        let mounted = service
            .volumes
            .iter()
            .any(|mount| mount.target.contains("/bin"));
        if image.lacks(first) && !may_install && !mounted {
            let name = service.image.as_ref().map_or("", |image| image.as_str());
            out.at(
                test.location.clone(),
                format!("la imagen `{name}` no trae `{first}`"),
            );
        }
    }
}

fn zero(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        let Some(healthcheck) = &service.healthcheck else {
            continue;
        };
        if let Some(retries) = healthcheck.retries.as_ref().filter(|n| n.value == 0) {
            out.at(
                retries.location.clone(),
                "`retries: 0` son 3 intentos, los de siempre",
            );
        }
        for (key, usual, value) in [
            ("interval", "30 segundos", &healthcheck.interval),
            ("timeout", "30 segundos", &healthcheck.timeout),
        ] {
            if let Some(value) = value.as_ref().filter(|value| value.value.is_zero()) {
                let message = format!("`{key}: 0` son {usual}, como si no estuviera");
                out.at(value.location.clone(), message);
            }
        }
    }
}

#[cfg(test)]
mod unit {
    use super::succeeds;

    #[test]
    fn a_script_that_always_ends_well_is_known_by_its_end() {
        for text in [
            "curl -f http://x || true",
            "curl -f http://x || exit 0",
            "curl http://x; exit 0",
            "true",
            "exit 0",
            "echo ok",
            "curl -f http://x || echo 'no va'",
            "a && b || :",
        ] {
            assert!(succeeds(text), "{text}");
        }
        for text in [
            "curl -f http://x || exit 1",
            "test -f /a || exit 1; true",
            "a && echo bien",
            "a || (echo mal; exit 1)",
            "a || echo mal && exit 1",
            "echo PING | nc localhost 80",
            "[ \"$(redis-cli ping)\" = PONG ]",
            "set -e; a; true",
            "echo stat | nc localhost 2181 | grep Mode",
            "python -c 'import x; exit(0)'",
            "if a; then exit 0; else exit 1; fi",
            "echo $(curl x)",
        ] {
            assert!(!succeeds(text), "{text}");
        }
    }
}
