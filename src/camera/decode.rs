//! Camera bytes to RGB: untrusted input, bounded before it is believed.
