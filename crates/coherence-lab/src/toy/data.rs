//! The data sets L ("real") and M ("random") of GM22 Example 1.

/// One example: six inputs and the number to predict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Example {
    /// The inputs x⁽¹⁾ … x⁽⁶⁾.
    pub x: [f64; 6],
    /// The target y.
    pub y: f64,
}

/// Five examples: four for training and one for testing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Toys {
    /// All examples in the paper's order.
    pub examples: [Example; 5],
}

impl Toys {
    /// Examples 1 to 4, used for training.
    pub fn train(&self) -> &[Example] {
        &self.examples[..4]
    }

    /// Example 5, held out to measure generalisation.
    pub fn test(&self) -> &[Example] {
        &self.examples[4..]
    }
}

/// "Real": each example has an input of its own (1 to 5), and all share input 6.
///
/// Source: GM22 §3, Example 1, left table.
pub const L: Toys = Toys {
    examples: [
        Example { x: [1.0, 0.0, 0.0, 0.0, 0.0, 1.0], y: 1.0 },
        Example { x: [0.0, -1.0, 0.0, 0.0, 0.0, -1.0], y: -1.0 },
        Example { x: [0.0, 0.0, -1.0, 0.0, 0.0, -1.0], y: -1.0 },
        Example { x: [0.0, 0.0, 0.0, 1.0, 0.0, 1.0], y: 1.0 },
        Example { x: [0.0, 0.0, 0.0, 0.0, -1.0, -1.0], y: -1.0 },
    ],
};

/// "Random": as [`L`] without the shared input, so that the examples can only be memorised.
///
/// Source: GM22 §3, Example 1, right table.
pub const M: Toys = Toys {
    examples: [
        Example { x: [1.0, 0.0, 0.0, 0.0, 0.0, 0.0], y: 1.0 },
        Example { x: [0.0, -1.0, 0.0, 0.0, 0.0, 0.0], y: -1.0 },
        Example { x: [0.0, 0.0, -1.0, 0.0, 0.0, 0.0], y: -1.0 },
        Example { x: [0.0, 0.0, 0.0, 1.0, 0.0, 0.0], y: 1.0 },
        Example { x: [0.0, 0.0, 0.0, 0.0, -1.0, 0.0], y: -1.0 },
    ],
};
