//! The commands `coherence aggregate` and `coherence alpha` on a file in the page cache, as whole
//! processes, compared with reading the file and with NumPy.
//!
//! The program is built first, unless `COHERENCE_BIN` names it. NumPy is included if `COHERENCE_NUMPY`
//! names a Python that has it. Ratios are of alternating runs.

use coherence_benches::{Ratio, rows};
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use std::{
    cell::RefCell,
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

/// The rules, in the notation of the command and of `command.py`.
const RULES: [&str; 8] = [
    "mean",
    "median",
    "winsorized:8",
    "trimmed:8",
    "median-of-means:10",
    "mean-around-median:8",
    "winsorized:5%:interpolated",
    "sign-majority",
];

/// Rows, columns.
const SHAPES: [(usize, usize); 2] = [(100, 33_511), (100, 335_114)];

/// A folder with one matrix, removed at the end.
struct Matrix {
    folder: PathBuf,
    file: PathBuf,
}

impl Matrix {
    fn new(n: usize, d: usize) -> Self {
        let folder = std::env::temp_dir().join(format!("coherence-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        let file = folder.join("matrix.npy");
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n}, {d}), }}");
        let mut out = File::create(&file).expect("a temporary file");
        let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        bytes.extend(format!("{header:<117}\n").bytes());
        bytes.extend(rows(n, d).iter().flat_map(|x| x.to_le_bytes()));
        out.write_all(&bytes).expect("room for the matrix");
        Self { folder, file }
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Matrix {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The path of the program, which is built unless `COHERENCE_BIN` names it.
fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("COHERENCE_BIN") {
        return path.into();
    }
    let build = ["build", "--quiet", "--release", "--package", "coherence-lab"];
    let built = Command::new(env!("CARGO")).args(build).status().expect("cargo");
    assert!(built.success(), "the program is built");
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    target.join("release/coherence")
}

fn run(program: &Path, arguments: &[&str], file: &Path, out: Option<&Path>) {
    let mut command = Command::new(program);
    command.args(arguments).arg(file).stdout(Stdio::null());
    if let Some(out) = out {
        command.arg("-o").arg(out);
    }
    assert!(command.status().expect("the program starts").success(), "{arguments:?}");
}

/// Reads the file once, in pieces of 1 MiB, on `threads` threads.
fn read(file: &Path, threads: u64) {
    let length = fs::metadata(file).expect("the matrix").len();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                use std::io::{Seek, SeekFrom};
                let (start, end) = (length * thread / threads, length * (thread + 1) / threads);
                let (mut source, mut buffer) =
                    (File::open(file).expect("the matrix"), vec![0; 1 << 20]);
                source.seek(SeekFrom::Start(start)).expect("a place in the file");
                let mut left = (end - start) as usize;
                while left > 0 {
                    let piece = left.min(buffer.len());
                    source.read_exact(&mut buffer[..piece]).expect("the matrix");
                    left -= piece;
                }
            });
        }
    });
}

/// The process of `command.py`.
struct NumPy {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl NumPy {
    fn new(matrix: &Matrix) -> Option<Self> {
        let python = std::env::var_os("COHERENCE_NUMPY")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/command.py");
        let mut command = Command::new(python);
        command.arg(script).arg(&matrix.file).arg(matrix.out("numpy.npy"));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python starts");
        let ask = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Some(Self { child, ask, answers })
    }

    fn run(&mut self, rule: &str) {
        writeln!(self.ask, "{rule}").expect("Python listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("Python answers");
        assert_eq!(line, "done\n", "{rule} by NumPy");
    }
}

impl Drop for NumPy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asserts that the two vectors agree; means may differ by 1e-5.
fn check(matrix: &Matrix, rule: &str) {
    let values = |name: &str| -> Vec<f64> {
        let bytes = fs::read(matrix.out(name)).expect("a result");
        let double = bytes[10..128].windows(3).any(|text| text == b"<f8");
        let values = &bytes[128..];
        if double {
            values
                .chunks_exact(8)
                .map(|x| f64::from_le_bytes(x.try_into().expect("8 bytes")))
                .collect()
        } else {
            let single = |x: &[u8]| f32::from_le_bytes(x.try_into().expect("4 bytes"));
            values.chunks_exact(4).map(|x| f64::from(single(x))).collect()
        }
    };
    let (ours, theirs) = (values("ours.npy"), values("numpy.npy"));
    assert_eq!(ours.len(), theirs.len(), "{rule}");
    for (j, (x, y)) in ours.iter().zip(&theirs).enumerate() {
        assert!((x - y).abs() <= 1e-4, "{rule}, column {j}: {x}, by NumPy {y}");
    }
}

fn times(c: &mut Criterion) {
    let program = program();
    for (n, d) in SHAPES {
        let matrix = Matrix::new(n, d);
        let mut group = c.benchmark_group(format!("command {n} x {d}"));
        group.sample_size(10).warm_up_time(Duration::from_millis(500));
        group.bench_function("read once, 1 thread", |b| b.iter(|| read(&matrix.file, 1)));
        group.bench_function("read once, 2 threads", |b| b.iter(|| read(&matrix.file, 2)));
        group.bench_function("start", |b| {
            b.iter(|| run(&program, &["--version"], Path::new(""), None))
        });
        let out = matrix.out("ours.npy");
        for rule in RULES.into_iter().chain(["krum:8", "multi-krum:8:20"]) {
            let ours = || run(&program, &["aggregate", "--rule", rule], &matrix.file, Some(&out));
            group.bench_function(rule, |b| b.iter(ours));
        }
        group.bench_function("alpha", |b| b.iter(|| run(&program, &["alpha"], &matrix.file, None)));
        let text = || run(&program, &["aggregate", "--rule", "mean"], &matrix.file, None);
        group.bench_function("mean, as text", |b| b.iter(text));
        group.finish();
    }
}

/// The time of `f` divided by that of `base`, in alternating runs.
fn pairs_of(group: &mut BenchmarkGroup<'_, Ratio>, name: &str, f: impl Fn(), base: impl Fn()) {
    let seconds = |f: &dyn Fn()| {
        let start = Instant::now();
        f();
        start.elapsed().as_secs_f64()
    };
    group.bench_function(name, |b| {
        b.iter_custom(|pairs| (0..pairs).map(|_| seconds(&f) / seconds(&base)).sum());
    });
}

fn pairs(c: &mut Criterion<Ratio>) {
    let program = program();
    for (n, d) in SHAPES {
        let matrix = Matrix::new(n, d);
        let mut group = c.benchmark_group(format!("command {n} x {d} ratio"));
        group.sample_size(10).warm_up_time(Duration::from_millis(500));
        let out = matrix.out("ours.npy");
        let ours =
            |rule: &str| run(&program, &["aggregate", "--rule", rule], &matrix.file, Some(&out));
        pairs_of(&mut group, "mean to read once", || ours("mean"), || read(&matrix.file, 2));
        if let Some(numpy) = NumPy::new(&matrix) {
            let numpy = RefCell::new(numpy);
            for rule in RULES {
                ours(rule);
                numpy.borrow_mut().run(rule);
                check(&matrix, rule);
                let name = format!("{rule} to NumPy");
                pairs_of(&mut group, &name, || ours(rule), || numpy.borrow_mut().run(rule));
            }
        }
        group.finish();
    }
}

criterion_group!(benches, times);
criterion_group! { name = paired; config = coherence_benches::ratios(); targets = pairs }
criterion_main!(benches, paired);
