//! What is run: the parts of a measurement, each with our benches and the peers beside them.

/// A part: its figures are compared with each other and with no others.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) name: &'static str,
    pub(super) benches: &'static [Bench],
    /// Settings, script and arguments of each peer: the strongest, and what users get who change no
    /// setting.
    pub(super) peers: &'static [&'static str],
}

/// A bench target.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) name: &'static str,
    /// For criterion: seconds to warm up, seconds to measure, samples. Other benches print their
    /// figures and have none.
    pub(super) times: Option<[&'static str; 3]>,
}

/// Criterion's name of the figure of a part's first bench that is measured again before and after a peer's script,
/// since a machine with neighbours changes its speed within minutes, by half on some.
pub(super) fn beside(part: &str, script: &str) -> Option<&'static str> {
    let has = |words: &str| script.contains(words);
    Some(match part {
        "W1" => "w1/plain step",
        "W3" if has(" 10000 ") => "w3/alpha, m = 10000",
        "W3" if has(" 50000 ") => "w3/alpha, m = 50000",
        "W4" if has("torch_plain") => "w4/forward and backward",
        "W4" => "w4/alpha",
        "W7" if has("cifar ") && has(" plain ") => "w7 cifar stem/plain step",
        "W7" if has(" plain") => "w7/plain step",
        "W8" if has(" vgg13 ") => "w8/vgg13, plain step",
        "W8" if has(" resnet50 ") => "w8/resnet50, plain step",
        "W8" => "w8/efficientnet_b0, plain step",
        _ => return None,
    })
}

const fn criterion(name: &'static str, times: [&'static str; 3]) -> Bench {
    Bench { name, times: Some(times) }
}

const fn printing(name: &'static str) -> Bench {
    Bench { name, times: None }
}

/// In the order in which they run and stand on the page.
pub(super) const PARTS: [Plan; 13] = [
    Plan {
        name: "W1",
        benches: &[criterion("w1_step", ["1", "5", "50"]), criterion("w1_faer", ["1", "5", "50"])],
        peers: &[
            "w1_sgd.py numpy",
            "w1_sgd.py jax",
            "mklfix w1_sgd.py torch_manual",
            "mklfix w1_sgd.py torch_eager",
            "w1_sgd.py torch_eager",
        ],
    },
    Plan {
        name: "W2",
        benches: &[criterion("w2_winsorized", ["1", "3", "30"])],
        peers: &[
            "heap w2_wsgd.py jax network 1 2 4 8",
            "w2_wsgd.py jax network 1 2 4 8",
            "heap w2_wsgd.py numpy sort_threads 1 2 4 8 50",
            "w2_wsgd.py numpy sort_threads 1 2 4 8 50",
            "mklfix heap w2_wsgd.py torch topk 1 2 4 8 50",
            "mklfix w2_wsgd.py torch topk 1 50",
        ],
    },
    Plan {
        name: "W3",
        benches: &[criterion("w3_alpha", ["1", "5", "15"])],
        peers: &[
            "w3_w4_alpha.py mlp 10000 jax_ghost 1000",
            "mklfix w3_w4_alpha.py mlp 10000 torch_hooks 1000",
            "w3_w4_alpha.py mlp 10000 numpy_ghost 500",
            "mklfix w3_w4_alpha.py mlp 10000 backpack 1000",
            "mklfix w3_w4_alpha.py mlp 10000 opacus_ghost 1000",
            "w3_w4_alpha.py mlp 10000 torch_hooks 1000",
            "w3_w4_alpha.py mlp 50000 jax_ghost 500",
            "w3_w4_alpha.py mlp 50000 jax_ghost 1000",
            "mklfix w3_w4_alpha.py mlp 50000 torch_hooks 1000",
            "w3_w4_alpha.py mlp 50000 numpy_ghost 500",
        ],
    },
    Plan {
        name: "W4",
        benches: &[criterion("w4_convnet", ["1", "5", "10"])],
        peers: &[
            "mklfix w3_w4_alpha.py conv 2000 torch_plain",
            "mklfix w3_w4_alpha.py conv 2000 torch_hooks 50",
            "mklfix w3_w4_alpha.py conv 2000 torch_vmap 50",
            "w3_w4_alpha.py conv 2000 torch_hooks 50",
        ],
    },
    Plan {
        name: "W5",
        benches: &[criterion("w5_dense", ["0.5", "2", "20"])],
        peers: &[
            "w5_aggregators.py numpy 100 335114",
            "w5_aggregators.py numpy 15 1000000 mean,geomedian,krum",
            "w5_aggregators.py numpy 3 11000000 mean,geomedian,median3",
            "w5_aggregators.py jax 100 335114 mean,geomedian,krum",
            "w5_aggregators.py jax 15 1000000 median,trimmed,winsorized,geomedian,krum",
            "w5_aggregators.py jax 3 11000000 median,trimmed,winsorized,median3",
            "mklfix w5_aggregators.py torch 100 335114 mean,krum",
            "mklfix w5_aggregators.py torch 15 1000000 mean,krum",
            "mklfix w5_aggregators.py torch 3 11000000 mean,krum,median3",
            "w5_aggregators.py byzfl_numpy 100 335114 trimmed",
            "mklfix w5_aggregators.py byzfl_torch 15 1000000 geomedian,krum",
            "mklfix w5_aggregators.py byzfl_torch 3 11000000 krum",
        ],
    },
    Plan {
        name: "W6",
        benches: &[criterion("w6_rolling", ["1", "5", "40"])],
        peers: &[
            "mklfix w6_rm3.py torch small",
            "mklfix w6_rm3.py torch big",
            "w6_rm3.py jax small",
            "w6_rm3.py jax big",
        ],
    },
    Plan {
        name: "W7",
        benches: &[criterion("w7_resnet", ["0.5", "4", "10"])],
        peers: &[
            "mklfix w7_resnet.py plain 100",
            "mklfix w7_resnet.py plain_cl 100",
            "mklfix w7_resnet.py hooks 100",
            "mklfix w7_resnet.py winsor 100 32 1",
            "mklfix cifar w7_resnet.py plain 32",
            "mklfix cifar w7_resnet.py hooks 32",
        ],
    },
    Plan {
        name: "W8",
        benches: &[criterion("w8_photographs", ["1", "10", "10"])],
        peers: &[
            "mklfix w8_photographs.py vgg13 contiguous",
            "mklfix w8_photographs.py vgg13 channels_last",
            "mklfix w8_photographs.py resnet50 contiguous",
            "mklfix w8_photographs.py resnet50 channels_last",
            "mklfix w8_photographs.py efficientnet_b0 contiguous",
            "mklfix w8_photographs.py efficientnet_b0 channels_last",
        ],
    },
    Plan { name: "memory", benches: &[printing("memory")], peers: &[] },
    Plan { name: "command", benches: &[criterion("command", ["0.5", "2", "10"])], peers: &[] },
    Plan { name: "busy", benches: &[printing("busy")], peers: &[] },
    Plan { name: "scaling", benches: &[criterion("scaling", ["0.2", "0.6", "10"])], peers: &[] },
    Plan { name: "kernels", benches: &[criterion("kernels", ["0.3", "1", "10"])], peers: &[] },
];
