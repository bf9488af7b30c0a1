//! The header of a safetensors file.
//!
//! ```text
//! header length, 8 bytes, little-endian | JSON | values
//! {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
//! ```
//! The rules are those of the reference implementation: a header of at most 100 MB, offsets that cover
//! the data without gap or overlap to the last byte, sizes that agree with the shape. The header is
//! parsed while it is read, and 16 bytes per tensor are kept, so that memory stays below twice the
//! file even if the header is one long name or deeply nested brackets.

use std::fmt;
use std::io::{BufReader, Read};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::error::{SIZE, TWO_DIMENSIONS, shortened};
use super::value::Endian;
use super::{Dtype, Header, MatrixFault};

const LONGEST_HEADER: u64 = 100_000_000;

/// Reads the header after its length.
pub(super) fn read_header(
    source: &mut impl Read,
    header_length: u64,
    file_length: u64,
    wanted: Option<&str>,
) -> Result<Header, MatrixFault> {
    let room = file_length - 8; // eight bytes were read
    if header_length > LONGEST_HEADER.min(room) {
        let cap = LONGEST_HEADER.min(room);
        return Err(MatrixFault::Format { header: header_length, length: file_length, cap });
    }
    let mut search = Search { wanted, first: Vec::new(), extents: Vec::new(), found: None };
    let header = BufReader::new(source.take(header_length));
    let mut json = serde_json::Deserializer::from_reader(header);
    json.deserialize_map(&mut search)?;
    json.end()?;
    search.check_tiling(room - header_length)?;
    let tensor = search.found.take().ok_or_else(|| search.missing())?;
    tensor.header(8 + header_length)
}

/// The state of the search for a tensor while the header is read.
struct Search<'a> {
    wanted: Option<&'a str>,
    /// The first few names, for the error message.
    first: Vec<String>,
    /// Start and end (exclusive) of every tensor.
    extents: Vec<(u64, u64)>,
    found: Option<Tensor>,
}

impl Search<'_> {
    fn check_tiling(&mut self, data_length: u64) -> Result<(), MatrixFault> {
        self.extents.sort_unstable();
        let mut end = 0;
        for &(first, last) in &self.extents {
            if first != end || last < first {
                return Err(MatrixFault::Offset { found: first, expected: end });
            }
            end = last;
        }
        if end == data_length {
            Ok(())
        } else {
            Err(MatrixFault::Offset { found: data_length, expected: end })
        }
    }

    fn missing(&mut self) -> MatrixFault {
        MatrixFault::Tensor {
            wanted: self.wanted.map(str::to_owned),
            count: self.extents.len(),
            first: std::mem::take(&mut self.first),
        }
    }

    /// Keeps `tensor` if it is the wanted one, or if no name was given and it is the only one so far.
    fn add(&mut self, is_wanted: bool, tensor: Tensor) {
        self.extents.push(tensor.data_offsets);
        let alone = self.wanted.is_none() && self.extents.len() == 1;
        if is_wanted || alone {
            self.found = Some(tensor);
        } else if self.wanted.is_none() {
            self.found = None; // a second tensor: the name is needed
        }
    }
}

impl<'de> Visitor<'de> for &mut Search<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Name(self))? {
            match key {
                Key::Metadata => drop(map.next_value::<IgnoredAny>()?),
                Key::Tensor { is_wanted } => self.add(is_wanted, map.next_value()?),
            }
        }
        Ok(())
    }
}

enum Key {
    Metadata,
    Tensor { is_wanted: bool },
}

/// Examines a name without keeping it: a single name may fill the whole header.
struct Name<'s, 'a>(&'s mut Search<'a>);

impl<'de> DeserializeSeed<'de> for Name<'_, '_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Key, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_, '_> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tensor's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Key, E> {
        const SHOWN: usize = 8;
        if name == "__metadata__" {
            return Ok(Key::Metadata);
        }
        if self.0.first.len() < SHOWN {
            self.0.first.push(shortened(name));
        }
        Ok(Key::Tensor { is_wanted: self.0.wanted == Some(name) })
    }
}

#[derive(Clone, Copy, Deserialize)]
struct Tensor {
    dtype: Kind,
    shape: Dimensions,
    data_offsets: (u64, u64),
}

/// An element type; `Other` stands for the unsupported ones, which may occur in the same file.
#[derive(Clone, Copy, Deserialize)]
enum Kind {
    F16,
    BF16,
    F32,
    F64,
    #[serde(other)]
    Other,
}

/// The number of dimensions and the first two of them.
#[derive(Clone, Copy)]
struct Dimensions {
    rank: usize,
    first: [u64; 2],
}

impl<'de> Deserialize<'de> for Dimensions {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_seq(DimensionsVisitor)
    }
}

struct DimensionsVisitor;

impl<'de> Visitor<'de> for DimensionsVisitor {
    type Value = Dimensions;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of dimensions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Dimensions, A::Error> {
        let mut shape = Dimensions { rank: 0, first: [0; 2] };
        while let Some(Dimension(dim)) = list.next_element()? {
            if let Some(place) = shape.first.get_mut(shape.rank) {
                *place = dim;
            }
            shape.rank += 1;
        }
        Ok(shape)
    }
}

/// One of the dimensions.
struct Dimension(u64);

impl<'de> Deserialize<'de> for Dimension {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_u64(DimensionVisitor)
    }
}

struct DimensionVisitor;

impl Visitor<'_> for DimensionVisitor {
    type Value = Dimension;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SIZE} as a dimension of a shape")
    }

    fn visit_u64<E>(self, size: u64) -> Result<Dimension, E> {
        Ok(Dimension(size))
    }
}

impl fmt::Display for Dimensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.first;
        match self.rank {
            0 => f.write_str("[]"),
            1 => write!(f, "[{first}]"),
            2 => write!(f, "[{first}, {second}]"),
            rank => write!(f, "[{first}, {second}, …] of {rank} dimensions"),
        }
    }
}

impl Tensor {
    /// The header of a matrix with this tensor's values; `data` is the offset that its own offsets
    /// count from.
    fn header(self, data: u64) -> Result<Header, MatrixFault> {
        let dtype = match self.dtype {
            Kind::F16 => Dtype::F16,
            Kind::BF16 => Dtype::BF16,
            Kind::F32 => Dtype::F32,
            Kind::F64 => Dtype::F64,
            Kind::Other => {
                let expected = "F16, BF16, F32 or F64";
                return Err(MatrixFault::Field {
                    field: "dtype",
                    found: "another".to_owned(),
                    expected,
                });
            }
        };
        let [rows, cols] = self.shape.first;
        if self.shape.rank != 2 {
            let (found, expected) = (self.shape.to_string(), TWO_DIMENSIONS);
            return Err(MatrixFault::Field { field: "shape", found, expected });
        }
        let (first, last) = self.data_offsets;
        let size = super::expected_length(0, rows, cols, dtype);
        let size = size.ok_or(MatrixFault::Overflow { rows, cols })?;
        if size != last - first {
            return Err(MatrixFault::Length { found: last - first, expected: size });
        }
        let (Ok(rows), Ok(cols)) = (rows.try_into(), cols.try_into()) else {
            return Err(MatrixFault::Overflow { rows, cols });
        };
        let start = data + first;
        Ok(Header { dtype, endian: Endian::Little, fortran: false, rows, cols, start })
    }
}
