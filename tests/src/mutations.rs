//! Mutated files for parsers: fuzzing on stable Rust, seeded so that failures are reproducible.

use crate::memory::peak;

/// The bytes that a parser may hold for a file of `length` bytes: twice the file and 1 MB (2²⁰).
pub fn most(length: usize) -> usize {
    2 * length + (1 << 20)
}

/// Changes one to four places of `file`; some bytes are taken from `other`. `below(n)` draws from 0
/// … n − 1.
fn mutate(below: &mut impl FnMut(u64) -> u64, file: &mut Vec<u8>, other: &[u8]) {
    const WORDS: [u64; 8] = [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, i64::MAX as u64, u64::MAX];
    for _ in 0..=below(4) {
        let at = below(file.len() as u64 + 1) as usize;
        let length = (below(9) as usize).min(file.len() - at);
        let change = below(7);
        let word = WORDS[below(8) as usize].to_be_bytes();
        match change {
            0 if at < file.len() => file[at] ^= 1 << below(8),
            1 => file[at..at + length].copy_from_slice(&word[8 - length..]),
            2 => file.truncate(at),
            3 => drop(file.drain(at..at + length)),
            4 => file.extend_from_within(at..),
            5 => {
                let from = below(other.len() as u64 + 1) as usize;
                file.splice(at..at + length, other[from..].iter().take(64).copied());
            }
            _ => file.splice(at..at, [b"0123456789{}[]()'\",:"[below(20) as usize]]).for_each(drop),
        }
    }
}

/// Feeds 10,000 mutations of `seeds` (the first 20 kB of each) to `parse`, which may not panic and,
/// under [`CountingAllocator`](crate::memory::CountingAllocator), may hold at most [`most`] bytes.
///
/// `below(n)` draws from 0 … n − 1. The variable `MUTATIONS` overrides the number.
///
/// # Panics
///
/// If `parse` panics or holds more.
pub fn survive(seeds: &[Vec<u8>], mut below: impl FnMut(u64) -> u64, parse: impl Fn(&[u8])) {
    let asked = std::env::var("MUTATIONS").map(|n| n.parse().expect("MUTATIONS is a number"));
    for nth in 0..asked.unwrap_or(10_000_u64) {
        let seed = &seeds[below(seeds.len() as u64) as usize];
        let other = &seeds[below(seeds.len() as u64) as usize];
        let mut file = seed[..seed.len().min(20_000)].to_vec();
        mutate(&mut below, &mut file, other);
        let (held, most) = (peak(|| parse(&file)), most(file.len()));
        assert!(held <= most, "mutation {nth} of {} bytes held {held} bytes of {most}", file.len());
    }
}
