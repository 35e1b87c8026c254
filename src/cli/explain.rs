use std::fmt::Write as _;

use super::{exit, tell};
use crate::course::{Course, Item};
use crate::experiments::{self, Entry};
use crate::report;
use crate::rules::{self, Example, Rule};
use crate::verdict::Level;

/// `muelle explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Regla de la lectura, experimento, o punto de un ejercicio; sin nada, la lista de reglas y experimentos
    #[arg(value_name = "REGLA|EXPERIMENTO|PUNTO")]
    name: Option<String>,
}

/// Explains one rule, experiment or item, or lists the catalogues.
pub fn run(args: &Args) -> anyhow::Result<u8> {
    let Some(name) = &args.name else {
        tell::written(report::write(&list()))?;
        return Ok(exit::PASSED);
    };
    if let Some(rule) = rules::find(name) {
        tell::written(report::write(&of_rule(rule)))?;
        return Ok(exit::PASSED);
    }
    let course = super::check::course()?;
    if let Some(entry) = experiments::find(name) {
        tell::written(report::write(&of_experiment(entry, &course)))?;
        return Ok(exit::PASSED);
    }
    let items: Vec<(&str, &Item)> = course
        .exercises
        .iter()
        .flat_map(|exercise| {
            let items = exercise.items.iter().filter(|item| item.id == *name);
            items.map(|item| (exercise.title.as_str(), item))
        })
        .collect();
    if items.is_empty() {
        let items = course.exercises.iter().flat_map(|exercise| &exercise.items);
        let near = nearest(
            name,
            rules::all()
                .map(|rule| rule.id)
                .chain(experiments::CATALOGUE.iter().map(|entry| entry.spec.id))
                .chain(items.map(|item| item.id.as_str())),
        );
        let hint = match near.as_slice() {
            [] => "`muelle explain` sin nada las enumera".to_owned(),
            near => format!("¿quisiste decir `{}`?", near.join("` o `")),
        };
        tell::error(format_args!(
            "no hay ninguna regla, experimento ni punto que se llame `{name}`: {hint}"
        ));
        return Ok(exit::USAGE);
    }
    for (exercise, item) in items {
        tell::written(report::write(&of_item(exercise, item)))?;
    }
    Ok(exit::PASSED)
}

/// The names most like `name`, for «¿quisiste decir…?».
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    /// Below this likeness (0 to 1) a name is another word.
    const ALIKE: f64 = 0.8;
    let mut near: Vec<(f64, &str)> = names
        .map(|one| (strsim::jaro_winkler(name, one), one))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().map(|(_, one)| one).take(3).collect()
}

fn list() -> String {
    let longest = rules::all().map(|rule| rule.id.len()).max().unwrap_or(0);
    let mut text = format!("{} reglas:\n", rules::all().count());
    for topic in rules::CATALOGUE {
        let _ = writeln!(text, "\n{}", topic.title);
        for rule in topic.rules {
            let _ = writeln!(text, "  {:<longest$}  {}", rule.id, rule.title);
        }
    }
    let entries = experiments::CATALOGUE;
    let longest = entries.iter().map(|entry| entry.spec.id.len()).max();
    let longest = longest.unwrap_or(0);
    let _ = writeln!(text, "\n{} experimentos:\n", entries.len());
    for entry in entries {
        let _ = writeln!(text, "  {:<longest$}  {}", entry.spec.id, entry.what);
    }
    text.push_str("\nUno, entero: muelle explain NOMBRE\n");
    text
}

fn of_rule(rule: &Rule) -> String {
    let mut text = format!("{} · {}\n\n", rule.id, rule.title);
    let level = match rule.level {
        Level::Error => "error: no funciona, o descubre un secreto",
        Level::Warning => "aviso: hoy funciona y algún día dolerá",
        Level::Note => "nota: puede quedar mejor",
    };
    let mut field = |label: &str, value: &str| field(&mut text, label, value);
    field("Gravedad:        ", level);
    field("Por qué importa: ", rule.why);
    field("Qué hacer:       ", rule.fix);
    field("Libro:           ", rule.lesson);
    if !rule.equivalents.is_empty() {
        field("En otros:        ", &rule.equivalents.join(", "));
    }
    example(&mut text, "Así salta", rule.wrong);
    example(&mut text, "Así no", rule.right);
    text
}

fn example(text: &mut String, label: &str, files: Example) {
    let _ = writeln!(text, "\n{label}:");
    for (path, content) in files {
        let _ = writeln!(text, "\n  # {path}");
        for line in content.lines() {
            let _ = writeln!(text, "{}", format!("  {line}").trim_end());
        }
    }
}

/// A labelled paragraph, wrapped under its own start.
fn field(text: &mut String, label: &str, value: &str) {
    let body = format!("{label}{value}");
    let indent = " ".repeat(label.chars().count());
    let options = report::terminal::options(report::terminal::width()).subsequent_indent(&indent);
    let _ = writeln!(text, "{}", textwrap::fill(&body, options));
}

fn of_experiment(entry: &Entry, course: &Course) -> String {
    let mut text = format!("{} · experimento\n\n", entry.spec.id);
    field(&mut text, "Qué hace:        ", entry.what);
    field(&mut text, "Cómo no engaña:  ", entry.control);
    field(&mut text, "Por qué importa: ", entry.why);
    for parameter in entry.parameters() {
        let optional = if parameter.required {
            ""
        } else {
            " (opcional)"
        };
        let label = format!("Parámetro `{}`{optional}: ", parameter.name);
        field(&mut text, &label, &parameter.what);
    }
    for exercise in &course.exercises {
        let items = exercise.items.iter();
        for item in items.filter(|item| item.experiment == entry.spec.id) {
            let at = format!("`{}`, punto `{}`: {}", exercise.id, item.id, item.title);
            field(&mut text, "Lo usa:          ", &at);
        }
    }
    text
}

fn of_item(exercise: &str, item: &Item) -> String {
    let mut text = format!("{} · {} ({exercise})\n\n", item.id, item.title);
    if let Some(entry) = experiments::find(&item.experiment) {
        let tried = (entry.tried)(&item.params).unwrap_or_default();
        field(&mut text, "Qué pruebo:      ", &tried);
        field(&mut text, "Cómo no engaña:  ", entry.control);
        field(&mut text, "Por qué importa: ", entry.why);
        field(&mut text, "Experimento:     ", entry.spec.id);
    }
    field(&mut text, "Libro:           ", &item.lesson);
    text
}
