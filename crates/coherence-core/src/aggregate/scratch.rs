//! Working memory of a rule, provided by the caller.

/// How much scratch a call needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ScratchLen {
    /// The number of values.
    pub values: usize,
    /// The number of row indices.
    pub indices: usize,
}

impl ScratchLen {
    /// A length of these numbers of values and row indices.
    pub const fn new(values: usize, indices: usize) -> Self {
        Self { values, indices }
    }
}

/// Borrowed scratch. Its contents do not matter before a call and mean nothing after it.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{Coordinatewise, Median, Rows, Scratch, VectorRule};
/// use coherence_core::finite::Policy;
///
/// let rows = Rows::matrix(&[1.0, 2.0, 9.0], 1).unwrap();
/// let mut median = [0.0];
/// let scratch = Scratch { values: &mut [0.0; 3], indices: &mut [] };
/// Coordinatewise(Median).aggregate(rows, Policy::Error, scratch, &mut median).unwrap();
/// assert_eq!(median, [2.0]);
/// ```
#[derive(Debug)]
pub struct Scratch<'a> {
    /// At least as many as [`ScratchLen::values`].
    pub values: &'a mut [f64],
    /// At least as many as [`ScratchLen::indices`].
    pub indices: &'a mut [usize],
}

/// Scratch that is kept between calls.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{Krum, Requirements, Rows, ScratchBuffer, VectorRule};
/// use coherence_core::finite::Policy;
///
/// let rule = Krum { f: 1 };
/// let mut buffer = ScratchBuffer::new(rule.scratch_len(5, 1));
/// for batch in [[1.0, 2.0, 3.0, 2.0, 99.0], [7.0, -9.0, 5.0, 7.0, 8.0]] {
///     let (rows, mut out) = (Rows::matrix(&batch, 1).unwrap(), [0.0]);
///     rule.aggregate(rows, Policy::Error, buffer.as_scratch(), &mut out).unwrap();
/// }
/// ```
#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
pub struct ScratchBuffer {
    values: alloc::vec::Vec<f64>,
    indices: alloc::vec::Vec<usize>,
}

#[cfg(feature = "alloc")]
impl ScratchBuffer {
    /// A buffer of this length, from [`Requirements::scratch_len`](super::Requirements::scratch_len).
    pub fn new(len: ScratchLen) -> Self {
        Self { values: alloc::vec![0.0; len.values], indices: alloc::vec![0; len.indices] }
    }

    /// The buffer, lent to a call.
    pub fn as_scratch(&mut self) -> Scratch<'_> {
        Scratch { values: &mut self.values, indices: &mut self.indices }
    }
}
