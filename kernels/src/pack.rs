//! Packs weights in the order the tiles read them; in: [outputs][inputs], out: [outputs / NR][k / KG][NR][KG].

use crate::Bytes;

/// Layout in which a tile takes its weights.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    /// Output channels side by side.
    pub(crate) nr: usize,
    /// Consecutive inputs of one output.
    pub(crate) kg: usize,
}

/// Packs `outputs` rows, with zeros up to `k` inputs and up to `room` outputs in whole panels.
///
/// `rows(n)` yields row n; its values go to places 0.. of k.
pub(crate) fn pack<'w>(
    order: Order,
    outputs: usize,
    room: usize,
    k: usize,
    rows: impl Fn(usize) -> &'w [i8],
) -> Bytes {
    let Order { nr, kg } = order;
    debug_assert_eq!(k % kg, 0);
    let mut packed = Bytes::zeroed(room.next_multiple_of(nr) * k);
    for (block, panel) in packed.chunks_exact_mut(nr * k).enumerate() {
        for lane in 0..nr.min(outputs.saturating_sub(block * nr)) {
            let row = rows(block * nr + lane);
            for (group, weights) in row.chunks(kg).enumerate() {
                let start = (group * nr + lane) * kg;
                for (to, &w) in panel[start..start + weights.len()].iter_mut().zip(weights) {
                    *to = w as u8;
                }
            }
        }
    }
    packed
}
