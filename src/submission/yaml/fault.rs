//! What the YAML parser complains about, in Spanish and with the way out.

use granit_parser::{ErrorKind, ScanError};

/// The message for a parser's error; `line` is the text of the line it points at.
pub(super) fn message(error: &ScanError, line: &str) -> String {
    use ErrorKind as E;
    let advice = match error.kind() {
        _ if line.trim_start_matches(' ').starts_with('\t') => {
            "la línea empieza con un tabulador y YAML solo admite espacios: cámbialo por espacios (dos por nivel)"
        }
        // A tab can also show up as the character that may start nothing.
        E::TabNotAllowed
        | E::TabInBlockIndentation
        | E::TabInIndentation
        | E::TabAtBlockScalarStart
        | E::TabInPlainScalar
        | E::UnexpectedCharacter { character: '\t' } => {
            "hay un tabulador donde YAML solo admite espacios: cámbialo por espacios"
        }
        E::UnexpectedCharacter { character } => {
            return format!(
                "un valor no puede empezar por `{character}`: escríbelo entre comillas"
            );
        }
        E::MissingAnchorOrAliasName => {
            "`*` empieza un alias y `&` un ancla, y aquí les falta el nombre: si quieres el carácter, escríbelo entre comillas"
        }
        E::UndeclaredTagHandle
        | E::InvalidTagTerminator
        | E::MissingTagUri
        | E::InvalidTagEscape
        | E::UnclosedVerbatimTag => {
            "`!` empieza una etiqueta y esta no existe: si quieres el carácter, escribe el valor entre comillas"
        }
        E::InvalidBlockScalarHeader | E::ZeroBlockScalarIndent => {
            "detrás de `|` o `>` no va nada más en la línea: el texto empieza en la siguiente, con más sangría"
        }
        E::PlainScalarStartsWithDashFlowIndicator | E::UnexpectedEndOfPlainScalar => {
            "este valor necesita comillas"
        }
        E::UnknownAnchor => "usa un alias `*nombre` cuyo ancla `&nombre` no está escrita antes",
        E::RecursionLimitExceeded => "hay demasiados niveles, unos dentro de otros",
        E::UnclosedQuotedScalar => "falta cerrar unas comillas",
        E::InvalidTrailingSingleQuotedScalar | E::InvalidTrailingDoubleQuotedScalar => {
            "sobra texto detrás de las comillas de cierre: pon entre comillas el valor entero"
        }
        E::UnknownQuotedScalarEscape | E::InvalidQuotedScalarHexEscape => {
            "dentro de comillas dobles, `\\` empieza un escape y este no existe: duplica la barra o usa comillas simples"
        }
        E::UnclosedFlowCollection { open } => return format!("falta cerrar un `{open}`"),
        E::UnexpectedEofFlowSequence => "falta cerrar un `[`",
        E::UnexpectedEofFlowMapping | E::UnexpectedEofImplicitFlowMapping => "falta cerrar una `{`",
        E::MismatchedFlowCollectionEnd { open, close } => {
            return format!("se abrió con `{open}` y se cierra con `{close}`");
        }
        E::MisplacedFlowCollectionEnd => "sobra un `]` o un `}`",
        E::ExpectedFlowMappingSeparator | E::ExpectedFlowSequenceSeparator => {
            "falta una coma entre dos elementos, o un `]` o `}` de cierre"
        }
        E::MappingValueNotAllowed | E::InvalidColonPlacement => {
            "aquí no cabe otro `:`: revisa la sangría, y pon entre comillas un valor que lleve `: `"
        }
        E::SimpleKeyExpected | E::InvalidSimpleKey => "a esta línea le falta el `:` de su clave",
        E::InvalidIndentation
        | E::ExpectedBlockMappingKey
        | E::ExpectedBlockSequenceEntry
        | E::MappingKeyNotAllowed
        | E::BlockSequenceEntryNotAllowed
        | E::ExpectedDocumentStart
        | E::InvalidBlockScalarIndent
        | E::InvalidQuotedScalarIndent
        | E::InvalidFlowScalarIndent => "la sangría no cuadra con la de las líneas de arriba",
        E::BlockEntryInFlowCollection => {
            "dentro de `[…]` los elementos van separados por comas, sin `-`"
        }
        E::CommentNotSeparated => "delante de `#` falta un espacio",
        E::ExpectedNodeContent => "falta un valor",
        _ => "no es YAML válido: revisa la sangría, las comillas y los dos puntos de esta línea",
    };
    advice.to_owned()
}
