use super::*;
use crate::submission::yaml::parse;

fn error(text: &str) -> String {
    let mut faults = check(&parse(text, "c.yaml").unwrap()[0]);
    assert!(!faults.is_empty(), "{text}");
    faults.remove(0).error.to_string()
}

fn service(body: &str) -> String {
    error(&format!("services:\n  api:\n    {body}\n"))
}

#[test]
fn an_unknown_key_gets_the_nearest_known_one() {
    assert_eq!(
        service("enviroment: {A: 1}"),
        "c.yaml:3: Compose no conoce la clave `enviroment` en `services.api` (¿querías decir `environment`?)"
    );
    assert_eq!(
        service("healthcheck: {inteval: 5s}"),
        "c.yaml:3: Compose no conoce la clave `inteval` en `services.api.healthcheck` (¿querías decir `interval`?)"
    );
}

#[test]
fn a_key_at_the_wrong_level_is_told_where_it_belongs() {
    assert_eq!(
        error("services: {}\nimage: x\n"),
        "c.yaml:2: Compose no conoce la clave `image` en la raíz del archivo: va dentro de un servicio, con más sangría bajo `services`; revisa la sangría de `image`"
    );
    assert!(error("api: {image: x}").ends_with("si es un servicio, va dentro de `services`"));
    assert!(service("services: {}").contains("va en la raíz"));
    assert!(service("healthcheck: {restart: always}").contains("va directamente en el servicio"));
}

#[test]
fn a_wrong_type_says_what_is_wanted_what_is_there_and_the_way_out() {
    assert_eq!(
        service("user: 1000"),
        "c.yaml:3: `services.api.user` tiene que ser un texto, y es un número entero (`1000`): escríbelo entre comillas, `\"1000\"`"
    );
    assert_eq!(
        service("healthcheck: {interval: 30}"),
        "c.yaml:3: `services.api.healthcheck.interval` tiene que ser un texto, y es un número entero (`30`): añade la unidad, `30s`"
    );
    assert_eq!(
        service("ports: 8000"),
        "c.yaml:3: `services.api.ports` tiene que ser una lista (`- …`), y es un número entero (`8000`): escribe `[8000]`"
    );
    assert!(service("environment:").contains("tiene que ser una lista (`- …`) o un mapa (`clave: valor`), y es un valor vacío: escribe un valor, o quita la clave"));
    assert!(error("- a\n").starts_with("c.yaml:1: el archivo tiene que ser un mapa"));
    assert!(service("environment: {A: [1]}").contains("`services.api.environment.A`"));
}

#[test]
fn a_value_outside_of_its_list_gets_the_list() {
    assert_eq!(
        service("depends_on: {db: {condition: service_healty}}"),
        "c.yaml:3: `services.api.depends_on.db.condition` no admite `service_healty` (¿querías decir `service_healthy`?): elige entre `service_started`, `service_healthy`, `service_completed_successfully`"
    );
    assert!(service("pull_policy: alwys").contains("¿querías decir `always`?"));
    assert!(service("container_name: n").contains("`n` no sirve para"));
    assert!(service("depends_on: {db: {}}").contains("le falta la clave `condition`"));
    assert!(service("oom_score_adj: 2000").contains("no puede ser mayor que 1000"));
    assert!(
        error("services: {'a b': {image: x}}").contains("`a b` no sirve como nombre en `services`")
    );
}

#[test]
fn a_text_that_cannot_be_cast_and_an_entry_that_is_there_twice_are_told() {
    assert_eq!(
        service("read_only: quizá"),
        "c.yaml:3: `services.api.read_only` tiene que ser `true` o `false`, y es `quizá`"
    );
    assert_eq!(
        service("scale: \"dos\""),
        "c.yaml:3: `services.api.scale` tiene que ser un número entero, y es `dos`"
    );
    assert_eq!(
        service("networks: [a, b, a]"),
        "c.yaml:3: `a` está dos veces en `services.api.networks`, también en la línea 3: deja solo una"
    );
    assert!(service("pull_policy: every_x").contains("no admite `every_x`"));
    assert!(service("environment: {A: .inf}").contains("no admite el número `.inf`"));
}

#[test]
fn what_the_specification_knows_passes() {
    let text = "name: x\nx-base: &b {a: 1}\nservices:\n  api:\n    x-any: {b: 1}\n    build: {context: ., args: {A: 1}}\n    ports: [8000, \"80:80\", {target: 1}]\n    read_only: yes\n    command:\n    environment: [A=1]\n    healthcheck: {test: [CMD, a], retries: \"3\"}\n    networks: {n: }\n    deploy: {replicas: \"2\", resources: {limits: {cpus: 0.5}}}\n    depends_on: {db: {condition: service_healthy, required: \"true\"}}\n    user: !reset 5\nvolumes: {v: }\n";
    let faults = check(&parse(text, "c.yaml").unwrap()[0]);
    assert!(faults.is_empty(), "{faults:?}");
}
