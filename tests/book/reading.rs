//! What reading alone shows of a page's blocks.

use std::fs;
use std::process::{Command, Stdio};

use muelle::book::verb::{self, Verb};
use muelle::rules;
use muelle::submission::Reading;
use muelle::verdict::{Level, StaticFinding};

use super::page::{Page, Told};

/// The languages that a block may have.
const LANGUAGES: [&str; 12] = [
    "dockerfile",
    "yaml",
    "dockerignore",
    "dotenv",
    "bash",
    "python",
    "console",
    "toml",
    "json",
    "text",
    "markdown",
    "ini",
];

/// Every block says what is done with it; what reading alone can tell of it is so.
pub fn check(page: &Page) -> Result<(), String> {
    let mut faults = Vec::new();
    for block in page.blocks() {
        if let Err(why) = verb::parse(&block.info) {
            faults.push(format!("{}:{}: {why}", page.name, block.line));
        }
    }
    for block in page.told() {
        if let Err(why) = one(&block) {
            faults.push(format!("{}:{}: {why}", page.name, block.line));
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("\n"))
    }
}

fn one(block: &Told) -> Result<(), String> {
    let language = block.language.as_str();
    if !LANGUAGES.contains(&language) {
        return Err(format!("`{language}` no es un lenguaje de este libro"));
    }
    match &block.verb {
        Verb::Holds => holds(block),
        Verb::Builds(_) if !["dockerfile", "yaml"].contains(&language) => {
            Err(format!("de `{language}` no se construye nada"))
        }
        // The engine has the word; what a page builds to show its danger is right to be found.
        Verb::Builds(_) if language == "dockerfile" => Ok(()),
        Verb::Builds(_) => holds(block),
        Verb::Runs if language != "console" => Err(format!("`{language}` no corre: `console`")),
        Verb::Runs => console(&block.text),
        Verb::Fails(what) => match rules::find(what) {
            Some(_) => finds(block, what),
            None => Ok(()),
        },
        Verb::ReadOnly(_) => Ok(()),
    }
}

/// The block is what its language says, and no rule finds an error in it.
fn holds(block: &Told) -> Result<(), String> {
    let parsed = |result: Result<(), String>| result;
    match block.language.as_str() {
        "bash" => bash(&block.text),
        "console" => console(&block.text),
        "json" => parsed(
            serde_json::from_str::<serde_json::Value>(&block.text)
                .map(drop)
                .map_err(|error| error.to_string()),
        ),
        "toml" => parsed(
            toml::from_str::<toml::Table>(&block.text)
                .map(drop)
                .map_err(|error| error.to_string()),
        ),
        // Asked of Python itself, with the blocks that run.
        "python" => Ok(()),
        "dockerfile" | "yaml" | "dockerignore" | "dotenv" => {
            let errors: Vec<String> = findings(block)?
                .into_iter()
                .filter(|finding| finding.level == Level::Error)
                .map(|finding| tell(&finding))
                .collect();
            if errors.is_empty() {
                Ok(())
            } else {
                Err(errors.join("; "))
            }
        }
        other => Err(format!(
            "de `{other}` no hay nada que verificar: `solo-lectura=…`"
        )),
    }
}

/// What the rules say of it, read alone as `muelle check --static FILE` does.
pub fn findings(block: &Told) -> Result<Vec<StaticFinding>, String> {
    let folder = tempfile::tempdir().unwrap();
    let name = block.file().ok_or("no sé qué archivo es")?;
    let path = folder.path().join(&name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, &block.text).unwrap();
    let reading = Reading::of_file(&path).map_err(|error| error.to_string())?;
    Ok(rules::judge(&reading))
}

/// The rule `id` finds something in it.
fn finds(block: &Told, id: &str) -> Result<(), String> {
    let found = findings(block)?;
    if found.iter().any(|finding| finding.rule == id) {
        return Ok(());
    }
    let others: Vec<String> = found.iter().map(tell).collect();
    Err(format!(
        "la regla `{id}` no salta; saltan: {}",
        others.join("; ")
    ))
}

fn tell(finding: &StaticFinding) -> String {
    format!("{}: {}", finding.rule, finding.message)
}

/// The shell takes it.
fn bash(script: &str) -> Result<(), String> {
    let output = Command::new("bash")
        .args(["-n", "-c", script])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("bash: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The shell takes every line that is typed.
fn console(text: &str) -> Result<(), String> {
    let session = super::console::session(text)?;
    session.iter().try_for_each(|step| bash(&step.typed))
}
