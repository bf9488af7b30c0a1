//! A device for tests whose memory the host cannot read. It computes on the processor, so that every result has
//! the same bits on both; code that takes device memory for a slice does not compile.

use super::{
    Arrangements, ChannelRange, Convolutions, Cpu, Dropped, Elementwise, Losses, Memory,
    Normalizations, Number, Pools, Products, Rows, Subsampling, Vectors,
};
use crate::{
    Activation, Shape,
    loss::{Loss, Targets},
};
use coherence_cpu::{
    Element,
    convolution::Convolution,
    normalize::{Standardization, group::Groups},
    order::OrderStatistics,
    pool::{Divisor, Windows},
    product::{Dims, Output},
    vectors::Descent,
};
use core::ops::Range;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// The device, which counts how often numbers go to or from it. Clones count together.
///
/// ```
/// use coherence_nn::device::{Memory, Remote};
/// let device = Remote::default();
/// let buffer = device.buffer_from(vec![1.0, 2.0]);
/// assert_eq!(device.to_host(Remote::view(&buffer)), [1.0, 2.0]);
/// assert_eq!(device.transfers(), 2);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Remote {
    cpu: Cpu,
    transfers: Arc<AtomicUsize>,
}

/// Memory of the device.
#[derive(Clone, Debug)]
pub struct Buffer<V>(Vec<V>);

/// A view of it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, V>(&'a [V]);

/// A view to write.
#[derive(Debug)]
pub struct ViewMut<'a, V>(&'a mut [V]);

/// A standardisation on the device.
#[derive(Clone, Debug, Default)]
pub struct Moments(Standardization);

impl Remote {
    /// The number of transfers so far.
    pub fn transfers(&self) -> usize {
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

    fn name(&self) -> Option<&str> {
        Some("remote")
    }

    fn with_own_queue(&self) -> Self {
        self.clone()
    }

    fn free_bytes(&self) -> Option<u64> {
        None
    }

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
    f32,
    f64,
    Activation,
    ChannelRange,
    Dims,
    Divisor,
    Groups,
    Loss,
    Output,
    Shape,
    OrderStatistics,
    &Convolution,
    &Dropped,
    &Subsampling,
    &Windows,
);

impl<T> Local for Descent<T> {
    type Argument = Self;
    fn local(self) -> Self {
        self
    }
}

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

impl<X: Local, const N: usize> Local for [X; N] {
    type Argument = [X::Argument; N];
    fn local(self) -> [X::Argument; N] {
        self.map(X::local)
    }
}

impl<'a, T: Element> Local for Targets<'a, T, Remote> {
    type Argument = Targets<'a, T>;
    fn local(self) -> Targets<'a, T> {
        match self {
            Self::Labels(labels) => Targets::Labels(labels.0),
            Self::Values(values) => Targets::Values(values.0),
        }
    }
}

/// The operations of a family, by those of the processor.
macro_rules! on_the_processor {
    ($family:ident: $(fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        impl<T: Element + Local<Argument = T>> $family<T> for Remote {
            $(fn $name(&self, $($argument: $type),*) $(-> $result)? {
                <Cpu as $family<T>>::$name(&self.cpu, $($argument.local()),*)
            })*
        }
    };
}

on_the_processor! { Elementwise:
    fn axpy(factor: T, x: View<'_, T>, y: ViewMut<'_, T>);
    fn scale(factor: T, x: ViewMut<'_, T>);
    fn activate(of: Activation, bias: Option<View<'_, T>>, x: ViewMut<'_, T>, z: Option<ViewMut<'_, T>>);
    fn activation_backward(of: Activation, h: View<'_, T>, z: Option<View<'_, T>>, delta: ViewMut<'_, T>);
    fn add_kept(dropped: &Dropped, from: View<'_, T>, out: ViewMut<'_, T>);
}

on_the_processor! { Products:
    fn matmul_nt(dims: Dims, a: View<'_, T>, w: View<'_, T>, output: Output, out: ViewMut<'_, T>);
    fn matmul_nn(dims: Dims, delta: View<'_, T>, w: View<'_, T>, output: Output, out: ViewMut<'_, T>);
    fn matmul_tn(dims: Dims, delta: View<'_, T>, a: View<'_, T>, output: Output, out: ViewMut<'_, T>);
    fn outer_product(a: View<'_, T>, delta: View<'_, T>, out: ViewMut<'_, T>);
    fn outer_add_sq_norms(dims: Dims, a: View<'_, T>, delta: View<'_, T>, out: ViewMut<'_, f64>);
    fn outer_robust_mean(
        dims: Dims, a: View<'_, T>, delta: View<'_, T>, by: OrderStatistics, out: ViewMut<'_, T>
    );
    fn outer_robust_step(
        dims: Dims, a: View<'_, T>, delta: View<'_, T>, by: OrderStatistics, rate: T, weight: ViewMut<'_, T>
    );
    fn outer_median_of_sums_step(
        dims: Dims, a: View<'_, T>, delta: View<'_, T>, groups: usize, rate: T, weight: ViewMut<'_, T>
    );
}

on_the_processor! { Convolutions:
    fn convolution_forward(
        of: &Convolution, x: View<'_, T>, weight: View<'_, T>, output: Output, out: ViewMut<'_, T>
    );
    fn convolution_backward(
        of: &Convolution, delta: View<'_, T>, weight: View<'_, T>, output: Output, out: ViewMut<'_, T>
    );
    fn convolution_gradient(
        of: &Convolution, x: View<'_, T>, delta: View<'_, T>, output: Output, out: ViewMut<'_, T>
    );
    fn convolution_gradient_and_sq_norms(
        of: &Convolution, x: View<'_, T>, delta: View<'_, T>, output: Output, out: ViewMut<'_, T>, norms: ViewMut<'_, f64>
    );
    fn convolution_add_sq_norms(of: &Convolution, x: View<'_, T>, delta: View<'_, T>, out: ViewMut<'_, f64>);
    fn convolution_add_dots(
        of: &Convolution, x: View<'_, T>, delta: View<'_, T>, v: View<'_, T>, out: ViewMut<'_, f64>
    );
    fn convolution_per_example(
        of: &Convolution, x: View<'_, T>, delta: View<'_, T>, e: usize, out: ViewMut<'_, T>
    );
    fn convolution_robust_mean(
        of: &Convolution, x: View<'_, T>, delta: View<'_, T>, by: OrderStatistics, out: ViewMut<'_, T>
    );
    fn convolution_robust_step(
        of: &Convolution, x: View<'_, T>, delta: View<'_, T>, by: OrderStatistics, rate: T, weight: ViewMut<'_, T>
    );
    fn convolution_median_of_sums_step(
        of: &Convolution, x: View<'_, T>, delta: View<'_, T>, groups: usize, rate: T, weight: ViewMut<'_, T>
    );
}

on_the_processor! { Rows:
    fn column_sums(rows: View<'_, T>, output: Output, out: ViewMut<'_, T>);
    fn position_sums(x: View<'_, T>, channels: usize, out: ViewMut<'_, T>);
    fn rows_add_sq_norms(rows: View<'_, T>, width: usize, out: ViewMut<'_, f64>);
    fn rows_add_dots(rows: View<'_, T>, v: View<'_, T>, out: ViewMut<'_, f64>);
    fn rows_add_pair_dots(x: View<'_, T>, y: View<'_, T>, width: usize, out: ViewMut<'_, f64>);
    fn rows_robust_mean(rows: View<'_, T>, by: OrderStatistics, out: ViewMut<'_, T>);
    fn rows_median_of_means(rows: View<'_, T>, groups: usize, out: ViewMut<'_, T>);
}

on_the_processor! { Pools:
    fn max_forward(windows: &Windows, x: View<'_, T>, out: ViewMut<'_, T>, from: ViewMut<'_, u32>);
    fn max_backward(
        windows: &Windows, delta: View<'_, T>, from: View<'_, u32>, output: Output, out: ViewMut<'_, T>
    );
    fn average_forward(windows: &Windows, divisor: Divisor, x: View<'_, T>, out: ViewMut<'_, T>);
    fn average_backward(
        windows: &Windows, divisor: Divisor, delta: View<'_, T>, output: Output, out: ViewMut<'_, T>
    );
}

on_the_processor! { Normalizations:
    fn batch_moments(x: View<'_, T>, epsilon: f64, by: &mut Moments, variances: ViewMut<'_, f64>);
    fn running_moments(statistics: View<'_, T>, epsilon: f64, by: &mut Moments);
    fn update_running_moments(
        by: &Moments, variances: View<'_, f64>, rows: usize, momentum: f64, statistics: ViewMut<'_, T>
    );
    fn batch_forward(x: View<'_, T>, by: &Moments, affine: View<'_, T>, out: ViewMut<'_, T>);
    fn batch_gradients(x: View<'_, T>, delta: View<'_, T>, by: &Moments, gradients: [ViewMut<'_, f64>; 2]);
    fn batch_backward_training(
        of: [View<'_, T>; 2], by: &Moments, scale: View<'_, T>, gradients: [View<'_, f64>; 2], output: Output,
        out: ViewMut<'_, T>
    );
    fn batch_backward_evaluation(
        delta: View<'_, T>, by: &Moments, scale: View<'_, T>, output: Output, out: ViewMut<'_, T>
    );
    fn batch_example_gradients(x: View<'_, T>, delta: View<'_, T>, by: &Moments, rows: [ViewMut<'_, T>; 2]);
    fn group_moments(groups: Groups, x: View<'_, T>, epsilon: f64, by: &mut Moments);
    fn group_forward(groups: Groups, x: View<'_, T>, by: &Moments, affine: View<'_, T>, out: ViewMut<'_, T>);
    fn group_backward(
        groups: Groups, of: [View<'_, T>; 2], by: &Moments, scale: View<'_, T>, output: Output, out: ViewMut<'_, T>
    );
    fn group_example_gradients(
        groups: Groups, x: View<'_, T>, delta: View<'_, T>, by: &Moments, rows: [ViewMut<'_, T>; 2]
    );
    fn narrow(from: View<'_, f64>, to: ViewMut<'_, T>);
}

on_the_processor! { Arrangements:
    fn put_channels(channels: ChannelRange, x: View<'_, T>, out: ViewMut<'_, T>);
    fn take_channels(channels: ChannelRange, x: View<'_, T>, output: Output, out: ViewMut<'_, T>);
    fn subsample(of: &Subsampling, a: View<'_, T>, out: ViewMut<'_, T>);
    fn subsample_backward(of: &Subsampling, delta: View<'_, T>, output: Output, out: ViewMut<'_, T>);
    fn scale_channels(shape: Shape, a: View<'_, T>, s: View<'_, T>, out: ViewMut<'_, T>);
    fn scale_channels_backward(
        shape: Shape, delta: View<'_, T>, s: View<'_, T>, output: Output, out: ViewMut<'_, T>
    );
    fn scale_channels_gradient(
        shape: Shape, delta: View<'_, T>, a: View<'_, T>, output: Output, out: ViewMut<'_, T>
    );
}

on_the_processor! { Losses:
    fn loss(of: Loss, outputs: View<'_, T>, targets: Targets<'_, T, Self>, losses: ViewMut<'_, f64>) -> f64;
    fn loss_with_gradient(
        of: Loss, outputs: View<'_, T>, targets: Targets<'_, T, Self>, delta: ViewMut<'_, T>,
        losses: ViewMut<'_, f64>
    ) -> f64;
    fn add_losses(weight: f64, auxiliary: View<'_, f64>, losses: ViewMut<'_, f64>);
}

on_the_processor! { Vectors:
    fn dot(x: View<'_, T>, y: View<'_, T>) -> f64;
    fn dot_wide(x: View<'_, f64>, y: View<'_, f64>) -> f64;
    fn accumulate(x: View<'_, T>, output: Output, sum: ViewMut<'_, f64>);
    fn accumulate_wide(x: View<'_, f64>, output: Output, sum: ViewMut<'_, f64>);
    fn descend(
        by: Descent<T>, g: View<'_, T>, velocity: Option<ViewMut<'_, T>>, w: ViewMut<'_, T>
    );
    fn median_of_three_step(of: [View<'_, T>; 3], factor: T, rate: T, w: ViewMut<'_, T>);
    fn gather(x: View<'_, T>, indices: View<'_, u32>, out: ViewMut<'_, T>);
}
