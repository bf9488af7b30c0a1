//! The goals of speed, row by row, each with the measurements that decide it.

use super::goal::{Bound, Goal, mebibytes, time};
use super::record::Record;
use super::scaling;
use Bound::{AtLeast, AtMost};

/// All goals with their figures.
pub(crate) fn all(record: &Record) -> Vec<Goal> {
    let rows = [w1, w2, w2_memory, w3, w5_in_memory, w5_peers, w6, scaling::goals];
    rows.into_iter().flat_map(|row| row(record)).collect()
}

fn w1(record: &Record) -> Vec<Goal> {
    let ours = record.median("w1/plain step");
    let peer = record.fastest(|row| row.name == "W1.sgd_step");
    let id = |by: &str| format!("w1 ratio/plain step to products alone{by}");
    let what = "plain step / a loop of its matrix products alone, by faer";
    let mut products = Goal::paired("W1", what, AtMost(1.15), record, &id(" by faer"));
    if let Some(ours) = record.medians.get(&id("")) {
        products.sides += &format!("; by our own products {:.3} ×", ours.median);
    }
    vec![
        Goal::against_peer("W1", "plain step / fastest peer", AtMost(1.0), ours, peer),
        products.remark(
            "Beside its products a step gathers a shuffled mini-batch, adds biases, clips at zero \
             and takes the loss. Adding biases and clipping at the end of the products, while \
             their values are in registers, was tried and was no faster.",
        ),
    ]
}

fn w2(record: &Record) -> Vec<Goal> {
    let mut goals = Vec::new();
    for c in [1, 2, 4, 8, 50] {
        let (name, least) = if c == 50 {
            ("median".to_owned(), AtLeast(6.0))
        } else {
            (format!("c = {c}"), AtLeast(20.0))
        };
        let ours = record.median(&format!("w2/step, c = {c}"));
        let peer = record.fastest(|row| row.name == "W2.wsgd_step" && row.c == Some(c));
        let what = format!("{name}: fastest peer / winsorised step");
        goals.push(Goal::against_peer("W2", what, least, ours, peer));
        if c < 50 {
            let what = format!("{name}: winsorised step / plain step");
            let id = format!("w2 ratio/c = {c} to plain step");
            goals.push(Goal::paired("W2", what, AtMost(4.0), record, &id));
        }
    }
    goals
}

fn w2_memory(record: &Record) -> Vec<Goal> {
    let bytes = |id: &str| record.bytes.get(id).map(|&bytes| bytes as f64);
    let plain = bytes("memory/plain step");
    let goal = |c: u32| {
        let what = format!("c = {c}: peak of the winsorised step / of the plain step");
        let sides = [bytes(&format!("memory/step, c = {c}")), plain];
        Goal::quotient("W2 memory", what, AtMost(1.2), sides, mebibytes)
    };
    [1, 2, 4, 8, 50].map(goal).into()
}

fn w3(record: &Record) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (m, name) in [(10_000, "W3.alpha_mlp_m10000"), (50_000, "W3.alpha_mlp_m50000")] {
        let what = format!("m = {m}: α / forward and backward");
        let id = format!("w3 ratio/alpha to forward and backward, m = {m}");
        goals.push(Goal::paired("W3", what, AtMost(1.1), record, &id));
        let ours = record.median(&format!("w3/alpha, m = {m}"));
        let what = format!("m = {m}: α / fastest peer");
        let peer = record.fastest(|row| row.name == name);
        goals.push(Goal::against_peer("W3", what, AtMost(1.0), ours, peer));
    }
    let what = "m = 10000: helpfulness, α by class, pristine and corrupt / forward and backward";
    let id = "w3 ratio/groups and helpfulness to forward and backward, m = 10000";
    goals.push(Goal::paired("W3", what, AtMost(1.5), record, id).remark(
        "The product with the sum of all gradients alone makes it 1.42 by its operations; the \
         rest is norms, sums in f64, and activations, deltas and images that come from memory \
         where forward and backward alone find them in the cache.",
    ));
    let peak = |m: u32| record.bytes.get(&format!("memory/alpha, m = {m}")).map(|&b| b as f64);
    let what = "α's peak of memory: m = 50000 / m = 10000";
    let sides = [peak(50_000), peak(10_000)];
    goals.push(Goal::quotient("W3", what, AtMost(1.05), sides, mebibytes));
    goals
}

const COORDINATE_WISE: [&str; 4] = ["mean", "median", "trimmed", "winsorized"];

fn w5_in_memory(record: &Record) -> Vec<Goal> {
    let goal = |(n, rule)| {
        let what = format!("n = {n}: {rule} / reading the matrix once");
        let id = format!("w5 n = {n} ratio/{rule} to read once");
        Goal::paired("W5", what, AtMost(1.5), record, &id)
    };
    [3, 15].into_iter().flat_map(|n| COORDINATE_WISE.map(|rule| goal((n, rule)))).collect()
}

/// What bounds rules on the Gram matrix of a hundred rows.
const GRAM_OF_100: &str = "Half of the matrix of dots in f32 is 3.4 GFLOP, 7.8 ms at the fastest \
                           rate that a peer's product reaches on such a machine (433 GFLOP/s).";

fn w5_peers(record: &Record) -> Vec<Goal> {
    let goal = |(n, d): (u32, u32), rule: &str, least| {
        let peer = format!("W5.n{n}_d{d}");
        let wanted = |op: &str| op == rule || (rule == "median" && n == 3 && op == "median3");
        let peer = record.fastest(|row| row.name == peer && row.op.as_deref().is_some_and(wanted));
        let [ours, once] = [rule, "read once"].map(|id| record.median(&format!("w5 n = {n}/{id}")));
        Goal::against_peer("W5", format!("n = {n}: fastest peer / {rule}"), least, ours, peer)
            .at_best(peer, "reading the matrix once", once)
    };
    let tall = (100, 335_114);
    let mut goals: Vec<Goal> =
        COORDINATE_WISE.iter().map(|rule| goal(tall, rule, AtLeast(5.0))).collect();
    for (shape, remark) in [(tall, GRAM_OF_100), ((15, 1_000_000), ""), ((3, 11_000_000), "")] {
        goals.extend(
            ["geomedian", "krum"].map(|rule| goal(shape, rule, AtLeast(3.0)).remark(remark)),
        );
    }
    goals
}

/// What stands in the way of M3.
const M3_SUMS: &str = "The three groups' gradients are products of 34, 33 and 33 examples: their \
                       tiles are finished three times as often, and their median is taken beside.";

fn w6(record: &Record) -> Vec<Goal> {
    let goal = |net: &str, params: &str, rule: &str, most| {
        let what = format!("{params} parameters: {rule} / SGD");
        let id = format!("w6 {net} ratio/{} to sgd", rule.to_lowercase());
        let mut goal = Goal::paired("W6", what, AtMost(most), record, &id);
        let ours = record.median(&format!("w6 {net}/sgd"));
        goal.sides += &ours.map_or_else(String::new, |s| format!("; SGD {}", time(s)));
        let peers = record.peers.iter().filter(|row| row.name == format!("W6.rm3_{net}"));
        let of_rule = |row: &&super::record::PeerRow| {
            row.variant.as_deref().is_some_and(|v| v.starts_with(&rule.to_lowercase()))
        };
        let ratios = peers.filter(of_rule).filter_map(|row| Some((row.ratio_to_sgd?, row)));
        if let Some((ratio, row)) = ratios.min_by(|a, b| a.0.total_cmp(&b.0)) {
            goal.sides += &format!("; best peer {ratio:.2} × ({})", row.title());
        }
        goal
    };
    vec![
        goal("big", "11.1 M", "RM3", 1.1).remark(
            "SGD adds products to the weights in place. RM3 writes the gradient, then reads it and \
             two older ones: 222 MB more. Forming it block by block, with the median taken while a \
             block is in the cache, was tried and was no faster: the older gradients have to come \
             from memory.",
        ),
        goal("big", "11.1 M", "M3", 1.15).remark(M3_SUMS),
        goal("small", "0.34 M", "RM3", 1.03).remark(
            "15 µs are 0.03 of a step. The median of 335,114 coordinates reads four numbers each \
             and writes one, 6.7 MB from and to caches beyond L2.",
        ),
        goal("small", "0.34 M", "M3", 1.03).remark(M3_SUMS),
    ]
}
