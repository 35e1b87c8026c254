//! What the builder refuses only when it comes to a step: ports, signals, mounts, image names.

use super::fault::{FaultKind, comment_hint, did_you_mean, shown};
use super::instruction::{Instruction, Kind};
use super::mount;
use super::stage::{Stage, StageBase};
use super::word::Word;
use crate::submission::location::Span;

/// What is wrong with an instruction whose words have their values.
pub(super) fn late(
    instruction: &Instruction,
    stage: Option<&Stage>,
) -> Vec<(FaultKind, Span, String)> {
    match &instruction.kind {
        Kind::Expose(words) => {
            // What was meant as a comment is one fault, however many words it has.
            let comment = words.iter().position(|word| word.written.starts_with('#'));
            let checked = comment.map_or(words.len(), |at| at + 1);
            words[..checked].iter().filter_map(port).collect()
        }
        Kind::Stopsignal(word) => signal(word).into_iter().collect(),
        Kind::Volume(words) => words.iter().filter_map(volume).collect(),
        Kind::Transfer(transfer) => transfer.from.as_ref().and_then(from).into_iter().collect(),
        Kind::Run(run) => run
            .mounts
            .iter()
            .flat_map(mount::check)
            .map(|(span, message)| (FaultKind::Mount, span, message))
            .collect(),
        Kind::From(from) => match stage.map(|stage| &stage.base) {
            Some(StageBase::Image(Some(image))) => {
                reference(image, &from.image).into_iter().collect()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn volume(word: &Word) -> Option<(FaultKind, Span, String)> {
    let empty = !word.variables.is_empty() && word.value.as_ref()?.trim().is_empty();
    empty.then(|| {
        let message = format!(
            "`VOLUME {}` se queda sin carpeta: la variable no tiene valor aquí",
            shown(&word.written)
        );
        (FaultKind::Substitution, word.span, message)
    })
}

/// `--from` takes no variables.
fn from(word: &Word) -> Option<(FaultKind, Span, String)> {
    word.text().contains('$').then(|| {
        let message = "`--from` no admite variables: da nombre a una etapa con `FROM … AS nombre` (ahí sí valen los `ARG` de encima del primer `FROM`) y usa ese nombre";
        (FaultKind::Substitution, word.span, message.to_owned())
    })
}

/// `EXPOSE` takes `port`, `port/protocol` and ranges; also `ip:host:port`, of which only the last counts.
fn port(word: &Word) -> Option<(FaultKind, Span, String)> {
    let value = word.value.as_deref()?;
    let fits = |spec: &str| {
        let (ports, protocol) = spec.split_once('/').unwrap_or((spec, "tcp"));
        let protocol = protocol.to_ascii_lowercase();
        let mut parts = ports.rsplitn(3, ':');
        let inner = parts.next().and_then(range);
        let outer = parts.next().filter(|outer| !outer.is_empty());
        ["tcp", "udp", "sctp"].contains(&protocol.as_str())
            && inner.is_some()
            && outer.is_none_or(|outer| range(outer).is_some())
    };
    // A variable may hold several.
    if value.split_whitespace().all(fits) && !(value.is_empty() && word.variables.is_empty()) {
        return None;
    }
    let hint = comment_hint([value]);
    let advice = if hint.is_empty() {
        ": un puerto es un número hasta 65535, con `/udp` detrás si no es TCP"
    } else {
        hint
    };
    Some((
        FaultKind::Port,
        word.span,
        format!("`EXPOSE {}` no es un puerto{advice}", shown(value)),
    ))
}

fn range(text: &str) -> Option<(u16, u16)> {
    let number = |text: &str| {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| digits)
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range: (u16, u16) = (number(first)?, number(last)?);
    (range.0 <= range.1).then_some(range)
}

/// The signals of Linux, without their `SIG`.
const SIGNALS: [&str; 35] = [
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL",
    "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP",
    "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN",
];

fn signal(word: &Word) -> Option<(FaultKind, Span, String)> {
    let value = word.value.as_deref()?;
    let upper = value.to_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let real_time = |prefix: &str, most: u8| {
        let number = name.strip_prefix(prefix).and_then(|n| n.parse::<u8>().ok());
        number.is_some_and(|number| (1..=most).contains(&number))
    };
    let fits = SIGNALS.contains(&name)
        || name == "RTMAX"
        || real_time("RTMIN+", 15)
        || real_time("RTMAX-", 14)
        || value.parse::<i64>().is_ok_and(|number| number != 0);
    if fits {
        return None;
    }
    let hint = comment_hint(value.split_whitespace());
    let advice = match did_you_mean(name, SIGNALS) {
        _ if !hint.is_empty() => hint.to_owned(),
        Some(near) => format!("; ¿quisiste decir `SIG{near}`?"),
        None => ": la que pide a un proceso que termine es `SIGTERM`".to_owned(),
    };
    Some((
        FaultKind::Signal,
        word.span,
        format!("`{}` no es una señal{advice}", shown(value)),
    ))
}

fn reference(image: &str, word: &Word) -> Option<(FaultKind, Span, String)> {
    if is_reference(image) {
        return None;
    }
    let written = shown(&word.written);
    let message = if image.trim().is_empty() {
        format!(
            "`FROM {written}` se queda sin imagen: las variables que lleva no tienen valor aquí. Dales uno con `ARG NOMBRE=valor` encima del primer `FROM`"
        )
    } else if is_reference(&image.to_lowercase()) {
        format!(
            "el nombre de una imagen va en minúsculas: `FROM {}`",
            shown(&image.to_lowercase())
        )
    } else {
        let becomes = if word.variables.is_empty() {
            String::new()
        } else {
            format!(", que da `{}`,", shown(image))
        };
        format!(
            "`{written}`{becomes} no es el nombre de una imagen: se escribe `nombre:etiqueta`, como `python:3.11-slim`"
        )
    };
    Some((FaultKind::Reference, word.span, message))
}

/// `[host[:port]/]path[:tag][@digest]`, as registries name images.
fn is_reference(text: &str) -> bool {
    let (text, digest) = match text.split_once('@') {
        Some((text, digest)) => (text, Some(digest)),
        None => (text, None),
    };
    let digest_fits = digest.is_none_or(|digest| {
        digest.split_once(':').is_some_and(|(algorithm, hex)| {
            !algorithm.is_empty() && hex.len() >= 32 && hex.bytes().all(|b| b.is_ascii_hexdigit())
        })
    });
    let (host, path) = match text.split_once('/') {
        Some((host, path))
            if host.contains(['.', ':']) || host == "localhost" || host.to_lowercase() != host =>
        {
            (Some(host), path)
        }
        _ => (None, text),
    };
    let host_fits = host.is_none_or(|host| {
        let (name, port) = host.split_once(':').unwrap_or((host, "0"));
        let part = |part: &str| {
            part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !part.is_empty()
                && !part.starts_with('-')
                && !part.ends_with('-')
        };
        name.split('.').all(part) && !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())
    });
    let (path, tag) = match path.rsplit_once(':') {
        Some((path, tag)) => (path, Some(tag)),
        None => (path, None),
    };
    let tag_fits = tag.is_none_or(|tag| {
        (1..=128).contains(&tag.len())
            && tag
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
            && !tag.starts_with(['.', '-'])
    });
    let lower = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let component = |component: &str| {
        let separated = component.split(lower_char).all(|separator| {
            matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-')
        });
        let ends = component.bytes().next().is_some_and(lower)
            && component.bytes().last().is_some_and(lower);
        separated && ends
    };
    digest_fits && host_fits && tag_fits && path.split('/').all(component)
}

fn lower_char(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_images_are_told_from_what_is_none() {
        for good in [
            "python",
            "python:3.11-slim",
            "docker.io/library/python",
            "localhost:5000/a/b:c",
            "a__b/c--d.e_f",
            "registry.example.com/x@sha256:0123456789abcdef0123456789abcdef",
            "Registry/app",
        ] {
            assert!(is_reference(good), "{good}");
        }
        for bad in [
            "",
            "Python",
            "python:",
            "python:3.11 slim",
            "a//b",
            "-a",
            "a_",
            "a..b",
            "a:b:c",
            "http://x/y",
            "python:ñ",
            "x@sha256:zz",
            "a:$B",
        ] {
            assert!(!is_reference(bad), "{bad}");
        }
    }

    #[test]
    fn ports_and_signals_are_told_from_what_is_none() {
        let word = |text: &str| Word {
            written: text.to_owned(),
            value: Some(text.to_owned()),
            span: Span::default(),
            variables: Vec::new(),
        };
        for good in [
            "80",
            "80/udp",
            "80-90/TCP",
            "8080:80",
            "127.0.0.1:1:2",
            ":80",
            "0",
        ] {
            assert_eq!(port(&word(good)), None, "{good}");
        }
        for bad in [
            "#", "x", "65536", "90-80", "80/http", "-1", "+80", "", "80:",
        ] {
            assert!(port(&word(bad)).is_some(), "{bad}");
        }
        for good in ["SIGTERM", "term", "9", "SIGRTMIN+3", "RTMAX-14"] {
            assert_eq!(signal(&word(good)), None, "{good}");
        }
        for (bad, part) in [
            ("SIGTRM", "SIGTERM"),
            ("0", "SIGTERM"),
            ("SIGTERM # x", "propia línea"),
        ] {
            let (_, _, message) = signal(&word(bad)).expect(bad);
            assert!(message.contains(part), "{message}");
        }
    }
}
