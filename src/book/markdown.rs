//! The Markdown of a page: its fenced blocks, and the rewriting of what mdBook would show in English.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::verb::{self, Verb};

/// A fenced block of a page.
#[derive(Clone, Debug)]
pub struct Block {
    /// What stands behind the opening fence.
    pub info: String,
    /// What is between the fences, without quote marks or indentation of what is around.
    pub text: String,
    /// The line of its opening fence, from 1.
    pub line: usize,
    /// Where it stands in the page, fences included.
    range: Range<usize>,
}

/// How mdBook reads Markdown.
pub fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
}

/// The fenced blocks of a page, in order.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for (event, range) in Parser::new_ext(page, options()).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                inside = true;
                blocks.push(Block {
                    info: info.to_string(),
                    text: String::new(),
                    line: page[..range.start].matches('\n').count() + 1,
                    range,
                });
            }
            Event::Text(text) if inside => {
                if let Some(block) = blocks.last_mut() {
                    block.text.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => inside = false,
            _ => {}
        }
    }
    blocks
}

/// For every line of a page, whether it belongs to a code block.
fn in_code(page: &str) -> Vec<bool> {
    let mut code = vec![false; page.lines().count()];
    let first = |offset: usize| page[..offset].matches('\n').count();
    for (event, range) in Parser::new_ext(page, options()).into_offset_iter() {
        if matches!(event, Event::Start(Tag::CodeBlock(_))) {
            let last = first(range.end.saturating_sub(1).max(range.start));
            for line in &mut code[first(range.start)..=last] {
                *line = true;
            }
        }
    }
    code
}

/// The page with every line outside its code blocks replaced by what `replace` makes of it.
///
/// # Errors
/// Those of `replace`.
pub fn replace_lines<E>(
    page: &str,
    mut replace: impl FnMut(&str) -> Result<Option<String>, E>,
) -> Result<String, E> {
    let mut out = String::with_capacity(page.len());
    for (line, code) in page.lines().zip(in_code(page)) {
        match if code { None } else { replace(line)? } {
            Some(text) => out.push_str(&text),
            None => out.push_str(line),
        }
        out.push('\n');
    }
    Ok(out)
}

/// The page without the verbs of its blocks, which are for the test and not for the reader. What is shown to fail, or
/// was not run, says so.
pub fn without_verbs(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    let mut done = 0;
    for block in blocks(page) {
        let Ok((language, verb)) = verb::parse(&block.info) else {
            continue;
        };
        let start = block.range.start;
        let line_start = page[..start].rfind('\n').map_or(0, |end| end + 1);
        let prefix = &page[line_start..start];
        out.push_str(&page[done..line_start]);
        let note = match &verb {
            Verb::Fails(_) => Some("Ejemplo con un fallo a propósito".to_owned()),
            Verb::ReadOnly(why) => Some(format!("Solo para leer: {}", escape(why))),
            Verb::Holds | Verb::Builds(_) | Verb::Runs => None,
        };
        if let Some(note) = note
            && prefix.chars().all(|c| c == ' ' || c == '>')
        {
            let blank = prefix.trim_end();
            out.push_str(&format!(
                "{prefix}<p class=\"bloque-nota\">{note}</p>\n{blank}\n"
            ));
        }
        out.push_str(prefix);
        let fence: String = page[start..]
            .chars()
            .take_while(|c| *c == '`' || *c == '~')
            .collect();
        out.push_str(&fence);
        out.push_str(language);
        done = start + page[start..].find('\n').unwrap_or(page.len() - start);
    }
    out.push_str(&page[done..]);
    out
}

/// The kinds of notes that GitHub's Markdown knows, with a class of ours and the name that is shown.
const NOTES: [(&str, &str, &str); 5] = [
    ("[!NOTE]", "nota", "Nota"),
    ("[!TIP]", "consejo", "Consejo"),
    ("[!IMPORTANT]", "importante", "Importante"),
    ("[!WARNING]", "cuidado", "Cuidado"),
    ("[!CAUTION]", "peligro", "Peligro"),
];

/// The page with its notes (`> [!TIP]`) as sections with a title in Spanish: mdBook's own are in English.
pub fn with_notes(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    let mut in_note = false;
    for (line, code) in page.lines().zip(in_code(page)) {
        let quoted = line.strip_prefix('>');
        let kind = quoted.and_then(|rest| NOTES.iter().find(|note| note.0 == rest.trim()));
        match (quoted, kind) {
            (_, Some((_, class, title))) if !code => {
                if in_note {
                    out.push_str("\n</div>\n\n");
                }
                in_note = true;
                out.push_str(&format!(
                    "<div class=\"aviso aviso-{class}\" role=\"note\">\n<p class=\"aviso-titulo\">{title}</p>\n\n"
                ));
            }
            (Some(rest), _) if in_note => {
                out.push_str(rest.strip_prefix(' ').unwrap_or(rest));
                out.push('\n');
            }
            _ => {
                if in_note {
                    out.push_str("\n</div>\n\n");
                    in_note = false;
                }
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    if in_note {
        out.push_str("\n</div>\n");
    }
    out
}

/// `text` as it stands in HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_keep_their_line_and_lose_the_quote_marks_around_them() {
        let page = "# A\n\n> ```yaml,verifica\n> a: 1\n> ```\n\n1. x\n\n   ```dockerfile,construye\n   FROM b\n   ```\n";
        let blocks = blocks(page);
        let seen: Vec<_> = blocks
            .iter()
            .map(|b| (b.line, b.info.as_str(), b.text.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                (3, "yaml,verifica", "a: 1\n"),
                (9, "dockerfile,construye", "FROM b\n")
            ]
        );
    }

    #[test]
    fn verbs_are_not_shown_but_what_fails_or_is_not_run_says_so() {
        let page = "a\n\n```yaml,verifica\nx: 1\n```\n\n```bash,solo-lectura=pide-internet\ncurl x\n```\n\n```dockerfile,falla=x\nFROM\n```\n";
        assert_eq!(
            without_verbs(page),
            "a\n\n```yaml\nx: 1\n```\n\n<p class=\"bloque-nota\">Solo para leer: pide internet</p>\n\n```bash\ncurl x\n```\n\n\
             <p class=\"bloque-nota\">Ejemplo con un fallo a propósito</p>\n\n```dockerfile\nFROM\n```\n"
        );
    }

    #[test]
    fn notes_have_spanish_titles_and_code_that_shows_one_stays() {
        let page = "> [!TIP]\n> hola\n>\n> ```text\n> x\n> ```\n\nfin\n\n```text\n> [!NOTE]\n```\n";
        assert_eq!(
            with_notes(page),
            "<div class=\"aviso aviso-consejo\" role=\"note\">\n<p class=\"aviso-titulo\">Consejo</p>\n\nhola\n\n\
             ```text\nx\n```\n\n</div>\n\n\nfin\n\n```text\n> [!NOTE]\n```\n"
        );
    }
}
