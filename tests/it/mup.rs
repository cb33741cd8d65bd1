//! The coordinate check of muP (arXiv 2203.03466; microsoft/mup, README, "Coord Check"): with the recipe `mup`, what a
//! few steps of Adam do to the activations of a network does not depend on its width; with `torch-default`, it does.

use seedbed::model::{ModelTensor, Role, Variables};
use seedbed::plan::Plan;
use seedbed::recipe::{FinishedRecipe, Recipe};
use seedbed::{StreamVersion, cpu};
use std::sync::Arc;

/// A debug build takes minutes for the widest networks, so it leaves them out.
const WIDTHS: &[u64] = if cfg!(debug_assertions) { &[64, 128, 256] } else { &[64, 128, 256, 512, 1024] };
const HIDDEN_LAYERS: u64 = 3;
const VOCAB: usize = 16;
const STEPS: i32 = 5;
const SEEDS: [u64; 2] = [1, 2];
const LR: f64 = 0.02;

/// A weight [out, in] with Adam's moments, and the numbers that the recipe gave it.
struct Weight {
    values: Vec<f32>,
    rows: usize,
    cols: usize,
    forward: f32,
    lr: f64,
    moments: Vec<[f32; 2]>,
}

/// The dot product, in eight sums, which a compiler can keep in one vector register.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum()
}

impl Weight {
    /// Each row of `input` times the transposed matrix.
    fn apply(&self, input: &[f32]) -> Vec<f32> {
        let mut output = Vec::with_capacity(input.len() / self.cols * self.rows);
        for x in input.chunks_exact(self.cols) {
            for w in self.values.chunks_exact(self.cols) {
                output.push(self.forward * dot(w, x));
            }
        }
        output
    }

    /// From the gradient of the output the gradient of the input, and one step of Adam.
    fn learn(&mut self, input: &[f32], gradient: &[f32], step: i32) -> Vec<f32> {
        let mut back = vec![0.0; input.len()];
        let mut own = vec![0.0; self.values.len()];
        for ((x, g), back) in
            (input.chunks_exact(self.cols).zip(gradient.chunks_exact(self.rows))).zip(back.chunks_exact_mut(self.cols))
        {
            for ((w, own), g) in (self.values.chunks_exact(self.cols).zip(own.chunks_exact_mut(self.cols))).zip(g) {
                let g = g * self.forward;
                for ((back, own), (w, x)) in back.iter_mut().zip(own).zip(w.iter().zip(x)) {
                    *back += g * w;
                    *own += g * x;
                }
            }
        }
        self.adam(&own, step);
        back
    }

    fn adam(&mut self, gradient: &[f32], step: i32) {
        let (first, second) = (1.0 - 0.9f64.powi(step), 1.0 - 0.999f64.powi(step));
        let (lr, second) = ((LR * self.lr / first) as f32, second as f32);
        for ((w, m), g) in self.values.iter_mut().zip(&mut self.moments).zip(gradient) {
            *m = [0.9 * m[0] + 0.1 * g, 0.999 * m[1] + 0.001 * g * g];
            // The gradients of wide layers are so small that Adam's usual epsilon of 1e-8 would change the steps.
            *w -= lr * m[0] / ((m[1] / second).sqrt() + 1e-20);
        }
    }
}

/// The network's weights, from the embedding to the logits.
fn network(recipe: &FinishedRecipe, width: u64, seed: u64) -> Vec<Weight> {
    let variables: Variables = [("hidden", width), ("layers", HIDDEN_LAYERS), ("vocab", VOCAB as u64)]
        .map(|(name, n)| (name.to_owned(), n as f64))
        .into();
    let variables = Arc::new(variables);
    let tensor = |name: String, dims: [u64; 2], role, layer| {
        let mut tensor = ModelTensor::new(name, dims, role).unwrap();
        (tensor.layer, tensor.variables) = (layer, Arc::clone(&variables));
        tensor
    };
    let vocab = VOCAB as u64;
    let mut tensors = vec![tensor("embed.weight".to_owned(), [vocab, width], Role::Embedding, None)];
    for i in 0..HIDDEN_LAYERS {
        tensors.push(tensor(format!("layers.{i}.weight"), [width, width], Role::MlpIn, Some(i)));
    }
    tensors.push(tensor("head.weight".to_owned(), [vocab, width], Role::Unembedding, None));
    let mut plan = Plan::new(StreamVersion::V1, seed);
    let assigned = recipe.assign(&tensors).unwrap().tensors;
    let weights = assigned.iter().map(|assigned| {
        let fill = plan.push(&assigned.spec).unwrap().fill();
        let mut bytes = vec![0; fill.bytes() as usize];
        cpu::fill(&fill, &mut bytes).unwrap();
        let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let (dims, logical) = (assigned.spec.shape.dims(), &assigned.logical[0]);
        Weight {
            moments: vec![[0.0; 2]; values.len()],
            values,
            rows: dims[0] as usize,
            cols: dims[1] as usize,
            forward: logical.forward as f32,
            lr: logical.lr,
        }
    });
    weights.collect()
}

/// What each layer makes of the batch, which is one sample per token: embeddings, what the hidden layers give before
/// their ReLU, logits.
fn activations(weights: &[Weight]) -> Vec<Vec<f32>> {
    let mut all = vec![weights[0].values.iter().map(|x| x * weights[0].forward).collect::<Vec<f32>>()];
    for weight in &weights[1..] {
        all.push(weight.apply(&input(&all, all.len())));
    }
    all
}

/// What goes into weight `i`: the embedding as it is, the others through ReLU.
fn input(activations: &[Vec<f32>], i: usize) -> Vec<f32> {
    let before = &activations[i - 1];
    if i == 1 { before.clone() } else { before.iter().map(|x| x.max(0.0)).collect() }
}

/// One step: cross-entropy of the token that follows 5 tokens on.
fn step(weights: &mut [Weight], number: i32) {
    let activations = activations(weights);
    let logits = activations.last().unwrap();
    let mut gradient = Vec::with_capacity(logits.len());
    for (token, logits) in logits.chunks_exact(VOCAB).enumerate() {
        let largest = logits.iter().fold(f32::MIN, |a, &b| a.max(b));
        let sum: f32 = logits.iter().map(|x| (x - largest).exp()).sum();
        gradient.extend(logits.iter().enumerate().map(|(i, x)| {
            let target = f32::from(i == (token * 3 + 5) % VOCAB);
            ((x - largest).exp() / sum - target) / VOCAB as f32
        }));
    }
    for i in (1..weights.len()).rev() {
        gradient = weights[i].learn(&input(&activations, i), &gradient, number);
        if i > 1 {
            for (g, x) in gradient.iter_mut().zip(&activations[i - 1]) {
                *g *= f32::from(*x > 0.0);
            }
        }
    }
    let forward = weights[0].forward;
    gradient.iter_mut().for_each(|g| *g *= forward);
    weights[0].adam(&gradient, number);
}

/// The slopes against the width, both in logarithms, of the mean absolute activation after the steps, and of its mean
/// absolute change by them: a pair for each layer, embedding and logits at the ends.
fn slopes(recipe: &FinishedRecipe, change: fn(&mut Weight)) -> Vec<[f64; 2]> {
    let mean = |values: Vec<f64>| values.iter().map(|x| x.abs()).sum::<f64>() / values.len() as f64;
    let mut sizes = Vec::new();
    for &width in WIDTHS {
        let mut of_width = vec![[0.0; 2]; HIDDEN_LAYERS as usize + 2];
        for seed in SEEDS {
            let mut weights = network(recipe, width, seed);
            weights.iter_mut().for_each(change);
            let before = activations(&weights);
            (1..=STEPS).for_each(|number| step(&mut weights, number));
            for ((size, before), after) in of_width.iter_mut().zip(&before).zip(activations(&weights)) {
                size[0] += mean(after.iter().map(|&x| f64::from(x)).collect());
                size[1] += mean(after.iter().zip(before).map(|(&a, &b)| f64::from(a - b)).collect());
            }
        }
        sizes.push(of_width);
    }
    let logs: Vec<f64> = WIDTHS.iter().map(|&width| (width as f64).ln()).collect();
    let center = logs.iter().sum::<f64>() / logs.len() as f64;
    let spread: f64 = logs.iter().map(|x| (x - center).powi(2)).sum();
    let slope = |layer: usize, kind: usize| {
        logs.iter().zip(&sizes).map(|(x, size)| (x - center) * size[layer][kind].ln()).sum::<f64>() / spread
    };
    (0..sizes[0].len()).map(|layer| [slope(layer, 0), slope(layer, 1)]).collect()
}

fn mup(settings: &[(&str, f64)]) -> FinishedRecipe {
    let mut recipe = Recipe::builtin("mup", None).unwrap();
    // At the base the hidden weights have He's std: with ReLU the signal neither dies nor grows.
    for &(name, value) in [("base_width", 64.0), ("sigma", (2.0f64 / 64.0).sqrt())].iter().chain(settings) {
        recipe.set(name, value);
    }
    recipe.finish(None).unwrap()
}

/// The largest slope of the recipe that passes, in absolute value; measured: 0.06 at widths to 512, 0.04 at all widths.
const FLAT: f64 = 0.15;
/// The slope that the controls must exceed; measured: 0.38 and more.
const STEEP: f64 = 0.3;

#[test]
fn with_mup_activations_and_their_changes_do_not_depend_on_the_width() {
    for settings in [&[][..], &[("output_zero", 1.0)]] {
        let slopes = slopes(&mup(settings), |_| {});
        assert!(slopes.as_flattened().iter().all(|slope| slope.abs() < FLAT), "{settings:?}: {slopes:.3?}");
    }
}

#[test]
fn without_it_they_grow_with_the_width() {
    for name in ["torch-default", "llama"] {
        let slopes = slopes(&Recipe::builtin(name, None).unwrap().finish(None).unwrap(), |_| {});
        assert!(slopes[1..].as_flattened().iter().all(|&slope| slope > STEEP), "{name}: {slopes:.3?}");
    }
}

/// Each multiplier is needed: without one of them the changes of the layers behind it grow with the width.
#[test]
fn without_one_of_its_multipliers_changes_grow_with_the_width() {
    let no_lr = slopes(&mup(&[]), |weight| weight.lr = 1.0);
    assert!(no_lr[1..].iter().all(|slope| slope[1] > STEEP), "{no_lr:.3?}");
    let no_forward = slopes(&mup(&[]), |weight| weight.forward = 1.0);
    assert!(no_forward.last().unwrap()[1] > STEEP, "{no_forward:.3?}");
}
