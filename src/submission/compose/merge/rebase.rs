//! Paths of a file that lies in a folder.

use super::{children, edit};
use crate::submission::compose::fields::text;
use crate::submission::compose::paths;
use crate::submission::yaml::{Field, Kind, Node, Scalar, Value};

/// Makes the relative paths of a file of the folder `dir` relative to the submission's root.
pub(in crate::submission::compose) fn rebase(root: &mut Node, dir: &str) {
    if dir.is_empty() || dir == "." {
        return;
    }
    let path = |node: &mut Node| {
        if let Value::Scalar(Scalar {
            text,
            kind: Kind::Text,
        }) = &mut node.value
        {
            *text = paths::join(dir, text);
        }
    };
    for service in children(root, "services") {
        let node = &mut service.value;
        edit(node, "build", |build| {
            if build.get("context").is_none()
                && let Value::Map(fields) = &mut build.value
            {
                let location = build.location.clone();
                fields.push(Field {
                    key: "context".to_owned(),
                    value: Node::text(Some("."), location.clone()),
                    location,
                });
            }
            let context = |context: &mut Node| {
                if !text(context).is_some_and(|text| paths::is_remote(&text)) {
                    path(context);
                }
            };
            edit(build, "context", context);
            for more in children(build, "additional_contexts") {
                context(&mut more.value);
            }
        });
        for key in ["env_file", "label_file"] {
            edit(node, key, |list| {
                if let Value::Seq(items) = &mut list.value {
                    for item in items {
                        path(item);
                        edit(item, "path", path);
                    }
                }
            });
        }
        edit(node, "volumes", |list| {
            if let Value::Seq(items) = &mut list.value {
                for item in items {
                    rebase_mount(item, dir);
                }
            }
        });
        edit(node, "extends", |extends| edit(extends, "file", path));
    }
    for kind in ["secrets", "configs"] {
        for thing in children(root, kind) {
            edit(&mut thing.value, "file", path);
        }
    }
}

fn rebase_mount(item: &mut Node, dir: &str) {
    if item.get("type").and_then(text).as_deref() == Some("bind") {
        edit(item, "source", |source| {
            if let Value::Scalar(scalar) = &mut source.value {
                scalar.text = paths::join(dir, &scalar.text);
            }
        });
    } else if let Value::Scalar(scalar) = &mut item.value
        && scalar.text.starts_with('.')
        && let Some((source, rest)) = scalar.text.split_once(':')
    {
        scalar.text = format!("./{}:{rest}", paths::join(dir, source));
    }
}
