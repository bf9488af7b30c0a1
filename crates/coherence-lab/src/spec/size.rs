//! What a text asks of the parser, counted before it is parsed.
//!
//! A TOML parser keeps tokens and a tree with positions: 56 bytes or more for a token, a node of
//! 1.2 kB for a table with one key. So two bytes (`a.`) can cost 600 times as much, and a bound in
//! bytes alone would have to be below 2 kB.

use toml_parser::Source;
use toml_parser::lexer::TokenKind;

use super::FormatError;

/// Most tokens; the largest experiment of ours has half as many.
const TOKENS: usize = 4096;

/// Most tokens that open a table or a list (a point in a number counts as well); the largest
/// experiment of ours has half as many.
const OPENINGS: usize = 320;

/// Refuses a text of more tokens or openings; allocates nothing.
pub(super) fn check(text: &str) -> Result<(), FormatError> {
    use TokenKind::{Dot, LeftCurlyBracket, LeftSquareBracket};
    let (mut tokens, mut openings) = (0, 0);
    for token in Source::new(text).lex() {
        tokens += 1;
        let opens = matches!(token.kind(), Dot | LeftCurlyBracket | LeftSquareBracket);
        openings += usize::from(opens);
    }
    at_most(TOKENS, "words and signs", tokens)?;
    at_most(OPENINGS, "tables and lists", openings)
}

fn at_most(most: usize, parts: &'static str, found: usize) -> Result<(), FormatError> {
    if found <= most { Ok(()) } else { Err(FormatError::TooManyParts { parts, found, most }) }
}
