//! Which variants are measured.

use super::faces::Face;
use super::way::{Again, Fusion, View};
use super::*;
use crate::{cores, trials};

/// A variant that needs no other people.
struct Named {
    variant: String,
    way: Way,
    cost: Cost,
}

/// Measures all variants; `tell` is called with what is being computed.
///
/// # Errors
/// [`RatesError::Asked`] where there are too few people or pictures.
pub fn variants(material: &Material<'_>, tell: &mut dyn FnMut(&str)) -> Result<Vec<Row>, RatesError> {
    let threshold = material.head.threshold().log_odds().0;
    tell("h of all pictures");
    let faces = Faces::new(material.plain, material.mirrored, material.head)?;
    tell("ways");
    let named = ways(material.shape);
    let mut all = cores::map(named.iter(), |named| one(material, &faces, named, threshold))
        .into_iter()
        .collect::<Result<Vec<Decided>, RatesError>>()?;
    let allowed = |shipped: &Scored| Curve::new(shipped).false_matches(threshold);
    let among_all = all.first().map_or(0, |shipped| allowed(&shipped.scored));
    let halves = halves(material.plain.people.len(), SEED);
    if let Some(others) = material.background {
        tell("background");
        all.extend(with_background(material, &faces, others)?);
    }
    let mut rows: Vec<Row> = cores::map(all.iter(), |decided| decided.row(&halves, among_all));
    tell("metrics");
    if let Some(others) = material.background {
        for shrink in [0.95, 0.8] {
            let plan = metric(shrink);
            let learnt = plan.learn(others, &|_| true)?;
            let scored = by_metric(material, &learnt, &|_| true)?;
            let name = format!("{}, fitted on the background", plan.name);
            rows.push(of_metric(name, scored).row(&halves, among_all));
        }
    }
    rows.extend(on_halves(material, &halves, &faces, threshold)?);
    Ok(rows)
}

/// The ways, the daemon's first.
fn ways(shape: Shape) -> Vec<Named> {
    let (frames, runs) = (shape.frames as f64, Cost { template_runs: 1.0, ..Cost::default() });
    let each = Cost { genuine_runs: frames, impostor_runs: frames, ..Cost::default() };
    let way = |templates, frames, fusion, again| Way { templates, frames, fusion, again };
    let named = |variant: &str, way, cost| Named { variant: variant.to_owned(), way, cost };
    let (plain, both, best) = (View::Plain, View::Both, Fusion::Best(2));
    let mut ways = vec![
        named("as shipped: each frame against the 2 best templates", Way::SHIPPED, Cost::default()),
        named("mirrored in the template", way(both, plain, best, None), runs),
        named("mirrored in the frame", way(plain, both, best, None), each),
        named("mirrored in both", way(both, both, best, None), Cost { template_runs: 1.0, ..each }),
    ];
    for (kept, cost, where_kept) in [(plain, Cost::default(), "plain"), (both, runs, "mirrored")] {
        for (again, what) in [
            (Again::NearMiss(3.0), "frame mirrored after a miss by less than 3"),
            (Again::Unsure(3.0), "frame mirrored within 3 of the threshold"),
        ] {
            ways.push(named(
                &format!("{what}, {where_kept} template"),
                way(kept, plain, best, Some(again)),
                cost,
            ));
        }
    }
    for (fusion, what) in [
        (Fusion::Best(1), "the best template"),
        (Fusion::Best(3), "the 3 best templates"),
        (Fusion::Best(usize::MAX), "all templates"),
        (Fusion::MeanTemplate, "the mean template"),
        (Fusion::WeightedTemplate, "the mean template, each weighted by its norm"),
        (Fusion::OneMore, "the 2 best templates, their mean being one more"),
        (Fusion::MeanFrame, "the mean frame against the 2 best templates"),
        (Fusion::MeanFrameOneMore, "the mean frame, the mean template being one more"),
        (Fusion::Means, "the mean frame against the mean template"),
        (Fusion::WeightedFrames, "frames weighted by norm"),
        (Fusion::BestFrame, "the best frame"),
    ] {
        ways.push(named(what, way(plain, plain, fusion, None), Cost::default()));
    }
    ways.push(named("the mean template, mirrored in it", way(both, plain, Fusion::MeanTemplate, None), runs));
    ways.push(named(
        "all templates, mirrored in each",
        way(both, plain, Fusion::Best(usize::MAX), None),
        runs,
    ));
    ways
}

/// One way's decisions.
fn one(material: &Material<'_>, faces: &Faces, named: &Named, threshold: f32) -> Result<Decided, RatesError> {
    let (way, formula) = (named.way, material.head.formula());
    let rule = |t: &[usize], f: &[usize]| way.decide(faces, (formula, threshold), t, f);
    let scored = decided(material, &|_| true, &rule)?;
    let mut cost = named.cost;
    if let Some(again) = way.again {
        let first = Way { again: None, ..way };
        let first = decided(material, &|_| true, &|t, f| first.decide(faces, (formula, threshold), t, f))?;
        let share = |trials: &[Trial]| {
            let wanted = trials.iter().filter(|t| again.wanted(t.z, threshold)).count();
            wanted as f64 / trials.len().max(1) as f64 * material.shape.frames as f64
        };
        (cost.genuine_runs, cost.impostor_runs) = (share(&first.genuine), share(&first.impostor));
    }
    let variant = named.variant.clone();
    Ok(Decided { variant, cost, scored, threshold: Some(threshold), fixed: way.again.is_some() })
}

/// Scores normalised by these people.
fn with_background(material: &Material<'_>, faces: &Faces, others: &Set) -> Result<Vec<Decided>, RatesError> {
    let pictures = material.plain.samples.len();
    let z = |t: usize, f: usize| faces.score(Face(View::Plain, t), Face(View::Plain, f));
    let mut all = Vec::new();
    for (nearest, what) in [(usize::MAX, "all"), (50, "the nearest 50"), (10, "the nearest 10")] {
        let background = Background::new(material.head, others, faces, pictures, nearest);
        let normalised = |t: usize, f: usize| background.normalised(z(t, f), t, f);
        let centred = |t: usize, f: usize| background.centred(z(t, f), t, f);
        let comparisons = (others.samples.len() * material.shape.frames) as f64;
        for (name, score) in [("normalised", &normalised as trials::Score<'_>), ("centred", &centred)] {
            let scored = decided(material, &|_| true, &|t, f| trials::decide(t, f, score))?;
            let variant = format!("scores {name} by {what} of the background");
            let cost = Cost { comparisons, ..Cost::default() };
            all.push(Decided { variant, cost, scored, threshold: None, fixed: false });
        }
    }
    Ok(all)
}

/// Decisions under a fitted head, among the people kept.
fn by_metric(
    material: &Material<'_>,
    learnt: &Learnt,
    keep: &dyn Fn(usize) -> bool,
) -> Result<Scored, RatesError> {
    let table = learnt.table(material.plain);
    let z = |t: usize, f: usize| table.at(t, f);
    decided(material, keep, &|t, f| trials::decide(t, f, &z))
}

/// A metric costs nothing: the daemon's head multiplies each face by a matrix already, for its template key.
fn of_metric(variant: String, scored: Scored) -> Decided {
    Decided { variant, cost: Cost::default(), scored, threshold: None, fixed: false }
}

/// Metrics that are fitted on one half of the people and measured on the other, and the daemon's way within the same halves.
/// Two heads have two scales, so rates are means of those of both halves.
fn on_halves(
    material: &Material<'_>,
    halves: &[usize],
    faces: &Faces,
    threshold: f32,
) -> Result<Vec<Row>, RatesError> {
    if halves.len() < 2 * FEWEST {
        return Ok(Vec::new());
    }
    let formula = material.head.formula();
    let rule = |t: &[usize], f: &[usize]| Way::SHIPPED.decide(faces, (formula, threshold), t, f);
    let daemons = [0, 1].map(|tested| decided(material, &|person| halves[person] == tested, &rule));
    // Too few people with enough pictures in one half.
    let [Ok(one), Ok(other)] = daemons else { return Ok(Vec::new()) };
    let allowed = [&one, &other].map(|scored| Curve::new(scored).false_matches(threshold));
    let mut rows = vec![mean_row("as shipped, within halves", [one, other], allowed)];
    for shrink in [0.95, 0.8, 0.6] {
        let plan = metric(shrink);
        let tested = |tested: usize| {
            let learnt = plan.learn(material.plain, &|person| halves[person] != tested)?;
            by_metric(material, &learnt, &|person| halves[person] == tested)
        };
        let name = format!("{}, fitted on the other half", plan.name);
        rows.push(mean_row(&name, [tested(0)?, tested(1)?], allowed));
    }
    Ok(rows)
}

/// One row of two halves; the daemon has so many false matches `allowed` in each.
fn mean_row(name: &str, halves: [Scored; 2], allowed: [usize; 2]) -> Row {
    let [one, other] = halves.map(|scored| of_metric(name.to_owned(), scored));
    let [one, other] = [one.row(&[], allowed[0]), other.row(&[], allowed[1])];
    let mean = |a: Option<f64>, b: Option<f64>| Some(f64::midpoint(a?, b?));
    Row {
        genuine: one.genuine + other.genuine,
        impostor: one.impostor + other.impostor,
        eer: mean(one.eer, other.eer),
        tar: std::array::from_fn(|at| mean(one.tar[at], other.tar[at])),
        fnmr_at_shipped_fmr: mean(one.fnmr_at_shipped_fmr, other.fnmr_at_shipped_fmr),
        ..one
    }
}
