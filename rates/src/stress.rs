//! What the product does with faces that its embedder was not made for.

pub mod fault;
pub mod pixels;
