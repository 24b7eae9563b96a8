//! Whether a search that computes the formula for a few finds what the formula for everybody finds, to the bit, and for how many
//! it is computed: `exact_search MODELS PICTURES CACHE SEARCHES`.
//!
//! PICTURES is a folder of people, as for `facelatch-rates measure`; faces are embedded once and kept in CACHE. Every pair of
//! pictures is held against its bound first. Then galleries are drawn, of 2 to 200 people with one to five templates, and searched
//! with three frames: of one person, of two, or blends of two people, who are near both.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use facelatch::embed::{Embedding, KeyedEmbedding, KeyedRows, TemplateKey};
use facelatch::head::file::Wanted;
use facelatch::head::project::SplitMix64;
use facelatch::head::{Head, KeyedHead, LogOdds, Most};
use facelatch::judge::{Policy, Ranked, Refusal, Search, rank, shortlist, vote};
use facelatch_rates::acquire::Bench;
use facelatch_rates::bench::Names;
use facelatch_rates::people::People;

const FRAMES: usize = 3;

/// Searches in each gallery.
const SEARCHES: usize = 500;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [models, pictures, cache, searches] = &words[..] else {
        bail!("usage: exact_search MODELS PICTURES CACHE SEARCHES");
    };
    let models = Path::new(models);
    let bench = Bench::load(models, Names { embedder: "sface", detector: Some("yunet"), central: false })?;
    let head = Head::load(&models.join("sface.head.toml"), Wanted::of(&bench.embedder))?;
    let key = TemplateKey::draw(&[7; 32], head.key_kind(), head.length());
    let set = bench.acquire(&People::load(Path::new(pictures))?, Path::new(cache), &mut |_, _| {})?;
    let mut random = SplitMix64(5);
    let people: Vec<usize> = set.samples.iter().map(|sample| sample.person).collect();
    let mut faces: Vec<Embedding> = set.samples.iter().map(|sample| sample.embedding.clone()).collect();
    let pictures = faces.len();
    for _ in 0..pictures / 2 {
        let [one, other] = [(); 2].map(|()| &faces[random.below(pictures)]);
        let share = random.uniform() as f32;
        let blend = one.values().iter().zip(other.values()).map(|(a, b)| share * a + (1.0 - share) * b);
        faces.push(Embedding::new(blend.collect()).context("two opposite faces")?);
    }
    let faces: Vec<KeyedEmbedding> = faces.iter().map(|face| key.apply(face)).collect();
    let table = Table::new(&head.for_key(&key), faces)?;
    table.hold_against_bounds()?;
    table.search(&people, searches.parse()?, &mut random)
}

/// Faces, and the log-odds of every pair.
struct Table {
    head: KeyedHead,
    faces: Vec<KeyedEmbedding>,
    z: Vec<Vec<f32>>,
}

impl Table {
    fn new(head: &KeyedHead, faces: Vec<KeyedEmbedding>) -> Result<Self> {
        let h = vote::project(head, &faces)?;
        let z = h.iter().map(|a| h.iter().map(|b| head.log_odds_of(a, b).0).collect()).collect();
        drop(h);
        Ok(Self { head: head.clone(), faces, z })
    }

    fn rows(&self, of: impl Iterator<Item = usize>) -> Result<KeyedRows> {
        let first = &self.faces[0];
        let mut rows = KeyedRows::with_capacity(first.key_id(), first.values().len(), self.faces.len());
        for face in of {
            rows.push(&self.faces[face])?;
        }
        Ok(rows)
    }

    /// Every pair of faces.
    fn hold_against_bounds(&self) -> Result<()> {
        let (bound, bias) = (self.head.bound().context("the head has no bound")?, self.head.bias().0);
        let rows = self.rows(0..self.faces.len())?;
        let (mut pairs, mut above, mut least) = (0_u64, 0_u64, f32::INFINITY);
        for (probe, z) in self.faces.iter().zip(&self.z) {
            let squares = bound.squares(std::slice::from_ref(probe), &rows)?;
            for (square, z) in squares.iter().zip(z) {
                let most = bound.most(square.sqrt(), rows.longest()).of_faces.0;
                pairs += 1;
                above += u64::from(*z > most);
                if *square > 1e-4 {
                    let free = bound.most(square.sqrt(), 0.0).of_faces.0;
                    least = least.min((z - bias) / (free - bias));
                }
            }
        }
        let least = least * facelatch::head::bound::LEAST_SHARE_OF_FACES;
        writeln!(std::io::stdout(), "{pairs} pairs, {above} above their bound; least share {least:.4}")?;
        ensure!(above == 0, "a pair scores above its bound");
        Ok(())
    }

    /// Searches drawn galleries in both ways.
    fn search(&self, people: &[usize], searches: usize, random: &mut SplitMix64) -> Result<()> {
        let (mut searched, mut enrolled, mut computed, mut verdicts) =
            (0_usize, [0_usize; 2], [0_usize; 2], [0; 3]);
        while searched < searches {
            let gallery = gallery(people, random);
            let faces: Vec<usize> = gallery.values().flatten().copied().collect();
            let rows = self.rows(faces.iter().copied())?;
            let mut end = 0;
            let ranges = gallery.values().map(|templates| {
                end += templates.len();
                end - templates.len()..end
            });
            let ranges: Vec<_> = ranges.collect();
            let templates: Vec<&Vec<usize>> = gallery.values().collect();
            let policy = Policy::identify(self.head.threshold(), templates.len());
            for _ in 0..SEARCHES {
                let first = random.below(self.faces.len());
                let nearby = |random: &mut SplitMix64| (first + random.below(4)).min(self.faces.len() - 1);
                let frames = [first, nearby(random), nearby(random)];
                let probes: Vec<KeyedEmbedding> = frames.iter().map(|f| self.faces[*f].clone()).collect();
                let score = |who: usize| {
                    let own = templates[who];
                    vote::combine(FRAMES, own.len(), |f, t| LogOdds(self.z[frames[f]][own[t]]))
                };
                let rank_of_all = rank((0..templates.len()).filter_map(|who| Some((who, score(who)?))));
                let mut search = Search::new(&self.head, &probes, &rows)?;
                let most: Vec<Most> = ranges.iter().map(|rows| search.at_most(rows)).collect();
                let few = shortlist(
                    most,
                    |_| true,
                    policy,
                    |who| {
                        search.step(&ranges[who], |row| {
                            computed[1] += 1;
                            anyhow::Ok(
                                frames.iter().map(|frame| LogOdds(self.z[*frame][faces[row]])).collect(),
                            )
                        })
                    },
                )?;
                computed[0] += few.len();
                let judged = |Ranked { best, z, second }: Ranked<usize>| {
                    (best, z.0.to_bits(), policy.check_scores(z, second))
                };
                let (few, everybody) = (rank(few).map(judged), rank_of_all.map(judged));
                ensure!(few == everybody, "{few:?} and not {everybody:?}");
                let verdict = everybody.map_or(Ok(()), |(.., verdict)| verdict);
                verdicts
                    [verdict.err().map_or(0, |refusal| 1 + usize::from(refusal == Refusal::Ambiguous))] += 1;
            }
            searched += SEARCHES;
            enrolled = [enrolled[0] + SEARCHES * templates.len(), enrolled[1] + SEARCHES * faces.len()];
        }
        tell(searched, enrolled, computed, verdicts)
    }
}

/// Faces of each of 2 to 200 people, one to five of each.
fn gallery(people: &[usize], random: &mut SplitMix64) -> BTreeMap<usize, Vec<usize>> {
    let wanted = 2 + random.below(199);
    let mut gallery: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for _ in 0..4 * wanted {
        let face = random.below(people.len());
        if gallery.len() < wanted || gallery.contains_key(&people[face]) {
            let templates = gallery.entry(people[face]).or_default();
            if templates.len() < 5 && !templates.contains(&face) {
                templates.push(face);
            }
        }
    }
    gallery
}

fn tell(searched: usize, enrolled: [usize; 2], computed: [usize; 2], verdicts: [usize; 3]) -> Result<()> {
    let each = |count: usize| count as f64 / searched as f64;
    writeln!(
        std::io::stdout(),
        "{searched} searches (match, no match, ambiguous: {verdicts:?}), all the same to the bit; the formula for {:.1} \
         people of {:.1} to the end, for {:.1} templates of {:.1}",
        each(computed[0]),
        each(enrolled[0]),
        each(computed[1]),
        each(enrolled[1])
    )?;
    Ok(())
}
