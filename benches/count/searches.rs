//! N searches of three frames among 5,000 templates, five of each person, to count what one costs: `searches user|stranger N` with
//! two N, under something that counts instructions (benches/README.md); the difference is that of the searches.
//!
//! The faces are drawn: people at random, their pictures around them as those of LFW scatter, with a cosine of 0.6. Prints for how
//! many people and templates the formula was computed.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail};
use facelatch::config::{AttackLevel, Config};
use facelatch::embed::{Embedding, KeyedEmbedding, KeyedRows, TemplateKey};
use facelatch::head::KeyedHead;
use facelatch::head::project::SplitMix64;
use facelatch::judge::{Policy, Search, shortlist, vote};
use facelatch::pipeline::Networks;

const PEOPLE: usize = 1000;
const TEMPLATES: usize = 5;
const FRAMES: usize = 3;

/// Length of what a picture differs from the person by, whose own is 1: 1 / (1 + 0.816^2) = 0.6.
const SCATTER: f32 = 0.816;

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let (who, count) = words.next().zip(words.next()).context("usage: searches user|stranger N")?;
    let count: usize = count.parse()?;
    let mut config = Config::default();
    config.models.folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    config.attack.level = AttackLevel::Off;
    let networks = Networks::load(&config.models, &config.detect, &config.attack)?;
    let key = TemplateKey::draw(&[7; 32], networks.head.key_kind(), networks.head.length());
    let (head, mut random) = (networks.head.for_key(&key), SplitMix64(5));
    let length = networks.head.length();
    let mut rows = KeyedRows::with_capacity(key.id(), length, PEOPLE * TEMPLATES);
    let people: Vec<Vec<f32>> = (0..PEOPLE).map(|_| direction(length, &mut random)).collect();
    for person in &people {
        for _ in 0..TEMPLATES {
            rows.push(&key.apply(&picture(person, &mut random)?))?;
        }
    }
    let mut sums = [0; 2];
    for n in 0..count {
        let person = match who.as_str() {
            "user" => people[n * 7 % PEOPLE].clone(),
            "stranger" => direction(length, &mut random),
            other => bail!("{other} is nobody: user or stranger"),
        };
        let probes = (0..FRAMES).map(|_| Ok(key.apply(&picture(&person, &mut random)?)));
        let probes: Vec<KeyedEmbedding> = probes.collect::<Result<_>>()?;
        sums.iter_mut().zip(search(&head, &probes, &rows)?).for_each(|(sum, one)| *sum += one);
    }
    let [people, templates] = sums.map(|sum| sum as f64 / count.max(1) as f64);
    writeln!(std::io::stdout(), "a search: {templates:.1} templates, of {people:.1} people")?;
    Ok(())
}

/// As the daemon's pipeline searches. Of how many people a template was computed, and how many templates.
fn search(head: &KeyedHead, probes: &[KeyedEmbedding], rows: &KeyedRows) -> Result<[usize; 2]> {
    let people: Vec<Range<usize>> =
        (0..PEOPLE).map(|person| person * TEMPLATES..(person + 1) * TEMPLATES).collect();
    let (projected, mut begun, mut count) = (vote::project(head, probes)?, BTreeSet::new(), 0);
    let mut search = Search::new(head, probes, rows)?;
    let most: Vec<_> = people.iter().map(|rows| search.at_most(rows)).collect();
    let policy = Policy::identify(head.threshold(), PEOPLE);
    let computed = shortlist(
        most,
        |_| true,
        policy,
        |who| {
            search.step(&people[who], |row| {
                count += 1;
                begun.insert(who);
                vote::of_template(head, &projected, &rows.copy(row..row + 1)[0])
            })
        },
    )?;
    std::hint::black_box(computed);
    Ok([begun.len(), count])
}

fn direction(length: usize, random: &mut SplitMix64) -> Vec<f32> {
    // The sum of twelve is nearly normal.
    let normal = |random: &mut SplitMix64| (0..12).map(|_| random.uniform() as f32).sum::<f32>() - 6.0;
    let values: Vec<f32> = (0..length).map(|_| normal(random)).collect();
    let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.into_iter().map(|value| value / norm).collect()
}

fn picture(person: &[f32], random: &mut SplitMix64) -> Result<Embedding> {
    let noise = direction(person.len(), random);
    let values = person.iter().zip(noise).map(|(value, noise)| value + SCATTER * noise);
    Embedding::new(values.collect()).context("two opposite directions")
}
