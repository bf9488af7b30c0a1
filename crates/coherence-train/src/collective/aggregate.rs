//! Coordinate-wise rules over vectors that lie with several workers.

use super::{Collective, Exchange, block};
use coherence_core::{
    aggregate::AggregateError,
    finite::{NonFinite, Policy},
};
use coherence_cpu::{Element, dense::Columnwise};
use core::ops::Range;

/// Why vectors of several workers cannot be aggregated. Every worker gets an error.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum SharedRuleError {
    /// The rule refuses the values of this worker's block. The index of a non-finite value is row · w + column in
    /// the rows [n, w] of all workers.
    #[error(transparent)]
    Rule(#[from] AggregateError),
    /// The rule refuses the values of the block of another worker.
    #[error("the rule refuses values that worker {0} combines (see the message of that worker)")]
    Elsewhere(usize),
}

impl dyn Collective + '_ {
    /// Overwrites the first row of `values` with `rule` over the rows of all workers, coordinate by coordinate:
    /// [`Columnwise::aggregate`] of the rows [n, w] by rank, bit for bit, for any number of workers.
    ///
    /// Legend: P: workers, n_r: the rows of worker r, n = Σ n_r, w: length of a row.
    ///
    /// `counts` \[P\] are the n_r, each at least 1; `values` [n_r, w] are the rows of this worker. `scratch` grows to
    /// n ⌈w/P⌉ values. Each worker sends (P − 1)/P · w values for each of max n_r rows, and as many for the result:
    /// for one vector of each, such as its gradient, 2 (P − 1)/P · w, as for a sum.
    ///
    /// ```
    /// use coherence_core::{aggregate::{AnyCoordinateRule, Median}, finite::Policy};
    /// use coherence_cpu::dense::Columnwise;
    /// use coherence_train::collective::threads;
    ///
    /// let median = Columnwise::new(AnyCoordinateRule::Median(Median), 3)?;
    /// std::thread::scope(|scope| {
    ///     for worker in threads(3) {
    ///         let median = &median;
    ///         scope.spawn(move || {
    ///             let mut gradient = [[1.0f32, 2.0], [900.0, 3.0], [2.0, -7.0]][worker.rank()];
    ///             let mut scratch = Vec::new();
    ///             worker.aggregate(median, Policy::Error, &[1; 3], &mut gradient, &mut scratch).unwrap();
    ///             assert_eq!(gradient, [2.0, 2.0]);
    ///         });
    ///     }
    /// });
    /// # Ok::<(), coherence_core::aggregate::AggregateError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SharedRuleError`] on every worker if `policy` refuses a value of any of them; `values` are then unspecified.
    ///
    /// # Panics
    ///
    /// If `counts` are not those of all workers, or the rule is not prepared for n rows.
    pub fn aggregate<T: Element + Default>(
        &self,
        rule: &Columnwise,
        policy: Policy,
        counts: &[usize],
        values: &mut [T],
        scratch: &mut Vec<T>,
    ) -> Result<(), SharedRuleError>
    where
        Self: Exchange<T>,
    {
        let count = counts[self.rank()];
        let width = values.len() / count;
        assert_eq!(counts.len(), self.size(), "numbers of rows");
        assert_eq!(values.len(), count * width, "{count} rows of one length");
        let own = self.receive_rows(counts, values, scratch);
        let out = &mut values[..width];
        let done = rule.aggregate(scratch, policy, &mut out[own.clone()]);
        self.agree(policy, done.map_err(|error| located(error, &own, width)))?;
        self.gather(out);
        Ok(())
    }

    /// Overwrites `rows` [n, b] with this worker's block of the rows [n, w] of all; returns its coordinates.
    fn receive_rows<T: Element + Default>(
        &self,
        counts: &[usize],
        values: &[T],
        rows: &mut Vec<T>,
    ) -> Range<usize>
    where
        Self: Exchange<T>,
    {
        let (size, rank) = (self.size(), self.rank());
        if counts.iter().all(|&count| count == 1) {
            return self.receive(values, rows);
        }
        let width = values.len() / counts[rank];
        let own = block(width, size, rank);
        let b = own.len();
        let starts: Vec<usize> = (0..size).map(|rank| counts[..rank].iter().sum()).collect();
        rows.resize(counts.iter().sum::<usize>() * b, T::default());
        let mut received = vec![T::default(); size * b];
        for row in 0..counts.iter().copied().max().unwrap_or(0) {
            // A worker without such a row sends its first one, which the others leave out.
            let sent = if row < counts[rank] { row } else { 0 };
            self.exchange(&values[sent * width..][..width], &mut received);
            for from in (0..size).filter(|&from| row < counts[from]) {
                let place = (starts[from] + row) * b;
                rows[place..place + b].copy_from_slice(&received[from * b..][..b]);
            }
        }
        own
    }

    /// The same outcome for all workers. Under [`Policy::Propagate`] no value is refused.
    fn agree(
        &self,
        policy: Policy,
        done: Result<(), AggregateError>,
    ) -> Result<(), SharedRuleError> {
        if policy == Policy::Propagate {
            return Ok(done?);
        }
        let failed = self.first(done.is_err());
        done?;
        failed.map_or(Ok(()), |rank| Err(SharedRuleError::Elsewhere(rank)))
    }
}

/// An error of a block with its index in the whole rows.
fn located(error: AggregateError, own: &Range<usize>, width: usize) -> AggregateError {
    match error {
        AggregateError::NonFinite(NonFinite { index }) => {
            let (row, column) = (index / own.len(), index % own.len());
            NonFinite { index: row * width + own.start + column }.into()
        }
        other => other,
    }
}
