//! CIFAR in the binary layout: planes are transposed, and damaged files are refused by name.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use coherence_data::cifar::{Cifar, CifarError};
use coherence_data::{Dataset, ReadError, Split, Target, locate, open};

/// A record whose byte i of plane p is (31 p + i + seed) mod 256.
fn record(labels: &[u8], seed: usize) -> Vec<u8> {
    let pixel = |k: usize| ((31 * (k / 1024) + k % 1024 + seed) % 256) as u8;
    labels.iter().copied().chain((0..3 * 1024).map(pixel)).collect()
}

fn image(data: &dyn Dataset, i: usize) -> Result<(Target, Vec<f32>), ReadError> {
    let mut values = vec![f32::NAN; data.shape().features()];
    Ok((data.get(i, &mut values)?, values))
}

fn write(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path
}

#[test]
fn planes_become_neighbouring_channels() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "one.bin", &[record(&[7], 0), record(&[9], 5)].concat());
    let data = Cifar::Ten.read(&file, Split::Train).unwrap();
    assert_eq!((data.len(), data.classes(), data.shape().features()), (2, 10, 3072));
    for (i, (label, seed)) in [(7, 0), (9, 5)].into_iter().enumerate() {
        let (target, values) = image(&data, i).unwrap();
        assert_eq!(target.label, label);
        for y in 0..32 {
            for x in 0..32 {
                for c in 0..3 {
                    let byte = (31 * c + y * 32 + x + seed) % 256;
                    assert_eq!(values[(y * 32 + x) * 3 + c], byte as f32 / 255.0);
                }
            }
        }
    }
}

#[test]
fn the_files_of_a_split_follow_each_other() {
    let folder = tempfile::tempdir().unwrap();
    for batch in 1..=5 {
        let content = [record(&[batch], 0), record(&[0], 1)].concat();
        write(folder.path(), &format!("data_batch_{batch}.bin"), &content);
    }
    write(folder.path(), "test_batch.bin", &record(&[8], 0));
    let labels = |split| -> Vec<u32> {
        let data = Cifar::Ten.read(folder.path(), split).unwrap();
        (0..data.len()).map(|i| data.target(i).label).collect()
    };
    assert_eq!(labels(Split::Train), [1, 0, 2, 0, 3, 0, 4, 0, 5, 0]);
    assert_eq!(labels(Split::Test), [8]);
    let name = format!("cifar10:{}", folder.path().display());
    assert_eq!(open(&name, Split::Train).unwrap().len(), 10);
}

#[test]
fn cifar_100_has_coarse_and_fine_labels() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "test.bin", &record(&[19, 99], 0));
    let read = |cifar: Cifar| {
        let data = cifar.read(folder.path(), Split::Test).unwrap();
        (image(&data, 0).unwrap(), data.classes())
    };
    let ((fine, pixels), (coarse, same)) = (read(Cifar::Hundred).0, read(Cifar::HundredCoarse).0);
    assert_eq!((fine.label, coarse.label), (99, 19));
    assert_eq!((read(Cifar::Hundred).1, read(Cifar::HundredCoarse).1), (100, 20));
    assert_eq!((&pixels, pixels[1]), (&same, 31.0 / 255.0));
}

#[test]
fn damaged_files_are_refused_with_both_lengths() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |cifar: Cifar, content: &[u8], message: &str| {
        let file = write(folder.path(), "damaged.bin", content);
        let error = cifar.read(&file, Split::Train).unwrap_err().to_string();
        assert_eq!(error, format!("{}: {message}", file.display()));
    };
    let length = |found: usize, record: usize| {
        format!(
            "found {found} bytes, expected a multiple of {record} bytes, at least one record: the file \
             is truncated or has another layout (unpack the binary version of the archive again)"
        )
    };
    let one = record(&[3], 0);
    refused(Cifar::Ten, &[], &length(0, 3073));
    refused(Cifar::Ten, &one[..3072], &length(3072, 3073));
    refused(Cifar::Ten, &record(&[3, 4], 0), &length(3074, 3073));
    refused(Cifar::Hundred, &one, &length(3073, 3074));
    let label = |index: usize, found: u8, classes: usize| {
        format!(
            "label of record {index}: found {found}, expected a class below {classes} (is it a file of \
             the other CIFAR?)"
        )
    };
    refused(Cifar::Ten, &[one.clone(), record(&[10], 0)].concat(), &label(1, 10, 10));
    refused(Cifar::Hundred, &record(&[20, 4], 0), &label(0, 20, 20));
    refused(Cifar::HundredCoarse, &record(&[19, 100], 0), &label(0, 100, 100));
    let missing = folder.path().join("none.bin");
    let error = Cifar::Ten.read(&missing, Split::Test).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: cannot be read", missing.display())), "{error}");
}

#[test]
fn by_name_the_files_must_be_the_official_ones() {
    let folder = tempfile::tempdir().unwrap();
    let roots = [folder.path().join("a"), folder.path().join("b")];
    let error = Cifar::Hundred.open_in(&roots, Split::Test).unwrap_err();
    assert!(
        matches!(error, CifarError::Missing { ref looked, .. } if looked.len() == 6),
        "{error}"
    );
    assert!(error.to_string().contains("unpack cifar-100-binary.tar.gz"), "{error}");
    let place = roots[1].join("cifar100/cifar-100-binary");
    let file = write(&place, "test.bin", &record(&[1, 2], 0));
    let error = Cifar::Hundred.open_in(&roots, Split::Test).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "{}: found 3074 bytes, expected 30740000: the file is incomplete (unpack \
             cifar-100-binary.tar.gz again, or name the folder of incomplete files as cifar100:DIR)",
            file.display()
        )
    );
    write(&place, "test.bin", &record(&[1, 2], 0).repeat(10_000));
    let data = Cifar::HundredCoarse.open_in(&roots, Split::Test).unwrap();
    assert_eq!((data.len(), data.target(9_999).label), (10_000, 1));
}

/// Needs an exact part of CIFAR-10; prints a note if it is absent.
#[test]
fn the_exact_prefix_of_cifar_10_has_its_labels() {
    let roots = locate::roots();
    let folder = roots.iter().map(|root| root.join("cifar10/exact-prefix")).find(|f| f.is_dir());
    let Some(folder) = folder else {
        let skipped =
            "SKIPPED the_exact_prefix_of_cifar_10_has_its_labels: no cifar10/exact-prefix in";
        writeln!(std::io::stderr(), "{skipped} {roots:?}").unwrap();
        return;
    };
    let official = fs::read(folder.join("labels-60000.u8")).unwrap();
    let train = Cifar::Ten.read(&folder, Split::Train).unwrap();
    let counts = [1102, 1017, 1017, 1017, 1017];
    assert_eq!(train.len(), counts.iter().sum::<usize>());
    let mut i = 0;
    for (batch, count) in counts.into_iter().enumerate() {
        for k in 0..count {
            assert_eq!(train.target(i).label, u32::from(official[batch * 10_000 + k]));
            i += 1;
        }
    }
    let test = Cifar::Ten.read(&folder, Split::Test).unwrap();
    assert!((0..test.len()).all(|i| test.target(i).label == u32::from(official[50_000 + i])));
    // Natural images: neighbouring pixels of a channel are alike, and the means are the known ones.
    let (mut sums, mut steps) = ([0.0; 3], 0.0);
    for i in 0..train.len() {
        let values = image(&train, i).unwrap().1;
        values
            .chunks_exact(3)
            .for_each(|pixel| (0..3).for_each(|c| sums[c] += f64::from(pixel[c])));
        steps += (0..3069).map(|k| f64::from((values[k] - values[k + 3]).abs())).sum::<f64>();
    }
    let pixels = (train.len() * 1024) as f64;
    for (sum, mean) in sums.into_iter().zip([0.4914, 0.4822, 0.4465]) {
        assert!((sum / pixels - mean).abs() < 0.01, "{} {mean}", sum / pixels);
    }
    assert!(steps / (3.0 * pixels) < 0.06, "{}", steps / (3.0 * pixels));
}
