//! The core's statistics with `None` where they are NaN, as the naive ones have it for too few examples.

use coherence_core::finite::{NonFinite, Policy};
use coherence_core::{Coherence, Member, WeightedCoherence, similarity, unbiased};
use unbiased::Estimate;

/// What is NaN for too few examples.
pub(crate) trait Defined: Sized {
    fn is_defined(&self) -> bool;

    fn defined(self) -> Option<Self> {
        self.is_defined().then_some(self)
    }
}

impl Defined for f64 {
    fn is_defined(&self) -> bool {
        !self.is_nan()
    }
}

impl Defined for Estimate {
    fn is_defined(&self) -> bool {
        !self.standard_error.is_nan()
    }
}

pub(crate) fn helpfulness(sample: Coherence, member: Member) -> Option<f64> {
    coherence_core::helpfulness::helpfulness(sample, member).defined()
}

pub(crate) fn jackknife(
    sample: Coherence,
    members: impl IntoIterator<Item = Member>,
) -> Option<Estimate> {
    unbiased::jackknife(sample, members).defined()
}

pub(crate) fn batch_means(batches: impl IntoIterator<Item = Coherence>) -> Option<Estimate> {
    unbiased::batch_means(batches).defined()
}

pub(crate) fn weighted_jackknife(
    sample: WeightedCoherence,
    members: impl IntoIterator<Item = (f64, Member)>,
) -> Option<Estimate> {
    unbiased::weighted_jackknife(sample, members).defined()
}

type Measured = Result<Option<f64>, NonFinite>;

pub(crate) fn cosine(a: &[f64], b: &[f64], policy: Policy) -> Measured {
    similarity::cosine(a, b, policy).map(f64::defined)
}

macro_rules! measures {
    ($($name:ident),*) => {
        $(pub(crate) fn $name<T: coherence_core::num_traits::Float, R: AsRef<[T]>>(
            rows: &[R],
            policy: Policy,
        ) -> Measured {
            similarity::$name(rows, policy).map(f64::defined)
        })*
    };
}

measures!(confusion_bound, cosine_stiffness, minimum_cosine, pairwise_distance, sign_stiffness);
