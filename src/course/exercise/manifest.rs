//! The shape of an `exercise.toml`, as serde reads it and as the JSON Schema describes it.
//!
//! No `flatten`, no untagged or internally tagged enums: their errors lose their place in the file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// The whole file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    title = "Ejercicio de muelle",
    description = "Un ejercicio: qué se pide, con qué se empieza y cómo se comprueba."
)]
pub(crate) struct Manifest {
    #[schemars(with = "String", regex(pattern = r"^[a-z0-9]+(-[a-z0-9]+)*$"))]
    #[schemars(description = "Nombre corto y único: minúsculas, cifras y guiones.")]
    pub id: Spanned<String>,
    #[schemars(
        with = "String",
        length(min = 1),
        description = "El título que ve el estudiante."
    )]
    pub title: Spanned<String>,
    #[schemars(
        with = "String",
        description = "Página del libro, con ancla si hace falta: `02-dockerfile.html#health-check`."
    )]
    pub lesson: Spanned<String>,
    #[schemars(
        with = "String",
        length(min = 1),
        description = "De qué trata, en una línea."
    )]
    pub summary: Spanned<String>,
    #[schemars(
        with = "String",
        length(min = 1),
        description = "A dónde hay que llegar, en Markdown. Nombra todo aquello en lo que el verificador se apoya."
    )]
    pub goal: Spanned<String>,
    #[schemars(
        with = "Vec<String>",
        length(min = 3, max = 3),
        description = "Tres pistas, de la más vaga a la que casi resuelve."
    )]
    pub hints: Spanned<Vec<String>>,
    #[schemars(
        with = "Vec<String>",
        length(min = 1),
        description = "Imágenes base que la entrega puede usar."
    )]
    pub images: Spanned<Vec<String>>,
    #[serde(default)]
    #[schemars(
        description = "Direcciones que `ADD` puede descargar: una entera, o el comienzo de varias si termina en `/`. \
                       Si no se pone, ninguna."
    )]
    pub add_urls: Vec<String>,
    #[serde(default)]
    #[schemars(
        description = "Qué red tienen los pasos de la construcción; si no se pone, `index`."
    )]
    pub build_network: BuildNetwork,
    #[schemars(description = "El puerto en el que la app tiene que servir; si no se pone, 8000.")]
    pub port: Option<u16>,
    #[serde(default)]
    #[schemars(description = "De quién es cada archivo.")]
    pub files: Files,
    #[serde(default)]
    #[schemars(
        description = "Los servicios de Compose que pide el objetivo: su papel y su nombre."
    )]
    pub services: BTreeMap<String, String>,
    #[schemars(
        with = "Vec<ItemEntry>",
        length(min = 1),
        description = "La lista de comprobación, en orden."
    )]
    pub items: Spanned<Vec<ItemEntry>>,
}

/// What network the steps of a build have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BuildNetwork {
    /// Ninguna: todo lo que se instala está en la carpeta.
    None,
    /// Los índices de paquetes: para instalar con `pip`, `npm` o `apt`.
    #[default]
    Index,
}

/// `[files]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Files {
    #[serde(default)]
    #[schemars(
        description = "Si el ejercicio parte de la aplicación compartida, `exercises/_app`."
    )]
    pub app: bool,
    #[serde(default)]
    #[schemars(
        with = "Vec<String>",
        description = "Archivos de `_app` que este ejercicio no tiene."
    )]
    pub omit: Vec<Spanned<String>>,
    #[schemars(
        description = "Patrones (`*`, `**`) de los archivos que escribe el estudiante; los demás del punto de partida son del curso. \
                       Si no se pone: los `Dockerfile`, `.dockerignore`, archivos de Compose y `.env`."
    )]
    pub student: Option<Vec<String>>,
}

/// One `[[items]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Item")]
pub(crate) struct ItemEntry {
    #[schemars(
        with = "String",
        length(min = 1),
        description = "Nombre único dentro del ejercicio, sin espacios."
    )]
    pub id: Spanned<String>,
    #[schemars(
        with = "String",
        length(min = 1),
        description = "Una afirmación corta que se puede comprobar."
    )]
    pub title: Spanned<String>,
    #[schemars(
        with = "f64",
        range(min = 0.0),
        description = "Puntos; con 0 el ítem solo bloquea a otros."
    )]
    pub points: Spanned<f64>,
    #[schemars(with = "String", description = "El experimento que lo decide.")]
    pub experiment: Spanned<String>,
    #[serde(default)]
    #[schemars(
        with = "Vec<String>",
        description = "Ítems que deben pasar para que este se pueda probar."
    )]
    pub blocked_by: Vec<Spanned<String>>,
    #[schemars(
        with = "Option<String>",
        description = "Página del libro de este ítem, si no es la del ejercicio."
    )]
    pub lesson: Option<Spanned<String>>,
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    #[schemars(description = "Los parámetros del experimento.")]
    pub with: toml::Table,
}
