//! Tests of the challenge.
