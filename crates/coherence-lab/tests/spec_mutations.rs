//! Mutated experiment files: no panic, a reason for each refusal, memory of at most 2 × file + 1 MB.

use std::fs;
use std::path::Path;

use coherence_data::random::{below, stream};
use coherence_lab::spec::{Experiment, FormatError, files};
use coherence_tests::memory::{CountingAllocator, peak};
use coherence_tests::mutations::{most, survive};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Reads and checks.
fn read(file: &[u8]) {
    match Experiment::parse(file) {
        Ok(experiment) => assert!(experiment.problems().iter().all(|p| !p.is_empty())),
        Err(reason) => assert!(!reason.to_string().is_empty()),
    }
}

#[test]
fn mutated_experiment_files_cannot_hurt() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    let seeds: Vec<_> = files(&folder).unwrap().iter().map(|p| fs::read(p).unwrap()).collect();
    let mut rng = stream(0, "mutations.experiment");
    survive(&seeds, |n| below(&mut rng, n), read);
}

/// What an experiment needs before its scales.
const HEAD: &str = "id='X'\ntitle=''\nsource=''\nstatement=''\nanalysis=''\n";
/// A scale that is read, up to its grid.
const SCALE: &str = "[scale.quick]\ndataset='digits'\nhidden=[]\nbatch=1\nrate=1\nsteps=1\n\
                     data='permuted-labels'\nprobe=1\nseeds=1\n";
/// A claim that is read, up to its cells.
const CLAIM: &str = "[[claim]]\nid='c'\nwritten='2026-11-26'\nstatement=''\nsource=''\n\
                     expect={at_least=0}\nquantity='end(a)'\n";

/// `start`, `nth(0)` to `nth(n - 1)`, `end`.
fn list(n: usize, start: &str, nth: impl Fn(usize) -> String, end: &str) -> String {
    (0..n).fold(start.to_owned(), |text, i| text + &nth(i)) + end
}

/// Texts of `n` parts that cost a parser or a checker more than they show: short values, keys,
/// heads, dots, towers, junk; long names that problems repeat; short numbers with long texts.
fn hostile(n: usize) -> Vec<String> {
    let same = |start: &str, next: &str, end: &str| [start, &next.repeat(n), end].concat();
    let (scaled, name) = (format!("{HEAD}{SCALE}"), "n".repeat(6000));
    let claimed = format!("{scaled}{CLAIM}");
    vec![
        same("a=[", "1,", "]"),
        same("a=[", "[],", "]"),
        same("a=[", "{},", "]"),
        same("a=[", "'',", "]"),
        same("a=[", "{a=0},", "]"),
        same("a=[", "{a.a.a=0},", "]"),
        same(&format!("a=[{}", "{a=0},".repeat(300)), "1,", "]"),
        same(&format!("a='{}'\nb=[", "a".repeat(10_000)), "1,", "]"),
        same(&format!("{scaled}grid={{noise=["), "1,", "]}"),
        same(&format!("{HEAD}worked={{sweep=["), "{keep='end'},", "]}"),
        same(&format!("{claimed}each={{a=["), "1e300,", "]}"),
        same(&format!("{claimed}each={{a=["), "'',", "]}"),
        same(&format!("{claimed}each={{{name}=["), "1,", "]}"),
        same(&scaled, CLAIM, ""),
        same(&scaled, &CLAIM.replace("end(a)", &["end(a,b=c)"; 32].join("+")), ""),
        same(&format!("{scaled}{}", CLAIM.replace("end(a)'\n", "end(")), "a+", "'"),
        same(&format!("{scaled}{}", CLAIM.replace("end(a)'\n", "")), "(", "'"),
        same(&format!("{scaled}{}", CLAIM.replace("end(a)'\n", "end(a")), ",b=c", ")'"),
        same(&format!("{scaled}{}", CLAIM.replacen("''", &format!("'{name}'"), 1)), CLAIM, ""),
        same(HEAD, "[[figure]]\nid='f'\ntitle=''\nseries=[]\ny_label=''\ncolor='a'\n", ""),
        same(HEAD, "[[claim]]\n", ""),
        same("", "[[a]]\n", ""),
        same("", "[[a.a.a]]\n", ""),
        list(n, "", |i| format!("{i}=1\n"), ""),
        list(n, "", |i| format!("[{i}]\n"), ""),
        list(n, "", |i| format!("{i}.a.b.c=1\n"), ""),
        list(n, "a={", |i| format!("{i}=0,"), "}"),
        list(n, "a={", |i| format!("{i}={{}},"), "}"),
        list(n, &format!("{claimed}each={{"), |i| format!("{i}=[],"), "}"),
        list(n, &format!("{claimed}each={{"), |i| format!("{i}=[0],"), "}"),
        same("", "a.", "b=1"),
        same("a=\"", "\\n", "\""),
        same("a=", "[", ""),
        same("a=", "{a=", ""),
        same("", "[", ""),
        same("", "=", ""),
        same("", " a", ""),
        same("", "\n", ""),
        same("", "#\n", ""),
        same("", "\0", ""),
        same("", "\u{10ffff}", ""),
    ]
}

/// In every number that is read, since lists grow by doubling.
#[test]
fn hostile_experiments_are_read_within_twice_their_length_and_a_megabyte() {
    let mut greatest = 0;
    for n in (0..300).map(|i| 1.03_f64.powi(i) as usize).take_while(|&n| n < 20_000) {
        for text in hostile(n) {
            let (held, most) = (peak(|| read(text.as_bytes())), most(text.len()));
            let start: String = text.chars().take(20).collect();
            assert!(held <= most, "{start:?}…, {} bytes, held {held} of {most}", text.len());
            greatest = greatest.max(held);
        }
    }
    assert!(100_000 < greatest, "most were refused unread");
}

#[test]
fn longer_experiments_are_refused_unread() {
    let file = "#".repeat(Experiment::LONGEST + 1).into_bytes();
    let mut refusal = None;
    let held = peak(|| refusal = Experiment::parse(&file).err());
    assert!(matches!(refusal, Some(FormatError::TooLong)), "{refusal:?}");
    assert_eq!(held, 0);
    let longest = Experiment::parse(&file[1..]).unwrap_err();
    assert!(longest.to_string().contains("missing field"), "{longest}");
}
