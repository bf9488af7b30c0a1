//! Which series an experiment records, by their names.

use coherence_nn::device::Cpu;
use coherence_train::{Attribution, Watch};

use crate::toy::{DeepLinear, Linear, Toy as _, TwoNeurons};

use super::{Difficulty, Model, Subset, Training, Worked};

/// The last part of a name: coherence with its de-biased estimate.
const ESTIMATED: [&str; 3] = ["alpha", "alpha_debiased", "standard_error"];

/// The last part of a name: the statistics of per-example gradients.
const SUMS: [&str; 3] = ["m_coherence", "sq_norm_of_sum", "sum_sq_norms"];

impl Training {
    /// Whether runs with these settings record `series`, if its group has any examples.
    ///
    /// The names are those of [`coherence_train::Sink`].
    pub fn records(&self, series: &str) -> bool {
        let parts: Vec<&str> = series.splitn(6, '.').collect();
        let watch = self.watch();
        let is_group = |group: &str| ["pristine", "corrupt"].contains(&group);
        match parts[..] {
            ["train" | "test", "loss" | "accuracy"] => true,
            [set @ ("train" | "test"), group, "loss" | "accuracy"] => self.has_group(set, group),
            ["single", "steps"] => self.single.is_some(),
            [group, "last_learned"] => watch.contains(&Watch::Learned) && is_group(group),
            [group, "loss" | "accuracy" | "learned"] => is_group(group),
            ["attribution", name, group, "share" | "contribution"] => {
                self.attribution.contains_key(name) && is_group(group)
            }
            ["attribution", name, null, group, "share" | "contribution"] => {
                let sample = self.attribution.get(name);
                let known = |of: &Attribution| is_numbered(null, "null", of.null_worlds);
                sample.is_some_and(known) && is_group(group)
            }
            ["probe", "half", what] => {
                watch.contains(&Watch::Half) && (what == "alpha" || SUMS.contains(&what))
            }
            ["test", what] => {
                watch.contains(&Watch::Test) && (what == "alpha" || SUMS.contains(&what))
            }
            ["test", "imputed", "alpha" | "m_coherence"] => {
                watch.contains(&Watch::Test) && self.may_impute()
            }
            ["bound", "theorem" | "divergence"] => self.bound.is_some(),
            ["probe" | "batch", "alpha"] => true,
            ["probe" | "batch", sum] => SUMS.contains(&sum),
            ["probe" | "batch", group, what] if is_group(group) => {
                watch.contains(&Watch::Group) && (what == "helpfulness" || SUMS.contains(&what))
            }
            ["probe", "batches", what] => self.may_impute() && ESTIMATED.contains(&what),
            ["probe", "imputed", what] => {
                self.may_impute() && (what == "m_coherence" || ESTIMATED.contains(&what))
            }
            ["probe", "imputed", group, "alpha" | "m_coherence"] if is_group(group) => {
                watch.contains(&Watch::ImputedGroup)
            }
            ["probe", "imputed", ..] => {
                let tensor = series.strip_prefix("probe.imputed.");
                let tensor = tensor.and_then(|series| series.strip_suffix(".m_coherence"));
                watch.contains(&Watch::ImputedLayer)
                    && tensor.is_some_and(|tensor| self.has_tensor(tensor))
            }
            ["activity", "dead_examples" | "output_bias" | "cosine"] => {
                watch.contains(&Watch::Activity)
            }
            ["activity", layer, "dead_examples" | "dead_units"] if self.model.is_none() => {
                watch.contains(&Watch::Activity) && is_numbered(layer, "fc", self.hidden.len())
            }
            ["activity", .., "dead_examples" | "dead_units"] => watch.contains(&Watch::Activity),
            _ => series
                .strip_prefix("probe.")
                .and_then(|tensor| tensor.rsplit_once('.'))
                .is_some_and(|(tensor, sum)| {
                    watch.contains(&Watch::Layer) && SUMS.contains(&sum) && self.has_tensor(tensor)
                }),
        }
    }

    /// Whether the training or the test set has a group of this name at some cell.
    fn has_group(&self, set: &str, name: &str) -> bool {
        let Some(Difficulty { initialisations, .. }) = self.difficulty else { return false };
        let subsets = self.grid.subset.clone().unwrap_or_else(|| vec![self.subset]);
        match set {
            "train" => (0..=initialisations).any(|level| Difficulty::group(level) == name),
            _ => Subset::TESTED.contains(&name) && subsets.iter().any(|s| *s != Subset::All),
        }
    }

    /// Whether α is imputed: if it is asked for, or if the network may normalise by the statistics of the batch, and the
    /// probe sample has two passes.
    fn may_impute(&self) -> bool {
        let may_couple = self.model.is_some() && !self.running_statistics;
        self.config(0).has_two_passes()
            && (may_couple || self.watch().iter().any(|watch| watch.imputes()))
    }

    /// Whether the network has a tensor of this name; for images of unknown shape, whether it may.
    fn has_tensor(&self, name: &str) -> bool {
        match (&self.model, self.dataset.shape()) {
            (None, _) => name.rsplit_once('.').is_some_and(|(layer, kind)| {
                ["weight", "bias"].contains(&kind)
                    && is_numbered(layer, "fc", self.hidden.len() + 1)
            }),
            (Some(_), None) => true,
            (Some(_), Some((image, classes))) => self
                .network::<Cpu>(image, classes)
                .is_ok_and(|network| network.layout().get(name).is_some()),
        }
    }
}

impl Worked {
    /// Whether any run of the example records `series`; see [`crate::run::worked::rows`].
    pub fn records(&self, series: &str) -> bool {
        let parts: Vec<&str> = series.splitn(4, '.').collect();
        let layer = |name: &str| self.layers().find(|(known, _)| *known == name);
        let parameter = |name, j| layer(name).is_some_and(|(_, n)| is_numbered(j, "", n));
        match parts[..] {
            ["train" | "test", "loss"] | ["gap" | "alpha" | "m_coherence"] => true,
            ["coefficient", j] => is_numbered(j, "", 6),
            [name, "m_coherence"] => layer(name).is_some(),
            [name, j] | [name, j, "alpha"] => parameter(name, j),
            _ => false,
        }
    }

    /// Names and numbers of parameters of the layers of the example's models.
    fn layers(&self) -> impl Iterator<Item = (&'static str, usize)> {
        let models = self.sweep.iter().flat_map(|sweep| sweep.model.iter().flatten()).copied();
        models.chain([self.model]).flat_map(|model| {
            let layers = match model {
                Model::Linear => Linear.layers(),
                Model::DeepLinear => DeepLinear.layers(),
                Model::TwoNeurons => TwoNeurons.layers(),
            };
            layers.into_iter().map(|layer| (layer.name, layer.range.len()))
        })
    }
}

/// Whether `text` is `stem` and a number from 1 to `most`, written as numbers are.
fn is_numbered(text: &str, stem: &str, most: usize) -> bool {
    let number = text.strip_prefix(stem).and_then(|digits| {
        let number: usize = digits.parse().ok()?;
        (number.to_string() == digits).then_some(number)
    });
    number.is_some_and(|number| (1..=most).contains(&number))
}
