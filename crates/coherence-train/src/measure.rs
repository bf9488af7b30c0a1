//! Coherence of a trained network over a data set, by tensor, class and example.

use crate::{Examples, passes::Passes, tally::Tally};
use coherence_core::{
    Coherence, Member,
    helpfulness::helpfulness,
    unbiased::{Estimate, jackknife},
};
use coherence_data::{Dataset, Designation};
use coherence_nn::Mlp;

/// What [`measure`] looks at beside the whole network and each tensor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct By {
    /// Each class's own coherence: a second accumulator of d numbers.
    pub class: bool,
    /// Each example's part in the whole, and the standard error of α̂: a second pass, since both need
    /// the sum over all examples.
    pub example: bool,
}

/// Coherence of a network over a sample of m examples; gradients are of the SUM loss.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// MEAN loss per example.
    pub loss: f64,
    /// The whole network.
    pub network: Coherence,
    /// Each tensor by name, in the order of the network.
    pub tensors: Vec<(String, Coherence)>,
    /// Each class that occurs, ascending; empty unless asked for.
    pub classes: Vec<(u32, Coherence)>,
    /// Each example, in the order of the data set; empty unless asked for.
    pub examples: Vec<ExampleMeasure>,
    /// α̂ with its jackknife standard error; `None` unless examples were asked for and m ≥ 3.
    pub alpha_unbiased: Option<Estimate>,
}

/// One example's part in the coherence of its sample.
#[derive(Debug, Clone, PartialEq)]
pub struct ExampleMeasure {
    /// Its place in the data set.
    pub index: usize,
    /// Its label.
    pub label: u32,
    /// Whether noise changed it.
    pub designation: Designation,
    /// Its loss.
    pub loss: f64,
    /// ‖g_i‖² and S·g_i.
    pub member: Member,
    /// How much the other examples help it, h_i; `None` for m = 1.
    pub helpfulness: Option<f64>,
}

/// Data that a network cannot be measured on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MeasureError {
    /// There is nothing to measure.
    #[error("the data set has no examples (coherence needs at least one)")]
    Empty,
    /// The images are not what the model takes.
    #[error("the images have {found} values, the model takes {expected}")]
    Features {
        /// Values in an image.
        found: usize,
        /// Inputs of the model.
        expected: usize,
    },
    /// The data have more classes than the model.
    #[error("the data set has {found} classes, the model has {expected}")]
    Classes {
        /// Classes of the data set.
        found: usize,
        /// Classes of the model.
        expected: usize,
    },
    /// A loss is not finite, so neither are its gradients.
    #[error("the loss of example {index} is {loss} (are these the weights of a diverged run?)")]
    NonFinite {
        /// The example.
        index: usize,
        /// Its loss.
        loss: f64,
    },
}

/// Measures `mlp` on all examples of `data`: one forward and backward pass, in memory of the
/// decoded data and a few times d.
///
/// ```
/// use coherence_data::{digits, select};
/// use coherence_nn::Mlp;
/// use coherence_train::measure::{By, measure};
///
/// // A network of zeros sees only its last bias: m-coherence is that of the labels.
/// let (data, _) = select::split(digits::test(), 100)?;
/// let measured = measure(&Mlp::zeros(&[784, 8, 10])?, &data, By { class: true, example: true })?;
/// assert_eq!(measured.loss as f32, f32::ln(10.0));
/// assert_eq!(measured.network, measured.tensors[3].1);
/// assert!(measured.classes.iter().all(|(_, class)| class.alpha() > 0.999_999));
/// assert!(measured.alpha_unbiased.unwrap().value < measured.network.alpha());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`MeasureError`] if the data do not fit the network or a loss is not finite.
///
/// Source: catalogue A1, A10, A15c, A15d.
pub fn measure(mlp: &Mlp<f32>, data: &dyn Dataset, by: By) -> Result<Measurement, MeasureError> {
    check(mlp, data)?;
    let mut meter = Meter::new(mlp, Examples::decode(data));
    let (whole, classes) = if by.class { meter.by_class() } else { (meter.all(), Vec::new()) };
    meter.check_losses()?;
    let network = whole.network();
    let examples = if by.example { meter.examples(network, whole.sum()) } else { Vec::new() };
    let tensors = mlp.layout().tensors().iter().enumerate();
    Ok(Measurement {
        loss: meter.losses.iter().sum::<f64>() / meter.losses.len() as f64,
        network,
        tensors: tensors.map(|(t, tensor)| (tensor.name.clone(), whole.tensor(t))).collect(),
        classes,
        alpha_unbiased: jackknife(network, examples.iter().map(|example| example.member)),
        examples,
    })
}

fn check(mlp: &Mlp<f32>, data: &dyn Dataset) -> Result<(), MeasureError> {
    let (features, classes) = (data.shape().features(), data.classes());
    if data.is_empty() {
        return Err(MeasureError::Empty);
    }
    if features != mlp.inputs() {
        return Err(MeasureError::Features { found: features, expected: mlp.inputs() });
    }
    if classes > mlp.classes() {
        return Err(MeasureError::Classes { found: classes, expected: mlp.classes() });
    }
    Ok(())
}

/// The state of one measurement.
struct Meter<'a> {
    mlp: &'a Mlp<f32>,
    data: Examples,
    passes: Passes,
    /// By example \[m\].
    losses: Vec<f64>,
    /// By example [m]: ‖g_i‖².
    sq_norms: Vec<f64>,
}

impl<'a> Meter<'a> {
    fn new(mlp: &'a Mlp<f32>, data: Examples) -> Self {
        let m = data.len();
        let passes = Passes::new(mlp);
        Self { mlp, data, passes, losses: vec![0.0; m], sq_norms: vec![0.0; m] }
    }

    /// The sums over all examples.
    fn all(&mut self) -> Tally {
        let mut whole = Tally::new(self.mlp.layout());
        let all: Vec<usize> = (0..self.data.len()).collect();
        self.add(&all, &mut whole);
        whole
    }

    /// The sums over all examples, and each class's statistics: one class after the other, so that
    /// two accumulators do for any number of classes.
    fn by_class(&mut self) -> (Tally, Vec<(u32, Coherence)>) {
        let (mut whole, mut own) = (Tally::new(self.mlp.layout()), Tally::new(self.mlp.layout()));
        let mut classes = Vec::new();
        for class in 0..self.data.classes() as u32 {
            let labels = self.data.labels();
            let members: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] == class).collect();
            if !members.is_empty() {
                own.clear();
                self.add(&members, &mut own);
                whole.merge(&own);
                classes.push((class, own.network()));
            }
        }
        (whole, classes)
    }

    fn check_losses(&self) -> Result<(), MeasureError> {
        match self.losses.iter().position(|loss| !loss.is_finite()) {
            Some(index) => Err(MeasureError::NonFinite { index, loss: self.losses[index] }),
            None => Ok(()),
        }
    }

    fn add(&mut self, indices: &[usize], tally: &mut Tally) {
        let mut norms = Vec::new();
        self.passes.run(self.mlp, &self.data, indices, |chunk| {
            norms.clear();
            norms.resize(chunk.losses.len(), 0.0);
            tally.add(self.mlp, chunk.x, chunk.workspace, &mut norms);
            let places = indices[chunk.start..].iter().zip(chunk.losses.iter().zip(&norms));
            places.for_each(|(&i, (&loss, &norm))| {
                self.losses[i] = loss;
                self.sq_norms[i] = norm;
            });
        });
    }

    /// The second pass: every gradient's dot with `sum` \[d\], the sum over all.
    fn examples(&mut self, network: Coherence, sum: &[f64]) -> Vec<ExampleMeasure> {
        let dots = self.dots(sum);
        let members = self.sq_norms.iter().zip(dots);
        let members = members.map(|(&sq_norm, dot_with_sum)| Member { dot_with_sum, sq_norm });
        let measured = members.enumerate().map(|(index, member)| ExampleMeasure {
            index,
            label: self.data.labels()[index],
            designation: self.data.designations()[index],
            loss: self.losses[index],
            member,
            helpfulness: helpfulness(network, member),
        });
        measured.collect()
    }

    fn dots(&mut self, sum: &[f64]) -> Vec<f64> {
        let sum: Vec<f32> = sum.iter().map(|&s| s as f32).collect();
        let all: Vec<usize> = (0..self.data.len()).collect();
        let (mut dots, mut scratch) = (vec![0.0; all.len()], Vec::new());
        self.passes.run(self.mlp, &self.data, &all, |chunk| {
            for factors in self.mlp.factors(chunk.x, chunk.workspace) {
                scratch.resize(factors.delta.len(), 0.0);
                let dots = &mut dots[chunk.start..][..factors.dims.m];
                factors.dots(&sum[factors.range.clone()], &mut scratch, dots);
            }
        });
        dots
    }
}
