//! n vectors of length d, as a borrowed view.

use num_traits::Float;

use super::AggregateError;
use crate::finite::{NonFinite, Policy};

/// A view of n vectors of d values: one row-major matrix, or n slices from anywhere.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::Rows;
///
/// let matrix = Rows::matrix(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3).unwrap();
/// assert_eq!((matrix.len(), matrix.dim(), matrix.row(1)), (2, 3, &[4.0, 5.0, 6.0][..]));
///
/// let (a, b) = ([1.0, 2.0], [3.0, 4.0]);
/// assert_eq!(Rows::slices(&[&a, &b]).unwrap().row(1), &b);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    source: Source<'a, T>,
    dim: usize,
    /// The indices of the rows to show instead of all.
    picked: Option<&'a [usize]>,
}

#[derive(Clone, Copy, Debug)]
enum Source<'a, T> {
    Matrix(&'a [T]),
    Slices(&'a [&'a [T]]),
}

impl<'a, T: Copy> Rows<'a, T> {
    /// The rows of a row-major matrix, `data` [n, `dim`]. `dim` = 0 has no rows.
    ///
    /// # Errors
    ///
    /// [`AggregateError::Length`] if `data` is not a whole number of rows.
    pub fn matrix(data: &'a [T], dim: usize) -> Result<Self, AggregateError> {
        let whole = data.len().checked_div(dim).unwrap_or(0) * dim;
        AggregateError::check_length("rows' data", data.len(), whole)?;
        Ok(Self { source: Source::Matrix(data), dim, picked: None })
    }

    /// Each slice is a row, `[n]` of `[d]`.
    ///
    /// # Errors
    ///
    /// [`AggregateError::Length`] if the slices' lengths differ.
    pub fn slices(rows: &'a [&'a [T]]) -> Result<Self, AggregateError> {
        let dim = rows.first().map_or(0, |row| row.len());
        for row in rows {
            AggregateError::check_length("row", row.len(), dim)?;
        }
        Ok(Self { source: Source::Slices(rows), dim, picked: None })
    }

    /// n, the number of rows.
    pub fn len(&self) -> usize {
        match (self.picked, self.source) {
            (Some(picked), _) => picked.len(),
            (None, Source::Matrix(data)) => data.len().checked_div(self.dim).unwrap_or(0),
            (None, Source::Slices(rows)) => rows.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// d, the length of each row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Row `i` `[d]`.
    ///
    /// # Panics
    ///
    /// If `i` ≥ n.
    pub fn row(&self, i: usize) -> &'a [T] {
        let i = self.index(i);
        match self.source {
            Source::Matrix(data) => &data[i * self.dim..][..self.dim],
            Source::Slices(rows) => rows[i],
        }
    }

    /// The index in the source of row `i`.
    fn index(&self, i: usize) -> usize {
        self.picked.map_or(i, |picked| picked[i])
    }

    /// All rows in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a [T]> + Clone + '_ {
        (0..self.len()).map(|i| self.row(i))
    }
}

impl<'a, T: Float> Rows<'a, T> {
    /// The rows that take part under a policy: all, or under [`Policy::Omit`] those that are finite
    /// throughout. `indices` `[n]` is scratch that the view borrows.
    ///
    /// [`VectorRule::aggregate`](super::VectorRule::aggregate) does this itself; before a
    /// [`Mixing`](super::Mixing) it is the caller's choice.
    ///
    /// # Errors
    ///
    /// [`AggregateError::NonFinite`] under [`Policy::Error`], with the index row · d + coordinate;
    /// [`AggregateError::Length`] if `indices` is shorter than n.
    ///
    /// # Example
    ///
    /// ```
    /// use coherence_core::{aggregate::Rows, finite::Policy};
    ///
    /// let rows = Rows::matrix(&[1.0, f64::NAN, 3.0, 4.0], 2).unwrap();
    /// let mut indices = [0; 2];
    /// let finite = rows.admit(Policy::Omit, &mut indices).unwrap();
    /// assert_eq!((finite.len(), finite.row(0)), (1, &[3.0, 4.0][..]));
    /// ```
    pub fn admit<'b>(
        &self,
        policy: Policy,
        indices: &'b mut [usize],
    ) -> Result<Rows<'b, T>, AggregateError>
    where
        'a: 'b,
    {
        let n = self.len();
        AggregateError::check_length("indices", indices.len().min(n), n)?;
        let mut kept = 0;
        for (i, row) in self.iter().enumerate() {
            if policy.admit(row).map_err(|error: NonFinite| error.in_row(i, self.dim))? {
                indices[kept] = self.index(i);
                kept += 1;
            }
        }
        Ok(Rows { source: self.source, dim: self.dim, picked: Some(&indices[..kept]) })
    }
}
