//! From the text of a formula to the formula.

use std::collections::BTreeMap;

use thiserror::Error;

use super::{Formula, Operator, Place, Reading};
use crate::cell::Setting;

/// Deepest nesting of parentheses and signs.
const DEPTH: usize = 8;

/// Most numbers, names and readings.
const PARTS: usize = 32;

/// Why a text is no formula.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the formula has {what} at character {column}, where {expected} is expected")]
pub struct FormulaError {
    what: String,
    column: usize,
    expected: &'static str,
}

/// A formula, and what it is compared with if it is a comparison.
pub(in crate::claim) type Compared = (Formula, Option<(Comparison, Formula)>);

/// The sign of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// a < b
    Less,
    /// a > b
    Greater,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    parts: usize,
    /// Whether a name is a series: within a reading.
    reading: bool,
}

/// Reads a whole text.
pub(in crate::claim) fn parse(text: &str) -> Result<Compared, FormulaError> {
    let mut parser = Parser::new(text, false);
    let left = parser.sum()?;
    let sign = match parser.take_one(b"<>") {
        None => None,
        Some(sign) => {
            let sign = if sign == b'<' { Comparison::Less } else { Comparison::Greater };
            Some((sign, parser.sum()?))
        }
    };
    parser.end()?;
    Ok((left, sign))
}

/// Reads a whole text as a curve: a formula without readings, whose names are series (or, in a figure, axes).
pub(crate) fn parse_curve(text: &str) -> Result<Formula, FormulaError> {
    let mut parser = Parser::new(text, true);
    let curve = parser.sum()?;
    parser.end()?;
    Ok(curve)
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, reading: bool) -> Self {
        Self { text, at: 0, depth: 0, parts: 0, reading }
    }

    /// Nothing is left.
    fn end(&mut self) -> Result<(), FormulaError> {
        if self.peek().is_none() { Ok(()) } else { self.fail("an operator or the end") }
    }

    fn sum(&mut self) -> Result<Formula, FormulaError> {
        self.chain(Self::product, b"+-")
    }

    fn product(&mut self) -> Result<Formula, FormulaError> {
        self.chain(Self::factor, b"*/")
    }

    /// `part (sign part)*`, from left to right.
    fn chain(
        &mut self,
        part: fn(&mut Self) -> Result<Formula, FormulaError>,
        signs: &[u8],
    ) -> Result<Formula, FormulaError> {
        let mut left = part(self)?;
        while let Some(sign) = self.take_one(signs) {
            let operator = match sign {
                b'+' => Operator::Plus,
                b'-' => Operator::Minus,
                b'*' => Operator::Times,
                _ => Operator::Over,
            };
            left = Formula::Operation(Box::new([left, part(self)?]), operator);
        }
        Ok(left)
    }

    fn factor(&mut self) -> Result<Formula, FormulaError> {
        self.parts += 1;
        if DEPTH <= self.depth || PARTS < self.parts {
            return self.fail("the end of a formula of at most 32 parts, nested at most 8 deep,");
        }
        self.depth += 1;
        let factor = if self.take_one(b"(").is_some() {
            let inner = self.sum()?;
            self.require(b')', "an operator or )")?;
            inner
        } else if self.take_one(b"-").is_some() {
            let zero = Formula::Number(0.0);
            Formula::Operation(Box::new([zero, self.factor()?]), Operator::Minus)
        } else if let Some(number) = self.number() {
            Formula::Number(number)
        } else {
            self.named()?
        };
        self.depth -= 1;
        Ok(factor)
    }

    /// A reading, an axis or a series.
    fn named(&mut self) -> Result<Formula, FormulaError> {
        let expected = if self.reading { "a series" } else { "a number, a reading or an axis" };
        let start = self.at;
        let name = self.name();
        if name.is_empty() {
            return self.fail(expected);
        }
        if self.reading || self.peek() != Some(b'(') {
            return Ok(Formula::Name(name.into()));
        }
        match Place::NAMES.iter().find(|(known, _)| *known == name) {
            Some((_, place)) => self.reading(*place),
            None => {
                self.at = start;
                self.fail("start, end, max, min, step_of_max, at, sum, reaches or falls_to")
            }
        }
    }

    fn reading(&mut self, place: Place) -> Result<Formula, FormulaError> {
        self.require(b'(', "(")?;
        self.reading = true;
        let curve = self.sum()?;
        self.reading = false;
        let argument = if place.has_argument() {
            self.require(b',', "a comma and a step or a level")?;
            Some(self.argument()?)
        } else {
            None
        };
        let (mut from, mut cell) = (0, BTreeMap::new());
        while self.take_one(b",").is_some() {
            let name = self.name();
            if name == "from" {
                from = self.step()?;
            } else {
                self.require(b'=', "from STEP or AXIS=VALUE")?;
                cell.insert(name.to_owned(), self.setting()?);
            }
        }
        self.require(b')', "a comma or )")?;
        Ok(Formula::Reading(Box::new(Reading { place, curve, argument, from, cell })))
    }

    fn argument(&mut self) -> Result<Formula, FormulaError> {
        let sign = if self.take_one(b"-").is_some() { -1.0 } else { 1.0 };
        if let Some(number) = self.number() {
            return Ok(Formula::Number(sign * number));
        }
        let name = self.name();
        if name.is_empty() || sign < 0.0 {
            return self.fail("a number or an axis");
        }
        Ok(Formula::Name(name.into()))
    }

    fn step(&mut self) -> Result<u64, FormulaError> {
        self.skip();
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        digits.parse().or_else(|_| self.fail("a step"))
    }

    /// The value of an axis, up to the next comma or parenthesis.
    fn setting(&mut self) -> Result<Setting, FormulaError> {
        let value = self.take_while(|byte| !b",()".contains(&byte)).trim();
        if value.is_empty() { self.fail("a value") } else { Ok(Setting::parse(value)) }
    }

    /// A number without a sign; nothing is taken where there is none.
    fn number(&mut self) -> Option<f64> {
        self.skip();
        let start = self.at;
        if !self.peek()?.is_ascii_digit() {
            return None;
        }
        self.take_while(|byte| byte.is_ascii_digit() || byte == b'.');
        if self.peek_raw() == Some(b'e') {
            self.at += 1;
            if self.peek_raw() == Some(b'-') {
                self.at += 1;
            }
            self.take_while(|byte| byte.is_ascii_digit());
        }
        let number =
            self.text[start..self.at].parse().ok().filter(|number: &f64| number.is_finite());
        if number.is_none() {
            self.at = start;
        }
        number
    }

    fn name(&mut self) -> &'a str {
        self.skip();
        let starts = self.peek_raw().is_some_and(|byte| byte.is_ascii_alphabetic());
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_.".contains(&byte);
        if starts { self.take_while(inner) } else { "" }
    }

    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let rest = &self.text.as_bytes()[self.at..];
        let mut length = rest.iter().position(|&byte| !belongs(byte)).unwrap_or(rest.len());
        while !self.text.is_char_boundary(self.at + length) {
            length += 1;
        }
        let taken = &self.text[self.at..self.at + length];
        self.at += length;
        taken
    }

    /// Takes the next sign if it is one of these.
    fn take_one(&mut self, signs: &[u8]) -> Option<u8> {
        let sign = self.peek().filter(|sign| signs.contains(sign))?;
        self.at += 1;
        Some(sign)
    }

    fn require(&mut self, sign: u8, expected: &'static str) -> Result<(), FormulaError> {
        if self.take_one(&[sign]).is_some() { Ok(()) } else { self.fail(expected) }
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        self.skip();
        self.peek_raw()
    }

    fn peek_raw(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self) {
        self.take_while(|byte| byte.is_ascii_whitespace());
    }

    fn fail<T>(&self, expected: &'static str) -> Result<T, FormulaError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let what = rest.chars().next().map_or("its end".to_owned(), |c| format!("{c:?}"));
        let column = self.text.get(..self.at).unwrap_or_default().chars().count() + 1;
        Err(FormulaError { what, column, expected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(formula: &Formula) -> String {
        match formula {
            Formula::Number(number) => number.to_string(),
            Formula::Name(name) => name.to_string(),
            Formula::Operation(sides, operator) => {
                format!("({} {operator:?} {})", shown(&sides[0]), shown(&sides[1]))
            }
            Formula::Reading(r) => {
                let argument = r.argument.as_ref().map(shown).unwrap_or_default();
                format!(
                    "{}[{}; {argument}; {}; {:?}]",
                    r.place.name(),
                    shown(&r.curve),
                    r.from,
                    r.cell
                )
            }
        }
    }

    #[track_caller]
    fn read(text: &str, expected: &str) {
        assert_eq!(shown(&parse(text).unwrap().0), expected, "{text}");
    }

    #[test]
    fn products_bind_closer_than_sums_and_both_go_from_left_to_right() {
        read("1 - 2 - 3", "((1 Minus 2) Minus 3)");
        read("1 - 2*3/4", "(1 Minus ((2 Times 3) Over 4))");
        read("(1 - 2) * -3", "((1 Minus 2) Times (0 Minus 3))");
        read("1 - noise/100", "(1 Minus (noise Over 100))");
        read("2.5e-3", "0.0025");
    }

    #[test]
    fn readings_have_a_place_a_curve_and_settings() {
        read("end(test.accuracy)", "end[test.accuracy; ; 0; {}]");
        read("min(a.b - c / 2, from 10)", "min[(a.b Minus (c Over 2)); ; 10; {}]");
        read(
            "reaches(train.loss, -0.5, from 3, noise = 0, data=random-pixels)",
            "reaches[train.loss; -0.5; 3; {\"data\": Text(\"random-pixels\"), \"noise\": Number(0.0)}]",
        );
        read("at(end, step)", "at[end; step; 0; {}]");
    }

    #[test]
    fn a_curve_has_series_and_no_readings() {
        let curve = parse_curve("a.b - noise / 100 * c").unwrap();
        assert_eq!(shown(&curve), "(a.b Minus ((noise Over 100) Times c))");
        for (text, what) in [
            ("end(a)", "'(' at character 4, where an operator or the end"),
            ("a < b", "'<' at character 3, where an operator or the end"),
            ("a -", "its end at character 4, where a series"),
        ] {
            let error = parse_curve(text).unwrap_err().to_string();
            assert!(error.contains(what), "{text}: {error}");
        }
    }

    #[test]
    fn a_comparison_has_one_sign() {
        let (_, compared) = parse("end(a) > 2").unwrap();
        assert_eq!(compared, Some((Comparison::Greater, Formula::Number(2.0))));
        assert!(parse("1 < 2 < 3").is_err() && parse("(1 < 2)").is_err());
    }

    #[test]
    fn what_is_no_formula_is_refused_with_the_place_and_what_is_expected() {
        for (text, what) in [
            ("", "its end at character 1, where a number, a reading or an axis"),
            ("end(a) end", "'e' at character 8, where an operator or the end"),
            ("mean(a)", "'m' at character 1, where start, end"),
            ("at(a)", "')' at character 5, where a comma and a step or a level"),
            ("end(max(a))", "'(' at character 8, where a comma or )"),
            ("end(a, 3)", "'3' at character 8, where from STEP or AXIS=VALUE"),
            ("end(a, from x)", "'x' at character 13, where a step"),
            ("end(a, b=)", "')' at character 10, where a value"),
            ("1e999", "'1' at character 1"),
            ("ä", "'ä' at character 1"),
            ("end(a, b=ä", "its end at character 11"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(what), "{text}: {error}");
        }
    }

    #[test]
    fn towers_and_long_chains_are_refused() {
        assert!(parse(&"(".repeat(100_000)).is_err());
        assert!(parse(&"-".repeat(100_000)).is_err());
        assert!(parse(&"1+".repeat(100_000)).is_err());
        parse(&["1"; PARTS].join("+")).unwrap();
    }
}
