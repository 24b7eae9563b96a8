//! Vectors of f32, all of one length.

/// `a + times * b`.
#[must_use]
pub fn add(a: &[f32], b: &[f32], times: f32) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + times * b).collect()
}

/// In the direction of `v`, with the length `to`. Zero stays zero.
#[must_use]
pub fn scaled(v: &[f32], to: f32) -> Vec<f32> {
    let by = to / dot(v, v).sqrt().max(1e-12);
    v.iter().map(|v| v * by).collect()
}

/// The scalar product: sixteen sums side by side, so that compilers use vectors.
#[must_use]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 16];
    for (a, b) in a.chunks(16).zip(b.chunks(16)) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}
