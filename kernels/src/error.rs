//! Errors in a layer's description.

use crate::Isa;

/// Why a layer could not be built. Once built, a layer checks only lengths when it runs.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LayerError {
    /// This CPU lacks the instruction set.
    #[error("this CPU cannot run the {0} kernels")]
    Unavailable(Isa),
    /// A slice does not have the length its shape needs.
    #[error("{what}: {got} values, the shape needs {want}")]
    Length {
        /// Which argument.
        what: &'static str,
        /// Its length.
        got: usize,
        /// The length needed.
        want: usize,
    },
    /// A dimension is zero or absurdly large, or a stride is neither 1 nor 2.
    #[error("{0} is out of range")]
    Dimension(&'static str),
    /// A weight of -128: only -127..=127 keep the sum of two products inside 16 bits.
    #[error("weight -128: weights must lie in -127..=127")]
    Weight,
    /// A multiplier that is not finite.
    #[error("output channel {0}: a multiplier is not finite")]
    NotFinite(usize),
    /// The sum could leave 32 bits, or its scaled value 22 bits.
    #[error("output channel {0}: the sum or its scaled value could overflow")]
    Overflow(usize),
}

/// `Err(Length)` unless `got == want`.
pub(crate) fn check_len(what: &'static str, got: usize, want: usize) -> Result<(), LayerError> {
    if got == want { Ok(()) } else { Err(LayerError::Length { what, got, want }) }
}
