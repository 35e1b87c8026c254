//! Whole projects: which file wins, which is needed, what can be used where.

/// Files of one project, by path.
pub type Files = &'static [(&'static str, &'static str)];

macro_rules! service {
    ($body:literal) => {
        (
            "compose.yaml",
            concat!("services:\n  s:\n    image: x\n", $body),
        )
    };
}

/// Projects that someone thought of.
pub const PROJECTS: &[Files] = &[
    &[service!("    env_file: a.env\n"), ("a.env", "A=1\n")],
    &[
        service!("    env_file: [a.env, b.env]\n"),
        ("a.env", "A=1\nB=1\n"),
        ("b.env", "B=2\nC=2\n"),
    ],
    &[
        service!("    env_file: [b.env, a.env]\n"),
        ("a.env", "A=1\nB=1\n"),
        ("b.env", "B=2\nC=2\n"),
    ],
    &[
        service!("    env_file: [a.env, a.env]\n"),
        ("a.env", "A=1\nB=$A\n"),
    ],
    &[
        service!("    env_file: [a.env, b.env]\n"),
        ("a.env", "A=1\n"),
        ("b.env", "B=$A\nA=2\nC=$A\n"),
    ],
    &[
        service!("    env_file: [a.env, b.env]\n"),
        ("a.env", "A=1\n"),
        ("b.env", "A\nB=${A:-d}\n"),
    ],
    &[
        service!("    env_file: [a.env, b.env]\n"),
        ("a.env", "S=1\nE=1\n"),
        ("b.env", "A=$S\nB=$E\n"),
    ],
    &[
        service!("    env_file: [a.env, b.env]\n"),
        ("a.env", "U\nA=1\n"),
        ("b.env", "B=${U-no}\n"),
    ],
    &[
        service!("    env_file: a.env\n    environment:\n      A: mapa\n"),
        ("a.env", "A=1\nB=$A\n"),
    ],
    &[
        service!("    env_file: a.env\n    environment: [A=lista, B]\n"),
        ("a.env", "A=1\nB=2\nC=$B\n"),
    ],
    &[
        service!("    env_file: a.env\n    environment:\n      A:\n"),
        ("a.env", "A=1\nB=$A\n"),
    ],
    &[
        service!("    env_file: a.env\n    environment:\n      A: ''\n"),
        ("a.env", "A=1\nB=${A:-vacía}\n"),
    ],
    &[
        service!("    env_file: a.env\n    environment:\n      S:\n      U:\n"),
        ("a.env", "S=1\nU=1\n"),
    ],
    &[
        service!("    env_file: a.env\n    environment:\n      X: $A\n"),
        ("a.env", "A=1\n"),
    ],
    &[
        service!("    env_file: a.env\n    environment:\n      X: $A\n"),
        ("a.env", "A=1\n"),
        (".env", "A=punto\n"),
    ],
    &[
        service!("    env_file: a.env\n"),
        ("a.env", "B=$A\n"),
        (".env", "A=punto\n"),
    ],
    &[
        service!("    env_file: a.env\n"),
        ("a.env", "A\nB=1\n"),
        (".env", "A=punto\n"),
    ],
    &[
        service!("    env_file: a.env\n"),
        ("a.env", "A=1\nB=$A\n"),
        (".env", "A=punto\n"),
    ],
    &[
        service!("    env_file: a.env\n"),
        ("a.env", "S=1\nB=$S\n"),
        (".env", "S=punto\n"),
    ],
    &[
        service!("    env_file: .env\n"),
        (".env", "A=1\nB=\"$A\"\nS=punto\nC=$S\n"),
    ],
    &[
        service!("    env_file: .env\n    environment:\n      A: $B\n"),
        (".env", "A=1\nB='a # b'\n"),
    ],
    &[
        service!("    environment:\n      A: $A\n      S: $S\n      E: ${E:-vacía}\n"),
        (".env", "A=1\nS=punto\nE=punto\n"),
    ],
    &[
        service!("    environment:\n      A:\n      S:\n      U:\n"),
        (".env", "A=1\nS=punto\n"),
    ],
    &[
        service!("    environment: [A, S, U, B=$A]\n"),
        (".env", "A=1\nS=punto\n"),
    ],
    &[
        service!("    environment:\n      A: ${A:?falta}\n"),
        (".env", "A=\n"),
    ],
    &[
        service!("    environment:\n      A: ${A?falta}\n"),
        (".env", "A=\n"),
    ],
    &[service!("    env_file: no.env\n")],
    &[service!("    env_file: [{path: no.env}]\n")],
    &[service!("    env_file: [{path: no.env, required: true}]\n")],
    &[service!(
        "    env_file: [{path: no.env, required: false}]\n"
    )],
    &[service!(
        "    env_file: [{path: no.env, required: 'false'}]\n"
    )],
    &[
        service!("    env_file: [{path: no.env, required: false}, a.env]\n"),
        ("a.env", "A=1\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, required: false}]\n"),
        ("a.env", "A=1\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, required: false}]\n"),
        ("a.env", "A B=1\n"),
    ],
    &[
        service!("    env_file: {path: a.env}\n"),
        ("a.env", "A=1\n"),
    ],
    &[service!("    env_file: []\n")],
    &[service!("    env_file:\n")],
    &[service!("    env_file: ''\n")],
    &[service!("    env_file: [{required: false}]\n")],
    &[
        service!("    env_file: [{path: a.env, format: raw}]\n"),
        ("a.env", "A=\"1\" # c\nB='$S'\nC=$S\n# D=1\nE= x \n"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: raw}]\n"),
        ("a.env", "A=1\r\nB=2\r\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: raw}]\n"),
        ("a.env", "\u{feff}A=1\nB=2\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: raw}]\n"),
        ("a.env", "A\nS\nU\nB=1\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: raw}]\n"),
        ("a.env", "A=1\nS"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: raw}]\n"),
        ("a.env", "A B=1\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: raw}]\n"),
        ("a.env", " A=1\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: raw}]\n"),
        ("a.env", "\tA=1\n  # c\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: raw}]\n"),
        ("a.env", "A =1\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: raw}]\n"),
        ("a.env", "=1\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: raw}]\n"),
        ("a.env", "A==1=\n\n\nB\\n=\\n\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: raw}]\n"),
        ("a.env", "export A=1\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: raw}]\n"),
        ("a.env", "A: 1\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: raw}]\n"),
        ("a.env", "A=${U:?falta}\nB=${\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: raw}]\n"),
        ("a.env", "A=\"x\ny\"\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: raw}]\n"),
        ("a.env", "A=1\nA=2\nA+B=3\nñ=4\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: raw}]\n"),
        ("a.env", ""),
    ],
    &[
        service!("    env_file: [{path: a.env, format: nada}]\n"),
        ("a.env", "A=1\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: ''}]\n"),
        ("a.env", "A='1'\n"),
    ],
    &[
        service!("    env_file: [a.env, {path: b.env, format: raw}]\n"),
        ("a.env", "A=1\n"),
        ("b.env", "A='2'\nB=$A\n"),
    ],
    &[
        service!("    env_file: [{path: a.env, format: raw}, b.env]\n"),
        ("a.env", "A=$S\n"),
        ("b.env", "B=$A\n"),
    ],
    &[
        service!("    env_file: ./conf/a.env\n"),
        ("conf/a.env", "A=1\n"),
    ],
    &[
        service!("    env_file: conf/../a.env\n"),
        ("a.env", "A=1\n"),
        ("conf/x", ""),
    ],
    &[
        service!("    env_file: $F\n"),
        (".env", "F=a.env\n"),
        ("a.env", "A=1\n"),
    ],
    &[service!("    env_file: ${F:-a.env}\n"), ("a.env", "A=1\n")],
    &[
        service!("    env_file: a.env\n"),
        ("a.env", "A=1\n"),
        (".env", "A B=1\n"),
    ],
    &[
        service!("    env_file: a.env\n"),
        ("a.env", "A=1\n"),
        (".env", "B=${U:?falta}\n"),
    ],
    &[
        (
            "compose.yaml",
            "services:\n  s:\n    image: x\n    env_file: a.env\n",
        ),
        (
            "compose.override.yaml",
            "services:\n  s:\n    env_file: b.env\n",
        ),
        ("a.env", "A=1\nB=1\n"),
        ("b.env", "B=2\n"),
    ],
    &[
        (
            "compose.yaml",
            "services:\n  s:\n    image: x\n    env_file: a.env\n    environment:\n      A: base\n",
        ),
        (
            "compose.override.yaml",
            "services:\n  s:\n    environment:\n      B: encima\n",
        ),
        ("a.env", "A=1\nB=1\nC=$A$B\n"),
    ],
    &[
        (
            "compose.yaml",
            "services:\n  s:\n    image: x\n    env_file: a.env\n",
        ),
        (
            "compose.override.yaml",
            "services:\n  s:\n    env_file: !override [b.env]\n",
        ),
        ("a.env", "A=1\n"),
        ("b.env", "B=2\n"),
    ],
    &[
        (
            "compose.yaml",
            "services:\n  s:\n    extends: {file: base/c.yaml, service: b}\n    env_file: a.env\n",
        ),
        (
            "base/c.yaml",
            "services:\n  b:\n    image: x\n    env_file: a.env\n",
        ),
        ("base/a.env", "A=base\nB=base\n"),
        ("a.env", "A=1\n"),
    ],
];
