//! Is this face good enough to be judged?
