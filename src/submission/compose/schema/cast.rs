//! Texts where Compose wants a number or a boolean.

use super::{Fault, fault};
use crate::submission::compose::fields::boolean;
use crate::submission::yaml::{Kind, Node};

/// A text that Compose cannot cast to the number or boolean that the key wants.
pub(super) fn miscast(node: &Node, wanted: &[&str], path: &str) -> Option<Fault> {
    const INTEGERS: [&str; 18] = [
        "retries",
        "replicas",
        "parallelism",
        "max_attempts",
        "max_replicas_per_node",
        "target",
        "hard",
        "soft",
        "scale",
        "pids_limit",
        "pids",
        "cpu_count",
        "cpu_shares",
        "cpu_quota",
        "cpu_period",
        "cpu_rt_period",
        "cpu_rt_runtime",
        "oom_score_adj",
    ];
    const NUMBERS: [&str; 3] = ["cpus", "cpu_percent", "max_failure_ratio"];
    /// These are cast after merging.
    const LATE: [&str; 8] = [
        "no_cache",
        "pull",
        "attach",
        "required",
        "pids",
        "limits.cpus",
        "reservations.cpus",
        "build.privileged",
    ];
    let scalar = node.scalar()?;
    let (key, text) = (
        path.rsplit('.').next().unwrap_or(path),
        scalar.text.as_str(),
    );
    let has = |name: &str| wanted.contains(&name);
    let is_number = has("number") || has("integer");
    if let Kind::Float(value) = scalar.kind
        && (!value.is_finite() || matches!(key, "group_add" | "expose"))
    {
        return Some(fault(
            &node.location,
            format!(
                "`{path}` no admite el número `{text}`: escríbelo entre comillas, `\"{text}\"`"
            ),
        ));
    }
    if scalar.kind != Kind::Text || !has("string") {
        return None;
    }
    let (fits, wants) = if has("boolean") && !is_number && !matches!(key, "provenance" | "sbom") {
        (boolean(text).is_some(), "`true` o `false`")
    } else if is_number && (INTEGERS.contains(&key) || path.contains(".ulimits.")) {
        (text.parse::<i64>().is_ok(), "un número entero")
    } else if is_number && NUMBERS.contains(&key) {
        (text.parse::<f64>().is_ok(), "un número")
    } else {
        return None;
    };
    (!fits).then(|| Fault {
        is_final: !LATE.iter().any(|late| path.ends_with(late)),
        ..fault(
            &node.location,
            format!("`{path}` tiene que ser {wants}, y es `{text}`"),
        )
    })
}
