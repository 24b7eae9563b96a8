//! The scores of all pairs of samples, each computed once, on all cores.

use super::cores;
use super::set::Set;
use facelatch::embed::Embedding;
use facelatch::head::{Formula, Head, Projection};

/// Rows of the table that one thread computes at once, and samples they are compared with at once. Together 24 vectors:
/// three quarters of a megabyte with 8,192 values, so that they stay in a core's second cache.
const BAND: usize = 16;
const ACROSS: usize = 8;

/// An embedding to its h.
pub type Project<'a> = &'a dyn Fn(&Embedding) -> Vec<f32>;

/// h of every sample of a set.
pub struct Features {
    length: usize,
    values: Vec<f32>,
}

impl Features {
    /// As this head sees them.
    pub fn of_head(set: &Set, head: &Head) -> Self {
        Self::gather(set, head.formula().alpha().len(), |e, h| h.extend_from_slice(&head.project(e)))
    }

    /// Under R; without it, the embeddings themselves.
    pub fn projected(set: &Set, projection: Option<&Projection>) -> Self {
        let length = projection.map_or(set.recipe.length, Projection::rows);
        Self::gather(set, length, |e, h| match projection {
            Some(r) => h.extend(r.apply(e.values())),
            None => h.extend_from_slice(e.values()),
        })
    }

    /// What `project` makes of embeddings: `length` values of each.
    pub fn of_embeddings(embeddings: &[Embedding], length: usize, project: Project<'_>) -> Self {
        let mut values = Vec::with_capacity(embeddings.len() * length);
        embeddings.iter().for_each(|e| values.extend(project(e)));
        debug_assert_eq!(values.len(), embeddings.len() * length);
        Self { length, values }
    }

    fn gather(set: &Set, length: usize, add: impl Fn(&Embedding, &mut Vec<f32>)) -> Self {
        let mut values = Vec::with_capacity(set.samples.len() * length);
        set.samples.iter().for_each(|sample| add(&sample.embedding, &mut values));
        debug_assert_eq!(values.len(), set.samples.len() * length);
        Self { length, values }
    }

    /// Values of each h.
    pub fn length(&self) -> usize {
        self.length
    }

    /// h of one sample.
    pub fn of(&self, sample: usize) -> &[f32] {
        self.rows(sample, sample + 1)
    }

    fn count(&self) -> usize {
        self.values.len() / self.length.max(1)
    }

    fn rows(&self, from: usize, to: usize) -> &[f32] {
        &self.values[from * self.length..to * self.length]
    }
}

/// Scores of all pairs of samples.
#[derive(Clone)]
pub struct Table {
    side: usize,
    /// Row b holds the samples 0 to b.
    z: Vec<f32>,
}

impl Table {
    /// The log-odds of all pairs: four bytes each. `tell` hears how many are done, of how many.
    pub fn new(h: &Features, formula: &Formula, tell: &mut dyn FnMut(usize, usize)) -> Self {
        let side = h.count();
        let mut z = vec![0.0; start(side)];
        let (mut done, total) = (0, z.len());
        tell(done, total);
        let (mut bands, mut rest) = (Vec::new(), z.as_mut_slice());
        for from in (0..side).step_by(BAND) {
            let to = (from + BAND).min(side);
            let (band, behind) = rest.split_at_mut(start(to) - start(from));
            bands.push((from, to, band));
            rest = behind;
        }
        // The longest first, so that the threads end together.
        let scored = cores::each(
            bands.into_iter().rev(),
            |(from, to, band)| fill(h, formula, (from, to), band),
            |pairs| {
                done += pairs;
                tell(done, total);
                Ok(())
            },
        );
        debug_assert!(scored.is_ok(), "counting does not fail");
        Self { side, z }
    }

    /// Any other symmetric score, called once for each pair.
    pub fn of(side: usize, score: impl Fn(usize, usize) -> f32) -> Self {
        let z = (0..side).flat_map(|b| (0..=b).map(move |a| (a, b))).map(|(a, b)| score(a, b)).collect();
        Self { side, z }
    }

    /// The score of two samples.
    pub fn at(&self, a: usize, b: usize) -> f32 {
        let (a, b) = if a < b { (a, b) } else { (b, a) };
        debug_assert!(b < self.side);
        self.z[start(b) + a]
    }

    /// The scores of sample `b` with the samples before it.
    pub fn before(&self, b: usize) -> &[f32] {
        &self.z[start(b)..][..b]
    }
}

impl Table {
    /// All scores of two samples, by what `same` says of them: true first. In the memory of the table, which is the most
    /// that a measurement takes.
    pub fn into_kinds(self, same: impl Fn(usize, usize) -> bool) -> (Vec<f32>, Vec<f32>) {
        let (mut z, mut yes, mut no) = (self.z, Vec::new(), 0);
        for b in 0..self.side {
            for a in 0..b {
                let score = z[start(b) + a];
                if same(a, b) {
                    yes.push(score);
                } else {
                    z[no] = score;
                    no += 1;
                }
            }
        }
        z.truncate(no);
        (yes, z)
    }
}

/// Scores of other embeddings with the samples of a set.
pub struct Across {
    width: usize,
    /// A row for each embedding.
    z: Vec<f32>,
}

impl Across {
    /// The log-odds of each embedding with each of `columns`, which are as this head sees them. `tell` hears how many are done, of
    /// how many.
    pub fn new(
        embeddings: &[Embedding],
        columns: &Features,
        head: &Head,
        tell: &mut dyn FnMut(usize, usize),
    ) -> Self {
        let width = columns.count();
        let mut z = vec![0.0; embeddings.len() * width];
        let (mut done, total) = (0, z.len());
        let bands = embeddings.chunks(BAND).zip(z.chunks_mut((BAND * width).max(1)));
        let scored = cores::each(
            bands,
            |(embeddings, band)| {
                let rows =
                    Features::of_embeddings(embeddings, columns.length(), &|e| head.project(e).into_owned());
                let mut tile = [0.0; BAND * ACROSS];
                for left in (0..width).step_by(ACROSS) {
                    let right = (left + ACROSS).min(width);
                    let tile = &mut tile[..embeddings.len() * (right - left)];
                    head.formula().log_odds_between(&rows.values, columns.rows(left, right), tile);
                    for (row, scores) in band.chunks_exact_mut(width).zip(tile.chunks_exact(right - left)) {
                        row[left..right].copy_from_slice(scores);
                    }
                }
                band.len()
            },
            |pairs| {
                done += pairs;
                tell(done, total);
                Ok(())
            },
        );
        debug_assert!(scored.is_ok(), "counting does not fail");
        Self { width, z }
    }

    /// The score of an embedding with a sample.
    pub fn at(&self, row: usize, column: usize) -> f32 {
        debug_assert!(column < self.width);
        self.z[row * self.width + column]
    }

    /// Samples that each embedding is compared with.
    pub fn width(&self) -> usize {
        self.width
    }
}

/// Where row b starts.
fn start(b: usize) -> usize {
    b * (b + 1) / 2
}

/// Fills rows `from..to`; returns how many scores that is.
fn fill(h: &Features, formula: &Formula, (from, to): (usize, usize), band: &mut [f32]) -> usize {
    let mut tile = [0.0; BAND * ACROSS];
    for left in (0..to).step_by(ACROSS) {
        let right = (left + ACROSS).min(to);
        let tile = &mut tile[..(to - from) * (right - left)];
        formula.log_odds_between(h.rows(from, to), h.rows(left, right), tile);
        for (b, scores) in (from..to).zip(tile.chunks_exact(right - left)) {
            let row = &mut band[start(b) - start(from)..][..b + 1];
            let wanted = right.min(b + 1).saturating_sub(left);
            row[left.min(b + 1)..][..wanted].copy_from_slice(&scores[..wanted]);
        }
    }
    band.len()
}

#[cfg(test)]
mod tests {
    use super::super::set::set_of;
    use super::*;

    #[test]
    fn a_table_is_symmetric_and_scores_each_pair_once() {
        let asked = std::cell::Cell::new(0);
        let table = Table::of(3, |a, b| {
            asked.set(asked.get() + 1);
            (10 * a + b) as f32
        });
        assert_eq!((table.at(1, 2), table.at(2, 1), table.at(0, 0), asked.get()), (12.0, 12.0, 0.0, 6));
        assert_eq!(table.before(2), [2.0, 12.0]);
        assert_eq!(table.into_kinds(|a, b| a + b == 2), (vec![2.0], vec![1.0, 12.0]));
    }

    #[test]
    fn other_embeddings_score_with_each_sample_as_each_pair_does() {
        let looks = |p: usize| (0..7).map(|i| vec![1.0, (p * 7 + i) as f32 / 10.0]).collect();
        let set = set_of(&[("anna", looks(0)), ("bert", looks(1)), ("carl", looks(3))]);
        let head =
            facelatch::head::Head::new(std::path::Path::new("test"), 4.0, vec![-3.0; 2], 0.9).expect("works");
        let columns = Features::of_head(&set, &head);
        let embeddings: Vec<Embedding> = set.samples[2..].iter().map(|s| s.embedding.clone()).collect();
        let across = Across::new(&embeddings, &columns, &head, &mut |_, _| ());
        assert_eq!(across.width(), 21);
        for (row, column) in (0..19).flat_map(|row| (0..21).map(move |column| (row, column))) {
            let wanted = head.formula().log_odds(columns.of(row + 2), columns.of(column)).0;
            assert_eq!(across.at(row, column), wanted, "{row} {column}");
        }
    }

    #[test]
    fn all_pairs_at_once_score_as_each_does() {
        let looks =
            |p: usize| (0..7).map(|i| vec![1.0, (p * 7 + i) as f32 / 10.0, (i as f32).sin()]).collect();
        let names: Vec<String> = (0..11).map(|p| format!("p{p}")).collect();
        let people: Vec<_> = names.iter().enumerate().map(|(p, name)| (name.as_str(), looks(p))).collect();
        let set = set_of(&people);
        let h = Features::projected(&set, None);
        let formula = Formula::new(4.0, &[-3.0, -2.0, -1.0]).expect("finite");
        let mut told = Vec::new();
        let table = Table::new(&h, &formula, &mut |done, total| told.push((done, total)));
        for (a, b) in (0..77).flat_map(|a| (0..77).map(move |b| (a, b))) {
            assert_eq!(table.at(a, b), formula.log_odds(h.of(a), h.of(b)).0, "{a} {b}");
        }
        assert_eq!((told.first(), told.last()), (Some(&(0, 3003)), Some(&(3003, 3003))));
    }
}
