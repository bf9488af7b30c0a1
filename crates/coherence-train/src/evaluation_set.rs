//! The examples of a set whose loss and accuracy are measured: all, or a fixed sample of each kind.

use crate::{
    Examples, Group,
    evaluate::{Outcomes, Score},
};
use coherence_data::{Designation, random};
use std::collections::HashMap;

/// The m examples of a set that are evaluated. Their groups are given by places in `indices`.
#[derive(Debug)]
pub(crate) struct EvaluationSet {
    /// Indices of the examples, ascending \[m\].
    pub(crate) indices: Vec<usize>,
    /// Places of the pristine and of the corrupt examples, ascending.
    pub(crate) kinds: [Vec<usize>; 2],
    /// The groups of the set, as far as they are evaluated.
    groups: Vec<Group>,
    /// The shares of the pristine and of the corrupt examples in the whole set, if only a sample is evaluated.
    shares: Option<[f64; 2]>,
}

impl EvaluationSet {
    /// All examples.
    pub(crate) fn whole(examples: &Examples) -> Self {
        Self {
            indices: (0..examples.len()).collect(),
            kinds: by_kind(examples),
            groups: examples.groups().to_vec(),
            shares: None,
        }
    }

    /// `size` pristine and `size` corrupt examples, or all of a kind of which there are fewer. A pure function of
    /// the seed and the designations.
    pub(crate) fn sample(examples: &Examples, size: usize, seed: u64) -> Self {
        let mut rng = random::stream(seed, "sample");
        let of_kind = by_kind(examples);
        let shares = of_kind.each_ref().map(|kind| kind.len() as f64 / examples.len() as f64);
        let chosen = of_kind.map(|kind| {
            let order = random::permutation(&mut rng, kind.len()).into_iter().take(size);
            order.map(|place| kind[place]).collect::<Vec<_>>()
        });
        let mut indices = chosen.concat();
        indices.sort_unstable();
        let places: HashMap<usize, usize> = indices.iter().copied().zip(0..).collect();
        let placed = |members: &[usize]| -> Vec<usize> {
            let mut placed: Vec<_> =
                members.iter().filter_map(|i| places.get(i).copied()).collect();
            placed.sort_unstable();
            placed
        };
        let group =
            |group: &Group| Group { name: group.name.clone(), members: placed(&group.members) };
        Self {
            kinds: chosen.each_ref().map(|kind| placed(kind)),
            groups: examples.groups().iter().map(group).collect(),
            shares: Some(shares),
            indices,
        }
    }

    /// The scores of the set, which has this `name`, and of its groups, each with the first part of the names of its
    /// series.
    pub(crate) fn scores(&self, name: &str, outcomes: &Outcomes) -> Vec<(String, Score)> {
        let whole = (name.to_owned(), self.score(outcomes));
        let group = |group: &Group| {
            (format!("{name}.{}", group.name), outcomes.score(group.members.iter().copied()))
        };
        let all = std::iter::once(whole).chain(self.groups.iter().map(group));
        all.filter_map(|(name, score)| Some((name, score?))).collect()
    }

    /// The score of the whole set: of a sample, the MEAN over the kinds, weighted by their shares in the set.
    fn score(&self, outcomes: &Outcomes) -> Option<Score> {
        let Some(shares) = self.shares else {
            return outcomes.score(0..self.indices.len());
        };
        let mut whole = Score { loss: 0.0, accuracy: 0.0 };
        for (share, kind) in shares.into_iter().zip(&self.kinds) {
            if let Some(score) = outcomes.score(kind.iter().copied()) {
                whole.loss += share * score.loss;
                whole.accuracy += share * score.accuracy;
            }
        }
        (!self.indices.is_empty()).then_some(whole)
    }
}

/// Indices of the pristine and of the corrupt examples, ascending.
fn by_kind(examples: &Examples) -> [Vec<usize>; 2] {
    Designation::ALL
        .map(|kind| (0..examples.len()).filter(|&i| examples.designations()[i] == kind).collect())
}
