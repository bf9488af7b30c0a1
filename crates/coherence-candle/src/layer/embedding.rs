//! Embeddings: vectors looked up by index.

use super::parameter;
use crate::{
    lookups::Lookups,
    tap::tapped,
    uses::{Parameter, Use, UseGradients},
};
use candle_core::{Result, Tensor, bail};
use candle_nn::{Init, Module, VarBuilder};

/// The rows of a table for indices [m, …]: [`candle_nn::Embedding`], recorded by a [`Tap`](crate::Tap).
///
/// An index that an example has several times has one row in its gradient, the sum over the positions.
#[derive(Clone, Debug)]
pub struct Embedding {
    inner: candle_nn::Embedding,
    table: Parameter,
}

/// A table `weight` [in_size, out_size], as [`candle_nn::embedding()`].
///
/// # Errors
///
/// If `vb` does not have the tensor.
pub fn embedding(in_size: usize, out_size: usize, vb: VarBuilder) -> Result<Embedding> {
    let initial = Init::Randn { mean: 0.0, stdev: 1.0 };
    let table = parameter(&vb, (in_size, out_size), "weight", initial)?;
    let inner = candle_nn::Embedding::new(table.tensor.clone(), out_size);
    Ok(Embedding { inner, table })
}

impl Embedding {
    /// The table [in_size, out_size].
    pub fn embeddings(&self) -> &Tensor {
        self.inner.embeddings()
    }

    /// The length of a vector.
    pub fn hidden_size(&self) -> usize {
        self.inner.hidden_size()
    }
}

impl Module for Embedding {
    fn forward(&self, indices: &Tensor) -> Result<Tensor> {
        let vectors = self.inner.forward(indices)?;
        let (parameter, indices) = (self.table.clone(), indices.clone());
        tapped(&[&self.table], vectors, move |delta| {
            if indices.rank() == 0 || indices.elem_count() == 0 {
                bail!(
                    "{}: {:?} is not a batch [m, …] of examples with positions",
                    parameter.name,
                    indices.dims()
                );
            }
            let (m, rows) = (indices.dim(0)?, parameter.tensor.dim(0)?);
            let gradients = UseGradients::Embedding(Lookups::new(rows, &indices, &delta)?);
            Ok(vec![Use { parameter, m, gradients }])
        })
    }
}
