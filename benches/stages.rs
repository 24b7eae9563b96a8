//! Times each stage, a whole attempt, and frames from their bytes to the embedding: `cargo bench`. Frames are bundled pictures, 640
//! pixels on the longer side. Where `LIBJPEG` names the program of benches/count/libjpeg.c, it decodes the frames in the same rounds.
//!
//! Run it on an idle machine; compare within one run, not across machines.
#![allow(clippy::print_stdout, clippy::disallowed_methods, missing_docs)]

use std::hint::black_box;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use facelatch::camera::decode::{Layout, PixelFormat, decode};
use facelatch::camera::scale::{Interpolation, scaled};
use facelatch::camera::{Frame, replay::Replay};
use facelatch::clock::{BootTime, SystemClock, WallTime};
use facelatch::config::{AttackLevel, Config};
use facelatch::detect::Face;
use facelatch::embed::{Embedding, KeyedEmbedding, KeyedRows, TemplateKey, align};
use facelatch::judge::{Admission, Evidence, Policy, Search, judge, shortlist, vote};
use facelatch::people::access::Factor;
use facelatch::people::{Account, Accounts, UserName};
use facelatch::pipeline::{Camera, EnrollRequest, Networks, Pipeline, Rules, Verdict};
use facelatch::store::{KeySource, Vault, VaultOptions};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};

const ENROLMENT: [&str; 5] =
    ["obama-enrol-1.jpg", "obama-enrol-2.jpg", "obama-enrol-3.jpg", "obama-enrol-4.jpg", "obama-enrol-5.jpg"];
const VISIT: [&str; 3] = ["obama-3.jpg", "obama-3b.jpg", "obama-3c.jpg"];

/// Templates per person, as configured by default.
const TEMPLATES: usize = 5;

fn picture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/faces").join(name)
}

fn config() -> Config {
    let mut config = Config::default();
    config.models.folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    config
}

fn networks(config: &Config) -> Networks {
    Networks::load(&config.models, &config.detect, &config.attack).expect("models are in the repository")
}

fn jpeg(bytes: &[u8]) -> Frame {
    let layout = Layout { format: PixelFormat::Mjpeg, width: 0, height: 0 };
    decode(layout, bytes, BootTime::default()).expect("bundled pictures decode")
}

/// A frame and the face in it.
fn seen(networks: &Networks, name: &str) -> (Frame, Face) {
    let frame = jpeg(&std::fs::read(picture(name)).expect("bundled"));
    let face = networks.detector.detect(&frame).expect("detector runs").remove(0);
    (frame, face)
}

fn stages(c: &mut Criterion) {
    let networks = networks(&config());
    let Networks { detector, embedder, head, .. } = &networks;
    let bytes = std::fs::read(picture(VISIT[0])).expect("bundled");
    let (frame, face) = seen(&networks, VISIT[0]);
    let (width, height) = (640, 480);
    let yuyv = vec![128; width * height * 2];
    let layout = Layout { format: PixelFormat::Yuyv, width: width as u32, height: height as u32 };
    let chip = align::align(&frame, &face);
    let look = |name: &&str| {
        let (frame, face) = seen(&networks, name);
        embedder.embed_face(&frame, &face).expect("embedder runs").embedding
    };
    let probes: Vec<Embedding> = VISIT.iter().map(look).collect();
    let templates: Vec<Embedding> = ENROLMENT.iter().map(look).collect();

    let mut group = c.benchmark_group("stage");
    group.bench_function("decode_mjpeg", |b| b.iter(|| jpeg(black_box(&bytes))));
    group.bench_function("decode_yuyv", |b| b.iter(|| decode(layout, black_box(&yuyv), BootTime::default())));
    group.bench_function("detect", |b| b.iter(|| detector.detect(black_box(&frame))));
    group.bench_function("align", |b| b.iter(|| align::align(black_box(&frame), &face)));
    group.bench_function("embed", |b| b.iter(|| embedder.embed(black_box(&chip))));
    group.bench_function("score_pair", |b| b.iter(|| head.probability(black_box(&probes[0]), &templates[0])));
    let key = TemplateKey::draw(&[7; 32], head.key_kind(), head.length());
    let keyed = |faces: &[Embedding]| faces.iter().map(|face| key.apply(face)).collect::<Vec<_>>();
    let (keyed_head, probes, templates) = (head.for_key(&key), keyed(&probes), keyed(&templates));
    group.bench_function("decision_3_frames_5_templates", |b| {
        b.iter(|| vote::decide(&keyed_head, black_box(&probes), &templates));
    });
    let z = vote::decide(&keyed_head, &probes, &templates).expect("one key").expect("there are both");
    let evidence = Evidence { user: UserName::new("alice").expect("valid"), z, second: None };
    group.bench_function("judge", |b| {
        let (policy, admission) = (Policy::verify(head.threshold()), Admission::Allowed(Factor::Face));
        b.iter_batched(
            || evidence.clone(),
            |evidence| judge(evidence, policy, admission, BootTime::default()),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// Three frames against everyone, as in an identification: one thread.
fn scan(c: &mut Criterion) {
    let networks = networks(&config());
    let length = networks.embedder.length();
    let head = &networks.head;
    let key = TemplateKey::draw(&[7; 32], head.key_kind(), length);
    let head = head.for_key(&key);
    // Any unit vectors cost the same; these come from a linear congruential generator.
    let mut state = 1_u32;
    let mut random = || {
        let values = (0..length).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        });
        key.apply(&Embedding::new(values.collect()).expect("not zero"))
    };
    let mut group = c.benchmark_group("scan");
    group.sample_size(10);
    for count in [1_000, 5_000, 100_000] {
        let everybody: Vec<KeyedEmbedding> = (0..count).map(|_| random()).collect();
        let (user, stranger) = (everybody[count / 2].clone(), random());
        let mut rows = KeyedRows::with_capacity(key.id(), length, count);
        everybody.iter().for_each(|template| rows.push(template).expect("one key"));
        let people: Vec<Range<usize>> =
            (0..count / TEMPLATES).map(|at| at * TEMPLATES..(at + 1) * TEMPLATES).collect();
        let policy = Policy::identify(head.threshold(), people.len());
        group.throughput(Throughput::Elements(count as u64));
        for (name, probe) in [("user", user), ("stranger", stranger)] {
            let probes = vec![probe; VISIT.len()];
            group.bench_with_input(BenchmarkId::new(name, count), &probes, |b, probes| {
                b.iter(|| {
                    let projected = vote::project(&head, black_box(probes)).expect("one key");
                    let mut search = Search::new(&head, probes, &rows).expect("one key");
                    let most: Vec<_> = people.iter().map(|rows| search.at_most(rows)).collect();
                    shortlist(
                        most,
                        |_| true,
                        policy,
                        |who| {
                            search.step(&people[who], |row| {
                                vote::of_template(&head, &projected, &rows.copy(row..row + 1)[0])
                            })
                        },
                    )
                });
            });
        }
    }
    group.finish();
}

/// From the first frame to the verdict, with the real store: three JPEG frames decoded, judged, granted. Without attack
/// detection and with it, and with more threads, attempt by attempt in turns, so that all see the same machine. A busy machine
/// makes the times larger, but hardly the time on the CPU.
fn attempt(_: &mut Criterion) {
    let benchmarked = std::env::args().any(|argument| argument == "--bench");
    let attempts = if benchmarked { 100 } else { 1 };
    let mut kinds = [
        (AttackLevel::Off, 1),
        (AttackLevel::Passive, 1),
        (AttackLevel::Passive, 2),
        (AttackLevel::Passive, 3),
    ]
    .map(|(level, threads)| Kind::new(level, threads));
    for _ in 0..attempts {
        kinds.iter_mut().for_each(Kind::attempt);
    }
    let (load, cores) = (std::fs::read_to_string("/proc/loadavg"), std::thread::available_parallelism());
    let (load, cores) = (load.unwrap_or_default(), cores.map_or(1, std::num::NonZero::get));
    println!("{attempts} attempts of each kind on {cores} cores, load {}", load.trim_end());
    let one = median(&mut kinds[1].times);
    for kind in &mut kinds {
        let (times, on_cpu) = (median(&mut kind.times), median(&mut kind.on_cpu));
        println!(
            "attempt, level {:?}, threads {}: median {times:.1} ms, {:.2} of one thread, least {:.1} ms; on the CPU median \
             {on_cpu:.1} ms, least {:.1} ms",
            kind.level,
            kind.threads,
            times / one,
            kind.times[0],
            kind.on_cpu[0]
        );
    }
}

/// One way to attempt, and how long it took.
struct Kind {
    level: AttackLevel,
    threads: u32,
    pipeline: Pipeline,
    times: Vec<f64>,
    on_cpu: Vec<f64>,
    _folder: tempfile::TempDir,
}

impl Kind {
    fn new(level: AttackLevel, threads: u32) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let pipeline = visitor(level, threads, folder.path());
        Self { level, threads, pipeline, times: Vec::new(), on_cpu: Vec::new(), _folder: folder }
    }

    fn attempt(&mut self) {
        let user = UserName::new("alice").expect("valid");
        let (begun, before) = (Instant::now(), cpu_ms());
        let verified =
            self.pipeline.verify(None, &user, &Accounts::default(), &mut |_| ControlFlow::Continue(()));
        self.times.push(begun.elapsed().as_secs_f64() * 1e3);
        self.on_cpu.push(cpu_ms() - before);
        assert!(matches!(verified.verdict, Verdict::Granted(_)), "{:?}: {:?}", self.level, verified.verdict);
    }
}

/// From the bytes of a frame to the embedding, for a picture of 640x480 and one of 1280x720: time on the CPU of each step, in
/// rounds, so that all see the same machine.
fn frames(_: &mut Criterion) {
    let benchmarked = std::env::args().any(|argument| argument == "--bench");
    let (config, folder) = (config(), tempfile::tempdir().expect("temporary folder"));
    let networks = networks(&config);
    let small = std::fs::read(picture(VISIT[0])).expect("bundled");
    let large = larger(&jpeg(&small));
    let mut totals = Vec::new();
    for (size, bytes) in [("640x480", small), ("1280x720", large)] {
        let file = folder.path().join(size);
        std::fs::write(&file, &bytes).expect("written");
        let mut steps: [Vec<f64>; STEPS.len()] = std::array::from_fn(|_| Vec::new());
        for _ in 0..if benchmarked { 200 } else { 1 } {
            let times = frame(&networks, &config, &bytes, &file);
            steps.iter_mut().zip(times).for_each(|(all, time)| all.push(time));
        }
        let medians = steps.each_mut().map(|times| median(times));
        let told = |(name, (times, median)): (&&str, (&Vec<f64>, &f64))| {
            format!("{name} {:.2} ({median:.2})", times[0])
        };
        let told: Vec<String> = STEPS.iter().zip(steps.iter().zip(&medians)).map(told).collect();
        println!("frame {size}, {} bytes, ms on the CPU, least (median): {}", bytes.len(), told.join(", "));
        totals.push(steps[STEPS.len() - 1][0]);
    }
    println!("frame 1280x720 to 640x480: {:.2}", totals[1] / totals[0]);
}

const STEPS: [&str; 6] = ["libjpeg-turbo", "decode", "detect", "choose", "align and embed", "a frame"];

/// Milliseconds of each of [`STEPS`].
fn frame(networks: &Networks, config: &Config, bytes: &[u8], file: &Path) -> [f64; STEPS.len()] {
    let libjpeg = std::env::var_os("LIBJPEG").map_or(0.0, |program| {
        let told = std::process::Command::new(program).arg(file).arg("3").output().expect("it runs").stdout;
        let times = String::from_utf8_lossy(&told).into_owned();
        // The least of three pictures, in microseconds.
        times.split_whitespace().last().and_then(|us| us.parse::<f64>().ok()).expect("a time") / 1e3
    });
    let mut at = vec![thread_cpu_ms()];
    let seen = jpeg(black_box(bytes));
    at.push(thread_cpu_ms());
    let faces = networks.detector.detect(&seen).expect("detector runs");
    at.push(thread_cpu_ms());
    let face = config.quality.choose(&seen, &faces).expect("a good picture");
    at.push(thread_cpu_ms());
    black_box(networks.embedder.embed_face(&seen, &face).expect("embedder runs"));
    at.push(thread_cpu_ms());
    drop(seen);
    [libjpeg, at[1] - at[0], at[2] - at[1], at[3] - at[2], at[4] - at[3], thread_cpu_ms() - at[0]]
}

/// A JPEG of 1280x720, colours at half their width as cameras send them: the picture at 720 rows, grey beside it.
fn larger(frame: &Frame) -> Vec<u8> {
    let (width, height) = (960, 720);
    let rgb =
        scaled(frame.rgb(), (frame.width(), frame.height()), (width, height), Interpolation::CatmullRom);
    let mut wide = vec![128; 1280 * 720 * 3];
    for (to, from) in
        wide.chunks_exact_mut(1280 * 3).zip(rgb.expect("scaled").chunks_exact(width as usize * 3))
    {
        to[160 * 3..][..from.len()].copy_from_slice(from);
    }
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_2);
    encoder.encode(&wide, 1280, 720, ColorType::Rgb).expect("encoded");
    bytes
}

/// Time that this thread has been on a CPU.
fn thread_cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock of Linux");
    time.num_nanoseconds() as f64 / 1e6
}

/// Sorts them.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Time that this process has been on a CPU, all its threads together.
fn cpu_ms() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("of ourselves");
    let micros = (usage.user_time() + usage.system_time()).num_microseconds();
    micros as f64 / 1e3
}

/// A pipeline that knows alice, who is before its camera.
fn visitor(level: AttackLevel, threads: u32, folder: &Path) -> Pipeline {
    let mut config = config();
    config.attack.level = level;
    config.engine.threads = threads;
    let networks = networks(&config);
    let path = folder.join("store");
    let options = VaultOptions {
        folder: &path,
        keys: KeySource::new(&path, Path::new(""), None),
        embedder_sha256: networks.embedder.model_sha256(),
        template_key: networks.template_key(),
        now: WallTime(0),
    };
    let store = Arc::new(Vault::open(&options).expect("store opens"));
    let clock = Arc::new(SystemClock);
    let pipeline = |networks, pictures: &[&str]| {
        let frames = Box::new(Replay::files(pictures.iter().map(|name| picture(name)), clock.clone()));
        let camera = Camera::new(&config.camera, frames);
        Pipeline::new(networks, Rules::of(&config), camera, clock.clone(), store.clone(), Arc::new(|| 0))
    };
    let request = EnrollRequest {
        user: UserName::new("alice").expect("valid"),
        account: Account::Door,
        label: String::new(),
        templates: TEMPLATES,
        camera: None,
        allow_child: false,
    };
    pipeline(networks, &ENROLMENT)
        .enroll(request, &mut |_| ControlFlow::Continue(()))
        .expect("five good pictures");
    pipeline(self::networks(&config), &VISIT)
}

criterion_group!(benches, stages, frames, scan, attempt);
criterion_main!(benches);
