//! facelatch: a doorkeeper that knows faces.
pub mod camera;
pub mod clock;
