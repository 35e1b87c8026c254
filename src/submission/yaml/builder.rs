//! Builds the tree from the parser's events, without recursion and within a budget.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag as RawTag, options};

use super::{Field, Kind, Node, Scalar, Tag, Value, YamlError, fault, resolve};
use crate::submission::location::Location;

/// Values of a file at most, aliases expanded: far above any real file, far below what hurts.
const MOST_NODES: usize = 20_000;
/// Levels at most, aliases expanded.
const MOST_LEVELS: usize = 100;

/// Reads every document of `text`, which is the content of `file`.
///
/// # Errors
/// The first fault, in Spanish, with its place.
pub fn parse(text: &str, file: &str) -> Result<Vec<Node>, YamlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = options! { emit_comments: false, flow_nesting_limit: MOST_LEVELS, block_nesting_limit: MOST_LEVELS };
    let mut builder = Builder {
        file,
        documents: Vec::new(),
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
    };
    let length = text.chars().count();
    for next in Parser::new_from_str_with_options(text, options) {
        let (mut event, span) = next.map_err(|error| {
            let line = text
                .lines()
                .nth(error.marker().line().saturating_sub(1))
                .unwrap_or("");
            builder.fault(error.marker(), fault::message(&error, line))
        })?;
        // A block at the end of a file whose last line is not ended has no last line break either.
        if let Event::Scalar(block, ScalarStyle::Literal | ScalarStyle::Folded, ..) = &mut event
            && !text.ends_with('\n')
            && span.end.index() >= length
            && block.ends_with('\n')
        {
            block.to_mut().pop();
        }
        builder.take(event, span)?;
    }
    Ok(builder.documents)
}

struct Builder<'a> {
    file: &'a str,
    documents: Vec<Node>,
    open: Vec<Open>,
    /// Finished anchored nodes; nothing while still open.
    anchors: HashMap<usize, Option<Anchored>>,
    nodes: usize,
}

#[derive(Clone)]
struct Anchored {
    node: Node,
    nodes: usize,
    levels: usize,
}

/// A collection whose end is still to come.
struct Open {
    location: Location,
    tag: Option<Tag>,
    anchor: usize,
    nodes_before: usize,
    levels_below: usize,
    content: Content,
}

enum Content {
    Seq(Vec<Node>),
    Map {
        fields: Fields,
        merges: Vec<Node>,
        merge_seen: Option<Location>,
        key: Option<Key>,
    },
}

/// Fields in order, found by key at once however many they are.
#[derive(Default)]
struct Fields {
    list: Vec<Field>,
    /// The keys, once there are too many to look through.
    keys: HashSet<String>,
}

impl Fields {
    /// Up to here looking through is quicker.
    const FEW: usize = 16;

    fn has(&self, key: &str) -> bool {
        if self.keys.is_empty() {
            self.list.iter().any(|field| field.key == key)
        } else {
            self.keys.contains(key)
        }
    }

    fn push(&mut self, field: Field) {
        if !self.keys.is_empty() {
            self.keys.insert(field.key.clone());
        }
        self.list.push(field);
        if self.keys.is_empty() && self.list.len() > Self::FEW {
            self.keys = self.list.iter().map(|field| field.key.clone()).collect();
        }
    }
}

struct Key {
    text: String,
    location: Location,
    is_merge: bool,
}

impl Builder<'_> {
    fn location(&self, marker: &Marker) -> Location {
        Location {
            file: self.file.to_owned(),
            line: marker.line(),
            column: marker.col() + 1,
        }
    }

    fn fault(&self, marker: &Marker, message: String) -> YamlError {
        YamlError {
            message,
            location: self.location(marker),
        }
    }

    fn take(&mut self, event: Event, span: Span) -> Result<(), YamlError> {
        let at = span.tag_start().unwrap_or(span.start);
        match event {
            Event::DocumentStart(..) => self.anchors.clear(),
            Event::Scalar(text, style, anchor, tag) => {
                let plain = matches!(style, ScalarStyle::Plain);
                let raw_tag = tag.as_deref();
                let scalar = scalar(&text, plain, raw_tag);
                let is_merge = plain && raw_tag.is_none() && scalar.text == "<<";
                let node = Node {
                    location: self.location(&at),
                    tag: raw_tag.and_then(own_tag),
                    value: Value::Scalar(scalar),
                };
                self.finish(node, anchor, 1, 0, is_merge, &at)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.start(Content::Seq(Vec::new()), anchor, tag.as_deref(), &at)?
            }
            Event::MappingStart(_, anchor, tag) => {
                let content = Content::Map {
                    fields: Fields::default(),
                    merges: Vec::new(),
                    merge_seen: None,
                    key: None,
                };
                self.start(content, anchor, tag.as_deref(), &at)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(&at)?,
            Event::Alias(id) => {
                let Some(Some(anchored)) = self.anchors.get(&id) else {
                    return Err(self.fault(
                        &at,
                        "el alias `*…` está dentro de su propia ancla: no tendría fin".to_owned(),
                    ));
                };
                if self.nodes + anchored.nodes > MOST_NODES {
                    return Err(self.fault(
                        &at,
                        "los alias `*…` se multiplican sin medida: escribe menos anclas unas dentro de otras".to_owned(),
                    ));
                }
                let Anchored {
                    mut node,
                    nodes,
                    levels,
                } = anchored.clone();
                node.location = self.location(&at);
                self.finish(node, 0, nodes, levels, false, &at)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn start(
        &mut self,
        content: Content,
        anchor: usize,
        tag: Option<&RawTag>,
        at: &Marker,
    ) -> Result<(), YamlError> {
        if let Some(Open {
            content: Content::Map { key: None, .. },
            ..
        }) = self.open.last()
        {
            return Err(self.fault(
                at,
                "una clave tiene que ser un texto, no una lista ni un mapa".to_owned(),
            ));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, None);
        }
        self.open.push(Open {
            location: self.location(at),
            tag: tag.and_then(own_tag),
            anchor,
            nodes_before: self.nodes,
            levels_below: 0,
            content,
        });
        Ok(())
    }

    fn end(&mut self, at: &Marker) -> Result<(), YamlError> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let value = match open.content {
            Content::Seq(items) => Value::Seq(items),
            Content::Map { fields, merges, .. } => Value::Map(self.merged(fields, merges)?),
        };
        let node = Node {
            value,
            location: open.location,
            tag: open.tag,
        };
        let nodes = self.nodes - open.nodes_before + 1;
        self.nodes = open.nodes_before;
        self.finish(node, open.anchor, nodes, open.levels_below + 1, false, at)
    }

    /// What is written wins over what is merged in, and the first merged over the next.
    fn merged(&self, mut fields: Fields, merges: Vec<Node>) -> Result<Vec<Field>, YamlError> {
        let no_map = |node: &Node| YamlError {
            message: "`<<` mezcla mapas: dale un alias `*nombre` de un mapa, o una lista de ellos"
                .to_owned(),
            location: node.location.clone(),
        };
        for source in merges {
            let sources = match source.value {
                Value::Seq(items) => items,
                _ => vec![source],
            };
            for source in sources {
                let Value::Map(inherited) = source.value else {
                    return Err(no_map(&source));
                };
                for field in inherited {
                    if !fields.has(&field.key) {
                        fields.push(field);
                    }
                }
            }
        }
        Ok(fields.list)
    }

    /// Puts a finished node where it belongs.
    fn finish(
        &mut self,
        mut node: Node,
        anchor: usize,
        nodes: usize,
        levels: usize,
        is_merge: bool,
        at: &Marker,
    ) -> Result<(), YamlError> {
        self.nodes += nodes;
        if self.nodes > MOST_NODES {
            return Err(self.fault(at, format!("el archivo tiene más de {MOST_NODES} valores")));
        }
        if self.open.len() + levels > MOST_LEVELS {
            return Err(self.fault(
                at,
                format!("hay más de {MOST_LEVELS} niveles, unos dentro de otros"),
            ));
        }
        if anchor > 0 {
            let node = node.clone();
            self.anchors.insert(
                anchor,
                Some(Anchored {
                    node,
                    nodes,
                    levels,
                }),
            );
        }
        let Some(parent) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        parent.levels_below = parent.levels_below.max(levels);
        match &mut parent.content {
            Content::Seq(items) => items.push(node),
            Content::Map {
                fields,
                merges,
                merge_seen,
                key,
            } => match key.take() {
                None => {
                    let Value::Scalar(scalar) = &node.value else {
                        return Err(self.fault(
                            at,
                            "una clave tiene que ser un texto, no una lista ni un mapa".to_owned(),
                        ));
                    };
                    let text = scalar.text.clone();
                    if scalar.kind != Kind::Text && !is_merge {
                        return Err(YamlError {
                            message: if text.is_empty() {
                                "falta la clave delante de `:`".to_owned()
                            } else {
                                format!(
                                    "una clave tiene que ser un texto, y `{text}` no lo es: escríbela entre comillas, `\"{text}\"`"
                                )
                            },
                            location: node.location,
                        });
                    }
                    let before = if is_merge {
                        merge_seen.replace(node.location.clone())
                    } else if fields.has(&text) {
                        let same = |field: &&Field| field.key == text;
                        fields
                            .list
                            .iter()
                            .find(same)
                            .map(|field| field.location.clone())
                    } else {
                        None
                    };
                    if let Some(before) = before {
                        return Err(YamlError {
                            message: format!(
                                "la clave `{text}` ya está escrita en la línea {}: deja solo una de las dos",
                                before.line
                            ),
                            location: node.location,
                        });
                    }
                    *key = Some(Key {
                        text,
                        location: node.location,
                        is_merge,
                    });
                }
                Some(key) if key.is_merge => merges.push(node),
                Some(key) => {
                    // The parser puts a value that is not written at the next thing it meets.
                    if matches!(&node.value, Value::Scalar(s) if s.kind == Kind::Null && s.text.is_empty())
                        && node.tag.is_none()
                    {
                        node.location = key.location.clone();
                    }
                    fields.push(Field {
                        key: key.text,
                        location: key.location,
                        value: node,
                    });
                }
            },
        }
        Ok(())
    }
}

fn own_tag(tag: &RawTag) -> Option<Tag> {
    match tag.to_string().as_str() {
        "!reset" => Some(Tag::Reset),
        "!override" => Some(Tag::Override),
        _ => None,
    }
}

fn scalar(text: &str, plain: bool, tag: Option<&RawTag>) -> Scalar {
    let kind = match tag.and_then(RawTag::core_suffix) {
        Some("str") => Kind::Text,
        Some("int" | "float" | "bool" | "null") => resolve::plain(text),
        _ if plain => resolve::plain(text),
        _ => Kind::Text,
    };
    Scalar {
        text: text.to_owned(),
        kind,
    }
}
