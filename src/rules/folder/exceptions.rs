//! The exceptions of a `.dockerignore`: `!pattern`.

use super::copies;
use super::ignore_lines::{broad, read_by};
use super::secret_file;
use super::wording::line_of;
use crate::rules::Out;
use crate::submission::Reading;
use crate::submission::dockerignore::{Decision, Dockerignore};
use crate::submission::location::Location;

pub(super) fn useless(reading: &Reading, out: &mut Out<'_>) {
    for (file, build, lines) in read_by(reading) {
        for (index, line) in lines.iter().enumerate() {
            if !line.exception {
                continue;
            }
            if lines[..index].iter().all(|line| line.exception) && index + 1 == lines.len() {
                let finding = out.at(
                    line.location(file),
                    format!(
                        "`{}` no recupera nada: ninguna línea anterior lo quita",
                        line.written
                    ),
                );
                finding.end = Some(line.end());
                continue;
            }
            let Ok(own) = Dockerignore::parse(&line.pattern) else {
                continue;
            };
            let meant: Vec<&str> = build
                .files(reading)
                .filter(|path| own.decide(path).ignored)
                .collect();
            let decisions: Vec<_> = build
                .ignore
                .iter()
                .flat_map(|ignore| meant.iter().map(|path| ignore.decide(path)))
                .collect();
            // Only when all that it names is taken away again by one later line.
            let later = decisions.first().and_then(|decision| decision.line);
            let same = |decision: &&Decision| decision.ignored && decision.line == later;
            if let (Some(first), Some(later)) = (meant.first(), later)
                && later > line.number
                && decisions.iter().filter(same).count() == decisions.len()
            {
                let other = line_of(reading, file, later);
                let finding = out.at(
                    line.location(file),
                    format!(
                        "`{}` no recupera `{first}`: una línea posterior lo vuelve a quitar",
                        line.written
                    ),
                );
                finding.end = Some(line.end());
                finding.related(Location::line(file, later), format!("`{other}` lo quita"));
            }
        }
    }
}

pub(super) fn of_secret(reading: &Reading, out: &mut Out<'_>) {
    for (file, build, lines) in read_by(reading) {
        for line in lines.iter().filter(|line| line.exception) {
            let path = line
                .pattern
                .trim_start_matches("**/")
                .trim_start_matches("./");
            let at = copies::in_context(build, path);
            let named = secret_file::is_named(path) && !path.contains(['*', '?', '[']);
            let present = reading.snapshot.contains(&at);
            let harmless = present && secret_file::of(&reading.snapshot, &at).is_none();
            let back = build
                .ignore
                .as_ref()
                .is_some_and(|ignore| !ignore.decide(path).ignored);
            let copied = broad(reading)
                .iter()
                .any(|(copied, _)| std::ptr::eq(copied.build, build));
            if named && !harmless && back && copied {
                let finding = out.at(
                    line.location(file),
                    format!("`{}` vuelve a meter `{path}` en el contexto", line.written),
                );
                finding.end = Some(line.end());
            }
        }
    }
}
