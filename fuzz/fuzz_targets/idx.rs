//! Any bytes as an IDX file of images and of labels, plain or gzip.

#![no_main]

use coherence_data::{Images, idx};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let images = idx::decode::<3>(file, 1 << 20);
    let labels = idx::decode::<1>(file, 1 << 20);
    if let Ok(images) = &images {
        assert_eq!(images.values.len(), images.dims.iter().product::<usize>());
        let mut again = Vec::new();
        idx::encode(images, &mut again).expect("what was read can be written");
        assert_eq!(idx::decode::<3>(&again[..], 1 << 20).ok().as_ref(), Some(images));
    }
    assert!(images.is_err() || labels.is_err(), "no file is both");
    if let Ok(labels) = labels {
        let blank = idx::Array { dims: [labels.values.len(), 0, 0], values: Vec::new() };
        let _ = Images::new(blank, labels, 10);
    }
});
