//! Settings: which are refused, and that they survive conversion to text and back.

use crate::blobs::{Blobs, config, examples, network};
use coherence_data::digits;
use coherence_train::{
    Aggregation, Config, ConfigError, Examples, Misfit, OverTime, RateSchedule, Schedule, Trainer,
    Watch,
};

#[track_caller]
fn refused(change: impl FnOnce(&mut Config), error: ConfigError) {
    let mut config = config(Aggregation::Mean);
    change(&mut config);
    let data = examples(&Blobs { n: 110, seed: 1 });
    assert_eq!(Trainer::new(config, network(), data.clone(), data).unwrap_err(), error);
}

#[test]
fn settings_out_of_range_are_refused() {
    refused(|c| c.batch = 0, ConfigError::Batch { batch: 0, examples: 110 });
    refused(|c| c.batch = 111, ConfigError::Batch { batch: 111, examples: 110 });
    refused(|c| c.rate = 0.0, ConfigError::Rate(0.0));
    refused(|c| c.rate = f64::INFINITY, ConfigError::Rate(f64::INFINITY));
    refused(|c| c.evaluate = Schedule::Every { steps: 0 }, ConfigError::Interval);
    refused(|c| c.momentum = 1.0, ConfigError::Momentum(1.0));
    refused(|c| c.momentum = -0.1, ConfigError::Momentum(-0.1));
    refused(|c| c.nesterov = true, ConfigError::Nesterov);
    refused(|c| c.weight_decay = -1e-4, ConfigError::WeightDecay(-1e-4));
    refused(|c| c.weight_decay = f64::INFINITY, ConfigError::WeightDecay(f64::INFINITY));
    let unwatched = |c: &mut Config| (c.probe, c.watch) = (0, vec![Watch::Layer, Watch::Activity]);
    refused(unwatched, ConfigError::Watch(Watch::Activity));
    let few = |c: &mut Config| (c.batch, c.probe, c.watch) = (20, 39, vec![Watch::Imputed]);
    refused(few, ConfigError::Passes { watch: Watch::Imputed, probe: 39, pass: 20 });
    let no_half = |c: &mut Config| (c.probe, c.watch) = (0, vec![Watch::Half]);
    refused(no_half, ConfigError::Watch(Watch::Half));
    refused(|c| c.sample = Some(0), ConfigError::Sample);
    refused(|c| c.warmup = 30, ConfigError::Warmup { warmup: 30, steps: 30 });
    refused(|c| c.steps = u64::MAX, ConfigError::Steps(u64::MAX));
    for micro_batch in [0, 7, 40] {
        let error = ConfigError::MicroBatch { micro_batch, batch: 20 };
        refused(|c| c.micro_batch = Some(micro_batch), error);
    }
    let winsorized = Aggregation::Winsorized { clip: 2 };
    for aggregation in [winsorized, Aggregation::Trimmed { trim: 2 }, Aggregation::Median] {
        let in_passes = |c: &mut Config| (c.aggregation, c.micro_batch) = (aggregation, Some(10));
        refused(in_passes, ConfigError::InPasses { aggregation });
    }
    let whole = Config { micro_batch: Some(20), ..self::config(winsorized) };
    assert_eq!(whole.check(110), Ok(()));
    let undefined = |aggregation: Aggregation, batch| {
        let mut config = config(aggregation);
        config.batch = batch;
        let error = config.check(110).unwrap_err();
        assert!(matches!(&error, ConfigError::Aggregation { batch: of, .. } if *of == batch));
        error.to_string()
    };
    let message = undefined(Aggregation::Winsorized { clip: 11 }, 21);
    assert!(message.starts_with("winsorized:11 of mini-batches of 21: "), "{message}");
    undefined(Aggregation::Trimmed { trim: 10 }, 20);
    undefined(Aggregation::MedianOfMeans { groups: 0 }, 20);
    undefined(Aggregation::MedianOfMeans { groups: 21 }, 20);
    undefined("mean@21".parse().unwrap(), 20);
    let message = undefined("krum:1@4".parse().unwrap(), 20);
    assert!(message.starts_with("krum:1@4 of mini-batches of 20: "), "{message}");
    for (aggregation, batch) in [
        (Aggregation::Winsorized { clip: 10 }, 20),
        (Aggregation::Trimmed { trim: 9 }, 20),
        (Aggregation::MedianOfMeans { groups: 20 }, 20),
    ] {
        assert_eq!(Config { batch, ..config(aggregation) }.check(110), Ok(()));
    }
    let nan = Config { rate: f64::NAN, ..config(Aggregation::Mean) };
    assert!(matches!(nan.check(110), Err(ConfigError::Rate(rate)) if rate.is_nan()));
}

#[test]
fn data_that_do_not_fit_the_model_are_refused() {
    let blobs = examples(&Blobs { n: 110, seed: 1 });
    let digits = examples(&digits::test());
    let features = |set| {
        let (found, expected) = ("28 × 28 × 1".to_owned(), "6".to_owned());
        ConfigError::Misfit { set, source: Misfit::Features { found, expected } }
    };
    let open = |train: &Examples, test: &Examples| {
        let config = config(Aggregation::Mean);
        Trainer::new(config, network(), train.clone(), test.clone()).unwrap_err()
    };
    assert_eq!(open(&digits, &blobs), features("training"));
    assert_eq!(open(&blobs, &digits), features("test"));
    let small = coherence_nn::Model::zeros(coherence_nn::model::mlp(&[6, 2]).unwrap());
    let error = Trainer::new(config(Aggregation::Mean), small, blobs.clone(), blobs).unwrap_err();
    assert_eq!(error.to_string(), "training set: the data set has 3 classes, the model has 2");
}

#[test]
fn settings_survive_json() {
    let schedules =
        [Schedule::Decades, Schedule::Every { steps: 5 }, Schedule::At { steps: vec![1, 4] }];
    let over_time = OverTime::ALL.map(Aggregation::OverTime);
    let others = [
        Aggregation::Mean,
        Aggregation::Winsorized { clip: 2 },
        Aggregation::Trimmed { trim: 2 },
        Aggregation::Median,
        Aggregation::MedianOfMeans { groups: 3 },
        "multi-krum:1:2@10".parse().unwrap(),
    ];
    for rule in others.into_iter().chain(over_time) {
        for evaluate in schedules.clone() {
            let config = Config { evaluate, ..config(rule) };
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<Config>(&json).unwrap(), config);
        }
    }
}

#[test]
fn schedules_are_read_as_they_are_written_and_others_are_refused() {
    for text in ["constant", "cosine", "steps:40", "steps:40,60", "steps:0,1/2.5"] {
        assert_eq!(text.parse::<RateSchedule>().unwrap().to_string(), text);
    }
    for (text, said) in [
        ("linear", "unknown name"),
        ("steps:", "not a whole number"),
        ("steps:4,x", "not a whole number"),
        ("steps:-4", "not a whole number"),
        ("steps:4,4", "do not ascend"),
        ("steps:4/0", "not a positive number"),
        ("steps:4/NaN", "not a positive number"),
    ] {
        let message = text.parse::<RateSchedule>().unwrap_err().to_string();
        assert!(message.contains(said) && message.contains("steps:A,B"), "{message}");
    }
}

#[test]
fn settings_parse_in_the_notation_of_the_papers() {
    let json = r#"{"batch": 100, "micro_batch": null, "loss": "cross-entropy:0.1", "rate": 0.1, "schedule": "steps:3,4/5",
        "warmup": 0, "momentum": 0.9, "nesterov": true, "weight_decay": 0.0001, "steps": 5,
        "batch_statistics": true, "estimation_batches": 10, "augmentation": "crop:4,flip",
        "seed": 1, "probe": 0, "watch": ["layer"],
        "checkpoint_every": 0, "evaluate": {"when": "decades"},
        "aggregation": "winsorized:2"}"#;
    let config: Config = serde_json::from_str(json).unwrap();
    assert_eq!(config.aggregation, Aggregation::Winsorized { clip: 2 });
    assert_eq!(config.schedule, RateSchedule::Steps { at: vec![3, 4], divisor: 5.0 });
    let unknown = json.replace("probe", "prob");
    assert!(serde_json::from_str::<Config>(&unknown).unwrap_err().to_string().contains("prob"));
    for unknown in ["winsorized", "winsorized:-1", "mean:1", "rm3:1", "rm4", ""] {
        let error = serde_json::from_str::<Config>(&json.replace("winsorized:2", unknown));
        let message = error.unwrap_err().to_string();
        let known = message
            .contains("mean, winsorized:CLIP, trimmed:TRIM, median, median-of-means:GROUPS, m3");
        assert!(message.contains(unknown) && known, "{message}");
    }
}
