//! Everything that is tested from outside, in one program: it links once.

/// Who may import whom.
mod rooms;
