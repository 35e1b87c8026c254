//! Programs that only start another: `exec`, `env`, `sudo`…

use super::{ShellWord, base_name};

/// Which of `words` names the program that is started in the end.
pub(super) fn program(words: &[ShellWord]) -> usize {
    let mut at = 0;
    for _ in 0..8 {
        let Some(word) = words.get(at).filter(|word| !word.expands) else {
            break;
        };
        // Options that take a value of their own, and words in front of the program.
        let (valued, words_before): (&[&str], usize) = match base_name(&word.text) {
            "exec" => (&["-a"], 0),
            "sudo" => (&["-u", "-g"], 0),
            "env" => (&["-u", "-C"], 0),
            "nice" => (&["-n"], 0),
            "nohup" | "time" | "eatmydata" | "setsid" | "builtin" => (&[], 0),
            "tini" | "dumb-init" => (&["-e", "-r"], 0),
            "gosu" | "su-exec" => (&[], 1),
            "timeout" => (&["-k", "-s"], 1),
            _ => break,
        };
        let Some(next) = behind(words, at + 1, valued, words_before) else {
            break;
        };
        at = next;
    }
    at
}

/// The word behind a wrapper's options and assignments; nothing when there is none.
fn behind(words: &[ShellWord], mut at: usize, valued: &[&str], skipped: usize) -> Option<usize> {
    let mut left = skipped;
    loop {
        let text = words.get(at)?.text.as_str();
        if text == "-S" {
            return None;
        }
        if valued.contains(&text) {
            at += 2;
        } else if text.starts_with('-') || is_assignment(text) {
            at += 1;
        } else if left > 0 {
            left -= 1;
            at += 1;
        } else {
            return Some(at);
        }
    }
}

/// `NAME=…` or `NAME+=…`.
pub(super) fn is_assignment(text: &str) -> bool {
    let Some((name, _)) = text.split_once('=') else {
        return false;
    };
    let name = name.strip_suffix('+').unwrap_or(name);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
