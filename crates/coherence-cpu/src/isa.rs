//! Which instruction set a kernel runs on, and the way into it.

use crate::simd::{Kernel, Portable, Simd};
#[cfg(target_arch = "x86_64")]
use crate::simd::{avx2::Avx2, avx512::Avx512};

/// An instruction set the kernels are written for.
///
/// Selections (order statistics) are bit-identical on each; functions that take none use
/// [`Isa::detect`].
///
/// ```
/// use coherence_cpu::Isa;
/// assert!(Isa::available().contains(&Isa::detect()));
/// assert!(Isa::available().contains(&Isa::Portable));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Plain Rust, on any machine.
    Portable,
    /// AVX2 and FMA, 8 lanes of `f32`.
    Avx2,
    /// AVX-512 F, VL, DQ and BW, 16 lanes of `f32`.
    Avx512,
}

impl Isa {
    /// The widest instruction set of this machine.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if Avx512::detect().is_some() {
                return Self::Avx512;
            }
            if Avx2::detect().is_some() {
                return Self::Avx2;
            }
        }
        Self::Portable
    }

    /// Every instruction set this machine has, for tests and benches that force each in turn.
    pub fn available() -> &'static [Self] {
        match Self::detect() {
            Self::Portable => &[Self::Portable],
            Self::Avx2 => &[Self::Portable, Self::Avx2],
            Self::Avx512 => &[Self::Portable, Self::Avx2, Self::Avx512],
        }
    }

    /// Runs `kernel` on `f32` lanes of this instruction set, or of the widest the machine has
    /// when it lacks this one.
    pub(crate) fn run<K: Kernel<f32>>(self, kernel: K) -> K::Output {
        #[cfg(target_arch = "x86_64")]
        {
            if self == Self::Avx512
                && let Some(simd) = Avx512::detect()
            {
                return simd.enter(kernel);
            }
            if self != Self::Portable
                && let Some(simd) = Avx2::detect()
            {
                return simd.enter(kernel);
            }
        }
        kernel.run(Portable)
    }
}

/// A loop over slices as a kernel: see [`run_loop`].
pub(crate) struct Loop<F>(F);

impl<F> Loop<F> {
    /// Told by its type here that `F` is called once, the compiler makes no wrapper that would not be inlined.
    pub(crate) fn new<R>(body: F) -> Self
    where
        F: FnOnce() -> R,
    {
        Self(body)
    }
}

impl<R, F: FnOnce() -> R> Kernel<f32> for Loop<F> {
    type Output = R;

    #[inline(always)]
    fn run<S: Simd<f32>>(self, _: S) -> R {
        (self.0)()
    }
}

/// Runs a block, plain loops over slices of any type, compiled for each instruction set, on the one given.
///
/// The block is inlined: as a function of its own it would have the least instruction set of all. Closures in it are
/// inlined if they are small or marked; `cargo xtask inlined` finds those that are not.
macro_rules! run_loop {
    ($isa:expr, $body:block) => {
        $isa.run(crate::isa::Loop::new(
            #[inline(always)]
            || $body,
        ))
    };
}
pub(crate) use run_loop;
