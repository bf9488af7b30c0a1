//! `coherence list models`.

use std::fmt;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use coherence_nn::model::Architecture;
use coherence_nn::{Activation, Shape, device::Cpu};

/// The networks for images of one size.
#[derive(Serialize)]
pub(super) struct Models(Vec<Item>);

#[derive(Serialize)]
struct Item {
    name: String,
    /// Height and width of the images.
    size: usize,
    /// `null` if the network does not take images of this size.
    parameters: Option<usize>,
    /// Multiply-adds of the forward pass of one image.
    multiply_adds: Option<u64>,
    /// Bytes of one image's activations in f32.
    activation_bytes: Option<usize>,
}

impl Models {
    pub(super) fn new(size: usize) -> Self {
        Self(Architecture::ALL.iter().map(|name| Item::new(name, size)).collect())
    }
}

impl Item {
    fn new(name: &Architecture, size: usize) -> Self {
        let input = Shape::image(size, size, 3);
        let graph = name.build::<f32, Cpu>(input, 1000, Activation::Relu).ok();
        Self {
            name: name.to_string(),
            size,
            parameters: graph.as_ref().map(|graph| graph.layout().parameters()),
            multiply_adds: graph.as_ref().map(|graph| graph.multiply_adds()),
            activation_bytes: graph.as_ref().map(|graph| size_of::<f32>() * graph.activations()),
        }
    }
}

impl fmt::Display for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.set_header(["model", "parameters", "multiply-adds", "activations, MiB"]);
        for column in 1..=3 {
            let column = table.column_mut(column).expect("there are four columns");
            column.set_cell_alignment(CellAlignment::Right);
        }
        for item in &self.0 {
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
                _ => [format!("not for {0} × {0}", item.size), String::new(), String::new()],
            };
            table.add_row([&item.name, &parameters, &multiply_adds, &memory]);
        }
        write!(f, "{table}")
    }
}
