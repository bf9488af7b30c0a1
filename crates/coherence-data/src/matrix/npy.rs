//! The header of a `.npy` file.
//!
//! ```text
//! 93 "NUMPY" MAJOR MINOR | header length, 2 bytes (1.0) or 4 (2.0, 3.0), little-endian
//! {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } spaces \n | values
//! ```
//! The header is a Python literal. NumPy writes only this form, and only this form is read here.

use std::io::Read;

use super::error::{SIZE, TWO_DIMENSIONS, shortened};
use super::source::{Sequential, Source};
use super::value::Endian;
use super::{Dtype, Header, MatrixFault, expected_length};

/// NumPy writes 128 bytes and reads at most 10,000, unless it is told to trust the file.
const LONGEST_HEADER: u32 = 10_000;

/// The version, if `first` are the first bytes of a `.npy` file.
pub(super) fn version(first: [u8; 8]) -> Option<[u8; 2]> {
    let [magic @ .., major, minor] = first;
    (magic == *b"\x93NUMPY").then_some([major, minor])
}

/// Reads the part of the header after the version.
pub(super) fn read_header(
    source: &mut Sequential<'_, impl Source>,
    version: [u8; 2],
    file_length: u64,
) -> Result<Header, MatrixFault> {
    let header_length = header_length(source, version)?;
    if header_length > LONGEST_HEADER {
        let found = header_length.to_string();
        return Err(field("header length", &found, "at most 10000 bytes"));
    }
    let mut header = Vec::new();
    source.by_ref().take(header_length.into()).read_to_end(&mut header)?;
    let start = source.position;
    if header.len() < header_length as usize {
        let missing = u64::from(header_length) - header.len() as u64;
        return Err(MatrixFault::Length { found: file_length, expected: start + missing });
    }
    let Fields { descr, fortran, shape: [rows, cols] } = parse(&header)?;
    let (endian, dtype) = descr;
    let overflow = MatrixFault::Overflow { rows, cols };
    match (expected_length(start, rows, cols, dtype), usize::try_from(rows), usize::try_from(cols))
    {
        (Some(expected), ..) if expected != file_length => {
            Err(MatrixFault::Length { found: file_length, expected })
        }
        (Some(_), Ok(rows), Ok(cols)) => Ok(Header { dtype, endian, fortran, rows, cols, start }),
        _ => Err(overflow),
    }
}

fn header_length(source: &mut impl Read, version: [u8; 2]) -> Result<u32, MatrixFault> {
    let mut length = [0; 4];
    let bytes = match version {
        [1, 0] => &mut length[..2],
        [2 | 3, 0] => &mut length[..],
        [major, minor] => {
            return Err(field("version", &format!("{major}.{minor}"), "1.0, 2.0 or 3.0"));
        }
    };
    source.read_exact(bytes)?;
    Ok(u32::from_le_bytes(length))
}

struct Fields {
    descr: (Endian, Dtype),
    fortran: bool,
    shape: [u64; 2],
}

fn parse(header: &[u8]) -> Result<Fields, MatrixFault> {
    let text = str::from_utf8(header)
        .map_err(|_| field("header", "bytes that are not UTF-8", "a Python dictionary"))?;
    let mut rest = Rest(text);
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    rest.expect('{')?;
    while !rest.take('}') {
        let key = rest.quoted()?;
        rest.expect(':')?;
        match key {
            "descr" if descr.is_none() => descr = Some(element_type(rest.quoted()?)?),
            "fortran_order" if fortran.is_none() => fortran = Some(rest.boolean()?),
            "shape" if shape.is_none() => shape = Some(rest.shape()?),
            _ => return Err(field("header key", key, "descr, fortran_order and shape, each once")),
        }
        if !rest.take(',') {
            rest.expect('}')?;
            break;
        }
    }
    if !rest.0.trim_ascii().is_empty() {
        return Err(field("header", rest.0.trim_ascii(), "nothing after the closing brace"));
    }
    let missing = || field("header", text, "descr, fortran_order and shape");
    Ok(Fields {
        descr: descr.ok_or_else(missing)?,
        fortran: fortran.ok_or_else(missing)?,
        shape: shape.ok_or_else(missing)?,
    })
}

fn element_type(descr: &str) -> Result<(Endian, Dtype), MatrixFault> {
    let expected = "f2, f4 or f8 with < or > or = before it (convert with `.astype('f4')`)";
    let unknown = || field("descr", descr, expected);
    let (order, kind) = descr.split_at_checked(1).ok_or_else(unknown)?;
    let endian = match order {
        "<" => Endian::Little,
        ">" => Endian::Big,
        "=" => Endian::NATIVE,
        _ => return Err(unknown()),
    };
    let dtype = match kind {
        "f2" => Dtype::F16,
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        _ => return Err(unknown()),
    };
    Ok((endian, dtype))
}

/// The rest of the header; white space before a token is skipped.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Skips `token` if it is next.
    fn take(&mut self, token: char) -> bool {
        let next = self.0.trim_ascii_start().strip_prefix(token);
        self.0 = next.unwrap_or(self.0);
        next.is_some()
    }

    fn expect(&mut self, token: char) -> Result<(), MatrixFault> {
        if self.take(token) {
            return Ok(());
        }
        let found = format!("\"{}\" where {token} should be", shortened(self.0));
        Err(field("header", &found, "a Python dictionary"))
    }

    /// A string between single or double quotes, without escapes.
    fn quoted(&mut self) -> Result<&'a str, MatrixFault> {
        let quote = if self.take('"') {
            '"'
        } else {
            self.expect('\'')?;
            '\''
        };
        let (inside, after) = self
            .0
            .split_once(quote)
            .ok_or_else(|| field("header", self.0, "a closing quotation mark"))?;
        self.0 = after;
        Ok(inside)
    }

    fn boolean(&mut self) -> Result<bool, MatrixFault> {
        let text = self.0.trim_ascii_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(after) = text.strip_prefix(word) {
                self.0 = after;
                return Ok(value);
            }
        }
        Err(field("fortran_order", text, "True or False"))
    }

    /// A tuple of two integers.
    fn shape(&mut self) -> Result<[u64; 2], MatrixFault> {
        self.expect('(')?;
        let (inside, after) =
            self.0.split_once(')').ok_or_else(|| field("shape", self.0, "a closing bracket"))?;
        self.0 = after;
        let inside = inside.trim_ascii();
        let mut dims = inside.strip_suffix(',').unwrap_or(inside).split(',');
        let (Some(rows), Some(cols), None) = (dims.next(), dims.next(), dims.next()) else {
            return Err(field("shape", &format!("({inside})"), TWO_DIMENSIONS));
        };
        let size = |dim: &str| {
            let dim = dim.trim_ascii();
            dim.parse().map_err(|_| field("shape", &format!("{dim} in ({inside})"), SIZE))
        };
        Ok([size(rows)?, size(cols)?])
    }
}

fn field(field: &'static str, found: &str, expected: &'static str) -> MatrixFault {
    MatrixFault::Field { field, found: shortened(found), expected }
}
