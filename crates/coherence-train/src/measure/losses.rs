//! The losses of a first pass: their sum, the first that is not finite and, where asked for, each one.

/// The sum of the losses, the first that is not finite and, where asked for, each of them.
#[derive(Debug)]
pub(super) struct Losses {
    sum: f64,
    /// Its index in the data set and its value.
    not_finite: Option<(usize, f64)>,
    /// By place; `None` unless asked for.
    each: Option<Vec<f64>>,
}

impl Losses {
    pub(super) fn new(each: bool) -> Self {
        Self { sum: 0.0, not_finite: None, each: each.then(Vec::new) }
    }

    /// Forgets all losses.
    pub(super) fn clear(&mut self) {
        (self.sum, self.not_finite) = (0.0, None);
        self.each.iter_mut().for_each(Vec::clear);
    }

    /// Adds the losses at the next places, whose indices in the data set are `indices`.
    pub(super) fn add(&mut self, indices: impl Iterator<Item = usize>, losses: &[f64]) {
        for (index, &loss) in indices.zip(losses) {
            self.sum += loss;
            if !loss.is_finite() && self.not_finite.is_none_or(|(first, _)| index < first) {
                self.not_finite = Some((index, loss));
            }
        }
        self.each.iter_mut().for_each(|each| each.extend(losses));
    }

    /// The SUM of the losses.
    pub(super) fn sum(&self) -> f64 {
        self.sum
    }

    /// The first example in the order of the data set whose loss is not finite, and that loss.
    pub(super) fn not_finite(&self) -> Option<(usize, f64)> {
        self.not_finite
    }

    /// The losses by place; none unless they were asked for.
    pub(super) fn each(&self) -> &[f64] {
        self.each.as_deref().unwrap_or_default()
    }
}
