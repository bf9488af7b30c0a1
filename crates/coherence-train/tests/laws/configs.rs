//! Settings: which are refused, and that they survive conversion to text and back.

use crate::blobs::{Blobs, config, network};
use coherence_data::digits;
use coherence_train::{Aggregation, Config, ConfigError, OverTime, Schedule, Trainer};

#[track_caller]
fn refused(change: impl FnOnce(&mut Config), error: ConfigError) {
    let mut config = config(Aggregation::Mean);
    change(&mut config);
    let data = Blobs { n: 110, seed: 1 };
    assert_eq!(Trainer::new(config, network(), &data, &data).unwrap_err(), error);
}

#[test]
fn settings_out_of_range_are_refused() {
    refused(|c| c.batch = 0, ConfigError::Batch { batch: 0, examples: 110 });
    refused(|c| c.batch = 111, ConfigError::Batch { batch: 111, examples: 110 });
    refused(|c| c.rate = 0.0, ConfigError::Rate(0.0));
    refused(|c| c.rate = f64::INFINITY, ConfigError::Rate(f64::INFINITY));
    refused(|c| c.evaluate = Schedule::Every { steps: 0 }, ConfigError::Interval);
    let undefined = |aggregation: Aggregation, batch| {
        let mut config = config(aggregation);
        config.batch = batch;
        let error = config.check(110).unwrap_err();
        assert!(matches!(&error, ConfigError::Aggregation { batch: of, .. } if *of == batch));
        error.to_string()
    };
    let message = undefined(Aggregation::Winsorized { clip: 11 }, 21);
    assert!(message.starts_with("winsorized:11 of mini-batches of 21: "), "{message}");
    undefined(Aggregation::MedianOfMeans { groups: 0 }, 20);
    undefined(Aggregation::MedianOfMeans { groups: 21 }, 20);
    for (aggregation, batch) in [
        (Aggregation::Winsorized { clip: 10 }, 20),
        (Aggregation::MedianOfMeans { groups: 20 }, 20),
    ] {
        assert_eq!(Config { batch, ..config(aggregation) }.check(110), Ok(()));
    }
    let nan = Config { rate: f64::NAN, ..config(Aggregation::Mean) };
    assert!(matches!(nan.check(110), Err(ConfigError::Rate(rate)) if rate.is_nan()));
}

#[test]
fn data_that_do_not_fit_the_model_are_refused() {
    let blobs = Blobs { n: 110, seed: 1 };
    let digits = digits::test();
    let features = |set| {
        let (found, expected) = ("28 × 28 × 1".to_owned(), "6".to_owned());
        ConfigError::Features { set, found, expected }
    };
    let open =
        |train, test| Trainer::new(config(Aggregation::Mean), network(), train, test).unwrap_err();
    assert_eq!(open(&digits, &blobs), features("training"));
    assert_eq!(open(&blobs, &digits), features("test"));
    let small = coherence_nn::Model::zeros(coherence_nn::model::mlp(&[6, 2]).unwrap());
    let error = Trainer::new(config(Aggregation::Mean), small, &blobs, &blobs).unwrap_err();
    assert_eq!(error, ConfigError::Classes { set: "training", found: 3, expected: 2 });
}

#[test]
fn settings_survive_json() {
    let schedules =
        [Schedule::Decades, Schedule::Every { steps: 5 }, Schedule::At { steps: vec![1, 4] }];
    let over_time = OverTime::ALL.map(Aggregation::OverTime);
    let others = [
        Aggregation::Mean,
        Aggregation::Winsorized { clip: 2 },
        Aggregation::MedianOfMeans { groups: 3 },
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
fn settings_parse_in_the_notation_of_the_papers() {
    let json = r#"{"batch": 100, "rate": 0.1, "steps": 5,
        "batch_statistics": true, "seed": 1, "probe": 0,
        "checkpoint_every": 0, "evaluate": {"when": "decades"},
        "aggregation": "winsorized:2"}"#;
    let config: Config = serde_json::from_str(json).unwrap();
    assert_eq!(config.aggregation, Aggregation::Winsorized { clip: 2 });
    let unknown = json.replace("probe", "prob");
    assert!(serde_json::from_str::<Config>(&unknown).unwrap_err().to_string().contains("prob"));
    for unknown in ["winsorized", "winsorized:-1", "mean:1", "rm3:1", "rm4", ""] {
        let error = serde_json::from_str::<Config>(&json.replace("winsorized:2", unknown));
        let message = error.unwrap_err().to_string();
        let known = message.contains("mean, winsorized:CLIP, median-of-means:GROUPS, m3");
        assert!(message.contains(unknown) && known, "{message}");
    }
}
