//! Weights that do not fit a convolutional network are refused: the error lists both sides, and the network
//! stays as it was.

use coherence_nn::{
    Graph, Model, Shape, TensorSpec,
    model::{Norm, Stem, convnet, resnet18},
    weights,
};
use safetensors::{Dtype, tensor::TensorView};

/// A tensor of a file of zeros.
#[derive(Clone)]
struct Entry {
    name: String,
    shape: Vec<usize>,
    dtype: Dtype,
}

/// What a file of the network holds: parameters and statistics.
fn entries(model: &Model<f32>) -> Vec<Entry> {
    let entry = |tensor: &TensorSpec| Entry {
        name: tensor.name.clone(),
        shape: tensor.shape.clone(),
        dtype: Dtype::F32,
    };
    let statistics = model.graph().statistics().tensors();
    model.layout().tensors().iter().chain(statistics).map(entry).collect()
}

fn file(entries: &[Entry]) -> Vec<u8> {
    let len = |entry: &Entry| 4 * entry.shape.iter().product::<usize>();
    let zeros = vec![0; entries.iter().map(len).max().unwrap_or(0)];
    let views = entries.iter().map(|entry| {
        let view = TensorView::new(entry.dtype, entry.shape.clone(), &zeros[..len(entry)]);
        (&entry.name, view.unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

#[track_caller]
fn refused(model: &mut Model<f32>, bytes: &[u8], says: &[String]) {
    let message = weights::load(model, bytes).unwrap_err().to_string();
    for part in says {
        assert!(message.contains(part), "{part} in {message}");
    }
}

/// Every kind of damage to the tensor `name`.
#[track_caller]
fn damages_are_refused(graph: Graph<f32>, name: &str) {
    let mut model = Model::zeros(graph);
    model.parameters_mut().fill(0.5);
    let before = model.clone();
    let whole = entries(&model);
    let at = whole.iter().position(|entry| entry.name == name).unwrap();
    let ours = format!("{name} {:?}", whole[at].shape);
    let changed = |change: &dyn Fn(&mut Vec<Entry>)| {
        let mut entries = whole.clone();
        change(&mut entries);
        file(&entries)
    };

    let missing = changed(&|entries| drop(entries.remove(at)));
    refused(&mut model, &missing, &["network: ".to_owned(), ours.clone()]);

    let added = Entry { name: "head.weight".to_owned(), shape: vec![2, 3], dtype: Dtype::F32 };
    let extra = changed(&|entries| entries.push(added.clone()));
    let all = format!("network: {} tensors, all of which are in the other", whole.len());
    let side = if whole.len() > 8 { all } else { ours.clone() };
    refused(&mut model, &extra, &["head.weight [2, 3]".to_owned(), side]);

    let longer = [&whole[at].shape[..], &[1]].concat();
    let theirs = format!("{name} {longer:?}");
    let misshapen = changed(&|entries| entries[at].shape.clone_from(&longer));
    refused(&mut model, &misshapen, &[ours, theirs]);

    let integers = changed(&|entries| entries[at].dtype = Dtype::I32);
    refused(&mut model, &integers, &[format!("{name} has elements I32")]);

    let bytes = file(&whole);
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let cuts = (0..8).chain((8..header).step_by(97)).chain([header, header + 1, bytes.len() - 1]);
    for len in cuts {
        refused(&mut model, &bytes[..len], &["not a safetensors file".to_owned()]);
    }
    assert!(model == before, "a refused file must change nothing");
    weights::load(&mut model, &bytes).unwrap();
    assert!(model.parameters().iter().all(|&w| w == 0.0), "the undamaged file is loaded");
}

#[test]
fn files_that_do_not_fit_a_convolutional_network_are_refused() {
    for name in ["conv2.weight", "conv3.bias", "fc.weight"] {
        damages_are_refused(convnet(Shape::image(8, 8, 1), 3).unwrap(), name);
    }
}

#[test]
fn files_that_do_not_fit_a_residual_network_are_refused() {
    let graph = || resnet18(Shape::image(8, 8, 3), 3, Stem::Cifar, Norm::Batch).unwrap();
    for name in ["layer2.0.downsample.0.weight", "layer4.1.bn2.running_var"] {
        damages_are_refused(graph(), name);
    }
}
