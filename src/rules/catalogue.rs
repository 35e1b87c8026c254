//! Every rule, by topic.

use super::{
    Rule, Topic, apt, base, command, comments, compose_base, compose_build, compose_health, context,
    data, depends, entry_script, env, env_files, exposure, health, hosts, ignore_file, limits,
    networks, order, port_agreement, ports, privileges, requirements, run, secrets, syntax, user,
    variables, volumes,
};

/// Every topic, in the order of the course; each topic's file holds its rules.
pub static CATALOGUE: [&Topic; 30] = [
    &syntax::TOPIC,
    &base::TOPIC,
    &comments::TOPIC,
    &order::TOPIC,
    &run::TOPIC,
    &apt::TOPIC,
    &variables::TOPIC,
    &user::TOPIC,
    &command::TOPIC,
    &health::TOPIC,
    &context::TOPIC,
    &ignore_file::TOPIC,
    &entry_script::TOPIC,
    &requirements::TOPIC,
    &compose_base::TOPIC,
    &compose_build::TOPIC,
    &ports::TOPIC,
    &exposure::TOPIC,
    &port_agreement::TOPIC,
    &depends::TOPIC,
    &compose_health::TOPIC,
    &limits::TOPIC,
    &volumes::TOPIC,
    &data::TOPIC,
    &env::TOPIC,
    &env_files::TOPIC,
    &secrets::TOPIC,
    &networks::TOPIC,
    &hosts::TOPIC,
    &privileges::TOPIC,
];

/// Every rule.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    CATALOGUE.iter().flat_map(|topic| topic.rules)
}

/// The rule called `id`.
pub fn find(id: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id == id)
}

/// The rules whose ids are nearest to `id`, for «¿quisiste decir…?».
pub fn similar(id: &str) -> Vec<&'static str> {
    let mut near: Vec<(f64, &'static str)> = all()
        .map(|rule| (strsim::jaro_winkler(id, rule.id), rule.id))
        .filter(|(likeness, _)| *likeness > 0.8)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().map(|(_, id)| id).take(3).collect()
}
