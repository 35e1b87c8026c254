//! Every rule, by topic.

use super::{
    Rule, Topic, compose_base, compose_health, data, depends, env, env_files, exposure, hosts,
    limits, networks, ports, privileges, secrets, syntax, volumes,
};

/// Every topic, in the order of the course; each topic's file holds its rules.
pub static CATALOGUE: [&Topic; 15] = [
    &syntax::TOPIC,
    &compose_base::TOPIC,
    &ports::TOPIC,
    &exposure::TOPIC,
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
