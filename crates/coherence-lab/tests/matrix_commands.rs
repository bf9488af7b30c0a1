//! `coherence alpha` and `coherence aggregate` on files as NumPy and safetensors write them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// What stands before the values in a file of NumPy.
fn npy_header(descr: &str, fortran: bool, [n, d]: [usize; 2]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({n}, {d}), }}");
    [&b"\x93NUMPY\x01\x00\x76\x00"[..], format!("{header:<117}\n").as_bytes()].concat()
}

/// A row-major matrix [n, d].
struct Matrix {
    n: usize,
    d: usize,
    values: Vec<f64>,
}

impl Matrix {
    /// Values from a fixed recurrence, representable in f2: quarters between −16 and 16.
    fn new(n: usize, d: usize) -> Self {
        let mut state = 12345u64;
        let value = |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 57) as f64 - 64.0) / 4.0
        };
        Self { n, d, values: (0..n * d).map(value).collect() }
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.d..][..self.d]
    }

    fn column(&self, j: usize) -> Vec<f64> {
        (0..self.n).map(|i| self.row(i)[j]).collect()
    }

    /// As `numpy.save` writes it.
    fn npy(&self, descr: &str, fortran: bool) -> Vec<u8> {
        let mut file = npy_header(descr, fortran, [self.n, self.d]);
        let by_column = || (0..self.d).flat_map(|j| self.column(j)).collect();
        let values: Vec<f64> = if fortran { by_column() } else { self.values.clone() };
        values.iter().for_each(|x| file.extend(encode(*x, descr)));
        file
    }

    /// As safetensors' `save_file` writes it, with two tensors.
    fn safetensors(&self) -> Vec<u8> {
        let end = self.values.len() * 4;
        let header = format!(
            r#"{{"g":{{"dtype":"F32","shape":[{},{}],"data_offsets":[0,{end}]}},"w":{{"dtype":"F32","shape":[1,1],"data_offsets":[{end},{}]}}}}"#,
            self.n,
            self.d,
            end + 4
        );
        let header = format!("{header:<width$}", width = header.len().next_multiple_of(8));
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.bytes());
        self.values.iter().chain(&[1.0]).for_each(|x| file.extend(encode(*x, "<f4")));
        file
    }
}

/// One value in the bytes of a NumPy type.
fn encode(x: f64, descr: &str) -> Vec<u8> {
    let mut bytes = match &descr[1..] {
        "f2" => half(x).to_le_bytes().to_vec(),
        "f4" => (x as f32).to_le_bytes().to_vec(),
        _ => x.to_le_bytes().to_vec(),
    };
    if descr.starts_with('>') {
        bytes.reverse();
    }
    bytes
}

/// The half-precision bits of a number that has an exact and normal one, or of 0.
fn half(x: f64) -> u16 {
    let bits = (x as f32).to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    if x == 0.0 {
        sign
    } else {
        sign | (((bits >> 13) & 0x3ffff) - ((127 - 15) << 10)) as u16 & 0x7fff
    }
}

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

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a temporary file");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("an ASCII path")
}

/// Every element type, byte order and layout of one matrix.
fn every_format(folder: &Path, matrix: &Matrix) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for descr in ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"] {
        for fortran in [false, true] {
            let name = format!("{}{fortran}.npy", descr.replace('<', "little").replace('>', "big"));
            files.push(write(folder, &name, &matrix.npy(descr, fortran)));
        }
    }
    files
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The de-biased α from all ordered pairs of different rows.
fn unbiased(rows: &[&[f64]]) -> f64 {
    let m = rows.len() as f64;
    let mut pairs = 0.0;
    for (i, a) in rows.iter().enumerate() {
        for (j, b) in rows.iter().enumerate() {
            pairs += if i == j { 0.0 } else { dot(a, b) };
        }
    }
    let energy: f64 = rows.iter().map(|g| dot(g, g)).sum::<f64>() / m;
    pairs / (m * (m - 1.0)) / energy
}

/// The standard error by leaving out one row after the other.
fn jackknife(rows: &[&[f64]]) -> f64 {
    let without = |i: usize| unbiased(&[&rows[..i], &rows[i + 1..]].concat());
    let left_out: Vec<f64> = (0..rows.len()).map(without).collect();
    let m = left_out.len() as f64;
    let mean = left_out.iter().sum::<f64>() / m;
    ((m - 1.0) / m * left_out.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>()).sqrt()
}

#[track_caller]
fn assert_close(found: &Value, expected: f64) {
    let found = found.as_f64().expect("a number");
    assert!(
        (found - expected).abs() <= 1e-12 * expected.abs().max(1.0),
        "{found} is not {expected}"
    );
}

#[test]
fn a1_a15c_alpha_of_every_format_is_alpha_by_definition() {
    let folder = tempfile::tempdir().expect("a folder");
    let matrix = Matrix::new(9, 7);
    let rows: Vec<&[f64]> = (0..9).map(|i| matrix.row(i)).collect();
    let sum: Vec<f64> = (0..7).map(|j| matrix.column(j).iter().sum()).collect();
    let (square, energy) = (dot(&sum, &sum), rows.iter().map(|g| dot(g, g)).sum::<f64>());
    for file in every_format(folder.path(), &matrix) {
        let found = json(&["alpha", text(&file)]);
        assert_eq!((&found["m"], &found["d"]), (&9.into(), &7.into()));
        assert_close(&found["sq_norm_of_sum"], square);
        assert_close(&found["sum_sq_norms"], energy);
        assert_close(&found["alpha"], square / (9.0 * energy));
        assert_close(&found["m_coherence"], square / energy);
        assert_close(&found["alpha_debiased"], unbiased(&rows));
        assert_close(&found["standard_error"], jackknife(&rows));
    }
}

#[test]
fn alpha_of_many_columns_and_of_many_rows_is_read_by_blocks() {
    let folder = tempfile::tempdir().expect("a folder");
    for (n, d) in [(20, 300_000), (300_000, 17)] {
        let matrix = Matrix::new(n, d);
        let file = write(folder.path(), "large.npy", &matrix.npy("<f4", false));
        let mut sum = vec![0.0; d];
        (0..n).for_each(|i| sum.iter_mut().zip(matrix.row(i)).for_each(|(s, x)| *s += x));
        let found = json(&["alpha", text(&file)]);
        // Quarters: both sums are exact.
        assert_eq!(found["sq_norm_of_sum"].as_f64(), Some(dot(&sum, &sum)), "{n} × {d}");
        assert_eq!(found["sum_sq_norms"].as_f64(), Some(dot(&matrix.values, &matrix.values)));
        assert!(found["standard_error"].as_f64().is_some_and(|se| se > 0.0));
    }
}

#[test]
fn alpha_of_too_few_rows_has_no_estimate() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = write(folder.path(), "one.npy", &Matrix::new(1, 3).npy("<f8", false));
    let found = json(&["alpha", text(&one)]);
    assert_eq!(found["alpha"], 1.0);
    assert!(found["alpha_debiased"].is_null() && found["standard_error"].is_null());
    let two = json(&[
        "alpha",
        text(&write(folder.path(), "two.npy", &Matrix::new(2, 3).npy("<f8", false))),
    ]);
    assert!(two["alpha_debiased"].is_number() && two["standard_error"].is_null());
}

#[test]
fn coordinate_rules_aggregate_every_format_in_its_precision() {
    let folder = tempfile::tempdir().expect("a folder");
    let matrix = Matrix::new(9, 7);
    for file in every_format(folder.path(), &matrix) {
        for (rule, clip) in [("mean", 0), ("winsorized:2", 2), ("median", 5)] {
            let found = json(&["aggregate", "--rule", rule, text(&file)]);
            assert_eq!(
                (&found["n"], &found["d"], &found["rule"]),
                (&9.into(), &7.into(), &rule.into())
            );
            for (j, x) in found["values"].as_array().expect("values").iter().enumerate() {
                let expected = winsorized(matrix.column(j), clip);
                let double =
                    file.file_name().is_some_and(|name| text(Path::new(name)).contains("f8"));
                let rounded = if double { expected } else { f64::from(expected as f32) };
                let found = if double {
                    x.as_f64()
                } else {
                    Some(f64::from(x.to_string().parse::<f32>().unwrap()))
                };
                assert_eq!(found, Some(rounded), "{rule} {}", file.display());
            }
        }
    }
}

/// By sorting; a clip of more than half is the median.
fn winsorized(mut values: Vec<f64>, clip: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    let clip = clip.min((n - 1) / 2);
    let (lo, hi) = (values[clip], values[n - 1 - clip]);
    values.iter().map(|x| x.clamp(lo, hi)).sum::<f64>() / n as f64
}

#[test]
fn the_output_file_has_the_inputs_precision() {
    let folder = tempfile::tempdir().expect("a folder");
    let matrix = Matrix::new(5, 3);
    for (descr, written, size) in [("<f2", "<f4", 4), (">f4", "<f4", 4), ("<f8", "<f8", 8)] {
        let file = write(folder.path(), "in.npy", &matrix.npy(descr, false));
        let out = folder.path().join("out.npy");
        let found = json(&["aggregate", "--rule", "trimmed:1", text(&file), "-o", text(&out)]);
        assert_eq!(found["file"], text(&out));
        let bytes = fs::read(&out).expect("the output");
        let header = String::from_utf8_lossy(&bytes[10..128]).into_owned();
        assert!(
            header.contains(&format!("'descr': '{written}'")) && header.contains("(3,)"),
            "{header}"
        );
        let expected: Vec<u8> = (0..3)
            .flat_map(|j| {
                let mut column = matrix.column(j);
                column.sort_by(f64::total_cmp);
                encode(column[1..4].iter().sum::<f64>() / 3.0, written)
            })
            .collect();
        assert_eq!(bytes[128..], expected);
        assert_eq!(bytes.len(), 128 + 3 * size);
    }
}

#[test]
fn whole_vector_rules_and_named_tensors() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut matrix = Matrix::new(7, 4);
    matrix.values[..4].fill(1e6);
    let file = write(folder.path(), "g.safetensors", &matrix.safetensors());
    let found = json(&["aggregate", "--rule", "krum:1", "--tensor", "g", text(&file)]);
    let chosen: Vec<f64> =
        found["values"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    assert!((1..7).any(|i| matrix.row(i) == chosen), "an honest row: {chosen:?}");
    let unnamed = coherence(&["aggregate", "--rule", "krum:1", text(&file)]);
    assert_eq!(unnamed.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unnamed.stderr).contains("name the tensor to read"));
}

#[test]
fn values_that_are_not_finite_follow_the_policy() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut matrix = Matrix { n: 4, d: 2, values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0] };
    matrix.values[5] = f64::NAN;
    let file = write(folder.path(), "nan.npy", &matrix.npy("<f8", false));
    for command in [&["alpha"][..], &["aggregate", "--rule", "mean"]] {
        let refused = coherence(&[command, &[text(&file)]].concat());
        assert_eq!(refused.status.code(), Some(2));
        let message = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(message.contains("the value in row 2, column 1 is not finite"), "{message}");
    }
    let run =
        |policy| json(&["aggregate", "--rule", "median", "--non-finite", policy, text(&file)]);
    assert_eq!(run("omit")["values"], serde_json::json!([4.0, 4.0]));
    assert_eq!(run("propagate")["values"], serde_json::json!([4.0, null]));
}

#[test]
fn help_lists_the_rules_and_an_unknown_one_is_told_them() {
    let help = String::from_utf8(coherence(&["aggregate", "--help"]).stdout).unwrap();
    for form in [
        "mean",
        "winsorized:CLIP",
        "winsorized:PERCENT%",
        "median-of-means:GROUPS",
        "krum:F",
        "geometric-median",
    ] {
        assert!(help.contains(form), "{form} is not in:\n{help}");
    }
    let unknown = coherence(&["aggregate", "--rule", "best", "x.npy"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&unknown.stderr)
            .contains("expected one of mean, median, winsorized:CLIP")
    );
}

#[test]
fn text_is_one_value_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let matrix = Matrix { n: 2, d: 2, values: vec![0.1, 2.0, 0.1, 3.0] };
    let file = write(folder.path(), "m.npy", &matrix.npy("<f4", false));
    let output = coherence(&["aggregate", "--rule", "mean", text(&file)]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "0.1\n2.5\n");
    let output = coherence(&["alpha", text(&file)]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("examples m            2\n"));
}

/// Without mpirun there is one worker: it must not take its file for all of them.
#[test]
fn files_of_ranks_that_no_worker_has_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let matrix = Matrix::new(5, 3).npy("<f4", false);
    write(folder.path(), "g.0.npy", &matrix);
    let pattern = folder.path().join("g.{rank}.npy");
    let mean = ["aggregate", "--rule", "mean", text(&pattern), "--json"];
    assert_eq!(json(&mean[..4])["n"], 5);
    write(folder.path(), "g.1.npy", &matrix);
    let output = coherence(&mean);
    let message = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2));
    assert!(message.contains("g.1.npy has no worker") && message.contains("mpirun"), "{message}");
}
