//! A device whose memory the host cannot read. It computes on the processor, so that every network has the
//! same bits on both; code that takes device memory for a slice does not compile.

use coherence_cpu::{
    convolution::Convolution,
    normalize::{Standardization, group::Groups},
    pool::{Divisor, Windows},
    product::{Dims, Output},
};
use coherence_nn::{
    Activation, Shape,
    device::{
        Arrangements, ChannelRange, Convolutions, Cpu, Dropped, Elementwise, Losses, Memory,
        Normalizations, Number, Pools, Products, Rows, Subsampling,
    },
    loss::{Loss, Targets},
};
use core::ops::Range;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// The device, and how often numbers went to or from it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remote {
    cpu: Cpu,
    transfers: Arc<AtomicUsize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Buffer<V>(Vec<V>);

#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a, V>(&'a [V]);

#[derive(Debug)]
pub(crate) struct ViewMut<'a, V>(&'a mut [V]);

#[derive(Clone, Debug, Default)]
pub(crate) struct Moments(Standardization);

impl Remote {
    /// The number of transfers so far.
    pub(crate) fn transfers(&self) -> usize {
        self.transfers.load(Relaxed)
    }

    fn count(&self) {
        self.transfers.fetch_add(1, Relaxed);
    }
}

impl Memory for Remote {
    type Buffer<V: Number> = Buffer<V>;
    type Slice<'a, V: Number> = View<'a, V>;
    type SliceMut<'a, V: Number> = ViewMut<'a, V>;
    type Standardization = Moments;

    fn zeros<V: Number>(&self, len: usize) -> Buffer<V> {
        Buffer(self.cpu.zeros(len))
    }

    fn buffer_from<V: Number>(&self, values: Vec<V>) -> Buffer<V> {
        self.count();
        Buffer(values)
    }

    fn upload<V: Number>(&self, from: &[V], to: ViewMut<'_, V>) {
        self.count();
        to.0.copy_from_slice(from);
    }

    fn download<V: Number>(&self, from: View<'_, V>, to: &mut [V]) {
        self.count();
        to.copy_from_slice(from.0);
    }

    fn copy<V: Number>(&self, from: View<'_, V>, to: ViewMut<'_, V>) {
        to.0.copy_from_slice(from.0);
    }

    fn fill<V: Number>(&self, value: V, to: ViewMut<'_, V>) {
        to.0.fill(value);
    }

    fn len<V: Number>(slice: View<'_, V>) -> usize {
        slice.0.len()
    }

    fn view<V: Number>(buffer: &Buffer<V>) -> View<'_, V> {
        View(&buffer.0)
    }

    fn view_mut<V: Number>(buffer: &mut Buffer<V>) -> ViewMut<'_, V> {
        ViewMut(&mut buffer.0)
    }

    fn part<V: Number>(slice: Self::Slice<'_, V>, range: Range<usize>) -> Self::Slice<'_, V> {
        View(&slice.0[range])
    }

    fn part_mut<V: Number>(
        slice: Self::SliceMut<'_, V>,
        range: Range<usize>,
    ) -> Self::SliceMut<'_, V> {
        ViewMut(&mut slice.0[range])
    }

    fn shorten<'s, V: Number>(slice: &'s View<'_, V>) -> View<'s, V> {
        View(slice.0)
    }

    fn reborrow<'s, V: Number>(slice: &'s mut ViewMut<'_, V>) -> ViewMut<'s, V> {
        ViewMut(slice.0)
    }

    fn read<'s, V: Number>(slice: &'s ViewMut<'_, V>) -> View<'s, V> {
        View(slice.0)
    }
}

/// An argument of an operation as the processor takes it.
trait Local {
    type Argument;
    fn local(self) -> Self::Argument;
}

macro_rules! the_same {
    ($($type:ty),* $(,)?) => {
        $(impl Local for $type {
            type Argument = Self;
            fn local(self) -> Self {
                self
            }
        })*
    };
}

the_same!(
    usize,
    f64,
    Activation,
    ChannelRange,
    Dims,
    Divisor,
    Groups,
    Loss,
    Output,
    Shape,
    &Convolution,
    &Dropped,
    &Subsampling,
    &Windows,
);

impl<'a, V> Local for View<'a, V> {
    type Argument = &'a [V];
    fn local(self) -> &'a [V] {
        self.0
    }
}

impl<'a, V> Local for ViewMut<'a, V> {
    type Argument = &'a mut [V];
    fn local(self) -> &'a mut [V] {
        self.0
    }
}

impl<'a> Local for &'a Moments {
    type Argument = &'a Standardization;
    fn local(self) -> &'a Standardization {
        &self.0
    }
}

impl<'a> Local for &'a mut Moments {
    type Argument = &'a mut Standardization;
    fn local(self) -> &'a mut Standardization {
        &mut self.0
    }
}

impl<X: Local> Local for Option<X> {
    type Argument = Option<X::Argument>;
    fn local(self) -> Option<X::Argument> {
        self.map(X::local)
    }
}

impl<X: Local> Local for [X; 2] {
    type Argument = [X::Argument; 2];
    fn local(self) -> [X::Argument; 2] {
        self.map(X::local)
    }
}

impl<'a> Local for Targets<'a, f64, Remote> {
    type Argument = Targets<'a, f64>;
    fn local(self) -> Targets<'a, f64> {
        match self {
            Self::Labels(labels) => Targets::Labels(labels.0),
            Self::Values(values) => Targets::Values(values.0),
        }
    }
}

/// Values and sums are both `f64`.
type In<'a> = View<'a, f64>;
type Out<'a> = ViewMut<'a, f64>;

/// The operations of a family, by those of the processor.
macro_rules! on_the_processor {
    ($family:ident: $(fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        impl $family<f64> for Remote {
            $(fn $name(&self, $($argument: $type),*) $(-> $result)? {
                <Cpu as $family<f64>>::$name(&self.cpu, $($argument.local()),*)
            })*
        }
    };
}

on_the_processor! { Elementwise:
    fn axpy(factor: f64, x: In<'_>, y: Out<'_>);
    fn scale(factor: f64, x: Out<'_>);
    fn activate(of: Activation, bias: Option<In<'_>>, x: Out<'_>, z: Option<Out<'_>>);
    fn activation_backward(of: Activation, h: In<'_>, z: Option<In<'_>>, delta: Out<'_>);
    fn add_kept(dropped: &Dropped, from: In<'_>, out: Out<'_>);
}

on_the_processor! { Products:
    fn matmul_nt(dims: Dims, a: In<'_>, w: In<'_>, output: Output, out: Out<'_>);
    fn matmul_nn(dims: Dims, delta: In<'_>, w: In<'_>, output: Output, out: Out<'_>);
    fn matmul_tn(dims: Dims, delta: In<'_>, a: In<'_>, output: Output, out: Out<'_>);
    fn outer_product(a: In<'_>, delta: In<'_>, out: Out<'_>);
    fn outer_add_sq_norms(dims: Dims, a: In<'_>, delta: In<'_>, out: Out<'_>);
    fn outer_winsorized_mean(dims: Dims, a: In<'_>, delta: In<'_>, clip: usize, out: Out<'_>);
    fn outer_winsorized_step(
        dims: Dims, a: In<'_>, delta: In<'_>, clip: usize, rate: f64, weight: Out<'_>
    );
    fn outer_median_of_sums_step(
        dims: Dims, a: In<'_>, delta: In<'_>, groups: usize, rate: f64, weight: Out<'_>
    );
}

on_the_processor! { Convolutions:
    fn convolution_forward(
        of: &Convolution, x: In<'_>, weight: In<'_>, output: Output, out: Out<'_>
    );
    fn convolution_backward(
        of: &Convolution, delta: In<'_>, weight: In<'_>, output: Output, out: Out<'_>
    );
    fn convolution_gradient(
        of: &Convolution, x: In<'_>, delta: In<'_>, output: Output, out: Out<'_>
    );
    fn convolution_gradient_and_sq_norms(
        of: &Convolution, x: In<'_>, delta: In<'_>, output: Output, out: Out<'_>, norms: Out<'_>
    );
    fn convolution_add_sq_norms(of: &Convolution, x: In<'_>, delta: In<'_>, out: Out<'_>);
    fn convolution_add_dots(
        of: &Convolution, x: In<'_>, delta: In<'_>, v: In<'_>, out: Out<'_>
    );
    fn convolution_per_example(
        of: &Convolution, x: In<'_>, delta: In<'_>, e: usize, out: Out<'_>
    );
    fn convolution_winsorized_mean(
        of: &Convolution, x: In<'_>, delta: In<'_>, clip: usize, out: Out<'_>
    );
    fn convolution_winsorized_step(
        of: &Convolution, x: In<'_>, delta: In<'_>, clip: usize, rate: f64, weight: Out<'_>
    );
    fn convolution_median_of_sums_step(
        of: &Convolution, x: In<'_>, delta: In<'_>, groups: usize, rate: f64, weight: Out<'_>
    );
}

on_the_processor! { Rows:
    fn column_sums(rows: In<'_>, output: Output, out: Out<'_>);
    fn position_sums(x: In<'_>, channels: usize, out: Out<'_>);
    fn rows_add_sq_norms(rows: In<'_>, width: usize, out: Out<'_>);
    fn rows_add_dots(rows: In<'_>, v: In<'_>, out: Out<'_>);
    fn rows_add_pair_dots(x: In<'_>, y: In<'_>, width: usize, out: Out<'_>);
    fn rows_winsorized_mean(rows: In<'_>, clip: usize, out: Out<'_>);
    fn rows_median(rows: In<'_>, out: Out<'_>);
}

on_the_processor! { Pools:
    fn max_forward(windows: &Windows, x: In<'_>, out: Out<'_>, from: ViewMut<'_, u32>);
    fn max_backward(
        windows: &Windows, delta: In<'_>, from: View<'_, u32>, output: Output, out: Out<'_>
    );
    fn average_forward(windows: &Windows, divisor: Divisor, x: In<'_>, out: Out<'_>);
    fn average_backward(
        windows: &Windows, divisor: Divisor, delta: In<'_>, output: Output, out: Out<'_>
    );
}

on_the_processor! { Normalizations:
    fn batch_moments(x: In<'_>, epsilon: f64, by: &mut Moments, variances: Out<'_>);
    fn running_moments(statistics: In<'_>, epsilon: f64, by: &mut Moments);
    fn update_running_moments(
        by: &Moments, variances: In<'_>, rows: usize, momentum: f64, statistics: Out<'_>
    );
    fn batch_forward(x: In<'_>, by: &Moments, affine: In<'_>, out: Out<'_>);
    fn batch_gradients(x: In<'_>, delta: In<'_>, by: &Moments, gradients: [Out<'_>; 2]);
    fn batch_backward_training(
        of: [In<'_>; 2], by: &Moments, scale: In<'_>, gradients: [In<'_>; 2], output: Output,
        out: Out<'_>
    );
    fn batch_backward_evaluation(
        delta: In<'_>, by: &Moments, scale: In<'_>, output: Output, out: Out<'_>
    );
    fn batch_example_gradients(x: In<'_>, delta: In<'_>, by: &Moments, rows: [Out<'_>; 2]);
    fn group_moments(groups: Groups, x: In<'_>, epsilon: f64, by: &mut Moments);
    fn group_forward(groups: Groups, x: In<'_>, by: &Moments, affine: In<'_>, out: Out<'_>);
    fn group_backward(
        groups: Groups, of: [In<'_>; 2], by: &Moments, scale: In<'_>, output: Output, out: Out<'_>
    );
    fn group_example_gradients(
        groups: Groups, x: In<'_>, delta: In<'_>, by: &Moments, rows: [Out<'_>; 2]
    );
    fn narrow(from: In<'_>, to: Out<'_>);
}

on_the_processor! { Arrangements:
    fn put_channels(channels: ChannelRange, x: In<'_>, out: Out<'_>);
    fn take_channels(channels: ChannelRange, x: In<'_>, output: Output, out: Out<'_>);
    fn subsample(of: &Subsampling, a: In<'_>, out: Out<'_>);
    fn subsample_backward(of: &Subsampling, delta: In<'_>, output: Output, out: Out<'_>);
    fn scale_channels(shape: Shape, a: In<'_>, s: In<'_>, out: Out<'_>);
    fn scale_channels_backward(
        shape: Shape, delta: In<'_>, s: In<'_>, output: Output, out: Out<'_>
    );
    fn scale_channels_gradient(
        shape: Shape, delta: In<'_>, a: In<'_>, output: Output, out: Out<'_>
    );
}

on_the_processor! { Losses:
    fn loss(of: Loss, outputs: In<'_>, targets: Targets<'_, f64, Self>, losses: Out<'_>) -> f64;
    fn loss_with_gradient(
        of: Loss, outputs: In<'_>, targets: Targets<'_, f64, Self>, delta: Out<'_>,
        losses: Out<'_>
    ) -> f64;
    fn add_losses(weight: f64, auxiliary: In<'_>, losses: Out<'_>);
}
