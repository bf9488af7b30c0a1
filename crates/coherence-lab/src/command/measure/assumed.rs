//! What a measurement takes for granted, told beside it, and whether the accuracy contradicts it.

use std::fmt;

use serde::Serialize;

/// What the network was taken for, and what it was measured on.
#[derive(Debug, Serialize)]
pub(super) struct Assumed {
    pub(super) model: String,
    /// The function between the layers of a perceptron, as `--activation` names it; `null` for other networks, whose
    /// functions their names say.
    pub(super) activation: Option<String>,
    /// Means and deviations, `MEAN/STD`; `null` where pixels are divided by 255 only.
    pub(super) normalize: Option<String>,
    /// The data set and its split.
    pub(super) data: String,
    pub(super) noise: Option<String>,
    /// The number of examples measured.
    pub(super) examples: usize,
    /// The number of classes of the data.
    pub(super) classes: usize,
}

impl fmt::Display for Assumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.model)?;
        self.activation.iter().try_for_each(|activation| write!(f, " with {activation}"))?;
        f.write_str("; ")?;
        match &self.normalize {
            Some(by) => write!(f, "inputs pixel/255 normalised by {by}; ")?,
            None => f.write_str("inputs pixel/255; ")?,
        }
        write!(f, "{} examples of {}", self.examples, self.data)?;
        self.noise.iter().try_for_each(|noise| write!(f, " with {noise}"))
    }
}

impl Assumed {
    /// A warning if `accuracy` is near chance, which a network that was trained is not.
    ///
    /// Near chance is below twice 1/k for k classes, or below halfway from 1/k to 1 if that is less
    /// (k < 3). Whether a network knows anything cannot be seen from fewer right answers.
    pub(super) fn warning(&self, accuracy: f64) -> Option<String> {
        let chance = 1.0 / self.classes as f64;
        (accuracy < f64::min(2.0 * chance, (1.0 + chance) / 2.0)).then(|| {
            let normalize = match &self.normalize {
                Some(by) => by.clone(),
                None => "pixel/255".to_owned(),
            };
            let activation = self.activation.as_ref().map_or_else(String::new, |activation| {
                format!("another activation (--activation, here {activation}) or ")
            });
            format!(
                "an accuracy of {accuracy:.4} is near chance, {chance:.4} for {} classes: α is only \
                 meaningful for the function that was trained. Usual causes: {activation}other \
                 inputs (--normalize, here {normalize})",
                self.classes
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bounds by hand: 2/k for ten and three classes, 3/4 for two, none for one.
    #[test]
    fn near_chance_is_below_twice_chance_and_below_halfway_to_one() {
        for (classes, below, above) in [(10, 0.199, 0.2), (3, 0.666, 0.667), (2, 0.749, 0.75)] {
            let assumed = Assumed {
                model: "mlp:4,2".to_owned(),
                activation: Some("relu".to_owned()),
                normalize: None,
                data: "digits:test".to_owned(),
                noise: None,
                examples: 1000,
                classes,
            };
            let warning = assumed.warning(below).unwrap();
            assert!(
                warning.contains("here relu") && warning.contains("here pixel/255"),
                "{warning}"
            );
            assert!(warning.contains(&format!("{below:.4} is near chance")), "{warning}");
            assert_eq!(assumed.warning(above), None, "{classes} classes");
            assert_eq!(
                assumed.to_string(),
                "mlp:4,2 with relu; inputs pixel/255; 1000 examples of digits:test"
            );
            let assumed = Assumed { model: "lenet5".to_owned(), activation: None, ..assumed };
            assert!(!assumed.warning(below).unwrap().contains("activation"));
            assert!(assumed.to_string().starts_with("lenet5; inputs"));
            assert_eq!(Assumed { classes: 1, ..assumed }.warning(1.0), None);
        }
    }
}
