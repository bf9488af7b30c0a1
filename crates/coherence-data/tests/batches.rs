//! Batches in the background: the right examples in the given order, errors, and an end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use coherence_data::{Batch, Batches, Dataset, Designation, ReadError, Shape, Target};
use proptest::prelude::*;

/// A thousand examples of two values; counts how many were read. Example `bad` cannot be.
#[derive(Default)]
struct Counted {
    read: AtomicUsize,
    bad: Option<usize>,
}

impl Dataset for Counted {
    fn len(&self) -> usize {
        1000
    }

    fn shape(&self) -> Shape {
        Shape { channels: 1, height: 1, width: 2 }
    }

    fn classes(&self) -> usize {
        7
    }

    fn target(&self, i: usize) -> Target {
        assert!(i < 1000, "example {i} of 1000");
        Target { label: (i % 7) as u32, designation: Designation::Pristine }
    }

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        self.read.fetch_add(1, Ordering::SeqCst);
        let target = self.target(i);
        if self.bad == Some(i) {
            return Err(ReadError { file: "bad.jpg".into(), reason: "damaged".to_owned() });
        }
        input.copy_from_slice(&[i as f32, -(i as f32)]);
        Ok(target)
    }
}

proptest! {
    #![proptest_config(coherence_tests::cases(200))]

    #[test]
    fn batches_are_the_examples_in_order(order in prop::collection::vec(
        prop::collection::vec(0_usize..1000, 0..9), 0..9)
    ) {
        let batches = Batches::new(Arc::new(Counted::default()), order.clone());
        let batches: Vec<Batch> = batches.collect::<Result<_, _>>().unwrap();
        let plain = Counted::default();
        prop_assert_eq!(batches.len(), order.len());
        for (batch, indices) in batches.into_iter().zip(order) {
            let mut inputs = vec![0.0; 2 * indices.len()];
            let targets: Vec<Target> = indices.iter().zip(inputs.chunks_mut(2))
                .map(|(&i, x)| plain.get(i, x).unwrap()).collect();
            prop_assert_eq!(batch, Batch { indices, inputs, targets });
        }
    }
}

#[test]
fn no_more_than_one_batch_is_decoded_ahead() {
    let data = Arc::new(Counted::default());
    let mut batches = Batches::new(data.clone(), (0..100).map(|k| vec![10 * k; 10]));
    for used in 1..5 {
        batches.next().unwrap().unwrap();
        thread::sleep(Duration::from_millis(30));
        let read = data.read.load(Ordering::SeqCst);
        assert!(10 * used <= read && read <= 10 * (used + 1), "{read} read after {used} batches");
    }
}

#[test]
fn an_error_takes_the_place_of_its_batch_and_is_the_last() {
    let data = Counted { bad: Some(5), ..Counted::default() };
    let mut batches = Batches::new(Arc::new(data), [vec![1], vec![4, 5, 6], vec![7]]);
    assert_eq!(batches.next().unwrap().unwrap().indices, [1]);
    assert_eq!(batches.next().unwrap().unwrap_err().to_string(), "bad.jpg: damaged");
    assert!(batches.next().is_none() && batches.next().is_none());
}

#[test]
fn dropping_ends_the_thread_within_an_example() {
    /// Examples that take a while.
    struct Slow(Counted);
    impl Dataset for Slow {
        fn len(&self) -> usize {
            self.0.len()
        }
        fn shape(&self) -> Shape {
            self.0.shape()
        }
        fn classes(&self) -> usize {
            self.0.classes()
        }
        fn target(&self, i: usize) -> Target {
            self.0.target(i)
        }
        fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
            thread::sleep(Duration::from_millis(5));
            self.0.get(i, input)
        }
    }
    let data = Arc::new(Slow(Counted::default()));
    let batches = Batches::new(data.clone(), std::iter::repeat_with(|| (0..1000).collect()));
    thread::sleep(Duration::from_millis(20));
    drop(batches);
    assert_eq!(Arc::strong_count(&data), 1, "the thread has ended");
    assert!(data.0.read.load(Ordering::SeqCst) < 1000);
    // One that waits to hand over a batch ends, too.
    let data = Arc::new(Counted::default());
    let batches = Batches::new(data.clone(), std::iter::repeat_with(|| vec![1]));
    thread::sleep(Duration::from_millis(20));
    drop(batches);
    assert_eq!(Arc::strong_count(&data), 1);
}

#[test]
fn a_panic_of_the_thread_reaches_the_caller() {
    let mut batches = Batches::new(Arc::new(Counted::default()), [vec![1000]]);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| batches.next()));
    let message = panic.unwrap_err();
    assert_eq!(message.downcast_ref::<String>().unwrap(), "example 1000 of 1000");
    assert!(batches.next().is_none());
}
