use super::*;
use proptest::prelude::*;

fn ignored(text: &str, path: &str) -> bool {
    Dockerignore::parse(text).unwrap().decide(path).ignored
}

#[test]
fn a_star_does_not_cross_folders() {
    assert!(ignored("*.pyc", "a.pyc"));
    assert!(!ignored("*.pyc", "app/a.pyc"));
    assert!(ignored("**/*.pyc", "a.pyc"));
    assert!(ignored("**/*.pyc", "app/x/a.pyc"));
    assert!(ignored("*/temp*", "a/temporary.txt"));
    assert!(!ignored("*/temp*", "a/b/temporary.txt"));
}

#[test]
fn an_ignored_folder_takes_its_content_along() {
    assert!(ignored("secretos", "secretos/a/b.txt"));
    assert!(ignored("secretos/", "secretos/b.txt"));
    assert!(ignored("/secretos", "secretos/b.txt"));
    assert!(!ignored("secretos", "app/secretos/b.txt"));
    assert!(ignored("a/*/c", "a/b/c/d"));
}

#[test]
fn the_last_line_that_matches_decides_and_is_named() {
    let ignore = Dockerignore::parse("*\n!src\nsrc/tests\n").unwrap();
    let decide = |path| {
        let Decision { ignored, line } = ignore.decide(path);
        (ignored, line)
    };
    assert_eq!(decide("README.md"), (true, Some(1)));
    assert_eq!(decide("src/a.py"), (false, Some(2)));
    assert_eq!(decide("src/tests/t.py"), (true, Some(3)));
    assert_eq!(Dockerignore::parse("").unwrap().decide("a").line, None);
}

#[test]
fn an_exception_brings_back_only_what_was_ignored() {
    assert!(ignored("!keep.md\n*.md", "keep.md"));
    assert!(!ignored("*.md\n!keep.md", "keep.md"));
    assert!(!ignored("*.md\n! keep.md", "keep.md"));
    assert!(ignored(
        "*.md\n!README*.md\nREADME-secret.md",
        "README-secret.md"
    ));
}

#[test]
fn blanks_around_a_pattern_are_dropped_and_only_a_first_column_hash_comments() {
    assert!(ignored("  .env  ", ".env"));
    assert!(!ignored("# .env", "# .env"));
    assert!(ignored(" # .env", "# .env"));
    assert!(!ignored(".env # no", ".env"));
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_part_of_a_pattern() {
    assert!(ignored("\u{feff}.env\r\ndata\r\n", ".env"));
    assert!(ignored("\u{feff}.env\r\ndata\r\n", "data/x"));
}

#[test]
fn paths_are_cleaned_before_matching() {
    assert!(ignored("./.env", ".env"));
    assert!(ignored("foo/../.env", ".env"));
    assert!(ignored("a//b/", "a/b"));
    assert!(!ignored("../.env", ".env"));
    assert!(!ignored(".", "a"));
    assert!(!ignored("/", "a"));
}

#[test]
fn classes_negate_with_a_caret_and_braces_are_literal() {
    assert!(ignored("[^a].txt", "b.txt"));
    assert!(!ignored("[^a].txt", "a.txt"));
    assert!(ignored("[!a].txt", "a.txt"));
    assert!(ignored("[!a].txt", "!.txt"));
    assert!(!ignored("[!a].txt", "b.txt"));
    assert!(ignored("[a-c]?.txt", "bz.txt"));
    assert!(!ignored("{a,b}.txt", "a.txt"));
    assert!(ignored("{a,b}.txt", "{a,b}.txt"));
    assert!(ignored("a.b", "a.b"));
    assert!(!ignored("?.b", "axb"));
}

#[test]
fn two_stars_stand_for_any_number_of_folders() {
    assert!(ignored("**", "a/b"));
    assert!(ignored("**/__pycache__", "__pycache__/x.pyc"));
    assert!(ignored("**/__pycache__", "a/b/__pycache__/x.pyc"));
    assert!(ignored("a/**/b", "a/b"));
    assert!(ignored("a/**/b", "a/x/y/b"));
    assert!(!ignored("a/**/b", "a/x/y/c"));
    assert!(ignored("a/**", "a/x"));
    assert!(!ignored("a/**", "a"));
    assert!(ignored("**/foo/**", "x/foo/y"));
    assert!(ignored("**.env", "prod.env"));
    assert!(ignored("**/.env*", "x/.env.local"));
}

#[test]
fn a_backslash_takes_the_next_character_literally() {
    assert!(ignored(r"\*.txt", "*.txt"));
    assert!(!ignored(r"\*.txt", "a.txt"));
    assert!(ignored(r"\#a", "#a"));
    assert!(ignored(r"\!a", "!a"));
}

#[test]
fn a_broken_pattern_is_an_error_with_its_line() {
    let error = |text: &str| Dockerignore::parse(text).unwrap_err().to_string();
    assert_eq!(
        error("a\n[abc\n"),
        ".dockerignore:2: el patrón `[abc` no es válido: un `[` necesita su `]` con algo dentro, y una `\\` no puede ir al final"
    );
    assert_eq!(
        error("!\n"),
        ".dockerignore:1: `!` está solo: escribe detrás la ruta que quieres recuperar, por ejemplo `!requirements.txt`"
    );
    assert!(Dockerignore::parse("a\\").is_err());
    assert!(Dockerignore::parse("[]a]").is_err());
    assert!(Dockerignore::parse("x[-a]").is_err());
    assert!(Dockerignore::parse("[a-]").is_err());
}

/// The bound is a hundred times what a debug build takes, so that only another order of growth goes beyond it.
#[test]
fn hostile_patterns_end_quickly() {
    let start = std::time::Instant::now();
    let long = "a".repeat(255);
    let deep = "a/".repeat(32) + "a";
    for text in [
        "*a".repeat(400) + "b",
        "**/".repeat(300) + "b",
        "*{1000}".repeat(10),
        "a{0,1000}".repeat(10) + "b*",
        "[*".repeat(200) + "]",
        "!a/**/b\n*\n".repeat(100),
        "**/a|".repeat(200),
    ] {
        if let Ok(ignore) = Dockerignore::parse(&text) {
            ignore.decide(&long);
            ignore.decide(&deep);
        }
    }
    assert!(Dockerignore::parse(&"a{1000}*".repeat(100)).is_err());
    assert!(start.elapsed() < std::time::Duration::from_secs(120));
}

#[test]
fn patterns_that_would_take_minutes_on_so_many_files_are_refused() {
    let mut files = Snapshot::default();
    files.insert(".dockerignore", "*a?b*c\n".repeat(1_500), false);
    assert!(Dockerignore::for_build(&files, ".", "Dockerfile").is_ok());
    for number in 0..2_000 {
        files.insert(&format!("{}/{number}", "carpeta/".repeat(20)), "", false);
    }
    let error = Dockerignore::for_build(&files, ".", "Dockerfile").unwrap_err();
    assert_eq!(
        error.to_string(),
        ".dockerignore:1: el archivo tiene demasiados patrones para tantos archivos: ignora carpetas enteras en vez de archivo por archivo"
    );
}

#[test]
fn the_file_named_after_the_dockerfile_wins() {
    let mut files = Snapshot::default();
    files.insert("api/.dockerignore", "a\n", false);
    files.insert("api/dev.Dockerfile.dockerignore", "b\n", false);
    let dev = Dockerignore::for_build(&files, "./api", "api/dev.Dockerfile").unwrap();
    assert_eq!(dev.file(), Some("api/dev.Dockerfile.dockerignore"));
    assert!(dev.decide("b").ignored && !dev.decide("a").ignored);
    let plain = Dockerignore::for_build(&files, "api", "api/Dockerfile").unwrap();
    assert_eq!(plain.file(), Some("api/.dockerignore"));
    assert_eq!(
        Dockerignore::for_build(&files, ".", "Dockerfile")
            .unwrap()
            .file(),
        None
    );
}

#[test]
fn the_context_is_what_is_not_ignored_below_its_folder() {
    let mut files = Snapshot::default();
    for path in [
        "otro.txt",
        "api/.env",
        "api/Dockerfile",
        "api/data/big.bin",
        "api/data/keep.csv",
        "api/vacio/x",
    ] {
        files.insert(path, path.to_owned(), false);
    }
    let ignore = Dockerignore::parse("data\n!data/keep.csv\n.env\nvacio").unwrap();
    let context = context(&files, "api", &ignore);
    let paths: Vec<&str> = context.entries().map(|(path, _)| path).collect();
    assert_eq!(paths, ["Dockerfile", "data", "data/keep.csv"]);
}

#[test]
fn what_would_not_change_a_folders_fate_does_not_hold_below_it() {
    assert!(ignored("d/c\n!d", "d/c"));
    assert!(!ignored("d\n!d/c\nd", "d/c"));
    assert!(!ignored("d\n!d", "d/c"));
    assert!(!ignored("d\n!d/c", "d/c"));
    assert!(ignored("d\n!d/c\nd/c", "d/c"));
    assert!(!ignored("*\n!**/c", "d/c"));
}

#[test]
fn a_mark_behind_the_leading_slash_makes_an_exception_too() {
    assert!(!ignored("*\n/!x", "x"));
    assert!(!ignored("*\n./!x", "x"));
    assert!(ignored("/ x", "x"));
    assert!(Dockerignore::parse("!/").is_err());
    assert!(Dockerignore::parse("!.").is_ok());
}

#[test]
fn bars_and_counts_are_alive_in_a_pattern_with_a_star() {
    assert!(ignored("a|b*", "a/x"));
    assert!(ignored("a|b*", "x/b"));
    assert!(!ignored("a|b", "a"));
    assert!(ignored("ap{2}*", "app"));
    assert!(!ignored("ap{3}*", "app"));
    assert!(!ignored("*.{py,md}", "a.py"));
    assert!(ignored("*.{py,md}", "a.{py,md}"));
    assert!(Dockerignore::parse("*{2}").is_err());
}

#[test]
fn the_escapes_of_expressions_are_known() {
    assert!(ignored(r"\d.txt", "1.txt"));
    assert!(!ignored(r"\D.txt", "1.txt"));
    assert!(ignored(r"[\d].txt", "1.txt"));
    assert!(ignored("[[:digit:]].txt", "1.txt"));
    assert!(!ignored("[[:^digit:]].txt", "1.txt"));
    assert!(ignored(r"\x41*", "A"));
    assert!(ignored(r"\101*", "A"));
    assert!(ignored(r"app\b*", "app"));
    assert!(Dockerignore::parse(r"a\Pp*").is_ok());
}

#[test]
fn folders_divided_as_on_windows_are_told_apart_from_other_faults() {
    let error = |text: &str| Dockerignore::parse(text).unwrap_err().to_string();
    assert_eq!(
        error(r"app\modelos"),
        r".dockerignore:1: el patrón `app\modelos` no es válido: aquí las carpetas se separan con `/`, y no con `\`: escribe `app/modelos`"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_inside_of_itself(
        text in "([a-c/*?!.\\[\\]{}|^$0-9,\\\\ #\u{feff}ñ\t\r\n-]|\\*\\*/|\\PC){0,40}",
        path in "[a-c.ñ]{1,3}(/[a-c.ñ]{1,3}){0,4}",
    ) {
        let lines = text.lines().count();
        match Dockerignore::parse(&text) {
            Err(error) => prop_assert!((1..=lines).contains(&error.location.line)),
            Ok(ignore) => {
                let decision = ignore.decide(&path);
                prop_assert!(decision.line.is_none_or(|line| (1..=lines).contains(&line)));
                prop_assert!(decision.line.is_some() || !decision.ignored);
            }
        }
    }
}
