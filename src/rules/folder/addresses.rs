//! Addresses inside of any text: a shell line, Python, a list of words.

/// The host and the port of every address in a text: `http://host:port/…`.
pub(in crate::rules) fn addresses(text: &str) -> Vec<(String, Option<u16>)> {
    let mut found = Vec::new();
    for (scheme, usual) in [("http://", 80), ("https://", 443)] {
        for (at, _) in text.match_indices(scheme) {
            let rest = &text[at + scheme.len()..];
            let end = rest
                .find(|c: char| {
                    c.is_whitespace()
                        || matches!(c, '/' | '\'' | '"' | '?' | ')' | '|' | ';' | ',' | '`')
                })
                .unwrap_or(rest.len());
            let host = &rest[..end];
            let host = host.rsplit('@').next().unwrap_or(host);
            let (name, port) = match host.rsplit_once(':') {
                Some((name, port)) if !port.contains(']') => (name, port.parse().ok()),
                _ => (host, Some(usual)),
            };
            found.push((name.to_owned(), port));
        }
    }
    found
}

pub(in crate::rules) fn is_local(host: &str) -> bool {
    matches!(host, "localhost" | "0.0.0.0" | "[::1]" | "[::]") || host.starts_with("127.")
}

#[cfg(test)]
mod tests {
    use super::addresses;

    #[test]
    fn addresses_are_found_inside_of_other_languages() {
        let found = addresses(
            "import u; u.urlopen('http://127.0.0.1:8000/health', timeout=2) || curl -f https://a.b/x",
        );
        assert_eq!(
            found,
            [
                ("127.0.0.1".to_owned(), Some(8000)),
                ("a.b".to_owned(), Some(443))
            ]
        );
        assert_eq!(addresses("curl http://[::1]:80/")[0].1, Some(80));
        assert_eq!(addresses("curl http://localhost:$PORT/")[0].1, None);
    }
}
