//! `HEALTHCHECK`: its two forms and its times.

use super::fault::{comment_hint, did_you_mean};
use super::instruction::{Command, Flag, Form};
use super::line::Part;
use crate::submission::duration;
use crate::submission::location::Span;

/// What is wrong with a `HEALTHCHECK`, and whether it is one at all.
pub(super) fn check(
    form: Part<'_>,
    rest: Part<'_>,
    command: Option<&Command>,
    flags: &[Flag],
    at: Span,
) -> (Vec<(Span, String)>, bool) {
    let mut wrong = Vec::new();
    let mut is_one = true;
    let mut refuse = |span: Span, message: String| {
        wrong.push((span, message));
    };
    match form.text().to_ascii_uppercase().as_str() {
        "" => {
            refuse(
                at,
                "a `HEALTHCHECK` le falta `CMD` y la orden que prueba la app, o `NONE`".to_owned(),
            );
            return (wrong, false);
        }
        "NONE" => {
            // The builder counts the words of an array, and an empty one has none.
            let empty = command
                .and_then(Command::exec_words)
                .is_some_and(<[_]>::is_empty);
            if !rest.is_empty() && !empty {
                let hint = comment_hint([rest.text()]);
                refuse(
                    rest.span(),
                    format!("`HEALTHCHECK NONE` no lleva nada detrás{hint}"),
                );
            }
            return (wrong, true);
        }
        "CMD" => match command.map(|command| &command.form) {
            Some(Form::Exec(words)) if words.is_empty() => {
                refuse(
                    rest.span(),
                    "a `HEALTHCHECK CMD` le falta la orden que prueba la app".to_owned(),
                );
                is_one = false;
            }
            Some(_) if rest.is_empty() => {
                refuse(
                    form.span(),
                    "a `HEALTHCHECK CMD` le falta la orden que prueba la app".to_owned(),
                );
                is_one = false;
            }
            Some(_) => {}
            None => is_one = false,
        },
        _ => {
            let word = form.text();
            let message = if word.starts_with("--") {
                "las opciones van delante de `CMD`".to_owned()
            } else if did_you_mean(&word.to_uppercase(), ["CMD", "NONE"]).is_some() {
                format!(
                    "`HEALTHCHECK {word}` no existe: es `HEALTHCHECK CMD orden` o `HEALTHCHECK NONE`"
                )
            } else {
                format!("delante de la orden va `CMD`: `HEALTHCHECK CMD {word} …`")
            };
            refuse(form.span(), message);
            is_one = false;
        }
    }
    for flag in flags {
        let Some(word) = &flag.value else { continue };
        let value = word.text();
        if value.is_empty() {
            continue;
        }
        let name = &flag.name;
        match name.as_str() {
            "interval" | "timeout" | "start-period" | "start-interval" => {
                match nanoseconds(value) {
                    None => refuse(
                        word.span,
                        format!(
                            "`--{name}` es un tiempo con su unidad, como `30s` o `1m30s`, no `{value}`"
                        ),
                    ),
                    Some(time) if time != 0 && time < 1_000_000 => {
                        refuse(
                            word.span,
                            format!("`--{name}` no puede bajar de un milisegundo (`1ms`)"),
                        );
                    }
                    Some(_) => {}
                }
            }
            "retries" => match value.parse::<i32>() {
                Ok(0..) => {}
                _ => refuse(
                    word.span,
                    format!("`--retries` es un número de intentos, como `3`, no `{value}`"),
                ),
            },
            _ => {}
        }
    }
    (wrong, is_one)
}

/// A duration as Go writes it: `1m30s`, `500ms`, `-1.5h`, `0`.
fn nanoseconds(text: &str) -> Option<i64> {
    let (sign, text) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    duration::nanoseconds(text, &[]).map(|total| (sign * total) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_go_writes_them() {
        assert_eq!(nanoseconds("1m30s"), Some(90_000_000_000));
        assert_eq!(nanoseconds("-1.5ms"), Some(-1_500_000));
        assert_eq!(nanoseconds("0"), Some(0));
        for none in ["", "5", "5 s", "s", "1d", "+", "999999999h"] {
            assert_eq!(nanoseconds(none), None, "{none}");
        }
    }
}
