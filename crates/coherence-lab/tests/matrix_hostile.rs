//! `coherence alpha` and `coherence aggregate` on files and arguments that they must refuse, and on
//! numbers at the ends of `f64`.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn coherence(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_coherence"))
        .args(arguments)
        .output()
        .expect("the binary starts")
}

fn json(arguments: &[&str]) -> Value {
    let output = coherence(&[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON on stdout")
}

/// The message of a command that is refused.
#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let output = coherence(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    String::from_utf8(output.stderr).expect("text")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("an ASCII path")
}

fn header(descr: &str, shape: &str) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    file.extend(format!("{header:<117}\n").bytes());
    file
}

fn doubles(folder: &Path, name: &str, rows: &[[f64; 2]]) -> PathBuf {
    let mut file = header("<f8", &format!("({}, 2)", rows.len()));
    file.extend(rows.iter().flatten().flat_map(|x| x.to_le_bytes()));
    let path = folder.join(name);
    fs::write(&path, file).expect("a temporary file");
    path
}

#[test]
fn a_matrix_without_rows_or_columns_is_refused_with_its_shape() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("empty");
    let largest = i64::MAX;
    for (n, d) in [(largest, 0), (0, largest), (1_000_000_000_000, 0), (0, 0)] {
        fs::write(&file, header("<f4", &format!("({n}, {d})"))).expect("a file");
        for command in
            [&["alpha"][..], &["aggregate", "--rule", "mean"], &["aggregate", "--rule", "krum:1"]]
        {
            let message = refused(&[command, &[text(&file)]].concat());
            assert!(
                message.contains(&format!("shape: found {n} × {d}, expected at least")),
                "{message}"
            );
        }
    }
    let tensor = format!(r#"{{"g":{{"dtype":"F32","shape":[{largest},0],"data_offsets":[0,0]}}}}"#);
    let mut bytes = (tensor.len() as u64).to_le_bytes().to_vec();
    bytes.extend(tensor.bytes());
    fs::write(&file, bytes).expect("a file");
    let message = refused(&["aggregate", "--rule", "median", text(&file)]);
    assert!(message.contains("expected at least one row and one column"), "{message}");
}

#[test]
fn a_rule_that_is_not_defined_for_so_few_rows_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file =
        doubles(folder.path(), "four.npy", &[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]);
    for rule in [
        "winsorized:3",
        "winsorized:18446744073709551615",
        "trimmed:2",
        "trimmed:9",
        "median-of-means:5",
        "median-of-means:99",
        "mean-around-median:2",
        "mean-around-median:9",
        "krum:3",
        "krum:1",
        "multi-krum:0:5",
        "bulyan:1",
        "geometric-median-of-means:99",
    ] {
        let message = refused(&["aggregate", "--rule", rule, text(&file)]);
        assert!(message.contains("found 4"), "{rule}: {message}");
    }
}

#[test]
fn the_input_is_not_overwritten_also_through_links() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = doubles(folder.path(), "a.npy", &[[1.0, 2.0]]);
    let before = fs::read(&file).expect("the file");
    let mut names = vec![file.clone(), folder.path().join("./a.npy")];
    #[cfg(unix)]
    {
        names.extend([folder.path().join("soft.npy"), folder.path().join("hard.npy")]);
        std::os::unix::fs::symlink(&file, &names[2]).expect("a link");
        fs::hard_link(&file, &names[3]).expect("a link");
    }
    for out in &names {
        let message = refused(&["aggregate", "--rule", "mean", text(&file), "-o", text(out)]);
        assert!(message.contains("is the input matrix"), "{message}");
    }
    assert_eq!(fs::read(&file).expect("the file"), before);
    let message = refused(&["aggregate", "--rule", "mean", text(&file), "-o", "x.csv"]);
    assert!(message.contains("unknown file extension, expected .npy or .safetensors"), "{message}");
}

#[test]
fn files_of_other_formats_are_named_with_the_way_to_convert_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let zip = |name: &str| {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.extend([0; 22]);
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes.extend([0; 2]);
        bytes.extend(name.bytes());
        bytes.extend([0; 100]);
        bytes
    };
    let pickle = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.".to_vec();
    let compressed = [&[0x1f, 0x8b, 8, 0][..], &[0; 20]].concat();
    for (bytes, what, remedy) in [
        (zip("arr_0.npy"), "an .npz archive of NumPy", "np.load('FILE')"),
        (zip("archive/data.pkl"), "a file of torch.save", "torch.load('FILE')"),
        (zip("x"), "a zip archive", "zipfile"),
        (pickle, "a Python pickle", "torch.load('FILE')"),
        (compressed, "compressed by gzip", "gzip.open('FILE')"),
    ] {
        let file = folder.path().join("foreign");
        fs::write(&file, bytes).expect("a file");
        let message = refused(&["alpha", text(&file)]);
        assert!(message.contains(what) && message.contains(remedy), "{what}: {message}");
    }
}

#[test]
fn alpha_is_the_same_at_any_end_of_f64() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = [[1.0, 1.0], [1.0, -1.0], [0.5, 0.25]];
    let of = |scale: f64| {
        let rows = rows.map(|row| row.map(|x| x * scale));
        let file = doubles(folder.path(), "a.npy", &rows);
        (json(&["alpha", text(&file)]), coherence(&["alpha", text(&file)]))
    };
    let (plain, _) = of(1.0);
    for scale in [1e200, 1.7e308, 1e-200, 1e-300] {
        let (found, printed) = of(scale);
        for key in ["alpha", "m_coherence", "alpha_debiased", "standard_error"] {
            let (x, y) = (found[key].as_f64().expect(key), plain[key].as_f64().expect(key));
            assert!((x - y).abs() <= 1e-12, "{key} at {scale:e}: {x}, not {y}");
        }
        let text = String::from_utf8(printed.stdout).expect("text");
        let what = if scale > 1.0 { "exceeds f64" } else { "below f64" };
        assert!(found["sum_sq_norms"].is_null() && found["sq_norm_of_sum"].is_null());
        assert!(text.contains(&format!("sum of squared norms  {what}")), "{text}");
    }
    // The sum of huge rows that cancel is what remains.
    let file = doubles(folder.path(), "b.npy", &[[1e300, 1.0], [-1e300, 1.0], [0.0, 2.0]]);
    let found = json(&["alpha", text(&file)]);
    assert_eq!(found["sq_norm_of_sum"], 16.0);
    assert!(found["sum_sq_norms"].is_null());
    let file = doubles(folder.path(), "zeros.npy", &[[0.0; 2]; 3]);
    assert_eq!(json(&["alpha", text(&file)])["alpha"], 0.0);
}

#[test]
fn large_numbers_are_printed_in_few_digits() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = doubles(folder.path(), "a.npy", &[[1e200, -2.5e-9], [1e200, -2.5e-9]]);
    let output = coherence(&["aggregate", "--rule", "median", text(&file)]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1e+200\n-2.5e-9\n");
}

/// A matrix of a size that no memory has, in a file of holes.
#[cfg(unix)]
#[test]
fn a_rule_that_holds_the_matrix_whole_says_what_it_needs() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("holes.npy");
    let (n, d) = (1_000_u64, 1_000_000_000_u64);
    let mut file = File::create(&path).expect("a file");
    file.write_all(&header("<f8", &format!("({n}, {d})"))).expect("a header");
    if file.set_len(128 + 8 * n * d).is_err() {
        return; // a file system without such files has nothing to refuse
    }
    let message = refused(&["aggregate", "--rule", "geometric-median", text(&path)]);
    assert!(message.contains("needs at least 7.3 TiB of memory, "), "{message}");
}

/// A killed command leaves at most one temporary file, which the next takes over.
#[cfg(unix)]
#[test]
fn killed_commands_leave_no_pile_of_temporary_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("m.npy");
    let d = 200_000;
    let mut bytes = header("<f8", &format!("(4, {d})"));
    bytes.resize(128 + 8 * 4 * d, 0);
    fs::write(&file, bytes).expect("a file");
    let out = folder.path().join("out.npy");
    for pause in (0..30).chain(0..30) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_coherence"))
            .args(["aggregate", "--rule", "mean", text(&file), "-o", text(&out)])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        std::thread::sleep(std::time::Duration::from_millis(pause));
        child.kill().expect("it runs, or has ended");
        child.wait().expect("it ended");
        let names = fs::read_dir(&folder).expect("the folder").count();
        assert!(names <= 3, "the matrix, the result and one temporary file: {names}");
    }
    let ended = coherence(&["aggregate", "--rule", "mean", text(&file), "-o", text(&out)]);
    assert!(ended.status.success());
    assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 2, "only the two files");
}
