//! People walk up to a door: how many of them does it open for, how soon, and for whom else? Films of people in a room
//! ([`film`]) go through the daemon's own pipeline, which is asked to look as facelatch-door asks it
//! ([`facelatch_door::looks`]), by a clock that only the frames move ([`stage`]).
//!
//! Everybody of one half of the people is enrolled with five pictures; their other pictures make the films, and the other half
//! are strangers. The pictures are cut out and pasted: there is no body, no shadow, and no light of the room on the face.

pub mod canvas;
pub mod film;
pub mod stage;
mod table;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use facelatch::camera::grey::Grey;
use facelatch::camera::{Frame, FrameSource, GLANCE_CELLS};
use facelatch::clock::{BootTime, Clock};
use facelatch::config::{AttackLevel, Config};
use facelatch::detect::Detector;
use facelatch::detect::geometry;
use facelatch::detect::motion::Motion;
use facelatch::people::access::DoorName;
use facelatch::people::{Account, Accounts, UserName};
use facelatch::pipeline::{
    Attempt, Cause, DenyReason, EnrollError, EnrollRequest, Networks, Pipeline, Rules, Verdict,
};
use facelatch::store::{Template, TemplateStore};
use facelatch_door::clock::Moment;
use facelatch_door::looks::Looks;
use facelatch_lab::Picture;
use facelatch_wire::Outcome;

use super::attack::store::MemoryStore;
use super::people::{People, Person};
use super::{RatesError, cores, picture};
use canvas::Cutout;
use film::{FPS, Film, Kind, SIZE};
use stage::Stage;
pub use table::markdown;

/// Pictures that everybody is enrolled from.
pub const ENROLLED_FROM: usize = 5;

/// The least number of others, for the films.
const SHOWN: usize = 3;

/// A head is turned from here on, in eye distances.
const TURNED: f32 = 0.25;

/// The camera is glanced at this often while nobody asks: does something move, and is a face in sight?
const WATCH: Duration = Duration::from_millis(250);

/// Loads the networks, with what a level needs.
pub type Load<'a> = &'a (dyn Fn(AttackLevel) -> Result<Networks, RatesError> + Sync);

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// People who are enrolled.
    pub people: usize,
    /// People passed over.
    pub skip: usize,
    /// How long the board works on a frame.
    pub work: Duration,
    /// Everything random comes from it.
    pub seed: u64,
}

/// How one film ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ended {
    /// Which it was.
    pub kind: Kind,
    /// With what against attacks.
    pub level: AttackLevel,
    /// When a frame showed the first face that the daemon takes for usable, in seconds of the film.
    pub usable: Option<f32>,
    /// What the door did.
    pub visit: Visit,
}

/// What a door did during a film.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Visit {
    /// When it opened, in seconds of the film.
    pub opened: Option<f32>,
    /// Whether for somebody else than the person in it.
    pub for_another: bool,
    /// Looks.
    pub looks: usize,
    /// Of them, those that took it for an attack.
    pub attacks: usize,
}

/// What came of all.
#[derive(Debug, Default)]
pub struct Walks {
    /// People enrolled.
    pub enrolled: usize,
    /// People who could not be.
    pub not_enrolled: usize,
    /// Every film.
    pub films: Vec<Ended>,
}

/// Somebody with their pictures.
struct Somebody {
    name: UserName,
    enrolment: Vec<Cutout>,
    others: Vec<Cutout>,
}

/// Measures the people in a folder.
///
/// # Errors
/// [`RatesError`]: too few people with enough pictures, or a network fails. `tell` hears what was done, of what.
pub fn measure(
    source: &Path,
    plan: &Plan,
    load: Load<'_>,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Walks, RatesError> {
    let found = People::load(source)?;
    let (chosen, strangers) = halves(&found, source, plan)?;
    let steps = chosen.len() * 2 + strangers.len();
    let mut done = 0;
    let store = Arc::new(MemoryStore::default());
    let mut walks = Walks::default();
    let mut people = Vec::new();
    let everybody =
        chosen.iter().map(|person| (true, *person)).chain(strangers.iter().map(|person| (false, *person)));
    cores::each(
        everybody.enumerate(),
        |(number, (is_owner, person))| {
            let networks = load(AttackLevel::Off)?;
            let somebody = somebody(&networks.detector, person, number)?;
            let enrolled = if is_owner { enrol(networks, &somebody)? } else { Vec::new() };
            Ok::<_, RatesError>((number, is_owner, somebody, enrolled))
        },
        |one| {
            let (number, is_owner, somebody, enrolled) = one?;
            if is_owner && enrolled.is_empty() {
                walks.not_enrolled += 1;
            } else {
                store.add(&enrolled).map_err(|e| RatesError::Asked(e.to_string()))?;
                people.push((number, is_owner, somebody));
            }
            done += 1;
            tell(done, steps);
            Ok(())
        },
    )?;
    people.sort_by_key(|(number, ..)| *number);
    let (owners, strangers): (Vec<_>, Vec<_>) = people.into_iter().partition(|(_, is_owner, _)| *is_owner);
    walks.enrolled = owners.len();
    if owners.is_empty() || strangers.is_empty() {
        return Err(RatesError::data(source, "nobody could be enrolled"));
    }
    let pairs = owners.iter().zip(strangers.iter().cycle());
    cores::each(
        pairs.enumerate(),
        |(number, ((_, _, owner), (_, _, stranger)))| films(owner, stranger, number, &store, plan, load),
        |films| {
            walks.films.extend(films?);
            done += 1;
            tell(done, steps);
            Ok(())
        },
    )?;
    Ok(walks)
}

/// People with enough pictures: one half to enrol, the other strangers.
fn halves<'p>(
    found: &'p People,
    source: &Path,
    plan: &Plan,
) -> Result<(Vec<&'p Person>, Vec<&'p Person>), RatesError> {
    let enough = |person: &&Person| person.pictures.len() >= ENROLLED_FROM + SHOWN;
    let mut chosen: Vec<&Person> =
        found.people.iter().filter(enough).skip(plan.skip).take(2 * plan.people).collect();
    if chosen.len() < 2 {
        let why = format!("holds fewer than two people with {} pictures each", ENROLLED_FROM + SHOWN);
        return Err(RatesError::data(source, why));
    }
    let strangers = chosen.split_off(chosen.len() / 2);
    Ok((chosen, strangers))
}

/// A person's pictures, with the largest face of each; those without are left out.
fn somebody(detector: &Detector, person: &Person, number: usize) -> Result<Somebody, RatesError> {
    let mut cutouts = Vec::new();
    for file in &person.pictures {
        let Ok(read) = picture::read(&file.path) else { continue };
        let Ok(frame) = picture::frame(&read) else { continue };
        if let Some(face) = detector.detect(&frame)?.first() {
            cutouts.push(Cutout { picture: read, face: face.bbox, yaw: geometry::yaw(face) });
        }
    }
    let name = UserName::new(&format!("p{number}")).map_err(|e| RatesError::Asked(e.to_string()))?;
    let others = cutouts.split_off(ENROLLED_FROM.min(cutouts.len()));
    Ok(Somebody { name, enrolment: cutouts, others })
}

/// Templates of a person, from their first pictures shown in turn before a grey wall. Empty if they cannot be enrolled.
fn enrol(networks: Networks, somebody: &Somebody) -> Result<Vec<Template>, RatesError> {
    let (stage, store) = (Stage::new(Duration::ZERO), Arc::new(MemoryStore::default()));
    let mut pipeline = pipeline(networks, &stage, &store, AttackLevel::Off);
    let cutouts = somebody.enrolment.clone();
    if cutouts.is_empty() {
        return Ok(Vec::new());
    }
    let wall =
        Picture::new(SIZE.0, SIZE.1, vec![120; (SIZE.0 * SIZE.1 * 3) as usize]).map_err(RatesError::Asked)?;
    let render = move |index: usize| {
        let mut canvas = canvas::Canvas::of(&wall);
        canvas.person(&cutouts[index / 5 % cutouts.len()], (320.0, 220.0), 130.0, [70; 3])?;
        Ok(canvas.developed(index as u64))
    };
    stage.play((30.0 * FPS) as usize, Box::new(render));
    let request = EnrollRequest {
        user: somebody.name.clone(),
        account: Account::Door,
        label: String::new(),
        templates: ENROLLED_FROM,
        camera: None,
        allow_child: false,
    };
    match pipeline.enroll(request, &mut |_| ControlFlow::Continue(())) {
        Ok(_) => store.templates(None).map_err(|e| RatesError::Asked(e.to_string())),
        Err(EnrollError::Unavailable(Cause::Failed(why))) => Err(RatesError::Asked(why)),
        Err(_) => Ok(Vec::new()),
    }
}

fn pipeline(networks: Networks, stage: &Stage, store: &Arc<MemoryStore>, level: AttackLevel) -> Pipeline {
    let mut config = Config::default();
    config.attack.level = level;
    let (camera, clock) = (Box::new(stage.clone()), Arc::new(stage.clone()));
    let camera = facelatch::pipeline::Camera::new(&config.camera, camera);
    Pipeline::new(networks, Rules::of(&config), camera, clock, store.clone(), Arc::new(|| 0))
}

/// All films of one person and a stranger, with each level.
fn films(
    owner: &Somebody,
    stranger: &Somebody,
    number: usize,
    store: &Arc<MemoryStore>,
    plan: &Plan,
    load: Load<'_>,
) -> Result<Vec<Ended>, RatesError> {
    let seed = plan.seed.wrapping_add(number as u64);
    let room = Arc::new(facelatch_lab::room(SIZE, seed).map_err(RatesError::Asked)?);
    let watching = load(AttackLevel::Off)?;
    let mut doors = Vec::new();
    for level in [AttackLevel::Off, AttackLevel::Passive] {
        let stage = Stage::new(plan.work);
        let pipeline = pipeline(load(level)?, &stage, store, level);
        let name = DoorName::new("front").map_err(|e| RatesError::Asked(e.to_string()))?;
        doors.push(Door { level, name, pipeline, stage, motion: Motion::default() });
    }
    let mut ended = Vec::new();
    for (kind, _) in Kind::ALL {
        let Some(people) = cast(kind, owner, stranger) else { continue };
        let film = Arc::new(Film::new(kind, room.clone(), seed, people));
        let usable = first_usable(&watching, &film)?;
        for door in &mut doors {
            let film = film.clone();
            door.stage.play(kind.frames(), Box::new(move |index| film.frame(index)));
            let visit = door.visit(&watching.detector, &owner.name)?;
            ended.push(Ended { kind, level: door.level, usable, visit });
        }
    }
    Ok(ended)
}

/// Who is in a film; `None` where there is no picture for it.
fn cast(kind: Kind, owner: &Somebody, stranger: &Somebody) -> Option<Vec<Vec<Cutout>>> {
    let all = |somebody: &Somebody| (!somebody.others.is_empty()).then(|| somebody.others.clone());
    Some(match kind {
        Kind::WalkUp | Kind::Hurries | Kind::FarAway | Kind::OwnPoster => vec![all(owner)?],
        Kind::Stranger | Kind::Poster => vec![all(stranger)?],
        Kind::Two => vec![all(owner)?, all(stranger)?],
        Kind::LooksAway => {
            let turned: Vec<Cutout> =
                owner.others.iter().filter(|cutout| cutout.yaw >= TURNED).cloned().collect();
            if turned.is_empty() {
                return None;
            }
            vec![turned]
        }
    })
}

/// When the first frame shows a face that passes the daemon's limits.
fn first_usable(networks: &Networks, film: &Film) -> Result<Option<f32>, RatesError> {
    let gate = Config::default().quality.at_door();
    for index in 0..film.kind().frames() {
        let frame = frame(film, index)?;
        let faces = networks.detector.detect(&frame)?;
        if networks.embedder.examine(&gate, &frame, &faces, &mut |_| ())?.is_ok() {
            return Ok(Some(index as f32 / FPS));
        }
    }
    Ok(None)
}

fn frame(film: &Film, index: usize) -> Result<Frame, RatesError> {
    let rgb = film.frame(index).map_err(RatesError::Asked)?;
    Frame::new(SIZE.0, SIZE.1, rgb, BootTime::default()).map_err(|e| RatesError::Asked(e.to_string()))
}

/// A camera that stays where it is: what the daemon learned of the room in one film it knows in the next.
struct Door {
    level: AttackLevel,
    name: DoorName,
    pipeline: Pipeline,
    stage: Stage,
    motion: Motion,
}

impl Door {
    /// Looks at a film to its end, or until the door opens.
    fn visit(&mut self, watching: &Detector, owner: &UserName) -> Result<Visit, RatesError> {
        let (mut looks, mut visit) = (Looks::default(), Visit::default());
        while !self.stage.is_over() {
            // What the daemon does while nobody asks it to look: a glance every WATCH.
            let now = self.stage.now();
            let Ok(seen) = self.stage.next_frame(now.after(Duration::from_secs(1))) else { break };
            let moves = self.motion.see(&Grey::of(&seen, GLANCE_CELLS)).is_motion();
            if moves && !watching.detect(&seen)?.is_empty() {
                looks.sight(moment(&self.stage));
            }
            if !looks.begin(moment(&self.stage)) {
                self.stage.skip(WATCH.saturating_sub(self.stage.now().since(now)));
                continue;
            }
            visit.looks += 1;
            let mut go_on = |_| ControlFlow::Continue(());
            let Attempt { verdict, .. } =
                self.pipeline.identify(None, Some(&self.name), &Accounts::default(), &mut go_on);
            self.stage.finish();
            let outcome = outcome(&verdict)?;
            visit.attacks += usize::from(outcome == Outcome::Attack);
            looks.ended(Some(outcome), moment(&self.stage));
            if let Verdict::Granted(grant) = verdict {
                visit.opened = Some(self.stage.now().since(self.stage.start()).as_secs_f32());
                visit.for_another = grant.user() != owner;
                break;
            }
        }
        Ok(visit)
    }
}

fn moment(stage: &Stage) -> Moment {
    Moment(stage.now().0)
}

/// As the daemon tells it.
fn outcome(verdict: &Verdict) -> Result<Outcome, RatesError> {
    Ok(match verdict {
        Verdict::Granted(_) | Verdict::Matched(_) => Outcome::Match,
        Verdict::Denied(DenyReason::NoMatch) => Outcome::NoMatch,
        Verdict::Denied(DenyReason::Ambiguous) => Outcome::Ambiguous,
        Verdict::Denied(DenyReason::Attack(_)) => Outcome::Attack,
        Verdict::Denied(_) => Outcome::Wait,
        Verdict::Unavailable(Cause::Retry(reason)) => (*reason).into(),
        // The film has ended.
        Verdict::Unavailable(Cause::Camera(_)) => Outcome::CameraUnavailable,
        Verdict::Unavailable(cause) => return Err(RatesError::Asked(format!("a look failed: {cause:?}"))),
    })
}
