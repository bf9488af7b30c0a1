//! The non-finite policy.

use coherence_core::finite::{NonFinite, Policy, first_non_finite};
use coherence_tests::cases;
use proptest::prelude::*;

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a01_first_non_finite_is_the_first(values in prop::collection::vec(
        prop_oneof![6 => any::<f32>(), 1 => Just(f32::NAN), 1 => Just(f32::INFINITY)], 0..12)
    ) {
        let naive = (0..values.len()).find(|&i| values[i].is_nan() || values[i].is_infinite());
        prop_assert_eq!(first_non_finite(&values), naive);
        prop_assert_eq!(Policy::Propagate.admit(&values), Ok(true));
        prop_assert_eq!(Policy::Omit.admit(&values), Ok(naive.is_none()));
        let refused = naive.map_or(Ok(true), |index| Err(NonFinite { index }));
        prop_assert_eq!(Policy::Error.admit(&values), refused);
    }
}

#[test]
fn a01_the_default_is_to_refuse_and_to_say_where() {
    assert_eq!(Policy::default(), Policy::Error);
    assert_eq!(
        NonFinite { index: 7 }.to_string(),
        "value 7 is not finite (choose the policy `Propagate` or `Omit` to go on)"
    );
}
