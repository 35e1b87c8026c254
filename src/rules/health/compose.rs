//! Health checks that compose files write.

use super::{built, instead};
use crate::rules::Out;
use crate::rules::compose::{official, written};
use crate::submission::Reading;
use crate::submission::compose::{Located, Service, Test};
use crate::submission::known_images::{self, KnownImage};
use crate::submission::location::Location;
use crate::verdict::Level;

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

pub(super) fn never_fails(reading: &Reading, out: &mut Out<'_>) {
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

pub(super) fn no_shell(reading: &Reading, out: &mut Out<'_>) {
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

pub(super) fn variable(reading: &Reading, out: &mut Out<'_>) {
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

pub(super) fn curl(reading: &Reading, out: &mut Out<'_>) {
    // Of a `curl` that is not there another rule tells.
    let missing: Vec<&Location> = lacks(reading)
        .map(|lack| &lack.test.location)
        .chain(built::lacks(reading).iter().map(|lack| &lack.test.location))
        .collect();
    for (_, test) in tests(reading).filter(|(_, test)| !missing.contains(&&test.location)) {
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

/// A test whose program is missing from the image that its service runs as it is.
struct Lack<'r> {
    test: &'r Located<Test>,
    program: &'r str,
    image: &'r str,
    known: KnownImage,
}

fn lacks(reading: &Reading) -> impl Iterator<Item = Lack<'_>> {
    tests(reading).filter_map(|(service, test)| {
        let first = match (&test.value, script(test)) {
            (_, Some(text)) => text.split_whitespace().next(),
            (Test::Cmd(words), None) => words.first().map(String::as_str),
            _ => None,
        };
        let program = first?;
        let image = official::run_by(reading, service).and(service.image.as_ref())?;
        let known = known_images::of(image)?;
        let started = [&service.command, &service.entrypoint]
            .into_iter()
            .flatten();
        let mut started = started.flat_map(|command| &command.words);
        if script(test).is_some_and(tries_another) {
            return None;
        }
        // The command may install it, or be a script that does.
        let may_install = started.any(|word| {
            written::is_shell(word)
                || word.contains(program)
                || word.starts_with(['.', '/'])
                || word.ends_with(".sh")
        });
        // A program of the machine may be mounted.
        let mut volumes = service.volumes.iter();
        let mounted = volumes.any(|mount| mount.target.contains("/bin"));
        let absent = known.has(program) == Some(false) && !may_install && !mounted;
        absent.then_some(Lack {
            test,
            program,
            image: &image.value,
            known,
        })
    })
}

pub(super) fn program(reading: &Reading, out: &mut Out<'_>) {
    for lack in lacks(reading) {
        let message = format!("la imagen `{}` no trae `{}`", lack.image, lack.program);
        let finding = out.at(lack.test.location.clone(), message);
        if let Some(help) = instead(lack.known, "[\"CMD\", ") {
            finding.help(help);
        }
    }
}

pub(super) fn reserved_code(reading: &Reading, out: &mut Out<'_>) {
    for (_, test) in tests(reading) {
        let Some((_, last)) = script(test).and_then(|text| text.rsplit_once("||")) else {
            continue;
        };
        let code = last.trim().strip_prefix("exit ").map(str::trim);
        if let Some(code) = code.filter(|code| code.parse::<u32>().is_ok_and(|code| code > 1)) {
            let message = format!("`exit {code}` no es una de las respuestas que Docker define");
            out.at(test.location.clone(), message);
        }
    }
}

pub(super) fn zero(reading: &Reading, out: &mut Out<'_>) {
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
