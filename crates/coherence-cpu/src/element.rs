//! The element types the kernels accept.

use num_traits::Float;

use crate::{
    Isa,
    scratch::Plain,
    simd::{Kernel, Portable},
};

mod dispatch {
    use super::{Isa, Kernel, Plain};
    use crate::{convolution, dense, outer, product, transpose};

    /// How kernels run on this element type; also what seals [`Element`](super::Element).
    pub trait Dispatch: Plain {
        /// A small kernel, compiled where it is called.
        fn run<K: Kernel<Self>>(isa: Isa, kernel: K) -> K::Output
        where
            Self: super::Element;
    }

    /// The large kernels, each entered through a function that is not generic: it is compiled once, with
    /// this crate, and not again in every crate that uses it.
    macro_rules! kernels {
        ($($run:ident: $($path:ident)::+ => $output:ty;)*) => {
            pub trait Kernels: Sized {
                $(fn $run(isa: Isa, kernel: $($path)::+<'_, Self>) -> $output;)*
            }

            impl Kernels for f32 {
                $(fn $run(isa: Isa, kernel: $($path)::+<'_, Self>) -> $output {
                    <Self as Dispatch>::run(isa, kernel)
                })*
            }

            impl Kernels for f64 {
                $(fn $run(isa: Isa, kernel: $($path)::+<'_, Self>) -> $output {
                    <Self as Dispatch>::run(isa, kernel)
                })*
            }
        };
    }

    kernels! {
        multiply: product::Piece => ();
        search: product::Search => ();
        select_products: outer::Chunk => ();
        select_block: dense::Block => ();
        sort_columns: dense::SortedColumns => ();
        sum_columns: dense::Sum => ();
        depthwise_rows: convolution::DepthwiseRows => ();
        depthwise_sum: convolution::DepthwiseSum => ();
        add_and_square: convolution::AddAndSquare => f64;
        transpose_block: transpose::Transpose => ();
        few_positions: convolution::FewPositions => ();
        unfold: convolution::Unfold => ();
        transform_weight: convolution::TransformWeight => ();
        transform_input: convolution::TransformInput => ();
        transform_output: convolution::TransformOutput => ();
        gram_norm: convolution::GramNorm => f64;
        gram_tiles: dense::Tiles => Vec<f64>;
    }
}

impl dispatch::Dispatch for f32 {
    fn run<K: Kernel<Self>>(isa: Isa, kernel: K) -> K::Output {
        isa.run(kernel)
    }
}

impl dispatch::Dispatch for f64 {
    fn run<K: Kernel<Self>>(_: Isa, kernel: K) -> K::Output {
        kernel.run(Portable)
    }
}

/// A floating point number the kernels work on: `f32` or `f64`.
///
/// Sums run in `f64` for both; [`Element::widen`] and [`Element::narrow`] are the way there and
/// back.
pub trait Element:
    Float + Send + Sync + core::fmt::Debug + dispatch::Dispatch + dispatch::Kernels + 'static
{
    /// This value in `f64`, exactly.
    fn widen(self) -> f64;
    /// The nearest value to `x`.
    fn narrow(x: f64) -> Self;
}

impl Element for f32 {
    fn widen(self) -> f64 {
        f64::from(self)
    }
    fn narrow(x: f64) -> Self {
        x as Self
    }
}

impl Element for f64 {
    fn widen(self) -> f64 {
        self
    }
    fn narrow(x: f64) -> Self {
        x
    }
}
