//! The catalogue of experiments as a page, for who writes exercises and for who wants to know how an item is judged.

use std::fmt::Write as _;

use crate::experiments::CATALOGUE;

/// The page, in Markdown.
pub fn experiments() -> String {
    let mut text = String::from(
        "# Catálogo de experimentos\n\n\
         <!-- Escrita por muelle a partir de src/experiments/: no la edites aquí. -->\n\n\
         Cómo se decide cada punto de un ejercicio. El mismo texto, en la terminal: `muelle explain NOMBRE`.\n",
    );
    for entry in CATALOGUE {
        let _ = write!(
            text,
            "\n## `{}`\n\n{}\n\n- **Cómo no engaña:** {}\n- **Por qué importa:** {}\n",
            entry.spec.id, entry.what, entry.control, entry.why
        );
        let parameters = entry.parameters();
        if parameters.is_empty() {
            continue;
        }
        text.push_str("\n| parámetro | qué es |\n|---|---|\n");
        for parameter in parameters {
            let optional = if parameter.required {
                ""
            } else {
                " (opcional)"
            };
            let what = parameter.what.replace('|', "\\|");
            let _ = writeln!(text, "| `{}`{optional} | {what} |", parameter.name);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    /// Set `MUELLE_BLESS=1` to write the page anew.
    #[test]
    fn the_page_of_experiments_is_up_to_date() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/experimentos.md");
        let page = super::experiments();
        if std::env::var_os("MUELLE_BLESS").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written.replace("\r\n", "\n") == page,
            "docs/experimentos.md is out of date: run the tests with MUELLE_BLESS=1"
        );
    }
}
