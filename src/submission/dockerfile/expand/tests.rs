//! Every form of a variable, and what is none.

use super::*;

fn read(text: &str) -> Expansion {
    let lookup = |name: &str| match name {
        "A" => Setting::Known("uno.dos.tres"),
        "E" => Setting::Known(""),
        "X" => Setting::Unknown,
        _ => Setting::Unset,
    };
    expand(text, '\\', &lookup, &mut Budget(1 << 20))
}

#[test]
fn every_form_gives_what_the_builder_gives() {
    for (text, value) in [
        ("$A-${A}", "uno.dos.tres-uno.dos.tres"),
        ("$N|${E:-x}|${E-x}|${N-x}|${N:-$A}", "|x||x|uno.dos.tres"),
        ("${A:+x}|${E:+x}|${E+x}|${N+x}", "x||x|"),
        ("${A?no}|${A:?no}", "uno.dos.tres|uno.dos.tres"),
        (
            "${A#*.}|${A##*.}|${A%.*}|${A%%.*}",
            "dos.tres|tres|uno.dos|uno",
        ),
        (
            "${A/o/0}|${A//o/0}|${A/.*./-}",
            "un0.dos.tres|un0.d0s.tres|uno-tres",
        ),
        (r#"'$A' "$E\"b\c" \$A d\ e"#, r#"$A "b\c $A d e"#),
        ("a$ $$ ${N:-a}b}", "a$  ab}"),
    ] {
        let read = read(text);
        assert_eq!(read.value.as_deref(), Some(value), "{text}: {read:?}");
    }
    assert_eq!(read("${X:-a}").value, None);
    assert_eq!(read("a$X").value, None);
    let named: Vec<_> = read("$A ${N:-$E} $1").variables;
    assert_eq!(
        named
            .iter()
            .map(|v| (v.name.as_str(), v.range.clone(), v.guarded))
            .collect::<Vec<_>>(),
        [("A", 0..2, false), ("E", 8..10, false), ("N", 3..11, true)]
    );
}

#[test]
fn what_the_builder_refuses_is_told_with_its_place() {
    for (text, range, part) in [
        ("a${A", 1..4, "le falta la llave"),
        ("a${A:-b", 1..7, "le falta la llave"),
        ("${}", 0..3, "no nombra ninguna"),
        ("${A!b}", 0..4, "no conoce la forma `!`"),
        ("${A:b}", 0..6, "no conoce la forma"),
        ("x'a", 1..3, "no se cierra"),
        ("x\"a", 1..3, "no se cierran"),
        ("${N:?falta}", 0..11, "«falta»"),
        ("${A/b}", 0..6, "busca/pon"),
    ] {
        let refusal = read(text).refusal.unwrap_or_else(|| panic!("{text}"));
        assert_eq!(refusal.range, range, "{text}: {}", refusal.message);
        assert!(
            refusal.message.contains(part),
            "{text}: {}",
            refusal.message
        );
    }
}

#[test]
fn defaults_in_defaults_without_end_are_left_unknown() {
    let deep = "${A:-".repeat(100_000);
    let read = read(&deep);
    assert_eq!(read.value, None);
    assert_eq!(read.refusal, None);
}
