//! Coordinate-wise rules on an accelerator: blocks of columns with all rows.

use anyhow::{Context, Result, bail};

use coherence_core::aggregate::{AnyCoordinateRule, Requirements, Rule};
use coherence_core::finite::{NonFinite, Policy};
use coherence_cpu::{Element, dense::first_non_finite};
use coherence_data::matrix::{Matrix, Source, Value};
use coherence_nn::device::Device;

use super::located;
use crate::command::matrix::memory::zeros;
use crate::command::matrix::workers::each;

/// Bytes of a block at most.
const BLOCK: u64 = 1 << 25;

/// Refuses a rule that devices do not have.
fn check(rule: Rule, device: &str) -> Result<AnyCoordinateRule> {
    use AnyCoordinateRule as Of;
    match rule {
        Rule::Coordinate(
            rule @ (Of::Mean(_)
            | Of::Winsorized(_)
            | Of::Trimmed(_)
            | Of::Median(_)
            | Of::MedianOfMeans(_)),
        ) => Ok(rule),
        other => bail!(
            "{other} is computed on the processor only: take --device cpu ({device} has mean, winsorized:CLIP, \
             trimmed:TRIM, median and median-of-means:GROUPS)"
        ),
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
    let rule = check(rule, name)?;
    rule.check(n)?;
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
            AnyCoordinateRule::Winsorized(rule) => device.rows_winsorized_mean(from, rule.clip, to),
            AnyCoordinateRule::Trimmed(rule) => device.rows_trimmed_mean(from, rule.trim, to),
            AnyCoordinateRule::Median(_) => device.rows_median(from, to),
            AnyCoordinateRule::MedianOfMeans(rule) => {
                device.rows_median_of_means(from, rule.groups, to);
            }
            // The only other one that was let in is the mean, which clips nothing.
            _ => device.rows_winsorized_mean(from, 0, to),
        }
        device.download(D::view(&result), out);
        Ok(())
    })?;
    Ok(out)
}
