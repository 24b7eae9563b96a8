//! What a fixed camera knows: the background it saw while nobody was there.
