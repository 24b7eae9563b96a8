//! A grey camera beside a colour one: what both must show of a live face.
