//! What is read from whole files.

use super::*;

fn read(text: &str) -> Dockerfile {
    Dockerfile::read("Dockerfile", text.as_bytes(), &BTreeMap::new()).expect("reads")
}

#[test]
fn stages_are_no_base_images_and_arguments_are_expanded() {
    let file = read(
        "ARG VERSION=3.11\nARG BASE=python:${VERSION}-slim\nFROM ${BASE} AS Base\nFROM base\nFROM scratch\nFROM python:$VERSION\n",
    );
    let bases = file.bases();
    let images: Vec<_> = bases.iter().map(|base| base.image.as_deref()).collect();
    assert_eq!(images, [Some("python:3.11-slim"), Some("python:3.11")]);
    assert_eq!(bases[1].location.line, 6);
}

#[test]
fn a_step_is_found_by_the_name_that_either_builder_gives_it() {
    let file = read("FROM x\n# nota\nRUN apt-get update \\\n # y esto\n  && true\nUSER 1\n");
    let line = |name| file.step(name).map(|at| at.line);
    assert_eq!(line("[2/3] RUN apt-get update   && true"), Some(3));
    assert_eq!(line("Step 3/3 : USER 1"), Some(6));
    assert_eq!(line("Step 3/3 : USER 2"), None);
    assert_eq!(file.last("USER").map(|at| at.line), Some(6));
}

#[test]
fn a_binary_file_is_told_from_a_dockerfile_that_the_builder_refuses() {
    let read = |bytes: &[u8]| Dockerfile::read("Dockerfile", bytes, &BTreeMap::new());
    assert!(read(b"\x7fELF\x00\x01").is_err());
    assert!(read(b"FROM x\nRUN \xff\n").is_err_and(|e| e.location.line == 2));
    assert!(read(b"# nada\n").is_err());
    assert!(read(b"FORM x\n").is_ok());
}

#[test]
fn what_only_newer_builders_know_is_no_fault_of_the_file() {
    let file = read("FROM x\nRUN <<EOF\necho hola\nEOF\nCOPIA a b\n");
    let (what, at) = file
        .beyond(
            "dockerfile parse error line 3: unknown instruction: ECHO",
            false,
        )
        .expect("beyond");
    assert!(what.contains("heredocs"));
    assert_eq!(at.map(|at| at.line), Some(2));

    let newer = "dockerfile parse error line 5: unknown instruction: COPIA";
    assert!(file.beyond(newer, true).is_none());

    let file = read("FROM x\nCOPY --link a b\nCOPY --lonk a b\n");
    assert!(
        file.beyond("dockerfile parse error line 2: Unknown flag: link", false)
            .is_some()
    );
    assert!(
        file.beyond("dockerfile parse error line 3: Unknown flag: lonk", false)
            .is_none()
    );
    assert!(
        file.beyond(
            "dockerfile parse error line 3: unknown instruction: COPIA",
            false
        )
        .is_none()
    );
    assert!(
        file.beyond(
            "executor failed running [/bin/sh -c false]: exit code: 1",
            false
        )
        .is_none()
    );
}

#[test]
fn a_syntax_line_loses_its_power_and_nothing_else_changes() {
    let file = read("# syntax=docker/dockerfile:1\nFROM x\n");
    assert_eq!(
        file.without_syntax(),
        "#: syntax=docker/dockerfile:1\nFROM x\n"
    );
    let file = read("# syntax importa\nFROM x\n");
    assert_eq!(file.without_syntax(), "# syntax importa\nFROM x\n");
}

/// Line, column and message of every fault.
fn faults(text: &str) -> String {
    let file = read(text);
    let faults = file.faults.iter().map(|fault| {
        let at = file.location(fault.span);
        format!("{}:{}: {}", at.line, at.column, fault.message)
    });
    faults.collect::<Vec<_>>().join("\n")
}

#[test]
fn one_bad_line_does_not_hide_the_others() {
    let text = "FROM python:3.11-slim # base\nWORKDIR /app\nCOPI . .\nENV A=1 # nota\nCOPY --form=x a b\nRUN <<EOF\necho\n EOF\nEXPOSE 8000 # puerto\nHEALTHCHECK --interval=30 CMD true\nCMD [\"python\", 8000]\n";
    insta::assert_snapshot!(faults(text), @r#"
1:23: `FROM` lleva una imagen, y si acaso `AS` y un nombre: `FROM imagen` o `FROM imagen AS nombre`. Lo que va detrás de `#` no es un comentario aquí: los comentarios van en su propia línea
3:1: la instrucción `COPI` no existe; ¿quisiste decir `COPY`?
4:9: `# nota` no tiene la forma `nombre=valor` que `ENV` espera. Lo que va detrás de `#` no es un comentario aquí: los comentarios van en su propia línea
5:6: `COPY` no tiene la opción `--form`; ¿quisiste decir `--from`?
6:5: el heredoc `EOF` no se cierra: la línea que lo cierra lleva solo `EOF`, sin espacios delante ni detrás, y la que hay más abajo los tiene
9:13: `EXPOSE #` no es un puerto. Lo que va detrás de `#` no es un comentario aquí: los comentarios van en su propia línea
10:24: `--interval` es un tiempo con su unidad, como `30s` o `1m30s`, no `30`
11:16: en la forma de lista todo va entre comillas dobles: `"8000"`
"#);
    let keywords: Vec<_> = read(text).instructions.iter().map(|i| i.keyword).collect();
    assert_eq!(
        keywords,
        [
            "FROM",
            "WORKDIR",
            "ENV",
            "COPY",
            "RUN",
            "EXPOSE",
            "HEALTHCHECK"
        ]
    );
}

#[test]
fn what_is_missing_is_named_with_an_example() {
    let text = "ENV A\nFROM scratch AS 1a\nENV\nENV =x\nARG\nCOPY a\nUSER\nSHELL bash\nONBUILD FROM x\nHEALTHCHECK curl x\nSTOPSIGNAL SIGTRM\nENV B=${A:-x\nRUN --mount=type=cahe,target=/x ls\nVOLUME [\"\"]\nFROM Python\nFROM $NADA\n";
    insta::assert_snapshot!(faults(text), @r#"
1:5: a `ENV A` le falta el valor: `ENV A=valor`
2:17: `1a` no puede ser el nombre de una etapa: empieza por una letra y sigue con letras sin tilde, cifras, `-`, `_` o `.`
3:1: a `ENV` le falta el nombre y el valor: `ENV NOMBRE=valor`
4:5: falta el nombre delante del `=`, y va sin espacios: `ENV NOMBRE=x`
5:1: a `ARG` le falta el nombre: `ARG VERSION` o `ARG VERSION=3.11`
6:6: `COPY` necesita qué copiar y adónde: `COPY app.py /app/`
7:1: a `USER` le falta el usuario: `USER app`
8:7: `SHELL` solo admite la forma de lista, con comillas dobles y nada detrás: `SHELL ["/bin/bash", "-c"]`
9:9: `ONBUILD` no puede aplazar un `FROM`: escribe esa instrucción sin `ONBUILD`, o quítala
10:13: delante de la orden va `CMD`: `HEALTHCHECK CMD curl …`
11:12: `SIGTRM` no es una señal; ¿quisiste decir `SIGTERM`?
12:7: a `${A` le falta la llave `}` que cierra
13:18: `type` en `--mount` admite bind, cache, tmpfs, secret, ssh, no `cahe`; ¿quisiste decir `cache`?
14:9: un volumen no puede ser un texto vacío: escribe su carpeta o quítalo
15:6: el nombre de una imagen va en minúsculas: `FROM python`
16:6: `FROM $NADA` se queda sin imagen: las variables que lleva no tienen valor aquí. Dales uno con `ARG NOMBRE=valor` encima del primer `FROM`
"#);
}

#[test]
fn a_file_without_from_is_told_once() {
    insta::assert_snapshot!(faults("RUN a\nRUN b\n"), @r#"
1:1: falta la línea `FROM`, que dice de qué imagen se parte: es la primera instrucción de un Dockerfile
"#);
    insta::assert_snapshot!(faults("ARG A=1\n"), @r#"
1:1: falta la línea `FROM`, que dice de qué imagen se parte: sin ella no hay nada que construir
"#);
    insta::assert_snapshot!(faults("RUN a\nFROM x\n"), @r#"
1:1: encima del primer `FROM` solo puede ir `ARG`: baja esta línea detrás del `FROM`
"#);
    insta::assert_snapshot!(faults("FORM x\nRUN b\n"), @r#"
1:1: la instrucción `FORM` no existe; ¿quisiste decir `FROM`?
"#);
}

#[test]
fn arguments_above_from_reach_a_stage_only_when_it_asks_for_them() {
    let file = read(
        "ARG V=3\nFROM python:$V AS a\nARG V\nENV A=$V P=$PATH N=$NADA H=$HTTP_PROXY T=$TARGETARCH\nFROM a\nENV B=$A C=$V\nFROM scratch\nENV D=$V\n",
    );
    let said: Vec<_> = file
        .instructions
        .iter()
        .flat_map(|instruction| instruction.words())
        .flat_map(|word| &word.variables)
        .map(|v| (v.name.as_str(), v.defined))
        .collect();
    assert_eq!(
        said,
        [
            ("V", true),
            ("V", true),
            ("PATH", true),
            ("NADA", false),
            ("HTTP_PROXY", true),
            ("TARGETARCH", false),
            ("A", true),
            ("V", true),
            ("V", false),
        ]
    );
    let value = |index: usize, pair: usize| {
        let pairs = file.instructions[index].pairs();
        pairs[pair]
            .value
            .as_ref()
            .and_then(|word| word.value.clone())
    };
    assert_eq!(value(3, 0).as_deref(), Some("3"));
    assert_eq!(value(3, 1), None);
    assert_eq!(value(3, 2), None);
    assert_eq!(value(5, 0).as_deref(), Some("3"));
    assert_eq!(value(7, 0).as_deref(), Some(""));
}

#[test]
fn stages_know_what_they_are_built_on() {
    let file = read("FROM x AS Uno\nRUN a\nFROM uno AS dos\nFROM scratch\nFROM dos\nUSER b\n");
    let bases: Vec<_> = file.stages.iter().map(|stage| stage.base.clone()).collect();
    assert_eq!(
        bases,
        [
            StageBase::Image(Some("x".into())),
            StageBase::Stage(0),
            StageBase::Scratch,
            StageBase::Stage(1),
        ]
    );
    let lineage: Vec<_> = file.lineage(3).map(|stage| stage.index).collect();
    assert_eq!(lineage, [1, 0]);
    let last = file.final_stage().expect("a stage");
    let keywords: Vec<_> = file
        .stage_instructions(last.index)
        .map(|i| i.keyword)
        .collect();
    assert_eq!(keywords, ["FROM", "USER"]);
    assert_eq!(file.stage_named("UNO", 3).map(|stage| stage.index), Some(0));
    assert_eq!(file.stage_named("2", 3).map(|stage| stage.index), Some(2));
    assert_eq!(file.stage_named("dos", 1), None);
    assert_eq!(file.location(last.span).line, 5);
}

#[test]
fn heredocs_are_read_whole_and_the_shell_gets_their_text() {
    let file = read(
        "FROM x\nRUN <<-\"EOF\"\n\tuno\n\t\tdos\n\tEOF\nRUN cat <<A \\\n  <<B > c\na\nA\nb\nB\nCOPY <<X y /z/\nx\nX\nUSER u\n",
    );
    assert_eq!(file.faults, []);
    let [_, first, second, copy, user] = file.instructions.as_slice() else {
        panic!("{file:#?}");
    };
    let command = first.command().expect("a command");
    let shell = command.shell_text().expect("shell form");
    assert_eq!(shell.text, "uno\ndos\n");
    assert_eq!(
        file.location(shell.place(4, 7)),
        Location {
            file: "Dockerfile".into(),
            line: 4,
            column: 3
        }
    );
    assert!(!first.heredocs[0].expands && first.heredocs[0].strips_tabs);
    let bodies: Vec<_> = second
        .heredocs
        .iter()
        .map(|h| &file.text[h.body.start..h.body.end])
        .collect();
    assert_eq!(bodies, ["a\n", "b\n"]);
    let Kind::Transfer(transfer) = &copy.kind else {
        panic!("no COPY")
    };
    assert_eq!(
        transfer.sources.iter().map(Word::text).collect::<Vec<_>>(),
        ["y"]
    );
    assert_eq!(copy.heredocs[0].name, "X");
    assert!(user.is("USER"));
}

#[test]
fn a_broken_array_is_the_shells_and_says_so() {
    let file = read("FROM x\nCMD ['a']\nCMD [\"a\"]\nCMD [\"a\"] # b\nRUN ls\n");
    let broken: Vec<_> = file
        .instructions
        .iter()
        .filter_map(|i| i.command())
        .map(|c| c.broken_array)
        .collect();
    assert_eq!(broken, [true, false, true, false]);
}

#[test]
fn places_are_right_with_a_byte_order_mark_crlf_and_accents() {
    let file = read("\u{feff}FROM x\r\n# ñ\r\nENV Ñ=\"é $A\" \\\r\n  B=2\r\n");
    let pairs = file.instructions[1].pairs();
    let at = |span| {
        let start = file.location(span);
        (start.line, start.column, file.end(span))
    };
    let value = pairs[0].value.as_ref().expect("a value");
    assert_eq!(at(value.span), (3, 7, (3, 13)));
    assert_eq!(at(value.variables[0].span), (3, 10, (3, 12)));
    assert_eq!(at(pairs[1].name.span), (4, 3, (4, 4)));
    assert_eq!(at(file.comments[0]), (2, 1, (2, 4)));
}

#[test]
fn other_directives_keep_their_power_when_syntax_loses_its() {
    let file = read("# syntax=a\n# escape=`\nFROM x\nRUN a `\n b\n");
    let sent = file.without_syntax();
    assert_eq!(sent, "# escape=`\n#: syntax=a\nFROM x\nRUN a `\n b\n");
    assert_eq!(read(&sent).escape, '`');
}

#[test]
fn a_build_argument_without_default_leaves_its_place_to_the_forms_default() {
    let file = read("ARG BASE\nFROM ${BASE:-python:3.11-slim}\nFROM $BASE\n");
    let images: Vec<_> = file.bases().into_iter().map(|base| base.image).collect();
    assert_eq!(images, [Some("python:3.11-slim".to_owned()), None]);
    assert_eq!(file.faults, []);

    let given = BTreeMap::from([("BASE".to_owned(), "alpine".to_owned())]);
    let file = Dockerfile::read("Dockerfile", file.text.as_bytes(), &given).expect("reads");
    let images: Vec<_> = file.bases().into_iter().map(|base| base.image).collect();
    assert_eq!(
        images,
        [Some("alpine".to_owned()), Some("alpine".to_owned())]
    );
}
