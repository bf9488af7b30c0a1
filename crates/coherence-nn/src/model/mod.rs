//! The architectures: one file each, with the function that builds its [`Graph`](crate::Graph).

mod alexnet;
mod architecture;
mod cifar_resnet;
mod convnet;
mod efficientnet;
mod inception;
mod lenet;
mod mlp;
mod normalized;
mod resnet;
mod vgg;

pub use alexnet::alexnet;
pub use architecture::{Architecture, ArchitectureError};
pub use cifar_resnet::cifar_resnet;
pub use convnet::convnet;
pub use efficientnet::efficientnet_b0;
pub use inception::inception_v3;
pub use lenet::lenet5;
pub use mlp::{mlp, mlp_of_images, mlp_with_activation};
pub use normalized::Norm;
pub use resnet::{ResNet, Stem, resnet, resnet18, resnet34, resnet50};
pub use vgg::vgg13;

use crate::{Activation, Builder, GraphError, Shape, Value, device::Device, layer::AveragePool};
use coherence_cpu::{Element, convolution::Convolution, pool::Pool};

/// A convolution with a square kernel, stride 1 and no padding.
fn square(input: Shape, outputs: usize, kernel: usize) -> Convolution {
    Convolution::new(input.size(), input.channels, outputs, [kernel, kernel])
}

/// Square windows without padding.
fn square_pool(input: Shape, kernel: usize, stride: usize) -> Pool {
    Pool {
        input: input.size(),
        channels: input.channels,
        kernel: [kernel, kernel],
        stride: [stride, stride],
        padding: [0, 0],
        ceil: false,
    }
}

/// The mean over all positions.
fn global_average<T: Element, D: Device<T>>(
    net: &mut Builder<T, D>,
    name: &str,
    x: Value,
) -> Result<Value, GraphError> {
    let pool = AveragePool::adaptive(x.shape, [1, 1])?;
    net.push(name, pool, &[x], Activation::Identity)
}
