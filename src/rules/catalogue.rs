//! Every rule, by topic.

use super::{Rule, Topic, compose, dockerfile, folder, health, syntax};

/// Every topic, in the order of the course; each topic's file holds its rules.
pub static CATALOGUE: [&Topic; 38] = [
    &syntax::TOPIC,
    &dockerfile::base::TOPIC,
    &dockerfile::stages::TOPIC,
    &dockerfile::comments::TOPIC,
    &dockerfile::copies::TOPIC,
    &dockerfile::run::TOPIC,
    &dockerfile::failures::TOPIC,
    &dockerfile::pip::TOPIC,
    &dockerfile::apt::TOPIC,
    &dockerfile::leftovers::TOPIC,
    &dockerfile::variables::TOPIC,
    &dockerfile::secrets::TOPIC,
    &dockerfile::user::TOPIC,
    &dockerfile::ownership::TOPIC,
    &dockerfile::command::TOPIC,
    &dockerfile::brackets::TOPIC,
    &dockerfile::listening::TOPIC,
    &health::TOPIC,
    &dockerfile::retired::TOPIC,
    &folder::context::TOPIC,
    &folder::ignore_file::TOPIC,
    &folder::entry_script::TOPIC,
    &folder::requirements::TOPIC,
    &compose::base::TOPIC,
    &folder::compose_build::TOPIC,
    &compose::ports::TOPIC,
    &compose::exposure::TOPIC,
    &folder::port_agreement::TOPIC,
    &compose::depends::TOPIC,
    &compose::limits::TOPIC,
    &compose::volumes::TOPIC,
    &compose::data::TOPIC,
    &compose::env::TOPIC,
    &compose::env_files::TOPIC,
    &compose::secrets::TOPIC,
    &compose::networks::TOPIC,
    &compose::hosts::TOPIC,
    &compose::privileges::TOPIC,
];

/// Every rule.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    CATALOGUE.iter().flat_map(|topic| topic.rules)
}

/// The rule called `id`.
pub fn find(id: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id == id)
}
