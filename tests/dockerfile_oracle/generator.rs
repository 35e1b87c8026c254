//! Dockerfiles put together by chance, always the same ones.

/// xorshift64*: small, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        high as usize % below
    }

    fn one<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.next(list.len())]
    }
}

const KEYWORDS: &[&str] = &[
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "HEALTHCHECK",
    "HEALTHCHECK CMD",
    "LABEL",
    "MAINTAINER",
    "ONBUILD RUN",
    "ONBUILD COPY",
    "ONBUILD ENV",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
    "FROM",
    "env",
    "Copy",
    "HEALTHCHECK NONE",
    "ONBUILD",
];

const FLAGS: &[&str] = &[
    "--from=a",
    "--chown=1:1",
    "--interval=5s",
    "--retries=2",
    "--platform=linux/amd64",
    "--mount=type=cache,target=/c",
    "--mount=type=bind,source=x,target=/y",
    "--x",
    "--from",
    "--timeout=\"5s\"",
    "--chown='a b'",
    "--",
    "--from=a\\ b",
    "--interval=9",
];

const ARGS: &[&str] = &[
    "a",
    "a b",
    "a=b",
    "a=b c=d",
    "a=\"b c\"",
    "a='b c' d=e",
    "a=b c",
    "[\"a\", \"b\"]",
    "[\"a\"]",
    "[\"a\", 1]",
    "['a']",
    "[]",
    "80",
    "80 443/udp",
    "/app",
    "app # nota",
    "$A",
    "${A:-b}",
    "a=$B",
    "a=${B:-\"c d\"}",
    "a AS b",
    "a as 1",
    "scratch",
    "SIGTERM",
    "9",
    "\"a b\" c",
    "'a'",
    "=b",
    "a =b",
    "a\\ b c",
    "a=\"b\\\" c\"",
    "echo hola && ls -la",
    "NONE",
    "CMD x",
    "CMD [\"x\"]",
    "RUN ls",
    "ñ=ü",
    "",
    " ",
    "a=b\\\\",
    "\"",
    "a='",
    "[",
    "[\"a\",",
];

const JOINTS: &[&str] = &[
    " ",
    " ",
    " ",
    " ",
    "  ",
    "\t",
    " \\\n",
    " \\\n  ",
    "\\\n",
    " \\\n# nota\n ",
    " \\\n\n",
    " \\  \n ",
];

fn instruction(chance: &mut Chance) -> String {
    let mut text = chance.one(KEYWORDS).to_owned();
    for _ in 0..[0, 0, 0, 1, 1, 2][chance.next(6)] {
        text += chance.one(JOINTS);
        text += chance.one(FLAGS);
    }
    for _ in 0..[0, 1, 1, 1, 1, 2, 2][chance.next(7)] {
        text += chance.one(JOINTS);
        text += chance.one(ARGS);
    }
    text
}

/// Drops, doubles or inserts a character.
fn mutate(text: &mut String, chance: &mut Chance) {
    let places: Vec<_> = text.char_indices().collect();
    let Some(&(at, c)) = places.get(chance.next(places.len().max(1))) else {
        return;
    };
    match chance.next(3) {
        0 => {
            text.remove(at);
        }
        1 => text.insert(at, c),
        _ => {
            let odd = [
                '\\', '"', '\'', '#', '=', '$', '{', '[', ',', '\n', '\t', '-', '`', '<', 'é',
            ];
            text.insert(at, odd[chance.next(odd.len())]);
        }
    }
}

/// That many files.
pub fn files(number: usize) -> Vec<(String, String)> {
    let mut chance = Chance(0x6d75_656c_6c65_2e31);
    let mut files = Vec::new();
    for index in 0..number {
        let mut text = chance
            .one(&["", "", "", "", "# escape=`\n", "# nota\n\n", "ARG A=x\n"])
            .to_owned();
        text += chance.one(&[
            "FROM scratch\n",
            "FROM scratch\n",
            "FROM scratch\n",
            "FROM scratch AS a\n",
            "from $A\n",
        ]);
        for _ in 0..=chance.next(3) {
            let mut instruction = instruction(&mut chance);
            if chance.next(3) == 0 {
                mutate(&mut instruction, &mut chance);
            }
            text += &instruction;
            text += chance.one(&["\n", "\n", "\n\n", "\n# nota\n", "  \n"]);
        }
        if chance.next(6) == 0 {
            text = text.replace('\n', "\r\n");
        }
        files.push((format!("generated {index}"), text));
    }
    files
}
