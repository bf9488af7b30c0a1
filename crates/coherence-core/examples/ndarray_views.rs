//! For those whose gradients are rows of an `ndarray` [m, d]: α, helpfulness and stiffness.
//!
//! Rows of a matrix in standard layout are slices; rows of any other layout are added by their iterators.
//!
//! Run with `cargo run -p coherence-core --example ndarray_views`.

#![allow(clippy::print_stdout, reason = "an example's output")]

use coherence_core::{
    Member, Sums, finite::Policy, helpfulness::helpfulness, similarity::cosine_stiffness,
    unbiased::jackknife,
};
use ndarray::{Array2, ArrayView2, array};

/// Sums over the rows of a view in any layout.
fn sums(gradients: ArrayView2<'_, f64>) -> Sums<Vec<f64>> {
    let mut sums = Sums::new(vec![0.0; gradients.ncols()]);
    for row in gradients.rows() {
        let added = match row.as_slice() {
            Some(slice) => sums.add(slice),
            None => sums.add_iter(row.iter().copied()),
        };
        added.unwrap_or_else(|error| panic!("{error}"));
    }
    sums
}

fn main() {
    // Three examples that agree, and one that does not.
    let gradients: Array2<f64> =
        array![[2.0, 1.0, 0.0], [2.0, 0.0, 1.0], [2.0, -1.0, 0.0], [-1.0, 0.0, 2.0]];

    let total = sums(gradients.view());
    let coherence = total.coherence();
    let transposed_twice = gradients.t().as_standard_layout().into_owned();
    assert_eq!(sums(transposed_twice.t()).coherence(), coherence); // columns apart, same numbers

    let rows: Vec<&[f64]> = gradients.rows().into_iter().filter_map(|row| row.to_slice()).collect();
    let members: Vec<Member> = rows.iter().flat_map(|g| total.member(g)).flatten().collect();
    let debiased = jackknife(coherence, members.iter().copied());

    println!("α = {:.4}, m·α = {:.3}", coherence.alpha(), coherence.m_coherence());
    println!("de-biased α = {:.4} ± {:.4}", debiased.value, debiased.standard_error);
    let stiffness = cosine_stiffness(&rows, Policy::Error).expect("finite gradients");
    println!("cosine stiffness = {:.4}", stiffness);
    for (i, &member) in members.iter().enumerate() {
        let help = helpfulness(coherence, member);
        println!(
            "example {i}: helpfulness {help:+.3}{}",
            if help < 0.0 { "  ← alone" } else { "" }
        );
    }
}
