//! The element types the kernels accept.

use num_traits::Float;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A floating point number the kernels work on: `f32` or `f64`.
///
/// Sums run in `f64` for both; [`Element::widen`] and [`Element::narrow`] are the way there and
/// back.
pub trait Element: Float + Send + Sync + core::fmt::Debug + sealed::Sealed + 'static {
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
