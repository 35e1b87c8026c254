//! The reference pages: the catalogues of rules and experiments.

use std::fmt::Write as _;

use crate::report;
use crate::rules::{self, Example, Rule};
use crate::verdict::Level;

/// Every rule with its reason, its way out and its examples, in Markdown. `title` gives the name of a page of the book.
pub fn rules(title: &dyn Fn(&str) -> Option<String>) -> String {
    let mut text = format!("Son {} reglas, por temas.\n", rules::all().count());
    for topic in rules::CATALOGUE {
        let _ = write!(text, "\n## {}\n\n", topic.title);
        for rule in topic.rules {
            one(&mut text, rule, title);
        }
    }
    text
}

fn one(text: &mut String, rule: &Rule, title: &dyn Fn(&str) -> Option<String>) {
    let level = match rule.level {
        Level::Error => "error",
        Level::Warning => "aviso",
        Level::Note => "nota",
    };
    let _ = write!(
        text,
        "### `{id}` {{#{id}}}\n\n<p class=\"regla-nivel nivel-{level}\">{level}</p>\n\n**{}.**\n\n\
         - Por qué importa: {}\n- Qué hacer: {}\n",
        rule.title,
        rule.why,
        rule.fix,
        id = rule.id,
    );
    if let Some(link) = link(rule.lesson, title) {
        let _ = writeln!(text, "- Se enseña en: {link}");
    }
    if !rule.equivalents.is_empty() {
        let _ = writeln!(
            text,
            "- En otras herramientas: {}",
            rule.equivalents.join(", ")
        );
    }
    text.push_str("\n<details>\n<summary>Ejemplo</summary>\n\n");
    example(text, "Así salta", rule.wrong);
    example(text, "Así no", rule.right);
    text.push_str("</details>\n\n");
}

/// A link to `page.html#anchor`, named as the page is; none when the book has no such page.
pub fn link(lesson: &str, title: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let (page, anchor) = match lesson.split_once('#') {
        Some((page, anchor)) => (page, format!("#{anchor}")),
        None => (lesson, String::new()),
    };
    let page = page.strip_suffix(".html")?;
    let title = title(page)?;
    Some(format!("[{title}]({page}.md{anchor})"))
}

fn example(text: &mut String, label: &str, files: Example) {
    for (path, content) in files {
        let longest = content
            .split(|c| c != '`')
            .map(str::len)
            .max()
            .unwrap_or_default();
        let fence = "`".repeat(longest.max(2) + 1);
        let _ = write!(
            text,
            "{label}, en `{path}`:\n\n{fence}{}\n{}\n{fence}\n\n",
            language(path),
            content.trim_end()
        );
    }
}

fn language(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.ends_with(".dockerignore") || name.starts_with(".env") {
        "text"
    } else if name.contains("Dockerfile") {
        "dockerfile"
    } else if name.ends_with(".yml") || name.ends_with(".yaml") {
        "yaml"
    } else {
        "text"
    }
}

/// Every experiment, in Markdown: the catalogue without its title, which the page has.
pub fn experiments() -> String {
    let page = report::reference::experiments();
    match page.find("\n## ") {
        Some(first) => page[first..].to_owned(),
        None => page,
    }
}
