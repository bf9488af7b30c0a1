//! The goals of speed, part by part, each with the measurements that decide it.

use super::goal::{Bound, Goal, time};
use super::record::{PartRecord, PeerRow};
use super::scaling;
use Bound::{AtLeast, AtMost};

/// The goals in the first table of the page, each with its part.
pub(super) const HEADLINES: [[&str; 2]; 8] = [
    ["W1", "plain step / fastest peer"],
    ["W2", "c = 2: fastest peer / winsorised step"],
    ["W3", "m = 10000: α / fastest peer"],
    ["W3", "m = 10000: α / forward and backward"],
    ["busy", "plain step: beside one busy process / quiet"],
    ["busy", "α, m = 10000: beside one busy process / quiet"],
    ["command", "winsorized:8: NumPy / command"],
    ["command", "mean: command / reading the file once"],
];

/// The goals of a part of which both sides were measured.
pub(super) fn of(name: &str, part: &PartRecord) -> Vec<Goal> {
    let goals = match name {
        "W1" => w1(part),
        "W2" => w2(part),
        "W3" => w3(part),
        "W4" => w4(part),
        "W5" => w5(part),
        "W6" => w6(part),
        "W7" => w7(part),
        "W8" => w8(part),
        "memory" => memory(part),
        "command" => command(part),
        "busy" => busy(part),
        "scaling" => scaling::goals(part),
        _ => Vec::new(),
    };
    goals.into_iter().flatten().collect()
}

fn w1(part: &PartRecord) -> Vec<Option<Goal>> {
    let wanted = |row: &PeerRow| row.name == "W1.sgd_step";
    let peer =
        part.against_peer("plain step / fastest peer", AtMost(0.85), "w1/plain step", wanted);
    let products = part.paired(
        "plain step / a loop of its matrix products alone, by faer",
        AtMost(1.15),
        "w1 ratio/plain step to products alone by faer",
    );
    let remark = "Beside its products a step gathers a shuffled mini-batch, adds biases, clips at \
                  zero and takes the loss. Adding biases and clipping at the end of the products, \
                  while their values are in registers, was tried and was no faster.";
    let zeros = part.paired(
        "plain step: digits / the same without zeros",
        AtMost(1.0),
        "w1 ratio/digits to pixels without zeros",
    );
    vec![peer, products.map(|goal| goal.remark(remark)), zeros]
}

fn w2(part: &PartRecord) -> Vec<Option<Goal>> {
    let goals = |c: u64| {
        let name = if c == 50 { "median".to_owned() } else { format!("c = {c}") };
        let peer = part.against_peer(
            format!("{name}: fastest peer / winsorised step"),
            AtLeast(if c == 50 { 6.0 } else { 20.0 }),
            &format!("w2/step, c = {c}"),
            |row| row.name == "W2.wsgd_step" && row.c == Some(c),
        );
        let plain = part.paired(
            format!("{name}: winsorised step / plain step"),
            AtMost(4.0),
            &format!("w2 ratio/c = {c} to plain step"),
        );
        [peer, plain.filter(|_| c < 50)]
    };
    [1, 2, 4, 8, 50].into_iter().flat_map(goals).collect()
}

fn w3(part: &PartRecord) -> Vec<Option<Goal>> {
    let goals = |m: u32| {
        let passes = part.paired(
            format!("m = {m}: α / forward and backward"),
            AtMost(1.1),
            &format!("w3 ratio/alpha to forward and backward, m = {m}"),
        );
        let peer = part.against_peer(
            format!("m = {m}: α / fastest peer"),
            AtMost(0.8),
            &format!("w3/alpha, m = {m}"),
            |row| row.name == format!("W3.alpha_mlp_m{m}"),
        );
        [passes, peer]
    };
    let groups = part.paired(
        "m = 10000: helpfulness, α by class, pristine and corrupt / forward and backward",
        AtMost(1.5),
        "w3 ratio/groups and helpfulness to forward and backward, m = 10000",
    );
    let remark = "The product with the sum of all gradients alone makes it 1.42 by its operations; \
                  the rest is norms, sums in f64, and activations, deltas and images that come \
                  from memory where forward and backward alone find them in the cache.";
    let groups = groups.map(|goal| goal.remark(remark));
    let zeros = part.paired(
        "m = 10000: α: digits / the same without zeros",
        AtMost(1.0),
        "w3 ratio/digits to pixels without zeros, m = 10000",
    );
    [10_000, 50_000].into_iter().flat_map(goals).chain([groups, zeros]).collect()
}

fn w4(part: &PartRecord) -> Vec<Option<Goal>> {
    let plain = part.against_peer(
        "forward and backward / fastest peer",
        AtMost(1.0),
        "w4/forward and backward",
        |row| row.name == "W4.alpha_conv_m2000.plain",
    );
    let passes = part.paired(
        "α / forward and backward",
        AtMost(1.1),
        "w4 ratio/alpha to forward and backward",
    );
    let peer = part.against_peer("α / fastest peer", AtMost(0.8), "w4/alpha", |row| {
        row.name == "W4.alpha_conv_m2000"
    });
    vec![plain, passes, peer, two_threads(part, "w4/forward and backward")]
}

fn w7(part: &PartRecord) -> Vec<Option<Goal>> {
    let case = |group: &str, words: &str, peer: &str, alpha: f64, clips: &[(u32, f64)]| {
        let plain = part.against_peer(
            format!("{words}plain step / fastest peer"),
            AtMost(1.0),
            &format!("{group}/plain step"),
            |row| row.name == format!("W7.resnet18{peer}.step"),
        );
        let alpha = part.paired(
            format!("{words}α / forward and backward"),
            AtMost(alpha),
            &format!("{group} ratio/alpha to forward and backward"),
        );
        let steps = clips.iter().map(|(c, most)| {
            let name = if *c == 50 { "median".to_owned() } else { format!("c = {c}") };
            part.paired(
                format!("{words}{name}: winsorised step / plain step"),
                AtMost(*most),
                &format!("{group} ratio/c = {c} to plain step"),
            )
        });
        let threads = two_threads(part, &format!("{group}/plain step"));
        [plain, alpha].into_iter().chain(steps).chain([threads]).collect::<Vec<_>>()
    };
    let torchvision = [(1, 2.5), (2, 2.5), (8, 2.5), (50, 4.0)];
    let mut goals = case("w7", "", "_32_k100", 1.15, &torchvision);
    goals.push(part.against_peer(
        "c = 1: fastest peer / winsorised step",
        AtLeast(50.0),
        "w7/step, c = 1",
        |row| row.name == "W7.resnet18_32_k100.winsorized_step",
    ));
    let stem = "stem for small images: ";
    goals.extend(case("w7 cifar stem", stem, "_cifar_stem_32_k32", 1.1, &[(1, 1.6)]));
    goals
}

fn w8(part: &PartRecord) -> Vec<Option<Goal>> {
    let goal = |name: &str| {
        part.against_peer(
            format!("{name}: plain step / fastest peer"),
            AtMost(1.3),
            &format!("w8/{name}, plain step"),
            |row| row.name == format!("W8.{name}"),
        )
    };
    ["vgg13", "resnet50", "efficientnet_b0"].map(goal).into()
}

/// One thread's time over that of two.
fn two_threads(part: &PartRecord, id: &str) -> Option<Goal> {
    let one = format!("{id}, one thread");
    part.quotient(format!("{id}: one thread / two"), AtLeast(1.8), [&one, id])
}

fn memory(part: &PartRecord) -> Vec<Option<Goal>> {
    let winsorised = |(network, c): (&str, u32)| {
        let what = format!("{network}c = {c}: peak of the winsorised step / of the plain step");
        let ids = [format!("step, c = {c}"), "plain step".to_owned()];
        let [winsorised, plain] = ids.map(|id| format!("memory/{network}{id}/bytes"));
        part.quotient(what, AtMost(1.2), [&winsorised, &plain])
    };
    let perceptron = [1, 2, 4, 8, 50].map(|c| ("", c));
    let residual = [1, 50].map(|c| ("ResNet-18, ", c));
    let alpha = part.quotient(
        "α's peak: m = 50000 / m = 10000",
        AtMost(1.05),
        ["memory/alpha, m = 50000/bytes", "memory/alpha, m = 10000/bytes"],
    );
    perceptron.into_iter().chain(residual).map(winsorised).chain([alpha]).collect()
}

const COORDINATE_WISE: [&str; 4] = ["mean", "median", "trimmed", "winsorized"];

/// Matrices of n rows and d columns.
const SHAPES: [(u32, u32); 3] = [(100, 335_114), (15, 1_000_000), (3, 11_000_000)];

fn w5(part: &PartRecord) -> Vec<Option<Goal>> {
    let in_memory = |(n, rule): (u32, &str)| {
        let what = format!("n = {n}: {rule} / reading the matrix once");
        part.paired(what, AtMost(1.5), &format!("w5 n = {n} ratio/{rule} to read once"))
    };
    let peer = |(n, d): (u32, u32), rule: &str, least| {
        let what = format!("n = {n}: fastest peer / {rule}");
        let name = format!("W5.n{n}_d{d}");
        let wanted = |op: &str| op == rule || (rule == "median" && n == 3 && op == "median3");
        let goal =
            part.against_peer(what, AtLeast(least), &format!("w5 n = {n}/{rule}"), |row| {
                row.name == name && row.op.as_deref().is_some_and(wanted)
            })?;
        // no program can be faster than this
        let once = part.median(&format!("w5 n = {n}/read once")).map_or(String::new(), |seconds| {
            format!("; reading the matrix once {}", time(seconds))
        });
        Some(if goal.met { goal } else { Goal { sides: goal.sides.clone() + &once, ..goal } })
    };
    let small = [3, 15].into_iter().flat_map(|n| COORDINATE_WISE.map(|rule| in_memory((n, rule))));
    let tall = COORDINATE_WISE.map(|rule| peer(SHAPES[0], rule, 5.0));
    let whole_rows = SHAPES.into_iter().flat_map(|shape| {
        ["geomedian", "krum"].map(|rule| {
            let remark = match (rule, shape.0) {
                ("geomedian", _) => {
                    "The peers iterate on a matrix of dots in f32 and know of no error. Ours reads the rows three \
                     times in f64 at least, to prove how near the least sum of distances it is."
                }
                (_, 100) => "Half of the matrix of dots of a hundred rows is 3.4 GFLOP in f32.",
                _ => "",
            };
            peer(shape, rule, 3.0).map(|goal| goal.remark(remark))
        })
    });
    small.chain(tall).chain(whole_rows).collect()
}

/// What stands in the way of M3.
const M3: &str = "The three groups' gradients are products of 34, 33 and 33 examples: their tiles \
                  are finished three times as often, and their median is taken beside.";

const RM3_BIG: &str = "SGD adds products to the weights in place. RM3 writes the gradient, then \
                       reads it and two older ones: 222 MB more. Forming it block by block, with \
                       the median taken while a block is in the cache, was tried and was no \
                       faster: the older gradients have to come from memory.";

const RM3_SMALL: &str = "The median of 335,114 coordinates reads four numbers each and writes one: \
                         6.7 MB from and to caches beyond L2.";

fn w6(part: &PartRecord) -> Vec<Option<Goal>> {
    let goal = |(net, params, rule, most, remark): (&str, &str, &str, f64, &'static str)| {
        let what = format!("{params} parameters: {rule} / SGD");
        let rule = rule.to_lowercase();
        let mut goal = part.paired(what, AtMost(most), &format!("w6 {net} ratio/{rule} to sgd"))?;
        let ours = part.median(&format!("w6 {net}/sgd"));
        goal.sides += &ours.map_or_else(String::new, |s| format!("; SGD {}", time(s)));
        let peers = part.peers.iter().filter(|row| {
            let variant = row.variant.as_deref();
            row.name == format!("W6.rm3_{net}") && variant.is_some_and(|v| v.starts_with(&rule))
        });
        let ratios = peers.filter_map(|row| Some((row.ratio_to_sgd?, row)));
        if let Some((ratio, row)) = ratios.min_by(|a, b| a.0.total_cmp(&b.0)) {
            goal.sides += &format!("; best peer {ratio:.2} × ({})", row.title());
        }
        Some(goal.remark(remark))
    };
    let goals = [
        ("big", "11.1 M", "RM3", 1.1, RM3_BIG),
        ("big", "11.1 M", "M3", 1.15, M3),
        ("small", "0.34 M", "RM3", 1.03, RM3_SMALL),
        ("small", "0.34 M", "M3", 1.03, M3),
    ];
    goals.map(goal).into()
}

fn command(part: &PartRecord) -> Vec<Option<Goal>> {
    const MATRIX: &str = "command 100 x 335114";
    let read = part.paired(
        "mean: command / reading the file once",
        AtMost(1.5),
        &format!("{MATRIX} ratio/mean to read once"),
    );
    let goals = part.figures.iter().map(|(id, figure)| {
        let rule = id.strip_prefix(&format!("{MATRIX} ratio/"))?.strip_suffix(" to NumPy")?;
        let ours = part.median(&format!("{MATRIX}/{rule}"))?;
        let what = format!("{rule}: NumPy / command");
        Some(Goal::new(
            what,
            AtLeast(3.0),
            figure.median.recip(),
            format!("command {}", time(ours)),
        ))
    });
    goals.chain([read]).collect()
}

fn busy(part: &PartRecord) -> Vec<Option<Goal>> {
    let goal = |(what, id)| {
        let ratio = part.median(&format!("busy/{id}/ratio"))?;
        let side = |name| part.median(&format!("busy/{id}/{name}")).map(time);
        let sides = format!("{} / {}", side("busy")?, side("quiet")?);
        let what = format!("{what}: beside one busy process / quiet");
        Some(Goal::new(what, AtMost(1.5), ratio, sides))
    };
    [("plain step", "w1 plain step"), ("α, m = 10000", "w3 alpha, m = 10000")].map(goal).into()
}
