//! A transformer block learns to continue a text, and shows α of its layers while it trains.
//!
//! The text is this repository's ARCHITECTURE.md. The block predicts each character from those before it:
//! embeddings of characters and positions, layer normalisation, attention of one head, a perceptron of two
//! layers, each added to what it reads, and a linear head. An example is a window of the text; its loss
//! is the SUM over its characters, and its gradient is that of this sum.
//!
//! All layers come from `coherence_candle` instead of candle_nn: apart from that, and from three lines around
//! the forward pass, this is an ordinary candle program.
//!
//! ```text
//! cargo run -p coherence-candle --example transformer_block
//! ```

#![allow(clippy::print_stdout, reason = "an example's output")]

use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::{
    AdamW, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap, loss::cross_entropy, ops::softmax,
};
use coherence_candle::{
    Embedding, LayerNorm, Linear, Tap, TapMeasurement, embedding, layer_norm, linear,
    linear_no_bias,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const TEXT: &str = include_str!("../../../ARCHITECTURE.md");

/// Windows in a batch m, characters in a window t, width of a vector w, steps.
const BATCH: usize = 16;
const WINDOW: usize = 16;
const WIDTH: usize = 16;
const STEPS: usize = 100;

struct Block {
    character: Embedding,
    position: Embedding,
    norm1: LayerNorm,
    query: Linear,
    key: Linear,
    value: Linear,
    norm2: LayerNorm,
    up: Linear,
    down: Linear,
    head: Linear,
    /// The indices of the positions [m, t], the same for every window.
    positions: Tensor,
    /// −∞ where a character would see a later one [t, t].
    mask: Tensor,
}

impl Block {
    fn new(characters: usize, vb: VarBuilder) -> Result<Self> {
        let positions: Vec<u32> = (0..WINDOW as u32).collect();
        let hidden = |t: usize, u: usize| if u > t { f32::NEG_INFINITY } else { 0.0 };
        let mask: Vec<f32> =
            (0..WINDOW).flat_map(|t| (0..WINDOW).map(move |u| hidden(t, u))).collect();
        Ok(Self {
            character: embedding(characters, WIDTH, vb.pp("character"))?,
            position: embedding(WINDOW, WIDTH, vb.pp("position"))?,
            norm1: layer_norm(WIDTH, 1e-5, vb.pp("norm1"))?,
            query: linear_no_bias(WIDTH, WIDTH, vb.pp("query"))?,
            key: linear_no_bias(WIDTH, WIDTH, vb.pp("key"))?,
            value: linear_no_bias(WIDTH, WIDTH, vb.pp("value"))?,
            norm2: layer_norm(WIDTH, 1e-5, vb.pp("norm2"))?,
            up: linear(WIDTH, 2 * WIDTH, vb.pp("up"))?,
            down: linear(2 * WIDTH, WIDTH, vb.pp("down"))?,
            head: linear(WIDTH, characters, vb.pp("head"))?,
            positions: Tensor::from_vec(positions, (1, WINDOW), vb.device())?
                .broadcast_as((BATCH, WINDOW))?,
            mask: Tensor::from_vec(mask, (WINDOW, WINDOW), vb.device())?,
        })
    }

    fn attention(&self, x: &Tensor) -> Result<Tensor> {
        let (q, k) = (self.query.forward(x)?, self.key.forward(x)?);
        let scores = (q.matmul(&k.t()?)? / (WIDTH as f64).sqrt())?.broadcast_add(&self.mask)?;
        softmax(&scores, D::Minus1)?.matmul(&self.value.forward(x)?)
    }
}

impl Module for Block {
    /// Indices of characters [m, t] to logits [m, t, characters].
    fn forward(&self, characters: &Tensor) -> Result<Tensor> {
        let x = (self.character.forward(characters)? + self.position.forward(&self.positions)?)?;
        let x = (&x + self.attention(&self.norm1.forward(&x)?)?)?;
        let h = self.up.forward(&self.norm2.forward(&x)?)?.relu()?;
        self.head.forward(&(x + self.down.forward(&h)?)?)
    }
}

/// The text as indices of characters, and the number of characters.
fn encode(text: &str) -> (Vec<u32>, usize) {
    let mut alphabet: Vec<char> = text.chars().collect();
    alphabet.sort_unstable();
    alphabet.dedup();
    let index = |c| alphabet.binary_search(&c).expect("the alphabet is that of the text") as u32;
    (text.chars().map(index).collect(), alphabet.len())
}

/// Random windows [m, t] and the character after each of theirs [m, t].
fn batch(text: &[u32], rng: &mut ChaCha8Rng, device: &Device) -> Result<(Tensor, Tensor)> {
    let starts: Vec<usize> = (0..BATCH).map(|_| rng.random_range(0..text.len() - WINDOW)).collect();
    let window = |shift: usize| {
        let characters = starts.iter().flat_map(|start| &text[start + shift..][..WINDOW]);
        Tensor::from_iter(characters.copied(), device)?.reshape((BATCH, WINDOW))
    };
    Ok((window(0)?, window(1)?))
}

fn print(step: usize, loss: f32, measured: &TapMeasurement) {
    let layers = measured.layers();
    if step == 0 {
        let names: String = layers.iter().map(|(name, _)| format!("{name:>10}")).collect();
        println!(
            "α of {BATCH} windows (1/{BATCH} = {:.3} if their gradients were orthogonal)",
            1.0 / BATCH as f64
        );
        println!("step  loss{:>10}{names}", "all");
    }
    let alphas: String = layers.iter().map(|(_, c)| format!("{:>10.3}", c.alpha())).collect();
    println!("{step:4}{loss:6.2}{:>10.3}{alphas}", measured.network().alpha());
}

fn main() -> Result<()> {
    let (text, characters) = encode(TEXT);
    let (device, variables) = (Device::Cpu, VarMap::new());
    let block = Block::new(characters, VarBuilder::from_varmap(&variables, DType::F32, &device))?;
    let parameters = ParamsAdamW { lr: 3e-3, weight_decay: 0.0, ..Default::default() };
    let mut optimizer = AdamW::new(variables.all_vars(), parameters)?;
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    for step in 0..=STEPS {
        let (x, next) = batch(&text, &mut rng, &device)?;
        let tap = Tap::new();
        let forward = || block.forward(&x);
        let is_measured = step % 10 == 0;
        let logits = if is_measured { tap.record(forward)? } else { forward()? };
        let loss = cross_entropy(&logits.flatten_to(1)?, &next.flatten_all()?)?;
        // The mean over m · t characters, as a SUM over windows.
        let gradients = (&loss * (BATCH * WINDOW) as f64)?.backward()?;
        if is_measured {
            let measured = tap.measure()?;
            if step == 0 {
                measured.check_complete(&variables, &gradients)?;
            }
            print(step, loss.to_scalar()?, &measured);
        }
        optimizer.step(&gradients)?;
    }
    Ok(())
}
