//! One face from frame to frame.
