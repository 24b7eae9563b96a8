//! Everything that is tested from outside, in one program: it links once.

/// Each stage against an independent runtime.
mod golden;
/// Who may import whom.
mod rooms;
