//! Named groups of a set's examples, which are evaluated apart.

/// A named group of the examples of a set, such as the easy ones. Groups may overlap.
///
/// The name is part of the names of series (see [`Sink`](crate::Sink)): letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The name.
    pub name: String,
    /// The indices of its examples.
    pub members: Vec<usize>,
}
