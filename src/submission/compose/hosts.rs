//! `extra_hosts`: lines for `/etc/hosts`.

use super::Located;
use super::fields::{Read, invalid, text};
use crate::submission::yaml::Node;

/// Reads `["name:address", "name=address"]`.
pub(super) fn read(node: Option<Node>) -> Read<Vec<Located<(String, String)>>> {
    let mut hosts = Vec::new();
    let Some(node) = node else { return Ok(hosts) };
    let mut add = |name: &str, address: &str, at: &Node| {
        hosts.push(Located {
            value: (
                name.trim().to_owned(),
                address.trim_matches(['[', ']', ' ']).to_owned(),
            ),
            location: at.location.clone(),
        });
    };
    for item in node.seq().unwrap_or_default() {
        let written = text(item).unwrap_or_default();
        let Some((name, address)) = written.split_once('=').or_else(|| written.split_once(':'))
        else {
            return invalid(
                &item.location,
                format!(
                    "en `extra_hosts`, a `{written}` le falta la dirección: escribe `nombre:dirección`"
                ),
            );
        };
        if name.trim().is_empty() {
            return invalid(
                &item.location,
                format!(
                    "en `extra_hosts`, a `{written}` le falta el nombre: escribe `nombre:dirección`"
                ),
            );
        }
        add(name, address, item);
    }
    Ok(hosts)
}
