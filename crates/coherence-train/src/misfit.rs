//! Whether a network takes the images and the classes of a data set.

use coherence_data::Shape;
use coherence_nn::{Model, device::Device};

/// A data set that does not fit a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The images do not have the size of the network's input.
    #[error("the images are {found}, the model takes {expected}")]
    Features {
        /// The shape of an image.
        found: String,
        /// The input of the network.
        expected: String,
    },
    /// The data have more classes than the network.
    #[error("the data set has {found} classes, the model has {expected}")]
    Classes {
        /// Classes of the data set.
        found: usize,
        /// Classes of the network.
        expected: usize,
    },
}

/// Whether the network takes images of this shape, or as many features, in so many classes.
pub(crate) fn check_fit<D: Device<f32>>(
    model: &Model<f32, D>,
    image: Shape,
    classes: usize,
) -> Result<(), Misfit> {
    let input = model.graph().input();
    let shape = coherence_nn::Shape::image(image.height, image.width, image.channels);
    if input != shape && input != coherence_nn::Shape::features(image.features()) {
        return Err(Misfit::Features { found: shape.to_string(), expected: input.to_string() });
    }
    let (found, expected) = (classes, model.classes());
    if found > expected { Err(Misfit::Classes { found, expected }) } else { Ok(()) }
}
