//! The port in which well-known servers listen.

use super::container::Written;
use crate::submission::location::Location;

/// The port in which a well-known server listens, when its command says it, and whether it is only its default.
pub(super) fn listening(words: &[(String, Location)]) -> Option<(Written, bool)> {
    let base = |text: &str| text.rsplit('/').next().unwrap_or(text).to_owned();
    let (at, server) = words
        .iter()
        .take(6)
        .enumerate()
        .find_map(|(index, (word, _))| {
            let name = base(word);
            let is = [
                "uvicorn",
                "gunicorn",
                "hypercorn",
                "flask",
                "streamlit",
                "daphne",
                "http.server",
                "fastapi",
            ];
            is.contains(&name.as_str()).then_some((index, name))
        })?;
    // What stands in front of it may be anything that listens itself.
    let wraps = |(word, _): &(String, Location)| {
        matches!(
            base(word).as_str(),
            "python"
                | "python3"
                | "-m"
                | "exec"
                | "tini"
                | "dumb-init"
                | "--"
                | "-u"
                | "uv"
                | "poetry"
                | "pipenv"
                | "run"
        )
    };
    if !words[..at].iter().all(wraps) {
        return None;
    }
    let args = &words[at + 1..];
    let names: &[&str] = match server.as_str() {
        "uvicorn" | "fastapi" => &["--port"],
        "gunicorn" | "hypercorn" => &["--bind", "-b"],
        "flask" | "daphne" => &["--port", "-p"],
        "streamlit" => &["--server.port"],
        _ => &[],
    };
    let mut found = Vec::new();
    for (index, (word, location)) in args.iter().enumerate() {
        let value = names.iter().find_map(|name| {
            if word == name {
                return args.get(index + 1).map(|(value, at)| (value.as_str(), at));
            }
            let rest = word.strip_prefix(name)?;
            let rest = rest
                .strip_prefix('=')
                .or((name.len() == 2).then_some(rest))?;
            Some((rest, location))
        });
        if let Some((value, at)) = value {
            let digits = value.rsplit(':').next().unwrap_or(value);
            found.push(Written {
                port: digits.parse().ok()?,
                location: at.clone(),
            });
        }
    }
    if server == "http.server" {
        let number = args.iter().find_map(|(word, at)| {
            Some(Written {
                port: word.parse().ok()?,
                location: at.clone(),
            })
        });
        let bound = args.iter().any(|(word, _)| word.contains('$'));
        return match number {
            Some(written) => Some((written, false)),
            None if !bound => Some((
                Written {
                    port: 8000,
                    location: words[at].1.clone(),
                },
                true,
            )),
            None => None,
        };
    }
    match found.as_slice() {
        [one] => Some((one.clone(), false)),
        [] if server == "uvicorn"
            && !args.iter().any(|(word, _)| {
                word.contains('$')
                    || word == "--uds"
                    || word == "--fd"
                    || word.starts_with("--env-file")
            }) =>
        {
            Some((
                Written {
                    port: 8000,
                    location: words[at].1.clone(),
                },
                true,
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(command: &str) -> Option<u16> {
        let words: Vec<_> = command
            .split_whitespace()
            .map(|word| (word.to_owned(), Location::line("Dockerfile", 1)))
            .collect();
        listening(&words).map(|(written, _)| written.port)
    }

    #[test]
    fn a_server_listens_where_its_command_says() {
        assert_eq!(
            port("uvicorn app:app --host 0.0.0.0 --port 8080"),
            Some(8080)
        );
        assert_eq!(port("python -m uvicorn app:app --port=80"), Some(80));
        assert_eq!(port("uvicorn app:app"), Some(8000));
        assert_eq!(port("gunicorn -b 0.0.0.0:5000 app:app"), Some(5000));
        assert_eq!(port("gunicorn -b:5000 app:app"), Some(5000));
        assert_eq!(port("flask run -p 5001"), Some(5001));
        assert_eq!(port("python -m http.server 9000"), Some(9000));
        for unknown in [
            "uvicorn app:app --port $PORT",
            "gunicorn app:app",
            "gunicorn -b 0.0.0.0:80 -b 0.0.0.0:81 app:app",
            "gunicorn -b unix:/run/app.sock app:app",
            "supervisord -c uvicorn",
            "python main.py --port 80",
        ] {
            assert_eq!(port(unknown), None, "{unknown}");
        }
    }
}
