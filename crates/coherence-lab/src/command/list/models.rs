//! `coherence list models`.

use std::fmt;
use std::num::NonZero;

use anyhow::Context;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use coherence_nn::model::Architecture;
use coherence_nn::{Activation, Graph, Shape, device::Cpu};

/// The networks for images of one size, or each for its usual one.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Models {
    items: Vec<Item>,
    #[serde(skip)]
    batch: NonZero<usize>,
}

#[derive(Serialize)]
struct Item {
    name: String,
    /// Height and width of the images.
    size: usize,
    /// `null` if the network does not take images of this size.
    parameters: Option<usize>,
    /// Multiply-adds of the forward pass of one image.
    multiply_adds: Option<u64>,
    /// Images in a batch.
    batch: NonZero<usize>,
    /// Bytes of the activations of a batch in f32.
    activation_bytes: Option<usize>,
}

impl Models {
    /// # Errors
    ///
    /// If the activations of a batch have more bytes than a machine can address.
    pub(super) fn new(size: Option<usize>, batch: NonZero<usize>) -> anyhow::Result<Self> {
        let item = |name| Item::new(name, size.unwrap_or(usual_size(name)), batch);
        let items = Architecture::ALL.iter().map(item).collect::<anyhow::Result<_>>()?;
        Ok(Self { items, batch })
    }
}

/// Height and width to which the images of ImageNet are usually cropped for the network.
fn usual_size(name: &Architecture) -> usize {
    match name {
        Architecture::InceptionV3 { .. } => 299,
        _ => 224,
    }
}

impl Item {
    fn new(name: &Architecture, size: usize, batch: NonZero<usize>) -> anyhow::Result<Self> {
        let input = Shape::image(size, size, 3);
        let graph = name.build::<f32, Cpu>(input, 1000, Activation::Relu).ok();
        let bytes = |graph: &Graph<f32>| {
            let bytes = (size_of::<f32>() * graph.activations()).checked_mul(batch.get());
            bytes.with_context(|| {
                format!("--batch {batch} is more than memory can be addressed for")
            })
        };
        Ok(Self {
            name: name.to_string(),
            size,
            parameters: graph.as_ref().map(|graph| graph.layout().parameters()),
            multiply_adds: graph.as_ref().map(|graph| graph.multiply_adds()),
            batch,
            activation_bytes: graph.as_ref().map(bytes).transpose()?,
        })
    }
}

impl fmt::Display for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(NOTHING);
        let activations = match self.batch.get() {
            1 => "activations of an image, MiB".to_owned(),
            batch => format!("activations of {batch} images, MiB"),
        };
        let adds = "multiply-adds of an image";
        table.set_header(["model", "size", "parameters", adds, &activations]);
        for column in 1..=4 {
            let column = table.column_mut(column).expect("there are five columns");
            column.set_cell_alignment(CellAlignment::Right);
        }
        for item in &self.items {
            let [parameters, multiply_adds, memory] = match item {
                Item {
                    parameters: Some(parameters),
                    multiply_adds: Some(multiply_adds),
                    activation_bytes: Some(bytes),
                    ..
                } => [
                    parameters.to_string(),
                    format!("{:.2} G", *multiply_adds as f64 / 1e9),
                    format!("{:.1}", *bytes as f64 / f64::from(1 << 20)),
                ],
                _ => ["not for this size".to_owned(), String::new(), String::new()],
            };
            let size = item.size.to_string();
            table.add_row([&item.name, &size, &parameters, &multiply_adds, &memory]);
        }
        write!(f, "{table}")
    }
}
