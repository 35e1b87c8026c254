use std::fmt::Write as _;

use super::{exit, tell};
use crate::course::Item;
use crate::experiments;
use crate::report;
use crate::rules::{self, Example, Rule};
use crate::verdict::Level;

/// `muelle explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Regla de la lectura, o punto de un ejercicio; sin nada, la lista de las reglas
    #[arg(value_name = "REGLA|PUNTO")]
    name: Option<String>,
}

/// Explains one rule or item, or lists the rules.
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
    let items: Vec<(&str, &Item)> = course
        .exercises
        .iter()
        .flat_map(|exercise| {
            let items = exercise.items.iter().filter(|item| item.id == *name);
            items.map(|item| (exercise.title.as_str(), item))
        })
        .collect();
    if items.is_empty() {
        let near = rules::similar(name);
        let hint = match near.as_slice() {
            [] => "`muelle explain` sin nada las enumera".to_owned(),
            near => format!("¿quisiste decir `{}`?", near.join("` o `")),
        };
        tell::error(format_args!(
            "no hay ninguna regla ni punto que se llame `{name}`: {hint}"
        ));
        return Ok(exit::USAGE);
    }
    for (exercise, item) in items {
        tell::written(report::write(&of_item(exercise, item)))?;
    }
    Ok(exit::PASSED)
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
    text.push_str("\nUna de ellas, entera: muelle explain REGLA\n");
    text
}

fn of_rule(rule: &Rule) -> String {
    let mut text = format!("{} · {}\n\n", rule.id, rule.title);
    let level = match rule.level {
        Level::Error => "error: no funciona, o descubre un secreto",
        Level::Warning => "aviso: hoy funciona y algún día dolerá",
        Level::Note => "nota: puede quedar mejor",
    };
    let mut field = |label: &str, value: &str| {
        let body = format!("{label}{value}");
        let indent = " ".repeat(label.chars().count());
        let options = textwrap::Options::new(report::terminal::width()).subsequent_indent(&indent);
        let _ = writeln!(text, "{}", textwrap::fill(&body, options));
    };
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

fn of_item(exercise: &str, item: &Item) -> String {
    let mut text = format!("{} · {} ({exercise})\n\n", item.id, item.title);
    if let Some(entry) = experiments::find(&item.experiment) {
        let tried = (entry.tried)(&item.params).unwrap_or_default();
        let _ = writeln!(text, "Qué pruebo:      {tried}");
        let _ = writeln!(text, "Por qué importa: {}", entry.why);
    }
    let _ = writeln!(text, "Libro:           {}", item.lesson);
    text
}
