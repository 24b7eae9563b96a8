//! The head is asked to turn, at a random moment to a random side, and back.
