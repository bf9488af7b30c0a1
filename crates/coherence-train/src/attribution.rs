//! Attribution during training: how much of a step is due to the pristine examples, how much to the corrupt ones.
//!
//! Legend: n: examples, c: coordinates, d: parameters, S = Σ_e g_e. The share of a group is linear in the gradients
//! of its examples, Σ_{e ∈ group} g_e · S, so that the n dots g_e · S give the shares of every designation.

use crate::{
    Config, Examples,
    examples::Halt,
    passes::ChunkedPasses,
    tally::{ChunkSums, Tally},
};
use coherence_core::similarity::{Decrease, permute};
use coherence_data::{Designation, random};
use coherence_nn::{Factors, Layout, Model, device::Device};
use serde::{Deserialize, Serialize};
use std::sync::atomic::AtomicBool;

/// A sample of examples and weights over which the decrease of the loss is attributed to the pristine and to the
/// corrupt examples (see [`Decrease`]).
///
/// Source: CG20 §2.4; catalogue A17.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribution {
    /// Training examples, drawn at random; `None` for all of them.
    pub examples: Option<usize>,
    /// Weights of each tensor that is no bias, drawn at random, or all if it has fewer; `None` for all
    /// parameters, biases included. All parameters take two passes over the examples in place of one, but no memory for
    /// [n, c] numbers.
    pub weights: Option<usize>,
    /// Null worlds, in each of which the designations are permuted among the examples.
    #[serde(default)]
    pub null_worlds: usize,
}

/// The samples of a run, with the buffers to measure them.
#[derive(Debug)]
pub(crate) struct Attributor<D: Device<f32>> {
    samples: Vec<WatchedSample>,
    passes: ChunkedPasses<D>,
    chunk: ChunkSums<D>,
    sum: Tally<D>,
}

#[derive(Debug)]
struct WatchedSample {
    name: String,
    /// Ascending \[n\].
    examples: Vec<usize>,
    /// The designations \[n\] as they are, then those of each null world.
    worlds: Vec<Vec<Designation>>,
    /// Ascending \[c\]; `None` for all.
    coordinates: Option<Vec<usize>>,
}

impl<D: Device<f32>> Attributor<D> {
    /// Draws the samples of `config`; `None` if there are none.
    pub(crate) fn new(model: &Model<f32, D>, train: &Examples, config: &Config) -> Option<Self> {
        let sample = |(name, of): (&String, &Attribution)| {
            WatchedSample::new(name.clone(), *of, model.layout(), train, config.seed)
        };
        (!config.attribution.is_empty()).then(|| Self {
            samples: config.attribution.iter().map(sample).collect(),
            passes: ChunkedPasses::new(model, config.loss),
            chunk: ChunkSums::new(model.device()),
            sum: Tally::new(model.device(), model.layout()),
        })
    }

    /// Measures every sample and sends the series `attribution.…`.
    ///
    /// # Errors
    ///
    /// As [`Examples::visit`].
    pub(crate) fn observe(
        &mut self,
        stop: &AtomicBool,
        model: &Model<f32, D>,
        train: &Examples,
        send: &mut dyn FnMut(&str, f64),
    ) -> Result<(), Halt> {
        let Self { samples, passes, chunk, sum } = self;
        for sample in samples {
            let dots = match &sample.coordinates {
                Some(c) => sampled_dots(stop, model, train, &sample.examples, c, passes)?,
                None => dots(stop, model, train, &sample.examples, (passes, chunk, sum))?,
            };
            sample.report(&dots, send);
        }
        Ok(())
    }
}

/// g_e · S \[n\] over all parameters: one pass for S, one for the dots.
fn dots<D: Device<f32>>(
    stop: &AtomicBool,
    model: &Model<f32, D>,
    train: &Examples,
    indices: &[usize],
    (passes, chunk, sum): (&mut ChunkedPasses<D>, &mut ChunkSums<D>, &mut Tally<D>),
) -> Result<Vec<f64>, Halt> {
    let device = model.device();
    sum.clear();
    passes.run(stop, model, train, indices, chunk, |chunk, _| sum.take(chunk))?;
    let mut narrow = device.zeros(model.layout().parameters());
    sum.narrow_to(D::view_mut(&mut narrow));
    let (mut dots, mut product) = (device.zeros(indices.len()), device.zeros(0));
    passes.factors(stop, model, train, indices, |start, factors| {
        let out = D::part_mut(D::view_mut(&mut dots), start..start + factors.m);
        factors.dots(D::part(D::view(&narrow), factors.range.clone()), &mut product, out);
    })?;
    Ok(device.to_host(D::view(&dots)))
}

/// g_e · S \[n\] over the parameters `coordinates` \[c\].
fn sampled_dots<D: Device<f32>>(
    stop: &AtomicBool,
    model: &Model<f32, D>,
    train: &Examples,
    indices: &[usize],
    coordinates: &[usize],
    passes: &mut ChunkedPasses<D>,
) -> Result<Vec<f64>, Halt> {
    let c = coordinates.len();
    let mut values = vec![0.0_f32; indices.len() * c];
    passes.factors(stop, model, train, indices, |start, factors| {
        let first = coordinates.partition_point(|&at| at < factors.range.start);
        let end = coordinates.partition_point(|&at| at < factors.range.end);
        if first < end {
            let rows = values[start * c..(start + factors.m) * c].chunks_exact_mut(c);
            let picked = pick(factors, &coordinates[first..end]);
            for (row, picked) in rows.zip(picked.chunks_exact(end - first)) {
                row[first..end].copy_from_slice(picked);
            }
        }
    })?;
    let mut sum = vec![0.0; c];
    for row in values.chunks_exact(c.max(1)) {
        sum.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    let dot = |row: &[f32]| row.iter().zip(&sum).map(|(&v, sum)| f64::from(v) * sum).sum();
    Ok(values.chunks_exact(c.max(1)).map(dot).collect())
}

/// The values of every example's gradient at the `chosen` coordinates of the parameter vector [m, chosen].
fn pick<D: Device<f32>>(factors: &Factors<'_, f32, D>, chosen: &[usize]) -> Vec<f32> {
    let (device, width) = (&factors.device, chosen.len());
    let index = |&at: &usize| {
        u32::try_from(at - factors.range.start).expect("a tensor has less than 2³² values")
    };
    let indices = device.buffer_from(chosen.iter().map(index).collect());
    let mut gradient = device.zeros(factors.range.len());
    let mut picked = device.zeros(factors.m * width);
    for e in 0..factors.m {
        factors.per_example(e, D::view_mut(&mut gradient));
        let out = D::part_mut(D::view_mut(&mut picked), e * width..(e + 1) * width);
        device.gather(D::view(&gradient), D::view(&indices), out);
    }
    device.to_host(D::view(&picked))
}

impl WatchedSample {
    fn new(name: String, of: Attribution, layout: &Layout, train: &Examples, seed: u64) -> Self {
        let stream = |what: &str| random::stream(seed, &format!("attribution.{name}.{what}"));
        let n = of.examples.unwrap_or(train.len());
        let mut examples = random::permutation(&mut stream("examples"), train.len());
        examples.truncate(n);
        examples.sort_unstable();
        let real: Vec<Designation> = examples.iter().map(|&i| train.designations()[i]).collect();
        let null = |world: usize| {
            let (mut rng, mut permuted) = (stream(&format!("null{world}")), real.clone());
            permute(&mut permuted, |n| random::below(&mut rng, n as u64) as usize);
            permuted
        };
        let nulls = (1..=of.null_worlds).map(null);
        let worlds = std::iter::once(real.clone()).chain(nulls).collect();
        let coordinates = of.weights.map(|count| {
            let mut rng = stream("weights");
            let tensors = layout.tensors().iter().filter(|tensor| !tensor.is_bias());
            let chosen = tensors.flat_map(|tensor| {
                let mut order = random::permutation(&mut rng, tensor.range.len());
                order.truncate(count);
                order.sort_unstable();
                order.into_iter().map(|at| tensor.range.start + at).collect::<Vec<_>>()
            });
            chosen.collect()
        });
        Self { name, examples, worlds, coordinates }
    }

    /// Sends the shares f^p, f^c and the mean contributions of one step, from the dots g_e · S \[n\].
    fn report(&self, dots: &[f64], send: &mut dyn FnMut(&str, f64)) {
        for (number, world) in self.worlds.iter().enumerate() {
            let world_name = if number == 0 { String::new() } else { format!(".null{number}") };
            let (mut decrease, mut counts) = (Decrease::default(), [0, 0]);
            for (designation, &dot) in world.iter().zip(dots) {
                match designation {
                    Designation::Pristine => {
                        (decrease.pristine, counts[0]) = (decrease.pristine + dot, counts[0] + 1)
                    }
                    Designation::Corrupt => {
                        (decrease.corrupt, counts[1]) = (decrease.corrupt + dot, counts[1] + 1)
                    }
                }
            }
            let (shares, means) = (decrease.shares(), decrease.per_example(counts[0], counts[1]));
            let groups = [
                (Designation::Pristine, shares.0, means.0),
                (Designation::Corrupt, shares.1, means.1),
            ];
            for (designation, share, mean) in groups {
                let prefix =
                    format!("attribution.{}{world_name}.{}", self.name, designation.name());
                for (what, value) in [("share", share), ("contribution", mean)] {
                    if !value.is_nan() {
                        send(&format!("{prefix}.{what}"), value);
                    }
                }
            }
        }
    }
}
