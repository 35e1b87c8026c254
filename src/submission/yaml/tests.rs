use super::*;

fn one(text: &str) -> Node {
    parse(text, "c.yaml").unwrap().remove(0)
}

fn error(text: &str) -> String {
    let error = parse(text, "c.yaml").unwrap_err();
    format!(
        "{}:{}: {}",
        error.location.line, error.location.column, error.message
    )
}

fn show(node: &Node) -> String {
    match &node.value {
        Value::Scalar(s) if s.kind == Kind::Text => format!("{:?}", s.text),
        Value::Scalar(s) if s.kind == Kind::Null => "null".to_owned(),
        Value::Scalar(s) => s.to_text(),
        Value::Seq(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(",")),
        Value::Map(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|f| format!("{}:{}", f.key, show(&f.value)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
    }
}

#[test]
fn every_key_and_value_knows_its_place() {
    let node = one("services:\n  web:\n    image: \"nginx\"  # c\n");
    let web = node.get("services").unwrap().field("web").unwrap();
    assert_eq!((web.location.line, web.location.column), (2, 3));
    let image = &web.value.field("image").unwrap().value;
    assert_eq!((image.location.line, image.location.column), (3, 12));
    assert_eq!(image.location.file, "c.yaml");
}

#[test]
fn a_column_counts_characters_and_a_byte_order_mark_does_not_count() {
    let node = one("\u{feff}ñandú: á\n");
    assert_eq!(node.map().unwrap()[0].key, "ñandú");
    assert_eq!(node.map().unwrap()[0].location.column, 1);
    assert_eq!(node.map().unwrap()[0].value.location.column, 8);
}

#[test]
fn scalars_have_the_types_that_compose_gives_them() {
    let kinds = [
        ("1000", "1000"),
        ("\"1000\"", "\"1000\""),
        ("0444", "292"),
        ("0o444", "292"),
        ("0x1F", "31"),
        ("1_000", "1000"),
        ("08", "8"),
        ("1.10", "1.1"),
        ("1e3", "1000"),
        ("1e21", "1e+21"),
        ("12345678901234567890123", "1.2345678901234568e+22"),
        ("0.00001", "1e-05"),
        ("123456.5", "123456.5"),
        ("1234567.5", "1.2345675e+06"),
        ("TRUE", "true"),
        ("yes", "\"yes\""),
        ("on", "\"on\""),
        ("~", "null"),
        ("''", "\"\""),
        ("22:22", "\"22:22\""),
        ("1.2.3", "\"1.2.3\""),
        ("!!str 5", "\"5\""),
        (".5", "0.5"),
        ("-", "[null]"),
        ("+-5", "\"+-5\""),
    ];
    for (written, meant) in kinds {
        let node = parse(&format!("{written}\n"), "c.yaml").unwrap().remove(0);
        assert_eq!(show(&node), meant, "{written}");
    }
    assert_eq!(one("2024-01-31").scalar().unwrap().kind, Kind::Date);
    assert_eq!(one("2024-13-31").scalar().unwrap().kind, Kind::Text);
}

#[test]
fn anchors_and_merge_keys_are_resolved_with_what_is_written_winning() {
    let node = one("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  z: 3\nd: *a\n");
    assert_eq!(show(node.get("c").unwrap()), "{z:3,x:1,y:1}");
    let d = node.get("d").unwrap();
    assert_eq!(show(d), "{x:1,y:1}");
    assert_eq!(d.location.line, 6);
    assert_eq!(node.get("c").unwrap().field("x").unwrap().location.line, 1);
    assert_eq!(show(&one("'<<': {a: 1}")), "{<<:{a:1}}");
}

#[test]
fn a_duplicate_key_names_both_places() {
    assert_eq!(
        error("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n"),
        "5:3: la clave `c` ya está escrita en la línea 3: deja solo una de las dos"
    );
}

#[test]
fn aliases_and_levels_without_measure_end_quickly() {
    let mut bomb = "a: &a [1,1,1,1,1,1,1,1,1]\n".to_owned();
    for (from, to) in ('a'..='h').zip('b'..='i') {
        bomb += &format!(
            "{to}: &{to} [*{from},*{from},*{from},*{from},*{from},*{from},*{from},*{from},*{from}]\n"
        );
    }
    assert!(error(&bomb).contains("los alias `*…` se multiplican sin medida"));
    assert!(error(&"[".repeat(100_000)).contains("demasiados niveles"));
    assert!(error(&"- ".repeat(10_000)).contains("demasiados niveles"));
    let mut chain = "a0: &a0 [1]\n".to_owned();
    for i in 1..200 {
        chain += &format!("a{i}: &a{i} [*a{}]\n", i - 1);
    }
    assert!(error(&chain).contains("niveles"));
    assert!(error("a: &a [*a]").contains("dentro de su propia ancla"));
}

#[test]
fn a_tab_is_named_as_a_tab() {
    assert_eq!(
        error("services:\n\tweb:\n\t\timage: a\n"),
        "2:2: la línea empieza con un tabulador y YAML solo admite espacios: cámbialo por espacios (dos por nivel)"
    );
}

#[test]
fn common_slips_are_explained_in_spanish() {
    assert!(
        error("a: b: c").contains("aquí no cabe otro `:`"),
        "{}",
        error("a: b: c")
    );
    assert!(
        error("a: \"x").contains("falta cerrar unas comillas"),
        "{}",
        error("a: \"x")
    );
    assert!(
        error("a: [1, 2").contains("falta cerrar un `[`"),
        "{}",
        error("a: [1, 2")
    );
    assert!(
        error("a: *x").contains("usa un alias"),
        "{}",
        error("a: *x")
    );
    assert!(
        error("a:\n  b: 1\n c: 2\n").contains("sangría"),
        "{}",
        error("a:\n  b: 1\n c: 2\n")
    );
    assert!(
        error("a: @x").contains("no puede empezar por `@`"),
        "{}",
        error("a: @x")
    );
    assert!(
        error("a: 1\nb\n").contains("le falta el `:`"),
        "{}",
        error("a: 1\nb\n")
    );
}

#[test]
fn the_tags_of_compose_are_kept() {
    let node = one("a: !reset null\nb: !override [1]\nc: !reset\nd: 1\n");
    assert_eq!(node.get("a").unwrap().tag, Some(Tag::Reset));
    assert_eq!(node.get("b").unwrap().tag, Some(Tag::Override));
    assert_eq!(node.get("c").unwrap().tag, Some(Tag::Reset));
    assert_eq!(node.get("c").unwrap().location.line, 3);
}

#[test]
fn several_documents_come_one_by_one() {
    assert_eq!(parse("a: 1\n---\nb: 2\n", "c.yaml").unwrap().len(), 2);
    assert!(parse("", "c.yaml").unwrap().is_empty());
    assert!(parse("# nada\n", "c.yaml").unwrap().is_empty());
}

#[test]
fn a_sign_that_starts_something_else_asks_for_quotes() {
    for text in [
        "a: [*]",
        "a: &",
        "a: | b",
        "a: [-]",
        "%YAML 3.0\n---\na: 1",
        "a: !x!y b",
    ] {
        let told = error(text);
        assert!(!told.contains("()"), "{text}: {told}");
    }
    assert_eq!(
        error("a: *\n"),
        "1:4: `*` empieza un alias y `&` un ancla, y aquí les falta el nombre: si quieres el carácter, escríbelo entre comillas"
    );
}

#[test]
fn a_block_at_the_end_of_a_file_without_last_line_break_has_none_either() {
    let last = |text: &str| one(text).get("a").and_then(Node::str).map(str::to_owned);
    assert_eq!(last("a: |\n  x\n  y").as_deref(), Some("x\ny"));
    assert_eq!(last("a: |\n  x\n  y\n").as_deref(), Some("x\ny\n"));
    assert_eq!(last("a: >\n  x\n  y\nb: 1").as_deref(), Some("x y\n"));
}

#[test]
fn a_key_that_is_no_text_asks_for_quotes() {
    assert_eq!(
        error("a: {80: x}\n"),
        "1:5: una clave tiene que ser un texto, y `80` no lo es: escríbela entre comillas, `\"80\"`"
    );
    assert_eq!(
        one("a: {\"80\": x, y: z}\n")
            .get("a")
            .unwrap()
            .map()
            .unwrap()
            .len(),
        2
    );
}
