//! Weights survive conversion to bytes and back; files that do not fit are refused, and the error lists
//! both sides.

use coherence_nn::{
    Activation, Element, GraphError, Keep, Model, Shape,
    device::Cpu,
    model::{Architecture, mlp},
    weights,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use safetensors::{Dtype, tensor::TensorView};

const WIDTHS: [usize; 4] = [5, 4, 3, 2];

fn network() -> Model<f32> {
    Model::initialized(mlp(&WIDTHS).unwrap(), &mut ChaCha8Rng::seed_from_u64(1))
}

fn zeros<T: Element>(widths: &[usize]) -> Model<T> {
    Model::zeros(mlp(widths).unwrap())
}

/// A file with the network's tensors under other names.
fn renamed(model: &Model<f32>, name: impl Fn(&str) -> String) -> Vec<u8> {
    let bytes: Vec<u8> = model.parameters().iter().flat_map(|x| x.to_le_bytes()).collect();
    let views = model.layout().tensors().iter().map(|t| {
        let bytes = &bytes[4 * t.range.start..4 * t.range.end];
        (name(&t.name), TensorView::new(Dtype::F32, t.shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

#[test]
fn loading_undoes_saving() {
    let mut loaded = zeros(&WIDTHS);
    weights::load(&mut loaded, &weights::to_safetensors(&network())).unwrap();
    assert_eq!(loaded, network());
}

#[test]
fn names_of_a_torch_sequential_are_accepted() {
    for scheme in [["0", "1", "2"], ["0", "2", "4"], ["net.9", "net.10", "net.11"]] {
        let bytes = renamed(&network(), |name| {
            let layer: usize = name[2..3].parse().unwrap();
            format!("{}{}", scheme[layer - 1], &name[3..])
        });
        let mut loaded = zeros(&WIDTHS);
        weights::load(&mut loaded, &bytes).unwrap();
        assert_eq!(loaded, network());
    }
}

/// PyTorch flattens images channel by channel: column c · 4 + p of its weight belongs to channel c of position p.
#[test]
fn a_perceptron_over_colour_images_has_the_order_of_torch() {
    let name: Architecture = "mlp:12,2".parse().unwrap();
    let network = name.build(Shape::image(2, 2, 3), 2, Activation::Relu).unwrap();
    let mut model = Model::<f64>::zeros(network);
    let weight: Vec<f64> = (0..24).map(|n| f64::from(n * n % 7) - 3.0).collect();
    let bytes = |values: &[f64]| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let [of_weight, of_bias] = [bytes(&weight), bytes(&[0.5, -0.5])];
    let view = |shape: &[usize], bytes| TensorView::new(Dtype::F64, shape.to_vec(), bytes).unwrap();
    let views = [("fc1.weight", view(&[2, 12], &of_weight)), ("fc1.bias", view(&[2], &of_bias))];
    weights::load(&mut model, &safetensors::serialize(views, None).unwrap()).unwrap();

    let pixel = |c: usize, p: usize| (c * 5 + p * 3) as f64;
    let image: Vec<f64> = (0..12).map(|n| pixel(n % 3, n / 3)).collect();
    let logit = |row: usize| {
        let terms = (0..12).map(|n| weight[row * 12 + n] * pixel(n / 4, n % 4));
        terms.sum::<f64>() + [0.5, -0.5][row]
    };
    let mut workspace = model.workspace(1, Keep::Logits);
    model.forward(&image, 1, &mut workspace);
    assert_eq!(workspace.logits(), [logit(0), logit(1)]);
}

#[test]
fn f32_files_fill_f64_networks() {
    let mut loaded = zeros::<f64>(&WIDTHS);
    weights::load(&mut loaded, &weights::to_safetensors(&network())).unwrap();
    let expected: Vec<f64> = network().parameters().iter().map(|&x| x.into()).collect();
    assert_eq!(loaded.parameters(), expected);
}

/// The bits and values of each format by hand: 1.5 = 1.1₂, −2⁻²⁴ the smallest f16, 2⁻¹³³ the smallest
/// bf16, 65504 the largest f16.
#[test]
fn half_precision_is_widened_exactly() {
    let halves = |dtype, bits: [u16; 2]| {
        let bytes = bits.map(u16::to_le_bytes).concat();
        let view = |at: usize, shape| TensorView::new(dtype, shape, &bytes[2 * at..][..2]).unwrap();
        let tensors = [("fc1.weight", view(0, vec![1, 1])), ("fc1.bias", view(1, vec![1]))];
        let mut model = zeros::<f32>(&[1, 1]);
        weights::load(&mut model, &safetensors::serialize(tensors, None).unwrap()).unwrap();
        [model.parameters()[0], model.parameters()[1]]
    };
    assert_eq!(halves(Dtype::F16, [0x3e00, 0x8001]), [1.5, -f32::exp2(-24.0)]);
    assert_eq!(
        halves(Dtype::F16, [0x7bff, 0x8000]).map(f32::to_bits),
        [65504.0f32, -0.0].map(f32::to_bits)
    );
    assert_eq!(halves(Dtype::BF16, [0x3fc0, 0x0001]), [1.5, f32::exp2(-133.0)]);
}

#[track_caller]
fn refused(widths: &[usize], bytes: &[u8], says: &[&str]) {
    let mut model = zeros::<f32>(widths);
    let message = weights::load(&mut model, bytes).unwrap_err().to_string();
    for part in says {
        assert!(message.contains(part), "{part} in {message}");
    }
    assert!(model.parameters().iter().all(|&x| x == 0.0), "a refused file must change nothing");
}

#[test]
fn another_shape_lists_both_sides() {
    let bytes = weights::to_safetensors(&network());
    refused(&[5, 4, 6, 2], &bytes, &["fc2.weight [6, 4]", "fc2.weight [3, 4]"]);
}

#[test]
fn missing_and_extra_tensors_list_both_sides() {
    let bytes = weights::to_safetensors(&network());
    refused(&[5, 4, 3], &bytes, &["file:    fc1.bias [4], ", "fc3.weight [2, 3]"]);
    refused(&[5, 4, 3, 2, 2], &bytes, &["fc4.bias [2]", "fc3.weight [2, 3]"]);
}

#[test]
fn two_prefixes_are_refused() {
    let bytes = renamed(&network(), |name| name.replace("fc2", "head2"));
    refused(&[5, 4, 3, 2], &bytes, &["head2.weight [3, 4]", "one prefix and a number"]);
}

#[test]
fn integers_are_refused_by_name() {
    let zero = [0u8; 4];
    let view = |shape| TensorView::new(Dtype::I32, shape, &zero).unwrap();
    let tensors = [("fc1.weight", view(vec![1, 1])), ("fc1.bias", view(vec![1]))];
    let bytes = safetensors::serialize(tensors, None).unwrap();
    refused(&[1, 1], &bytes, &["fc1.weight has elements I32"]);
}

#[test]
fn random_and_truncated_files_are_errors() {
    let bytes = weights::to_safetensors(&network());
    for len in 0..bytes.len() {
        refused(&[5, 4, 3, 2], &bytes[..len], &["not a safetensors file"]);
    }
}

#[test]
fn widths_that_do_not_make_a_network_are_refused() {
    let refused = |widths: &[usize]| mlp::<f32, Cpu>(widths).unwrap_err();
    assert_eq!(refused(&[3]), GraphError::TooFewWidths(1));
    assert_eq!(refused(&[3, 0, 2]), GraphError::Empty("fc1".to_owned()));
    assert_eq!(refused(&[0, 2]), GraphError::Empty("fc1".to_owned()));
    // Products and sums beyond the largest integer, and a vector longer than any allocation.
    for widths in [[9, usize::MAX, 2], [usize::MAX, 1, 2], [1 << 31, 1 << 31, 2]] {
        assert_eq!(refused(&widths), GraphError::TooMany("fc1".to_owned()));
    }
}

/// Weights have standard deviation 2/√(i + o) (catalogue E), biases are 0. With 784 · 256 deviates
/// the sample's standard deviation is within 5 standard errors, 5/√(2 · 784 · 256) < 0.8 %, except
/// once in a million seeds; the seed is fixed.
#[test]
fn initial_weights_have_the_papers_deviation() {
    let network = mlp(&[784, 256]).unwrap();
    let model = Model::<f32>::initialized(network, &mut ChaCha8Rng::seed_from_u64(3));
    let (weights, biases) = model.parameters().split_at(784 * 256);
    let variance =
        weights.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>() / weights.len() as f64;
    let ratio = variance.sqrt() / (2.0 / 1040.0f64.sqrt());
    assert!((ratio - 1.0).abs() < 0.008, "{ratio}");
    assert!(biases.iter().all(|&b| b == 0.0));
}
