//! Enumeration of all outcomes of small finite experiments, for exact expectations.

/// All n^k ordered draws with replacement of k indices below n.
pub fn draws(n: usize, k: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..k {
        all = all
            .into_iter()
            .flat_map(|draw| (0..n).map(move |i| draw.iter().copied().chain([i]).collect()))
            .collect();
    }
    all
}

/// All m! orders of 0..m.
pub fn permutations(m: usize) -> Vec<Vec<usize>> {
    draws(m, m).into_iter().filter(|draw| (0..m).all(|i| draw.contains(&i))).collect()
}
