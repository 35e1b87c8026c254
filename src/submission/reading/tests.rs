use super::*;

fn read(files: &[(&str, &str)]) -> Reading {
    let mut snapshot = Snapshot::default();
    for (path, text) in files {
        snapshot.insert(path, text.as_bytes().to_vec(), false);
    }
    Reading::of(snapshot)
}

#[test]
fn a_variable_that_only_the_caller_knows_is_no_fault() {
    let reading = read(&[(
        "compose.yaml",
        "services:\n  a:\n    image: x:${TAG:?di cuál}\n    ports: [\"${PORT}:80\"]\n",
    )]);
    assert!(reading.projects[0].errors.is_empty());
    let loaded = reading.projects[0].loaded.as_ref().expect("loads");
    assert!(
        loaded
            .variables
            .iter()
            .all(|variable| variable.found.is_none())
    );
    assert_eq!(reading.projects[0].assumed.len(), 1);
}

#[test]
fn a_variable_that_a_file_here_defines_wrongly_is_a_fault() {
    let compose = "services:\n  a:\n    image: x\n    ports: [\"${PORT}:80\"]\n";
    let reading = read(&[("compose.yaml", compose), (".env", "PORT=abc\n")]);
    assert_eq!(reading.projects[0].errors.len(), 1);
    let defaulted = compose.replace("PORT}", "PORT:-abc}");
    let reading = read(&[("compose.yaml", &defaulted)]);
    assert_eq!(reading.projects[0].errors.len(), 1);
}

#[test]
fn a_compose_file_that_only_holds_over_the_main_one_is_read_so() {
    let reading = read(&[
        ("compose.yaml", "services:\n  a:\n    image: x\n"),
        (
            "compose.debug.yaml",
            "services:\n  a:\n    ports: [\"80\"]\n",
        ),
    ]);
    let files: Vec<_> = reading
        .projects
        .iter()
        .map(|project| &project.files)
        .collect();
    assert_eq!(files[1], &["compose.yaml", "compose.debug.yaml"]);
    assert!(
        reading
            .projects
            .iter()
            .all(|project| project.errors.is_empty())
    );
}

#[test]
fn a_project_in_a_folder_below_is_read_from_there() {
    let reading = read(&[
        (
            "web/compose.yaml",
            "services:\n  a:\n    build: ./api\n    env_file: a.env\n",
        ),
        ("web/a.env", "A=1\n"),
        ("web/api/Dockerfile", "FROM scratch\n"),
        ("web/.env", "TAG=1\n"),
    ]);
    assert!(
        reading.projects[0].errors.is_empty(),
        "{:?}",
        reading.projects[0].errors
    );
    let build = reading.build_of(0, "a").expect("a build");
    assert_eq!(build.context, "web/api");
}
