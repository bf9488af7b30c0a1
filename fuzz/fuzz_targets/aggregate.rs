//! Any rule on any few vectors, in both precisions, under every policy.

#![no_main]

mod rule;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    rule::check(bytes, |x| f32::from_le_bytes(x.try_into().unwrap()));
    rule::check(bytes, |x| f64::from_le_bytes(x.try_into().unwrap()));
});
