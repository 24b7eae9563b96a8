//! Dense layer with f32 output; in: [padded(inputs)] u8, out: [outputs] f32 = (sum + bias) * scale.

use crate::Isa;
use crate::error::{LayerError, check_len};
use crate::pointwise::Product;
use crate::post::{Folded, fold_bias};

/// A matrix-vector product with a float result.
#[derive(Clone)]
pub struct Dense {
    product: Product,
    bias: Vec<i32>,
    scale: Vec<f32>,
}

impl Dense {
    /// `weights` is `[outputs][inputs]`, -127..=127; `bias` in units of `scale`; `scale` = s_in * s_weight per output.
    ///
    /// # Errors
    /// When `isa` is not available, a length is wrong or a sum could overflow.
    pub fn new(
        isa: Isa,
        inputs: usize,
        weights: &[i8],
        bias: &[i32],
        scale: &[f32],
        zero_in: u8,
    ) -> Result<Self, LayerError> {
        check_len("scale", scale.len(), bias.len())?;
        if let Some(c) = scale.iter().position(|s| !s.is_finite()) {
            return Err(LayerError::NotFinite(c));
        }
        let product = Product::new(isa, inputs, bias.len(), weights)?;
        let folded = fold_bias(bias, zero_in, isa.flip(), weights.chunks_exact(inputs))?;
        let bias = folded.iter().map(|Folded { bias, .. }| *bias).collect();
        Ok(Dense { product, bias, scale: scale.to_vec() })
    }

    /// Scratch for `run`; reuse it between calls.
    #[must_use]
    pub fn scratch(&self) -> Vec<i32> {
        vec![0; self.product.room()]
    }

    /// Any number of vectors: `[count][padded(inputs)]` u8 to `[count][outputs]` f32.
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn run(&self, x: &[u8], scratch: &mut [i32], out: &mut [f32]) {
        let (inputs, outputs) = (self.product.input_len(), self.bias.len());
        assert_eq!(x.len() * outputs, out.len() * inputs, "output size");
        for (x, out) in x.chunks(inputs).zip(out.chunks_exact_mut(outputs)) {
            self.product.sums_of_one(x, scratch);
            for (c, y) in out.iter_mut().enumerate() {
                *y = scratch[c].wrapping_add(self.bias[c]) as f32 * self.scale[c];
            }
        }
    }
}
