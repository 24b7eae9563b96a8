//! Labelled pictures as embeddings: what is measured, and what was left out.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::RatesError;
use super::cache::{Recipe, Record};
use facelatch::camera::Frame;
use facelatch::detect::Face;
use facelatch::detect::quality::{QualityGate, RetryReason};
use facelatch::embed::{Embedder, Embedding, Measures};

/// The quality gate's verdict on a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quality(Option<RetryReason>);

impl Quality {
    /// Nothing is wrong.
    pub const GOOD: Self = Self(None);

    /// As text in reports.
    pub fn name(self) -> String {
        self.0.map_or_else(|| "good".to_owned(), |reason| reason.to_string().replace('-', " "))
    }

    /// Whether this is what is wrong.
    pub fn is(self, reason: RetryReason) -> bool {
        self.0 == Some(reason)
    }

    pub(super) fn of(gate: &QualityGate, frame: &Frame, faces: &[Face]) -> Self {
        // Without a face there is no sample.
        Self(gate.choose(frame, faces).err().filter(|reason| *reason != RetryReason::NoFace))
    }

    /// The number in the cache: the reason's index in [`RetryReason::ALL`]. Index 0, "no face", stands for good.
    pub(super) fn code(self) -> u8 {
        self.0.map_or(0, |reason| reason as u8)
    }

    fn of_code(code: u8) -> Self {
        let reason = RetryReason::ALL.get(usize::from(code)).copied();
        Self(reason.filter(|reason| *reason != RetryReason::NoFace))
    }
}

/// One embedded picture.
pub struct Sample {
    /// Number of the person in [`Set::people`].
    pub person: usize,
    /// The picture.
    pub path: PathBuf,
    /// The quality gate's verdict.
    pub quality: Quality,
    /// Its embedding.
    pub embedding: Embedding,
    /// What the embedder's limits are compared with.
    pub measures: Measures,
    /// Whether it needed a border before the face was found, which a camera cannot give.
    pub bordered: bool,
    /// Whether it takes part in decisions: true until [`Set::heed_limits`].
    pub believed: bool,
}

/// A labelled set, embedded.
pub struct Set {
    /// Names.
    pub people: Vec<String>,
    /// In order of person and path.
    pub samples: Vec<Sample>,
    /// Files that repeat a picture, with the number of its sample; `None` where it gave none.
    pub aliases: Vec<(PathBuf, Option<usize>)>,
    /// Counts of what was left out.
    pub losses: Losses,
    /// How the embeddings were made.
    pub recipe: Recipe,
}

/// What was left out of a set. Failure to acquire is `no_face + unreadable` of `pictures`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Losses {
    /// Picture files, repeated ones counted once, without those under two people.
    pub pictures: usize,
    /// Repeated files of one person.
    pub repeated: usize,
    /// Pictures that needed a border before the face was found.
    pub bordered: usize,
    /// Pictures that stand under two people, with all their files.
    pub of_two: Vec<Vec<PathBuf>>,
    /// Pictures without a face.
    pub no_face: Vec<PathBuf>,
    /// Pictures that cannot be read, and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

impl Losses {
    /// Files of all pictures left out.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let unreadable = self.unreadable.iter().map(|(path, _)| path);
        self.of_two.iter().flatten().chain(&self.no_face).chain(unreadable).map(PathBuf::as_path)
    }
}

impl Set {
    /// Adds a picture, or lists it among the losses.
    pub(super) fn collect(&mut self, person: usize, path: &Path, record: Option<&Record>) {
        // A picture that is not in the cache by now could not be read, and is listed.
        let Some(record) = record else { return };
        let Some(embedding) = record.embedding.clone() else {
            self.losses.no_face.push(path.to_owned());
            return;
        };
        self.losses.bordered += usize::from(record.bordered);
        let quality = Quality::of_code(record.quality);
        let measures = record.measures;
        self.samples.push(Sample {
            person,
            path: path.to_owned(),
            quality,
            embedding,
            measures,
            bordered: record.bordered,
            believed: true,
        });
    }

    /// Refuses a set that nothing can be measured on.
    pub(super) fn checked(self) -> Result<Self, RatesError> {
        let mut people: Vec<usize> = self.samples.iter().map(|s| s.person).collect();
        people.dedup();
        if people.len() < 2 {
            let first = self.losses.unreadable.first();
            let first = first.map_or(String::new(), |(path, why)| format!("; {}: {why}", path.display()));
            let why = format!(
                "faces of only {} people were found, at least two are needed; of {} pictures {} are unreadable, {} \
                 show no face{first}",
                people.len(),
                self.losses.pictures,
                self.losses.unreadable.len(),
                self.losses.no_face.len()
            );
            return Err(RatesError::Asked(why));
        }
        let has_pair = self.samples.windows(2).any(|two| two[0].person == two[1].person);
        if !has_pair {
            let why = "every person has only one usable picture; genuine pairs need at least two pictures of one person";
            return Err(RatesError::Asked(why.to_owned()));
        }
        Ok(self)
    }

    /// Adds the people of another set. Its pictures are taken for those of other people.
    ///
    /// # Errors
    /// [`RatesError::Asked`] where its embeddings were made differently.
    pub fn join(&mut self, other: Self) -> Result<(), RatesError> {
        if (&other.recipe.embedder_sha256, other.recipe.length)
            != (&self.recipe.embedder_sha256, self.recipe.length)
        {
            return Err(RatesError::Asked("the two sets were embedded by different networks".to_owned()));
        }
        let before = self.people.len();
        self.people.extend(other.people);
        self.samples.extend(other.samples.into_iter().map(|mut sample| {
            sample.person += before;
            sample
        }));
        Ok(())
    }

    /// The cosine of two embeddings, from -1 to 1 where they have unit length.
    pub fn cosine(&self, a: usize, b: usize) -> f32 {
        let (a, b) = (self.samples[a].embedding.values(), self.samples[b].embedding.values());
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    /// Takes pictures below the embedder's limits in `MODELS.toml` out of decisions, as the daemon does.
    pub fn heed_limits(&mut self, embedder: &Embedder) {
        for sample in &mut self.samples {
            sample.believed = embedder.check(&sample.measures).is_ok();
        }
    }

    /// Takes pictures that the quality gate refuses out of decisions, as the daemon does: among them those of several people.
    pub fn heed_gate(&mut self) {
        for sample in &mut self.samples {
            sample.believed &= sample.quality == Quality::GOOD;
        }
    }

    /// The samples of each person, by number.
    pub fn by_person(&self) -> Vec<Vec<usize>> {
        let mut samples = vec![Vec::new(); self.people.len()];
        for (number, sample) in self.samples.iter().enumerate() {
            samples[sample.person].push(number);
        }
        samples
    }
}

/// People of so many pictures each, about a direction of their own; each number is moved by `shift`.
#[cfg(test)]
pub(crate) fn drawn_people(people: usize, pictures: usize, shift: f32) -> Set {
    let mut random = facelatch::head::project::SplitMix64(9);
    let mut near = |scale: f64, centre: &[f32]| -> Vec<f32> {
        centre.iter().map(|c| c + ((random.uniform() - 0.5) * scale) as f32).collect()
    };
    let names: Vec<String> = (0..people).map(|p| format!("p{p}")).collect();
    let looks = |name| {
        let centre = near(2.0, &[0.0; 8]);
        let look = |_| near(0.3, &centre).into_iter().map(|v| v + shift).collect();
        (name, (0..pictures).map(look).collect())
    };
    set_of(&names.iter().map(String::as_str).map(looks).collect::<Vec<_>>())
}

/// A set without pictures, for tests of later stages.
#[cfg(test)]
pub(crate) fn set_of(people: &[(&str, Vec<Vec<f32>>)]) -> Set {
    let length = people[0].1[0].len();
    let mut set = Set {
        people: people.iter().map(|(name, _)| (*name).to_owned()).collect(),
        samples: Vec::new(),
        aliases: Vec::new(),
        losses: Losses::default(),
        recipe: Recipe {
            embedder: "test".into(),
            embedder_sha256: "ab".into(),
            preparation: "none".into(),
            length,
        },
    };
    for (person, (name, looks)) in people.iter().enumerate() {
        for (number, look) in looks.iter().enumerate() {
            let embedding = Embedding::new(look.clone()).expect("unit");
            let path = PathBuf::from(format!("{name}/{number}"));
            let (quality, measures) = (Quality::GOOD, Measures { norm: 0.0, confidence: 0.0 });
            set.samples.push(Sample {
                person,
                path,
                quality,
                embedding,
                measures,
                bordered: false,
                believed: true,
            });
            set.losses.pictures += 1;
        }
    }
    set
}
