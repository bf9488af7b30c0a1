//! The most that an experiment may ask for: what nobody has a use for is refused before it runs.
//!
//! Memory is another matter: whether a run fits is known only where it runs, see
//! [`crate::memory`].

/// Seeds of an experiment; claims need 3, and ours have at most 10.
pub const SEEDS: u64 = 10_000;

/// The last seed of an experiment: numbers in its file go so far.
pub const LAST_SEED: u64 = i64::MAX as u64;

/// Runs of an experiment, grid × seeds.
pub const RUNS: usize = 100_000;

/// Steps of one run; the papers take 100,000.
pub const STEPS: u64 = coherence_train::Config::MOST_STEPS;

/// Measurements of a run that says how many steps lie between them; each writes dozens of rows.
pub const MEASUREMENTS: usize = 10_000;

/// Networks that find the difficulty of examples; the papers have 8.
pub const INITIALISATIONS: usize = 64;

/// Null worlds of a sample for attribution; the paper has 3.
pub const NULL_WORLDS: usize = 100;

/// Hidden layers of a network.
pub const LAYERS: usize = 64;

/// Parameters of a network; the papers' largest perceptron has 1.6 million.
pub const PARAMETERS: usize = 1_000_000_000;

/// Cells of all sweeps of a worked example together.
pub const WORKED_CELLS: usize = 2_000;

/// Steps of a worked example.
pub const WORKED_STEPS: u64 = 1_000_000;

/// Steps measured in a worked example, over all its cells.
pub const WORKED_MEASUREMENTS: u64 = 1_000_000;
