//! What `ARG` and `ENV` set, and where it holds; words get their values from it.

use std::collections::BTreeMap;

use super::expand::{self, Budget, Setting};
use super::fault::{Fault, FaultKind};
use super::instruction::{Flag, Instruction, Kind, Pair, ShellText};
use super::stage::StageBase;
use super::word::{Variable, Word};
use crate::submission::location::Span;

/// Stages built on each other that are looked through for a variable; what lies deeper is left unknown.
const FARTHEST: usize = 64;

/// Set by the builder, for `FROM` without more and in a stage once declared there.
const PLATFORM: [&str; 8] = [
    "BUILDARCH",
    "BUILDOS",
    "BUILDPLATFORM",
    "BUILDVARIANT",
    "TARGETARCH",
    "TARGETOS",
    "TARGETPLATFORM",
    "TARGETVARIANT",
];

/// Build arguments that need no declaration.
const PROXY: [&str; 10] = [
    "ALL_PROXY",
    "FTP_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "ftp_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// What is set, and to what.
type Set = BTreeMap<String, Value>;

/// The value of what is set, as far as it is known.
#[derive(Clone)]
enum Value {
    Known(String),
    Unknown,
    /// An `ARG` without default that the build is not given.
    NotGiven,
}

impl std::convert::From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        value.map_or(Self::Unknown, Self::Known)
    }
}

/// The variables of one stage.
#[derive(Default)]
struct Scope {
    base: Option<usize>,
    /// Whether the image it starts from may set anything.
    open: bool,
    /// By `ENV` and `ARG` alike: the last one holds.
    set: Set,
}

/// The variables of a file, as far as it has been read.
pub(super) struct Scopes<'a> {
    build_args: &'a BTreeMap<String, String>,
    escape: char,
    budget: Budget,
    globals: Set,
    stages: Vec<Scope>,
    pub faults: Vec<Fault>,
}

/// Where a word's variables are looked up.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Above the first `FROM`, and in every `FROM`.
    Global,
    /// In the last stage.
    Stage,
    /// In whoever's build starts from this image.
    Elsewhere,
}

impl<'a> Scopes<'a> {
    pub fn new(text: &str, escape: char, build_args: &'a BTreeMap<String, String>) -> Self {
        Self {
            build_args,
            escape,
            budget: Budget::of(text),
            globals: PLATFORM
                .iter()
                .map(|&name| (name.to_owned(), Value::Unknown))
                .collect(),
            stages: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Begins a stage.
    pub fn begin(&mut self, base: &StageBase) {
        let mut scope = Scope::default();
        match base {
            StageBase::Stage(index) => scope.base = Some(*index),
            StageBase::Image(_) => {
                scope.open = true;
                scope.set.insert("PATH".to_owned(), Value::Unknown);
            }
            StageBase::Scratch => {
                scope.set.insert("PATH".to_owned(), Value::Unknown);
            }
        }
        self.stages.push(scope);
    }

    /// Gives the instruction's words their values, and takes note of what it sets.
    pub fn resolve(&mut self, instruction: &mut Instruction, line: &ShellText) {
        let place = if self.stages.is_empty() {
            Place::Global
        } else {
            Place::Stage
        };
        self.words(instruction, line, place);
    }

    fn words(&mut self, instruction: &mut Instruction, line: &ShellText, place: Place) {
        let place = if instruction.is("FROM") {
            Place::Global
        } else {
            place
        };
        self.flags(&mut instruction.flags, line, place);
        let flags = &instruction.flags;
        let one = |scopes: &mut Self, word: &mut Word| scopes.word(word, line, place);
        match &mut instruction.kind {
            Kind::From(from) => one(self, &mut from.image),
            Kind::Transfer(transfer) => {
                for word in &mut transfer.sources {
                    one(self, word);
                }
                one(self, &mut transfer.destination);
                let chown = flags.iter().find(|flag| flag.name == "chown");
                transfer.chown = chown.and_then(|flag| flag.value.clone());
            }
            Kind::Arg(pairs) => {
                // Above the first `FROM` each sees those in front of it; in a stage only those of the lines above.
                for index in 0..pairs.len() {
                    if let Some(value) = &mut pairs[index].value {
                        self.word(value, line, place);
                    }
                    if place == Place::Global {
                        self.declare(&pairs[index..=index], place);
                    }
                }
                if place == Place::Stage {
                    self.declare(pairs, place);
                }
            }
            Kind::Env(pairs) => {
                self.pairs(pairs, line, place);
                if let (Place::Stage, Some(scope)) = (place, self.stages.last_mut()) {
                    for pair in pairs {
                        let value = pair.value.as_ref().and_then(|word| word.value.clone());
                        scope.set.insert(pair.name.text().to_owned(), value.into());
                    }
                }
            }
            Kind::Label(pairs) => self.pairs(pairs, line, place),
            Kind::Expose(words) | Kind::Volume(words) => {
                for word in words {
                    one(self, word);
                }
            }
            Kind::Run(run) => {
                for mount in &mut run.mounts {
                    for (key, value) in &mut mount.options {
                        if let Some(word) = value.as_mut().filter(|_| key != "from") {
                            one(self, word);
                        }
                    }
                }
            }
            Kind::Stopsignal(word) | Kind::User(word) | Kind::Workdir(word) => one(self, word),
            Kind::Onbuild(inner) => self.words(inner, line, Place::Elsewhere),
            Kind::Cmd(_)
            | Kind::Entrypoint(_)
            | Kind::Healthcheck(_)
            | Kind::Maintainer(_)
            | Kind::Shell(_) => {}
        }
    }

    fn flags(&mut self, flags: &mut [Flag], line: &ShellText, place: Place) {
        for flag in flags {
            let Some(word) = &mut flag.value else {
                continue;
            };
            match flag.name.as_str() {
                "platform" | "chown" | "chmod" | "checksum" | "exclude" => {
                    self.word(word, line, place);
                }
                // What is wrong with its parts is told of the parts.
                "mount" => {
                    let before = self.faults.len();
                    self.word(word, line, place);
                    self.faults.truncate(before);
                }
                _ => {}
            }
        }
    }

    fn pairs(&mut self, pairs: &mut [Pair], line: &ShellText, place: Place) {
        for pair in pairs {
            self.word(&mut pair.name, line, place);
            if let Some(value) = &mut pair.value {
                self.word(value, line, place);
            }
        }
    }

    /// Takes note of `ARG`s.
    fn declare(&mut self, pairs: &[Pair], place: Place) {
        for pair in pairs {
            let name = pair.name.text();
            let given = self.build_args.get(name).cloned();
            let default = pair.value.as_ref().map(|word| word.value.clone());
            let value = match (given, default) {
                (Some(given), _) => Value::Known(given),
                (None, Some(default)) => default.into(),
                (None, None) if place == Place::Stage => match self.globals.get(name) {
                    Some(value) => value.clone(),
                    // Without a value it leaves what is set as it is.
                    None if self.in_stage(name).1 => continue,
                    None => Value::NotGiven,
                },
                (None, None) => Value::NotGiven,
            };
            let set = match self.stages.last_mut() {
                Some(stage) if place == Place::Stage => &mut stage.set,
                _ => &mut self.globals,
            };
            set.insert(name.to_owned(), value);
        }
    }

    /// Gives a word its value.
    fn word(&mut self, word: &mut Word, line: &ShellText, place: Place) {
        let source = word.value.take().unwrap_or_else(|| word.written.clone());
        if !source.contains(['$', '\'', '"', self.escape]) {
            word.value = Some(source);
            return;
        }
        let mut budget = std::mem::replace(&mut self.budget, Budget(0));
        let lookup = |name: &str| self.setting(name, place).0;
        let expansion = expand::expand(&source, self.escape, &lookup, &mut budget);
        self.budget = budget;
        word.value = expansion.value;
        // In an array's word the quotes are not part of what it says; where escapes were, places are lost.
        let inside = if source == word.written {
            Some(0)
        } else {
            let within = word.written.len().max(2) - 1;
            (word.written.get(1..within) == Some(&source)).then_some(1)
        };
        let start = inside.map(|inside| line.locate(word.span.start) + inside);
        let spot = |range: std::ops::Range<usize>| {
            start.map_or(word.span, |start| {
                line.place(start + range.start, start + range.end)
            })
        };
        word.variables = expansion
            .variables
            .into_iter()
            .map(|named| Variable {
                span: spot(named.range),
                defined: self.setting(&named.name, place).1,
                guarded: named.guarded,
                name: named.name,
            })
            .collect();
        if let Some(refusal) = expansion.refusal {
            let span: Span = spot(refusal.range);
            self.faults.push(Fault {
                kind: match place {
                    Place::Elsewhere => FaultKind::PutOff,
                    _ => FaultKind::Substitution,
                },
                span,
                instruction: span,
                message: refusal.message,
            });
        }
    }

    /// What a variable says, and whether `ARG` or `ENV` set it.
    fn setting(&self, name: &str, place: Place) -> (Setting<'_>, bool) {
        match place {
            Place::Elsewhere => (Setting::Unknown, true),
            Place::Global => match self.globals.get(name) {
                Some(value) => (setting(value), true),
                None => (Setting::Unset, false),
            },
            Place::Stage => self.in_stage(name),
        }
    }

    fn in_stage(&self, name: &str) -> (Setting<'_>, bool) {
        let mut open = false;
        let mut at = self.stages.len().checked_sub(1);
        for _ in 0..FARTHEST {
            let Some(scope) = at.and_then(|index| self.stages.get(index)) else {
                break;
            };
            if let Some(value) = scope.set.get(name) {
                return (setting(value), true);
            }
            open |= scope.open;
            at = scope.base;
        }
        let proxy = PROXY.contains(&name);
        if proxy || open || at.is_some() {
            (Setting::Unknown, proxy)
        } else {
            (Setting::Unset, false)
        }
    }
}

fn setting(value: &Value) -> Setting<'_> {
    match value {
        Value::Known(value) => Setting::Known(value),
        Value::Unknown => Setting::Unknown,
        Value::NotGiven => Setting::NotGiven,
    }
}
