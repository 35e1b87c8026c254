//! Patterns in the language of git or the shell, which Docker reads otherwise.

use super::copies;
use super::ignore_lines::{Line, read_by};
use super::wording::listed;
use crate::rules::Out;
use crate::submission::Reading;
use crate::submission::dockerignore::Dockerignore;
use crate::submission::reading::ImageBuild;

pub(super) fn check(reading: &Reading, out: &mut Out<'_>) {
    for (file, build, lines) in read_by(reading) {
        for line in &lines {
            let Some((message, mended)) = foreign(reading, build, line) else {
                continue;
            };
            let finding = out.at(line.location(file), message);
            finding.end = Some(line.end());
            if let Some(mended) = mended {
                finding.help(format!(
                    "escribe {}",
                    listed(
                        mended
                            .lines()
                            .map(str::trim)
                            .filter(|line| !line.is_empty())
                    )
                ));
                finding.patch(line.location(file), line.end(), mended);
            }
        }
    }
}

/// What is wrong with a line, and what to write.
fn foreign(reading: &Reading, build: &ImageBuild, line: &Line) -> Option<(String, Option<String>)> {
    let written = &line.written;
    if let Some(at) = written.find(" #").or_else(|| written.find("\t#")) {
        let (pattern, comment) = written.split_at(at);
        let pattern = pattern.trim_end();
        return Some((
            format!("el comentario forma parte del patrón: no deja fuera `{pattern}`"),
            Some(format!("{}\n{pattern}", comment.trim_start())),
        ));
    }
    if line.pattern.contains("[!") {
        return Some((
            format!("`{written}`: aquí la clase se niega con `^`, y `[!…]` busca un `!`"),
            Some(written.replace("[!", "[^")),
        ));
    }
    if let Some((before, rest)) = written.split_once('{')
        && let Some((choices, after)) = rest.split_once('}')
        && choices.contains(',')
        && !after.contains('{')
    {
        let patterns: Vec<String> = choices
            .split(',')
            .map(|choice| format!("{before}{choice}{after}"))
            .collect();
        return Some((
            format!(
                "`{written}`: aquí las llaves no eligen; busca un archivo con llaves en el nombre"
            ),
            Some(patterns.join("\n")),
        ));
    }
    let slashes = line.pattern.replace('\\', "/");
    if line.pattern.contains('\\')
        && !line.pattern.contains(['*', '?', '['])
        && reading
            .snapshot
            .contains(&copies::in_context(build, &slashes))
    {
        return Some((
            format!("`{written}`: las carpetas se separan con `/`; así no deja fuera `{slashes}`"),
            Some(written.replace('\\', "/")),
        ));
    }
    if line.pattern.ends_with("*/") && !line.exception {
        let alone = Dockerignore::parse(&line.pattern).ok()?;
        let file = build.files(reading).find(|path| {
            let above = path.rsplit_once('/').map_or("", |(above, _)| above);
            alone.decide(path).ignored && (above.is_empty() || !alone.decide(above).ignored)
        })?;
        return Some((
            format!(
                "`{written}`: la barra del final no quiere decir «solo carpetas»: también deja fuera `{file}`"
            ),
            None,
        ));
    }
    None
}
