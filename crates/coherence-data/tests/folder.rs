//! Class folders: order and framing are torchvision's, and what is damaged is refused by name.

use std::fs;
use std::path::{Path, PathBuf};

use coherence_data::folder::{Folder, FolderError, Framing};
use coherence_data::{Dataset, Split, open, open_framed};
use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

/// The pixels of `golden/resize/resize.py`.
fn formula(height: usize, width: usize) -> RgbImage {
    let bytes = (0..height * width * 3).map(|k| ((k * k * 7 + k * 13) % 251) as u8).collect();
    RgbImage::from_raw(width as u32, height as u32, bytes).unwrap()
}

fn save(root: &Path, name: &str, image: impl Into<DynamicImage>) -> PathBuf {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let is_jpeg = !name.to_ascii_lowercase().ends_with(".png");
    let format = if is_jpeg { ImageFormat::Jpeg } else { ImageFormat::Png };
    image.into().save_with_format(&path, format).unwrap();
    path
}

fn bytes(data: &Folder, i: usize) -> Vec<u8> {
    let mut values = vec![f32::NAN; data.shape().features()];
    assert_eq!(data.get(i, &mut values).unwrap(), data.target(i));
    values.into_iter().map(|x| (x * 255.0).round() as u8).collect()
}

#[test]
fn classes_and_files_are_in_torchvisions_order() {
    let root = tempfile::tempdir().unwrap();
    let names = [
        "b/2.png",
        "b/10.PNG",
        "b/a/1.png",
        "b/a-/0.png",
        "b/Z.jpeg",
        "a b/x.JPG",
        "B/1.png",
        "b/a/deep/er/3.png",
    ];
    names.iter().for_each(|name| drop(save(root.path(), name, formula(2, 2))));
    fs::write(root.path().join("b/readme.txt"), "no image").unwrap();
    fs::write(root.path().join("beside.png"), "not in a class").unwrap();
    let data = Folder::open(root.path(), Framing::Original).unwrap();
    assert_eq!(data.class_names(), ["B", "a b", "b"]);
    // Python: sorted(os.walk(class)), then sorted(files): "b/a-" comes before "b/a/deep".
    let expected = [
        ("B/1.png", 0),
        ("a b/x.JPG", 1),
        ("b/10.PNG", 2),
        ("b/2.png", 2),
        ("b/Z.jpeg", 2),
        ("b/a/1.png", 2),
        ("b/a-/0.png", 2),
        ("b/a/deep/er/3.png", 2),
    ];
    let found: Vec<(&Path, u32)> = (0..data.len())
        .map(|i| (data.file(i).strip_prefix(root.path()).unwrap(), data.target(i).label))
        .collect();
    assert_eq!(found, expected.map(|(name, label)| (Path::new(name), label)));
}

#[test]
fn grey_and_transparent_images_become_three_channels() {
    let root = tempfile::tempdir().unwrap();
    save(root.path(), "c/1.png", GrayImage::from_raw(1, 2, vec![7, 255]).unwrap());
    save(root.path(), "c/2.png", RgbaImage::from_pixel(1, 2, Rgba([1, 2, 3, 0])));
    save(root.path(), "c/3.jpg", GrayImage::from_raw(1, 2, vec![90, 90]).unwrap());
    let data = Folder::open(root.path(), Framing::Original).unwrap();
    let shape = data.shape();
    assert_eq!((shape.height, shape.width, shape.channels), (2, 1, 3));
    assert_eq!(bytes(&data, 0), [7, 7, 7, 255, 255, 255]);
    assert_eq!(bytes(&data, 1), [1, 2, 3, 1, 2, 3]);
    assert_eq!(bytes(&data, 2), [90; 6]);
}

#[test]
fn resized_and_cropped_images_are_pillows_byte_by_byte() {
    for line in include_str!("golden/resize/resize.txt").lines() {
        let (sizes, values) = line.split_once(": ").unwrap();
        let sizes: Vec<usize> = sizes.split(' ').map(|x| x.parse().unwrap()).collect();
        let expected: Vec<u8> = values.split(' ').map(|x| x.parse().unwrap()).collect();
        let [height, width, resize, crop] = sizes[..] else { panic!("{line}") };
        let root = tempfile::tempdir().unwrap();
        save(root.path(), "c/1.png", formula(height, width));
        let data = Folder::open(root.path(), Framing::Square { resize, crop }).unwrap();
        assert_eq!(bytes(&data, 0), expected, "{height} {width} {resize} {crop}");
    }
}

#[test]
fn jpeg_is_decoded_to_nearly_its_pixels() {
    let root = tempfile::tempdir().unwrap();
    let smooth =
        RgbImage::from_fn(40, 24, |x, y| Rgb([(3 * x) as u8, (5 * y) as u8, (x + y) as u8]));
    save(root.path(), "c/1.jpg", smooth.clone());
    let data = Folder::open(root.path(), Framing::Original).unwrap();
    let near = bytes(&data, 0).iter().zip(smooth.as_raw()).all(|(a, b)| a.abs_diff(*b) < 24);
    assert!(near);
}

fn refused(root: &Path) -> FolderError {
    Folder::open(root, Framing::square(2)).unwrap_err()
}

#[test]
fn folders_that_are_no_data_set_are_refused_by_name() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let shown = root.display();
    let missing = refused(&root.join("none")).to_string();
    assert!(missing.starts_with(&format!("{shown}/none: cannot be read as a folder")), "{missing}");
    save(root, "1.png", formula(2, 2));
    assert_eq!(
        refused(root).to_string(),
        format!("{shown}: found no class folders (expected FOLDER/CLASS/IMAGE.jpg or .png)")
    );
    save(root, "cat/1.png", formula(2, 2));
    fs::create_dir_all(root.join("dog/deeper")).unwrap();
    assert_eq!(
        refused(root).to_string(),
        format!(
            "{shown}/dog: found no .jpg, .jpeg or .png file in this class folder (add some or remove it)"
        )
    );
    fs::write(root.join("dog/1.webp"), "").unwrap();
    assert_eq!(
        refused(root).to_string(),
        format!(
            "{shown}/dog/1.webp: this image format is not supported (convert it to PNG, or remove it)"
        )
    );
    fs::remove_file(root.join("dog/1.webp")).unwrap();
    save(root, "dog/1.png", formula(2, 2));
    assert!(Folder::open(root, Framing::square(2)).is_ok());
    for (resize, crop) in [(2, 3), (4, 0)] {
        let error = Folder::open(root, Framing::Square { resize, crop }).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "a crop of {crop} from images resized to {resize} (must be from 1 to {resize})"
            )
        );
    }
    for crop in [0, 1] {
        let error = Folder::open(root, Framing::Square { resize: 0, crop }).unwrap_err();
        let expected = "images cannot be resized to 0 pixels (the size must be at least 1)";
        assert_eq!(error.to_string(), expected);
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    let root = tempfile::tempdir().unwrap();
    let (classes, elsewhere) = (root.path().join("data"), root.path().join("elsewhere"));
    save(&classes, "c/1.png", formula(2, 2));
    save(&elsewhere, "2.png", formula(2, 2));
    std::os::unix::fs::symlink(&elsewhere, classes.join("c/linked")).unwrap();
    assert_eq!(Folder::open(&classes, Framing::Original).unwrap().len(), 2);
    std::os::unix::fs::symlink(classes.join("c"), elsewhere.join("back")).unwrap();
    let error = refused(&classes);
    assert!(matches!(error, FolderError::Loop(_)), "{error}");
}

/// The reason for which the only file of a data set cannot be read.
fn reason(content: &[u8], name: &str) -> String {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("c").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    let data = Folder::open(root.path(), Framing::square(4)).unwrap();
    let error = data.get(0, &mut [0.0; 48]).unwrap_err();
    assert_eq!(error.file, path);
    assert_eq!(error.to_string(), format!("{}: {}", path.display(), error.reason));
    error.reason
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    DynamicImage::from(formula(20, 30)).write_to(&mut file, format).unwrap();
    file.into_inner()
}

#[test]
fn truncated_and_false_images_are_refused() {
    let (jpeg, png) = (encoded(ImageFormat::Jpeg), encoded(ImageFormat::Png));
    for content in [&jpeg, &png] {
        for length in (0..content.len() - 12).step_by(7).chain([content.len() - 13]) {
            let reason = reason(&content[..length], "1.jpg");
            assert!(reason.ends_with("(replace the file or remove it)"), "{length}: {reason}");
        }
    }
    let cut = reason(&jpeg[..jpeg.len() - 2], "1.jpg");
    assert_eq!(cut, "damaged image: the JPEG data are truncated (replace the file or remove it)");
    let text = reason(b"GIF89a and more than that", "1.png");
    assert!(text.starts_with("the content is neither JPEG nor PNG"), "{text}");
    let mut false_crc = png.clone();
    false_crc[45] ^= 1;
    assert!(reason(&false_crc, "1.png").starts_with("damaged image"));
    let mut vast = jpeg.clone();
    let frame = vast.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    vast[frame + 5..frame + 9].fill(0xff);
    let reason = reason(&vast, "1.jpg");
    assert!(reason.contains("65535 × 65535 pixels in"), "{reason}");
}

#[test]
fn a_file_that_disappears_is_an_error_of_its_example() {
    let root = tempfile::tempdir().unwrap();
    let file = save(root.path(), "c/1.png", formula(2, 2));
    save(root.path(), "c/2.png", formula(2, 2));
    let data = Folder::open(root.path(), Framing::Original).unwrap();
    fs::remove_file(&file).unwrap();
    let error = data.get(0, &mut [0.0; 12]).unwrap_err();
    assert!(error.reason.starts_with("cannot be read"), "{error}");
    assert!(data.get(1, &mut [0.0; 12]).is_ok());
    let error = Folder::open(root.path(), Framing::square(2)).map(|data| data.len());
    assert_eq!(error.unwrap(), 1);
}

/// `/dev/null` first: without the check it reads as an empty file, and `/dev/zero` until memory is full.
#[cfg(unix)]
#[test]
fn a_device_behind_a_link_is_refused_and_not_read() {
    for device in ["/dev/null", "/dev/zero"] {
        let root = tempfile::tempdir().unwrap();
        let link = root.path().join("c/1.png");
        fs::create_dir(root.path().join("c")).unwrap();
        std::os::unix::fs::symlink(device, &link).unwrap();
        let expected = format!(
            "{}: found a device, pipe, socket or folder, expected a regular file (replace the file or \
             remove it)",
            link.display()
        );
        let data = Folder::open(root.path(), Framing::square(2)).unwrap();
        assert_eq!(data.get(0, &mut [0.0; 12]).unwrap_err().to_string(), expected);
        let error = Folder::open(root.path(), Framing::Original).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn images_of_several_sizes_need_one_to_be_chosen() {
    let root = tempfile::tempdir().unwrap();
    save(root.path(), "c/1.png", formula(4, 2));
    let other = save(root.path(), "c/2.png", formula(2, 4));
    let data = Folder::open(root.path(), Framing::Original).unwrap();
    let error = data.get(1, &mut [0.0; 24]).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}: found 2 × 4 pixels, expected 4 × 2 like the first image (choose a size that all are \
             resized to)",
            other.display()
        )
    );
    save(root.path(), "c/3.png", formula(1, 300));
    let data = Folder::open(root.path(), Framing::square(200)).unwrap();
    let error = data.get(2, &mut vec![0.0; 120_000]).unwrap_err();
    assert!(error.reason.starts_with("an image of 1 × 300 pixels"), "{error}");
}

/// Puts an image of each of two classes into every split, and returns the number of examples and classes.
fn opened(root: &Path, splits: &[&str], split: Split) -> Result<(usize, usize), String> {
    for (split, class) in splits.iter().flat_map(|split| [(split, "c"), (split, "d")]) {
        save(root, &format!("{split}/{class}/1.png"), formula(2, 2));
    }
    let data = open(&format!("folder:{}", root.display()), split);
    data.map(|data| (data.len(), data.classes())).map_err(|error| error.to_string())
}

#[test]
fn train_and_val_or_test_are_splits() {
    for test in ["val", "test"] {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        save(root, &format!("{test}/d/2.png"), formula(2, 2));
        assert_eq!(opened(root, &["train", test], Split::Train).unwrap(), (2, 2));
        assert_eq!(opened(root, &[], Split::Test).unwrap(), (3, 2));
        let name = format!("folder:{}", root.display());
        let framed = open_framed(&name, Split::Test, Framing::square(7)).unwrap();
        assert_eq!(framed.shape().features(), 147);
    }
    let error = open_framed("digits", Split::Test, Framing::square(7)).err().unwrap();
    assert_eq!(
        error.to_string(),
        "digits cannot be resized (only the images of imagenet and folder:DIR can)"
    );
}

/// The names of splits are never taken for classes: what is missing or too much is said, for either split.
#[test]
fn folders_with_names_of_splits_that_are_not_exactly_two_splits_are_refused() {
    const RENAME: &str = "or rename what is a class and not a split";
    let put = |kind: &str, name: &str| {
        format!("put the class folders of the {kind} images into DIR/{name}")
    };
    let (train, test) = (put("training", "train"), put("test", "val"));
    let surplus = "move DIR/val or DIR/test elsewhere";
    let others = "move the other folders elsewhere";
    let table: [(&[&str], &str, String); 8] = [
        (&["train"], "train", format!("{test}, or open DIR/train itself")),
        (&["val"], "val", format!("{train}, or open DIR/val itself")),
        (&["test"], "test", format!("{train}, or open DIR/test itself")),
        (&["train", "val", "test"], "test, train, val", format!("{surplus}, {RENAME}")),
        (&["val", "test"], "test, val", format!("{train}, {surplus}, {RENAME}")),
        (&["train", "val", "a"], "train, val, a", format!("{others}, {RENAME}")),
        (&["train", "a"], "train, a", format!("{test}, {others}, {RENAME}")),
        (&["a", "test", "x"], "test, a, x", format!("{train}, {others}, {RENAME}")),
    ];
    for (folders, found, remedy) in table {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let shown = root.display().to_string();
        let [of_train, of_test] =
            [Split::Train, Split::Test].map(|split| opened(root, folders, split));
        let expected = format!(
            "DIR: found {found}, expected exactly train and val (or test), or no folder of these names \
             ({remedy})"
        );
        for error in [of_train, of_test].map(Result::unwrap_err) {
            assert_eq!(error.replace(&shown, "DIR"), expected);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_beside_the_splits_counts_even_if_its_name_is_not_utf_8() {
    use std::os::unix::ffi::OsStrExt;
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join(std::ffi::OsStr::from_bytes(b"\xff"))).unwrap();
    let error = opened(root.path(), &["train", "val"], Split::Train).unwrap_err();
    assert!(error.contains("found train, val, \u{fffd}, expected exactly"), "{error}");
}

#[test]
fn class_folders_without_splits_are_the_training_split_alone() {
    let root = tempfile::tempdir().unwrap();
    let (root, shown) = (root.path(), root.path().display());
    for split in [Split::Train, Split::Test] {
        let error = opened(root, &[], split).unwrap_err();
        assert!(error.contains("found no class folders"), "{error}");
    }
    save(root, "a/1.png", formula(2, 2));
    assert_eq!(opened(root, &[], Split::Train).unwrap(), (1, 1));
    assert_eq!(
        opened(root, &[], Split::Test).unwrap_err(),
        format!(
            "{shown}: found no test images: its class folders are the training split (move them into \
             {shown}/train, and put those of the test images into {shown}/val)"
        )
    );
}

/// A label is the place of a name, so that a class that one split lacks would shift the others.
#[test]
fn splits_of_different_classes_are_refused_with_the_names_that_differ() {
    let root = tempfile::tempdir().unwrap();
    let name = format!("folder:{}", root.path().display());
    for class in ["ant", "bee", "cat"] {
        save(root.path(), &format!("train/{class}/1.png"), formula(2, 2));
    }
    for class in ["bee", "cat", "dog"] {
        save(root.path(), &format!("test/{class}/1.png"), formula(2, 2));
    }
    for split in [Split::Train, Split::Test] {
        let error = open(&name, split).err().unwrap().to_string();
        assert!(error.contains("differ: only in train: ant; only in test: dog"), "{error}");
    }
    fs::rename(root.path().join("test/dog"), root.path().join("test/ant")).unwrap();
    assert_eq!(open(&name, Split::Test).unwrap().classes(), 3);
    for i in 0..7 {
        save(root.path(), &format!("train/x{i}/1.png"), formula(2, 2));
    }
    let error = open(&name, Split::Test).err().unwrap().to_string();
    assert!(error.contains("train: x0, x1, x2, x3, x4 and 2 more; only in test: none"), "{error}");
}
