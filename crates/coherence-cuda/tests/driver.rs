//! What is said where there is no GPU, or not this one.

use coherence_cuda::{Driver, DriverError, compile};

#[test]
fn a_device_that_is_not_there_is_an_error_that_says_what_was_found() {
    let error = Driver::new(1 << 40).expect_err("no machine has so many devices");
    let message = error.to_string();
    match error {
        DriverError::Missing { library, .. } => {
            assert!(message.starts_with(library) && message.contains("--device cpu"), "{message}");
        }
        DriverError::NoDevice { count, .. } => {
            assert!(count < 1 << 40 && message.contains("the driver finds"), "{message}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn kernels_are_compiled_or_the_compiler_is_missing() {
    match compile::ptx("compute_80") {
        Ok(compiled) => {
            for (precision, ptx) in compiled {
                for kernel in compile::kernels() {
                    assert!(ptx.contains(&format!(".entry {kernel}(")), "{kernel} in {precision}");
                }
            }
        }
        Err(DriverError::Missing { library, .. }) => assert_eq!(library, "libnvrtc"),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn every_kernel_has_a_name_of_its_own_and_both_precisions_have_the_same() {
    let mut names: Vec<_> = compile::kernels().collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert!(count > 20 && names.len() == count, "{names:?}");
    let [single, double] = ["f32", "f64"].map(compile::source);
    assert_eq!(single.replace("typedef float real", "typedef double real"), double);
}
