//! Buffers and views, on the host's engine.
#![cfg(feature = "host")]

mod engine;

use coherence_cuda::Buffer;
use engine::{Tested, engine};

#[test]
fn numbers_of_every_type_are_filled_copied_and_cut() {
    fn law<V: Copy + PartialEq + core::fmt::Debug + 'static>(zero: V, value: V) {
        let mut buffer = Buffer::<V, Tested>::zeros(engine(), 1000);
        buffer.view_mut().part(1..999).fill(engine(), value);
        let mut copy = buffer.clone();
        buffer.view_mut().fill(engine(), zero);
        copy.view_mut().part(500..600).copy_from(engine(), buffer.view().part(0..100));
        let mut found = vec![value; 1000];
        copy.view().download(engine(), &mut found);
        let expected = |j| if j == 0 || j == 999 || (500..600).contains(&j) { zero } else { value };
        assert!(found.iter().enumerate().all(|(j, &x)| x == expected(j)));
    }
    law(0.0f32, -1.5);
    law(0.0f64, 1e300);
    law(0u32, u32::MAX);
    law(0u64, 1 << 40);
}

#[test]
#[should_panic = "it holds f32, f64, u32 or u64"]
fn a_type_that_zeros_are_no_value_of_is_refused() {
    Buffer::<&u8, Tested>::zeros(engine(), 1);
}
