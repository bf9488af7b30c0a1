//! The architectures by name.

use super::{
    Norm, ResNet, Stem, alexnet, cifar_resnet, convnet, efficientnet_b0, inception_v3, lenet5,
    mlp_of_images, mlp_with_activation, resnet, vgg13,
};
use crate::{Activation, Graph, GraphError, Shape, device::Device};
use coherence_cpu::Element;
use core::{fmt, str::FromStr};

/// The name of an architecture.
///
/// | name | network |
/// |---|---|
/// | `mlp:INPUTS,HIDDEN,…,CLASSES` | [`mlp`](super::mlp) |
/// | `convnet` | [`convnet`] |
/// | `lenet5` | [`lenet5`] |
/// | `alexnet` | [`alexnet`] |
/// | `vgg13`, `vgg13_bn` | [`vgg13`] |
/// | `resnet18`, `resnet34`, `resnet50` | [`resnet`]; with `:cifar` for the stem for small images, `:gn` for group normalisation and `:wN` for N channels of the first stage instead of 64 |
/// | `resnet20`, `resnet32`, `resnet56` | [`cifar_resnet`]; with `:gn` for group normalisation |
/// | `inception_v3` | [`inception_v3`] with its auxiliary head; with `:no_aux` without it |
/// | `efficientnet_b0` | [`efficientnet_b0`] |
///
/// ```
/// use coherence_nn::{Activation, Graph, Shape, model::Architecture};
/// let name: Architecture = "resnet18:cifar".parse()?;
/// let network: Graph<f32> = name.build(Shape::image(32, 32, 3), 10, Activation::Relu)?;
/// assert_eq!(network.classes(), 10);
/// let narrow: Architecture = "resnet18:cifar:gn:w32".parse()?;
/// assert_eq!(narrow.to_string(), "resnet18:cifar:gn:w32");
/// assert!("resnet18:w64".parse::<Architecture>().is_err(), "64 is what resnet18 has");
/// assert!("vgg13:w8".parse::<Architecture>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Architecture {
    /// A perceptron of these widths.
    Mlp(Vec<usize>),
    /// The small convolutional network.
    ConvNet,
    /// LeNet-5.
    LeNet5,
    /// AlexNet.
    AlexNet,
    /// VGG-13, with or without batch normalisation.
    Vgg13 {
        /// Whether there is batch normalisation.
        normalized: bool,
    },
    /// A residual network of 18, 34 or 50 layers.
    ResNet {
        /// The number of layers.
        depth: usize,
        /// Stem, normalisation and width.
        of: ResNet,
    },
    /// A residual network for CIFAR.
    CifarResNet {
        /// The number of layers, 6n + 2.
        depth: usize,
        /// The normalisation layers.
        norm: Norm,
    },
    /// Inception-V3.
    InceptionV3 {
        /// Whether there is an auxiliary head.
        auxiliary: bool,
    },
    /// EfficientNet-B0.
    EfficientNetB0,
}

/// A text that is not the name of an [`Architecture`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchitectureError {
    /// The name is unknown.
    #[error(
        "no model {0} (known: mlp:INPUTS,HIDDEN,…,CLASSES, {known}; {widths})",
        known = names(),
        widths = Architecture::WIDTHS
    )]
    Name(String),
    /// A width is not a number.
    #[error("'{0}' is not a width (write mlp:784,256,10; {widths})", widths = Architecture::WIDTHS)]
    Width(String),
    /// Only perceptrons have a choice of activation functions.
    #[error("{0} has activation functions of its own (--activation is for mlp)")]
    Activation(Architecture),
}

impl Architecture {
    /// All architectures but the perceptrons and the residual networks of another width.
    pub const ALL: [Self; 26] = [
        Self::ConvNet,
        Self::LeNet5,
        Self::AlexNet,
        Self::Vgg13 { normalized: false },
        Self::Vgg13 { normalized: true },
        residual(18, Stem::ImageNet, Norm::Batch),
        residual(18, Stem::ImageNet, Norm::Group),
        residual(18, Stem::Cifar, Norm::Batch),
        residual(18, Stem::Cifar, Norm::Group),
        residual(34, Stem::ImageNet, Norm::Batch),
        residual(34, Stem::ImageNet, Norm::Group),
        residual(34, Stem::Cifar, Norm::Batch),
        residual(34, Stem::Cifar, Norm::Group),
        residual(50, Stem::ImageNet, Norm::Batch),
        residual(50, Stem::ImageNet, Norm::Group),
        residual(50, Stem::Cifar, Norm::Batch),
        residual(50, Stem::Cifar, Norm::Group),
        Self::CifarResNet { depth: 20, norm: Norm::Batch },
        Self::CifarResNet { depth: 20, norm: Norm::Group },
        Self::CifarResNet { depth: 32, norm: Norm::Batch },
        Self::CifarResNet { depth: 32, norm: Norm::Group },
        Self::CifarResNet { depth: 56, norm: Norm::Batch },
        Self::CifarResNet { depth: 56, norm: Norm::Group },
        Self::InceptionV3 { auxiliary: true },
        Self::InceptionV3 { auxiliary: false },
        Self::EfficientNetB0,
    ];

    /// How the residual networks of another width, which are not in [`ALL`](Self::ALL), are named: for help and
    /// messages.
    pub const WIDTHS: &str = "resnet18, resnet34 and resnet50, in any of their forms, with :wN at the end for \
                              N channels of the first stage in place of 64, as resnet18:cifar:gn:w16";

    /// The network for inputs of this shape. A perceptron has its own numbers of inputs and classes.
    ///
    /// # Errors
    ///
    /// [`GraphError`] if the layers do not fit the input.
    pub fn build<T: Element, D: Device<T>>(
        &self,
        input: Shape,
        classes: usize,
        activation: Activation,
    ) -> Result<Graph<T, D>, GraphError> {
        match *self {
            Self::Mlp(ref widths) if widths.first() == Some(&input.values()) => {
                mlp_of_images(input, &widths[1..], activation)
            }
            // Whoever passes images to it is told both sizes.
            Self::Mlp(ref widths) => mlp_with_activation(widths, activation),
            Self::ConvNet => convnet(input, classes),
            Self::LeNet5 => lenet5(input, classes),
            Self::AlexNet => alexnet(input, classes),
            Self::Vgg13 { normalized } => vgg13(input, classes, normalized),
            Self::ResNet { depth, of } => resnet(depth, input, classes, of),
            Self::CifarResNet { depth, norm } => cifar_resnet(depth, input, classes, norm),
            Self::InceptionV3 { auxiliary } => inception_v3(input, classes, auxiliary),
            Self::EfficientNetB0 => efficientnet_b0(input, classes),
        }
    }

    /// Whether the network can have this activation function.
    ///
    /// # Errors
    ///
    /// [`ArchitectureError::Activation`] for another function than ReLU if it is not a perceptron.
    pub fn check_activation(&self, activation: Activation) -> Result<(), ArchitectureError> {
        match self {
            Self::Mlp(_) => Ok(()),
            _ if activation == Activation::Relu => Ok(()),
            _ => Err(ArchitectureError::Activation(self.clone())),
        }
    }
}

const fn residual(depth: usize, stem: Stem, norm: Norm) -> Architecture {
    Architecture::ResNet { depth, of: ResNet { stem, norm, width: ResNet::WIDTH } }
}

fn suffix(norm: Norm) -> &'static str {
    match norm {
        Norm::Batch => "",
        Norm::Group => ":gn",
    }
}

fn names() -> String {
    Architecture::ALL.map(|architecture| architecture.to_string()).join(", ")
}

impl FromStr for Architecture {
    type Err = ArchitectureError;

    fn from_str(text: &str) -> Result<Self, ArchitectureError> {
        if let Some(widths) = text.strip_prefix("mlp:") {
            let width = |w: &str| w.parse().map_err(|_| ArchitectureError::Width(w.to_owned()));
            return widths.split(',').map(width).collect::<Result<_, _>>().map(Self::Mlp);
        }
        let unknown = || ArchitectureError::Name(text.to_owned());
        let named = |name: &str| Self::ALL.into_iter().find(|known| known.to_string() == name);
        if let Some(architecture) = named(text) {
            return Ok(architecture);
        }
        let (name, width) = text.rsplit_once(":w").ok_or_else(unknown)?;
        let number = width.parse().map_err(|_| ArchitectureError::Width(width.to_owned()))?;
        match named(name) {
            Some(Self::ResNet { depth, of }) if number != ResNet::WIDTH => {
                Ok(Self::ResNet { depth, of: ResNet { width: number, ..of } })
            }
            _ => Err(unknown()),
        }
    }
}

/// The name that [`FromStr`] reads.
impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mlp(widths) => {
                let widths: Vec<String> = widths.iter().map(usize::to_string).collect();
                write!(f, "mlp:{}", widths.join(","))
            }
            Self::ConvNet => f.write_str("convnet"),
            Self::LeNet5 => f.write_str("lenet5"),
            Self::AlexNet => f.write_str("alexnet"),
            Self::Vgg13 { normalized: false } => f.write_str("vgg13"),
            Self::Vgg13 { normalized: true } => f.write_str("vgg13_bn"),
            Self::ResNet { depth, of: ResNet { stem, norm, width } } => {
                let stem = if *stem == Stem::Cifar { ":cifar" } else { "" };
                write!(f, "resnet{depth}{stem}{}", suffix(*norm))?;
                if *width == ResNet::WIDTH { Ok(()) } else { write!(f, ":w{width}") }
            }
            Self::CifarResNet { depth, norm } => write!(f, "resnet{depth}{}", suffix(*norm)),
            Self::InceptionV3 { auxiliary: true } => f.write_str("inception_v3"),
            Self::InceptionV3 { auxiliary: false } => f.write_str("inception_v3:no_aux"),
            Self::EfficientNetB0 => f.write_str("efficientnet_b0"),
        }
    }
}
