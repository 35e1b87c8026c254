//! Projects made of the pieces of `services.txt`, the same ones in every run.

use crate::case::{self, Case};

const SEED: u64 = 0x6d75_656c_6c65;
/// Overrides of one key of a service.
const OVERRIDES: usize = 240;
/// Services of many keys, a third of them with an override.
const MIXED: usize = 140;
/// Values made of variables.
const TEMPLATES: usize = 80;

/// Marsaglia's xorshift: no more is needed, and no crate's new version changes the cases.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut dice = Dice(SEED);
    let bodies = case::bodies();
    let mut cases = Vec::new();
    for number in 0..OVERRIDES {
        let below = dice.pick(&bodies);
        let key = key(below);
        let same: Vec<&String> = bodies
            .iter()
            .filter(|body| self::key(body) == key)
            .collect();
        let above = *dice.pick(&same);
        let tag = *dice.pick(&["", "", "", "", "", "!override ", "!reset "]);
        let above = above.replacen(": ", &format!(": {tag}"), 1);
        cases.push(overridden(
            format!("override {number}: {key}"),
            &[below],
            &[&above],
        ));
    }
    for number in 0..MIXED {
        let below = keys(&mut dice, &bodies);
        let name = format!("mixed {number}");
        let below: Vec<&str> = below.iter().map(String::as_str).collect();
        if number % 3 == 0 {
            let above = keys(&mut dice, &bodies);
            let above: Vec<&str> = above.iter().map(String::as_str).collect();
            cases.push(overridden(name, &below, &above));
        } else {
            cases.push(with_helpers(Case::one(name, case::service(&below))));
        }
    }
    for number in 0..TEMPLATES {
        let values: Vec<String> = (0..3)
            .map(|index| format!("      V{index}: '{}'\n", template(&mut dice, 0)))
            .collect();
        let text = format!(
            "services:\n  a:\n    image: x\n    environment:\n{}",
            values.concat()
        );
        let mut case = Case::one(format!("template {number}"), text);
        case.tree
            .push((".env".to_owned(), "A=uno\nB=\nC=$A-c\n".to_owned()));
        case.shell.insert("S".to_owned(), "de la shell".to_owned());
        cases.push(case);
    }
    cases
}

fn key(body: &str) -> &str {
    body.split(':').next().unwrap_or(body)
}

/// Some bodies with different keys.
fn keys(dice: &mut Dice, bodies: &[String]) -> Vec<String> {
    let mut chosen: Vec<String> = Vec::new();
    for _ in 0..3 + dice.roll(5) {
        let body = dice.pick(bodies);
        let several = body.contains('\n');
        if !several && chosen.iter().all(|other| key(other) != key(body)) {
            chosen.push(body.clone());
        }
    }
    chosen
}

fn overridden(name: String, below: &[&str], above: &[&str]) -> Case {
    let mut case = with_helpers(Case::one(name, case::service(below)));
    let mut text = "services:\n  a:\n".to_owned();
    for body in above {
        text += &format!("    {body}\n");
    }
    case.tree.push(("compose.override.yaml".to_owned(), text));
    case
}

fn with_helpers(mut case: Case) -> Case {
    case.tree.extend(case::helpers());
    case.shell
        .insert("SHELL_VAR".to_owned(), "de la shell".to_owned());
    case
}

/// A text with variables, some of them inside of others, some of them broken.
fn template(dice: &mut Dice, level: usize) -> String {
    let mut text = String::new();
    for _ in 0..1 + dice.roll(3) {
        let name = *dice.pick(&["A", "B", "C", "S", "N", "M_1", "A", "B", "S", "1", "", "ñ"]);
        let form = dice.roll(16);
        if level > 3 || form < 3 {
            text += *dice.pick(&["x", " ", "$$", "a-b", ":", "}", "{", "$", "ñ", "\"", "/"]);
        } else if form < 6 {
            text += &format!("${name}");
        } else if form < 8 {
            text += &format!("${{{name}}}");
        } else {
            let operator = *dice.pick(&[":-", "-", ":-", ":?", "?", ":+", "+", ":", "="]);
            text += &format!("${{{name}{operator}{}}}", template(dice, level + 1));
        }
    }
    text
}
