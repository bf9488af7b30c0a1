//! The embedded digits are the documented subset of MNIST.

use std::io::Write;

use coherence_data::{Dataset, Images, OpenError, Split, digits, locate, manifest, open_in};

fn splits() -> [(Split, Images); 2] {
    [(Split::Train, digits::train()), (Split::Test, digits::test())]
}

fn image(data: &dyn Dataset, i: usize) -> Vec<f32> {
    let mut image = vec![0.0; data.shape().features()];
    data.get(i, &mut image).unwrap();
    image
}

#[test]
fn the_digits_have_their_sizes() {
    for ((_, data), count) in splits().into_iter().zip([10_000, 2_000]) {
        assert_eq!(data.len(), count);
        assert_eq!(data.shape().features(), 784);
        assert_eq!(data.classes(), 10);
        assert!(!data.is_empty());
    }
}

#[test]
fn the_embedded_files_are_at_most_two_and_a_half_megabytes() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/digits");
    let sizes = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().metadata().unwrap().len());
    let total: u64 = sizes.sum();
    assert!(total <= 2_500_000, "{total} bytes");
}

/// A tenth of each class: the standard deviation of a class's count is 30 in 10,000, 13 in 2,000.
#[test]
fn every_digit_occurs_about_equally_often() {
    for (_, data) in splits() {
        let mut counts = [0_usize; 10];
        (0..data.len()).for_each(|i| counts[data.target(i).label as usize] += 1);
        let even = data.len() / 10;
        assert!(counts.iter().all(|c| c.abs_diff(even) < even / 5), "{counts:?}");
    }
}

/// From `golden/streams.py`; the fold is Σ index · 1000003^(n−1−place) modulo 2⁶⁴.
#[test]
fn the_choice_has_its_golden_values() {
    let order = |name, n| {
        let mut rng = coherence_data::random::stream(0, name);
        coherence_data::random::permutation(&mut rng, n)
    };
    let fold = |order: &[usize]| {
        order.iter().fold(0_u64, |t, &i| t.wrapping_mul(1_000_003).wrapping_add(i as u64))
    };
    assert_eq!(fold(&order("digits.train", 60_000)), 0x86431659e8843ecc);
    assert_eq!(fold(&order("digits.test", 10_000)), 0x8175bc922d2eb9f6);
    assert_eq!(digits::chosen(Split::Train)[..3], [33126, 34776, 57982]);
    assert_eq!(digits::chosen(Split::Test)[..3], [8020, 9571, 4739]);
}

/// Needs full MNIST; prints a note if it is absent.
#[test]
fn the_embedded_digits_are_the_chosen_ones() {
    let mnist = manifest::entry("mnist").unwrap();
    for (split, embedded) in splits() {
        let full = match open_in(&locate::roots(), mnist, split) {
            Ok(full) => full,
            Err(OpenError::Missing { looked, .. }) => {
                // Directly to stderr: the test runner captures what a passing test prints.
                let skipped = "SKIPPED the_embedded_digits_are_the_chosen_ones: no MNIST in";
                writeln!(std::io::stderr(), "{skipped} {looked:?}").unwrap();
                return;
            }
            Err(damaged) => panic!("{damaged}"),
        };
        let chosen = digits::chosen(split);
        assert_eq!(chosen.len(), embedded.len());
        for (i, &original) in chosen.iter().enumerate() {
            assert_eq!(embedded.target(i), full.target(original), "example {i} of {split:?}");
            assert!(image(&embedded, i) == image(&full, original), "image {i} of {split:?}");
        }
    }
}
