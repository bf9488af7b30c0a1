//! Coordinate-wise rules on an accelerator: blocks of columns with all rows.

use anyhow::{Context, Result, bail};

use coherence_core::aggregate::{AnyCoordinateRule, MedianOfMeans, Requirements, Rule};
use coherence_core::finite::{NonFinite, Policy};
use coherence_cpu::{Element, dense::first_non_finite, order::OrderStatistics};
use coherence_data::matrix::{Matrix, Source, Value};
use coherence_nn::device::Device;

use super::located;
use crate::command::matrix::memory::zeros;
use crate::command::matrix::workers::each;

/// Bytes of a block at most.
const BLOCK: u64 = 1 << 25;

/// A rule that devices have.
#[derive(Clone, Copy)]
enum OnDevice {
    Robust(OrderStatistics),
    MedianOfMeans { groups: usize },
}

impl OnDevice {
    /// The rule for n rows, for which it is defined.
    ///
    /// # Errors
    ///
    /// If devices do not have it.
    fn new(rule: Rule, n: usize, device: &str) -> Result<Self> {
        if let Rule::Coordinate(AnyCoordinateRule::MedianOfMeans(MedianOfMeans { groups })) = rule {
            return Ok(Self::MedianOfMeans { groups });
        }
        let by = match rule {
            Rule::Coordinate(rule) => OrderStatistics::of(rule, n),
            _ => None,
        };
        by.map(Self::Robust).with_context(|| {
            format!(
                "{rule} is computed on the processor only: take --device cpu ({device} has mean, winsorized:CLIP, \
                 winsorized:C%, trimmed:TRIM, median and median-of-means:GROUPS)"
            )
        })
    }
}

/// Applies the rule to all columns on the device called `name`. Each of the `threads` threads reads blocks and has a
/// queue of its own on the device.
///
/// # Errors
///
/// If the device lacks the rule, a value is not finite, or a column does not fit in its memory.
pub(super) fn aggregate<T: Value + Element, D: Device<T>>(
    device: &D,
    name: &str,
    matrix: &Matrix<impl Source>,
    rule: Rule,
    policy: Policy,
    threads: usize,
) -> Result<Vec<T>> {
    let (n, d) = (matrix.rows(), matrix.cols());
    rule.check(n)?;
    let rule = OnDevice::new(rule, n, name)?;
    let mut out = zeros::<T>(d, "the result")?;
    let free = device.free_bytes().unwrap_or(u64::MAX);
    // Half of the memory is left for what the device allocates besides the blocks.
    let width = BLOCK.min(free / 2 / threads as u64) / (n * size_of::<T>()) as u64;
    let width = (width as usize).min(d);
    if width == 0 && d > 0 {
        bail!("a column of {n} rows is too large for {name}: take --device cpu");
    }
    let jobs = out.chunks_mut(width.max(1)).enumerate();
    let state = || (device.with_own_queue(), Vec::new());
    each(threads, jobs, state, |(device, block), (at, out)| {
        let columns = at * width..at * width + out.len();
        block.resize(n * out.len(), T::default());
        matrix.read(0..n, columns.clone(), block)?;
        if let Some(index) = first_non_finite(block) {
            let located = located(NonFinite { index }.into(), 0, columns.start, out.len());
            return match policy {
                Policy::Error => Err(located),
                _ => Err(located)
                    .with_context(|| format!("{name} takes finite values: take --device cpu")),
            };
        }
        let (mut rows, mut result) = (device.zeros(block.len()), device.zeros(out.len()));
        device.upload(block, D::view_mut(&mut rows));
        let (from, to) = (D::view(&rows), D::view_mut(&mut result));
        match rule {
            OnDevice::Robust(by) => device.rows_robust_mean(from, by, to),
            OnDevice::MedianOfMeans { groups } => device.rows_median_of_means(from, groups, to),
        }
        device.download(D::view(&result), out);
        Ok(())
    })?;
    Ok(out)
}
