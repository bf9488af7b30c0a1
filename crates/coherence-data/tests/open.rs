//! Data sets are found in every folder that is searched, and errors name these folders.

use std::fs;
use std::io::Write;
use std::path::Path;

use coherence_data::idx::{self, Array};
use coherence_data::manifest::{self, Entry};
use coherence_data::verify::{FileState, verify};
use coherence_data::{Dataset, OpenError, Split, locate, names, open_in};
use flate2::{Compression, write::GzEncoder};

fn mnist() -> &'static Entry {
    manifest::entry("mnist").unwrap()
}

/// A training split of `count` images of 1 × 1 whose pixel is `pixel`, plain or gzip.
fn write_pair(folder: &Path, count: usize, labels: usize, pixel: u8, gzip: bool) {
    let images = Array { dims: [count, 1, 1], values: vec![pixel; count] };
    let labels = Array { dims: [labels], values: vec![3; labels] };
    let (mut image_file, mut label_file) = (Vec::new(), Vec::new());
    idx::encode(&images, &mut image_file).unwrap();
    idx::encode(&labels, &mut label_file).unwrap();
    fs::create_dir_all(folder).unwrap();
    let pair = mnist().pair(Split::Train);
    for (item, content) in [(&pair.images, image_file), (&pair.labels, label_file)] {
        if gzip {
            let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
            zip.write_all(&content).unwrap();
            fs::write(locate::compressed(folder, item), zip.finish().unwrap()).unwrap();
        } else {
            fs::write(folder.join(&item.name), content).unwrap();
        }
    }
}

fn first_pixel(roots: &[std::path::PathBuf]) -> f32 {
    let data = open_in(roots, mnist(), Split::Train).unwrap();
    let mut pixel = [0.0];
    assert_eq!(data.get(0, &mut pixel).unwrap().label, 3);
    pixel[0]
}

#[test]
fn the_first_folder_with_both_files_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let roots = ["a", "b", "c"].map(|root| folder.path().join(root));
    write_pair(&roots[2].join("mnist"), 2, 2, 255, true);
    assert_eq!(first_pixel(&roots), 1.0);
    write_pair(&roots[1].join("mnist"), 2, 2, 51, false);
    assert_eq!(first_pixel(&roots), 0.2);
    fs::remove_file(roots[1].join("mnist/train-labels-idx1-ubyte")).unwrap();
    assert_eq!(first_pixel(&roots), 1.0, "one file alone does not count");
}

#[test]
fn the_error_for_a_missing_data_set_names_every_folder_and_the_remedy() {
    let roots = ["here", "there"].map(std::path::PathBuf::from);
    let error = open_in(&roots, mnist(), Split::Test).unwrap_err();
    assert!(matches!(error, OpenError::Missing { .. }));
    let places: Vec<String> = roots.iter().map(|r| r.join("mnist").display().to_string()).collect();
    assert_eq!(
        error.to_string(),
        format!(
            "mnist is not on this machine; looked in {} (fetch it with `coherence data fetch \
             mnist`, or set COHERENCE_DATA to the folder that holds mnist/)",
            places.join(", ")
        )
    );
}

#[test]
fn files_that_do_not_match_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_pair(&folder.path().join("mnist"), 2, 3, 0, true);
    let error = open_in(&[folder.path().to_owned()], mnist(), Split::Train).unwrap_err();
    let labels = folder.path().join("mnist/train-labels-idx1-ubyte.gz");
    assert_eq!(
        error.to_string(),
        format!(
            "{}: number of labels: found 3, expected 2 (fetch it again with `coherence data fetch`)",
            labels.display()
        )
    );
}

#[test]
fn every_name_is_known() {
    assert_eq!(
        names().collect::<Vec<_>>(),
        ["digits", "mnist", "fashion-mnist", "cifar10", "cifar100", "cifar100-coarse", "imagenet"]
    );
}

/// Needs the full data sets; prints a note for each that is absent.
#[test]
fn the_full_data_sets_are_those_of_the_manifest() {
    for entry in manifest::entries() {
        let roots = locate::roots();
        let Ok((images, _)) = locate::find(&roots, entry, entry.pair(Split::Train)) else {
            // Directly to stderr: the test runner captures what a passing test prints.
            let skipped = "SKIPPED the_full_data_sets_are_those_of_the_manifest: no";
            writeln!(std::io::stderr(), "{skipped} {} in {roots:?}", entry.name).unwrap();
            continue;
        };
        for (item, state) in verify(entry, images.parent().unwrap()) {
            assert!(
                matches!(state, FileState::Sound(_)),
                "{} of {}: {state:?}",
                item.name,
                entry.name
            );
        }
        for (split, count) in [(Split::Train, 60_000), (Split::Test, 10_000)] {
            let data = open_in(&roots, entry, split).unwrap();
            assert_eq!((data.len(), data.shape().features(), data.classes()), (count, 784, 10));
        }
    }
}
