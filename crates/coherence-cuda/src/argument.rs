//! What is passed to a kernel, with the letters of its type: kernels/host.h has the same.

use crate::{
    View, ViewMut,
    engine::{Engine, THREADS},
};
use coherence_cpu::product::Output;
use core::ffi::c_void;

/// A number that kernels take by value or point at.
pub trait Scalar: Copy + 'static {
    /// The letter of the type.
    const CODE: &'static str;
}

macro_rules! scalars {
    ($($type:ty: $code:literal),*) => {
        $(impl Scalar for $type {
            const CODE: &'static str = $code;
        })*
    };
}

scalars!(f32: "f", f64: "d", u32: "u", u64: "z");

/// A structure of structures.h, as C lays it out.
///
/// # Safety
///
/// It is `repr(C)` and has the same fields in the same order.
pub(crate) unsafe trait Structure: Copy {
    /// Its name there.
    const NAME: &'static str;
}

/// The value of an argument in memory.
pub(crate) trait Argument {
    type Raw: Copy;
    fn raw(self) -> Self::Raw;
    fn code(of: &mut String);
}

impl<S: Scalar> Argument for S {
    type Raw = S;
    fn raw(self) -> S {
        self
    }
    fn code(of: &mut String) {
        of.push_str(S::CODE);
    }
}

impl Argument for usize {
    type Raw = u64;
    fn raw(self) -> u64 {
        self as u64
    }
    fn code(of: &mut String) {
        of.push('z');
    }
}

/// A structure, passed by value.
pub(crate) struct ByValue<S>(pub(crate) S);

impl<S: Structure> Argument for ByValue<S> {
    type Raw = S;
    fn raw(self) -> S {
        self.0
    }
    fn code(of: &mut String) {
        of.push_str(&format!("({} {})", S::NAME, size_of::<S>()));
    }
}

impl<V: Scalar> Argument for View<'_, V> {
    type Raw = u64;
    fn raw(self) -> u64 {
        self.address()
    }
    fn code(of: &mut String) {
        of.push('c');
        of.push_str(V::CODE);
    }
}

impl<V: Scalar> Argument for ViewMut<'_, V> {
    type Raw = u64;
    fn raw(self) -> u64 {
        self.address()
    }
    fn code(of: &mut String) {
        of.push('m');
        of.push_str(V::CODE);
    }
}

/// A null pointer if there is none.
impl<A: Argument<Raw = u64>> Argument for Option<A> {
    type Raw = u64;
    fn raw(self) -> u64 {
        self.map_or(0, A::raw)
    }
    fn code(of: &mut String) {
        A::code(of);
    }
}

/// The blocks for n values, one a thread; kernels whose threads go on to further values need no more.
pub(crate) fn blocks_for(n: usize) -> u32 {
    n.div_ceil(THREADS as usize).clamp(1, 4096) as u32
}

/// The blocks for so many pieces of work, one a block; kernels whose blocks go on to further pieces need no more.
pub(crate) fn blocks_of(pieces: usize) -> u32 {
    pieces.clamp(1, 1 << 16) as u32
}

/// The number of values of this shape.
///
/// # Panics
///
/// If no memory holds them.
pub(crate) fn len_of<const N: usize>(shape: [usize; N]) -> usize {
    let len = shape.iter().try_fold(1usize, |len, &n| len.checked_mul(n));
    len.unwrap_or_else(|| panic!("{shape:?} values exceed the memory of any device"))
}

/// The argument that says whether a result is added to what is there.
pub(crate) fn add(output: Output) -> u32 {
    u32::from(output == Output::Add)
}

/// A list of arguments.
pub(crate) trait Arguments {
    /// # Safety
    ///
    /// As [`Engine::launch`]. Views must be of this engine: [`View::check`] asserts it.
    unsafe fn launch<T: crate::Real>(self, engine: &impl Engine, kernel: &'static str, blocks: u32);
}

macro_rules! lists {
    ($(($($name:ident)*))*) => {
        $(impl<$($name: Argument),*> Arguments for ($($name,)*) {
            #[allow(non_snake_case)]
            unsafe fn launch<T: crate::Real>(
                self,
                engine: &impl Engine,
                kernel: &'static str,
                blocks: u32,
            ) {
                let ($($name,)*) = self;
                let signature = || {
                    let mut letters = String::new();
                    $($name::code(&mut letters);)*
                    letters
                };
                $(let mut $name = $name.raw();)*
                let mut pointers = [$((&raw mut $name).cast::<c_void>()),*];
                // SAFETY: the caller's; the pointers outlive the call, which copies what they point at.
                unsafe { engine.launch::<T>(kernel, blocks, signature, &mut pointers) }
            }
        })*
    };
}

lists! {
    (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H)
    (A B C D E F G H I) (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K L)
}
