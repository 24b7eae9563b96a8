//! The daemon as a program: arguments and configuration to [`Parts`], then [`super::run`].

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

use super::enrolled::EnrolledFile;
use super::peer::SystemPeers;
use super::socket::BoundSocket;
use super::{Parts, journal, logging, machine, volatile};
use crate::camera::FrameSource;
use crate::camera::orient::{Orientation, Turned};
use crate::camera::replay::Replay;
use crate::clock::{Clock, SystemClock};
use crate::config::{self, AttackLevel, Config, LatchKind, Refused};
use crate::latch::{Latch, hook::Hook, print::Print};
use crate::memory;
use crate::pipeline::Networks;
use crate::seam::Seams;
use crate::store::audit::{Audit, Entry, Limits};
use crate::store::{Condition, KeySource, TemplateStore, Vault, VaultOptions, portable};

/// The command line.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DaemonArgs {
    /// Configuration file [default: /etc/facelatch/facelatch.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Read pictures from this folder instead of a camera
    #[arg(long, value_name = "DIR")]
    pub replay: Option<PathBuf>,
    /// Listen here
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Keep templates here, and their key in `store.key` beside it
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Folder that holds MODELS.toml
    #[arg(long, value_name = "DIR")]
    pub models: Option<PathBuf>,
}

/// Runs the daemon until SIGTERM or SIGINT. Errors go to stderr as one line.
pub fn main(args: &DaemonArgs) -> ExitCode {
    logging::start();
    memory::keep_private();
    match serve(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(message_id = journal::of_failure(&error), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(args: &DaemonArgs) -> Result<()> {
    let mut config = configuration(args)?;
    config.engine.threads = config.engine.threads.min(cores());
    check_devices(&config)?;
    config.notes().iter().for_each(|note| tracing::warn!("configuration: {note}"));
    // Before the models: a second daemon fails at once.
    let mut sockets = BoundSocket::inherited()?;
    if sockets.is_empty() {
        sockets.push(BoundSocket::new(&config.serve.socket, &config.serve.group)?);
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let networks = Networks::load(&config.models, &config.detect, &config.attack)?;
    let (store, audit) = open_store(&config, &networks, &*clock)?;
    let (frames, infrared) = (camera(&config.camera, &clock)?, infrared_camera(&config, &clock)?);
    let other_frames =
        config.other_cameras.iter().map(|settings| camera(settings, &clock)).collect::<Result<_>>()?;
    let latch: Box<dyn Latch> = match config.latch.kind {
        LatchKind::Hook => {
            Box::new(Hook::new(config.latch.hook.clone(), config.latch.hook_deadline_ms.duration()))
        }
        LatchKind::None | LatchKind::Print => Box::new(Print),
    };
    let (random, store) = (Arc::new(rand::random::<u64>), Arc::new(store));
    let seams = Seams { frames, other_frames, infrared, clock, random, store, latch };
    let peers = Arc::new(SystemPeers::new(config.serve.group.clone(), config.serve.door_group.clone()));
    let addresses: Vec<String> = sockets.iter().map(BoundSocket::address).collect();
    tracing::info!(message_id = journal::STARTED, "listening at {}", addresses.join(", "));
    let listeners = sockets.iter().map(|socket| socket.listener.try_clone());
    let listeners = listeners.collect::<std::io::Result<Vec<_>>>().context("socket: cannot be shared")?;
    let audit = Some(Arc::new(audit));
    let notes = volatile::note(&config.store.folder).map(|note| format!("store: {note}; {}", volatile::FIX));
    notes.iter().for_each(|note| tracing::warn!(message_id = journal::STORE_VOLATILE, "{note}"));
    let attacks = config.attack.note();
    match config.attack.level {
        AttackLevel::Off => tracing::warn!("{attacks}"),
        AttackLevel::Passive | AttackLevel::Challenge => tracing::info!("{attacks}"),
    }
    let notes = notes.into_iter().chain([attacks]).collect();
    let enrolled = EnrolledFile::from_systemd(sockets.iter().any(BoundSocket::is_for_all));
    memory::forget_loading();
    super::run(listeners, Parts { config, networks, seams, peers, audit, notes, enrolled }, asked_to_stop())?;
    tracing::info!("stopped");
    Ok(())
}

/// Cores that this process may use; one if that is not known.
fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
}

/// The store, verified and repaired, and the audit log beside it.
fn open_store(config: &Config, networks: &Networks, clock: &dyn Clock) -> Result<(Vault, Audit)> {
    let config::Store { folder, key, audit_file_kb, audit_files, .. } = &config.store;
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
    let store = Vault::open(&VaultOptions {
        folder,
        keys: KeySource::new(folder, key, credentials.as_deref()),
        embedder_sha256: networks.embedder.model_sha256(),
        template_key: networks.template_key(),
        now: clock.wall(),
    })?;
    // A disk that is full must not keep everybody out.
    if let Err(error) = store.meet(machine::here(Path::new("/"))) {
        tracing::warn!("store: which machine this is cannot be noted: {error}");
    }
    store.moved().iter().for_each(|note| tracing::warn!(message_id = journal::MACHINE_CHANGED, "{note}"));
    let limits = Limits { file_bytes: u64::from(*audit_file_kb) << 10, files: *audit_files as usize };
    let audit =
        Audit::open(&folder.join("audit"), &store, limits, clock.wall()).map_err(anyhow::Error::msg)?;
    let health = store.health();
    match health.condition {
        // The store has said more about it.
        Condition::Lossy => tracing::error!(message_id = journal::STORE_LOSSY, "store: something is lost"),
        Condition::Restored => {
            tracing::warn!(message_id = journal::STORE_RESTORED, "store: damaged, and whole again");
        }
        Condition::Whole | Condition::Behind => {}
    }
    let (kind, note) = ("start".to_owned(), health.remark());
    audit.record(Entry { time: clock.wall(), kind, note, ..Entry::default() });
    Ok((store, audit))
}

/// The configuration file, overridden by the command line, and checked after that.
pub(super) fn configuration(args: &DaemonArgs) -> Result<Config> {
    let default = Path::new(config::DEFAULT_PATH);
    let path = args.config.as_deref().or_else(|| default.exists().then_some(default));
    let mut config = path.map(Config::load).transpose()?.unwrap_or_default();
    let overrides = [
        (&args.replay, &mut config.camera.replay),
        (&args.socket, &mut config.serve.socket),
        (&args.state, &mut config.store.folder),
        (&args.models, &mut config.models.folder),
    ];
    for (said, field) in overrides {
        if let Some(said) = said {
            field.clone_from(said);
        }
    }
    config.check().and_then(|()| check_recipient(&config.store.export_recipient)).with_context(
        || match path {
            Some(path) => format!("configuration {}, with the options given", path.display()),
            None => "configuration, with the options given".to_owned(),
        },
    )?;
    Ok(config)
}

/// Only `store` can tell whether a public key is one.
fn check_recipient(recipient: &str) -> Result<(), Refused> {
    if recipient.is_empty() || portable::check_recipient(recipient).is_ok() {
        return Ok(());
    }
    let allowed = "a public key as `age-keygen` prints it, age1..., or \"\"".to_owned();
    Err(Refused { key: "store.export_recipient".to_owned(), got: format!("{recipient:?}"), allowed })
}

/// One device has several paths, as links below `/dev/v4l`.
fn check_devices(config: &Config) -> Result<()> {
    let mut found: Vec<(PathBuf, &str)> = Vec::new();
    for camera in config.cameras() {
        // One that is not there now cannot be told.
        let Some(path) = camera.device().and_then(|path| Path::new(path).canonicalize().ok()) else {
            continue;
        };
        if let Some((_, other)) = found.iter().find(|(known, _)| *known == path) {
            let (name, path) = (&camera.name, path.display());
            anyhow::bail!(
                "configuration: cameras {other:?} and {name:?} both read {path}; name another device for one of them"
            );
        }
        found.push((path, &camera.name));
    }
    Ok(())
}

/// What gives the frames of a camera, turned as it is mounted.
pub(super) fn camera(settings: &config::Camera, clock: &Arc<dyn Clock>) -> Result<Box<dyn FrameSource>> {
    let config::Camera { replay, replay_fps, rotate, mirror, .. } = settings;
    let source = if replay.as_os_str().is_empty() {
        live_camera(settings, clock)?
    } else {
        Box::new(Replay::folder(replay, clock.clone()).with_frames_per_second(*replay_fps))
    };
    Ok(Box::new(Turned::new(source, Orientation::new(*rotate, *mirror))))
}

/// The infrared camera beside the first one, mounted like it, if attacks are looked out for with one.
fn infrared_camera(config: &Config, clock: &Arc<dyn Clock>) -> Result<Option<Box<dyn FrameSource>>> {
    let config::Attack { level, infrared, .. } = &config.attack;
    if *level == AttackLevel::Off || infrared.as_os_str().is_empty() {
        return Ok(None);
    }
    let device = infrared.to_str().context("configuration: attack.infrared is no UTF-8")?.to_owned();
    let camera = config::Camera { device, exec: Vec::new(), ..config.camera.clone() };
    let source = live_camera(&camera, clock)?;
    Ok(Some(Box::new(Turned::new(source, Orientation::new(camera.rotate, camera.mirror)))))
}

#[cfg(all(feature = "camera", target_os = "linux"))]
fn live_camera(camera: &config::Camera, clock: &Arc<dyn Clock>) -> Result<Box<dyn FrameSource>> {
    use crate::camera::decode::{Layout, PixelFormat};
    use crate::camera::device::{CommandOptions, Device, DeviceOptions};
    use crate::config::ExecFormat;
    let options = DeviceOptions {
        choice: camera.device.parse().map_err(anyhow::Error::msg)?,
        width: camera.width_px,
        height: camera.height_px,
        skip_frames: camera.skip_frames,
        max_silence: camera.silence_ms.duration(),
    };
    if camera.exec.is_empty() {
        return Ok(Box::new(Device::new(options, clock.clone())));
    }
    let format = match camera.exec_format {
        ExecFormat::Mjpeg => PixelFormat::Mjpeg,
        ExecFormat::Yuv420 => PixelFormat::I420,
        ExecFormat::Nv12 => PixelFormat::Nv12,
        ExecFormat::Yuyv => PixelFormat::Yuyv,
        ExecFormat::Uyvy => PixelFormat::Uyvy,
        ExecFormat::Yvyu => PixelFormat::Yvyu,
        ExecFormat::Grey => PixelFormat::Grey,
    };
    let layout = Layout { format, width: camera.width_px, height: camera.height_px };
    let command = CommandOptions { words: camera.exec.clone(), layout };
    Ok(Box::new(Device::command(command, options, clock.clone())))
}

#[cfg(not(all(feature = "camera", target_os = "linux")))]
fn live_camera(_: &config::Camera, _: &Arc<dyn Clock>) -> Result<Box<dyn FrameSource>> {
    anyhow::bail!("camera: this daemon was built without camera support; use --replay DIR")
}

/// Done at SIGTERM or SIGINT.
async fn asked_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::warn!("signals cannot be handled; only SIGKILL stops this daemon");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::BootTime;

    /// 48 rows of 64 pixels, red on the left and blue on the right, as a file that says to be turned by 180 degrees.
    fn picture() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
        let tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0";
        encoder.add_app_segment(1, [b"Exif\0\0", &tiff[..]].concat()).expect("fits");
        let row = [[250, 0, 0].repeat(32), [0, 0, 250].repeat(32)].concat();
        encoder.encode(&row.repeat(48), 64, 48, jpeg_encoder::ColorType::Rgb).expect("encodes");
        bytes
    }

    #[test]
    fn one_device_under_two_names_is_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("video0"), "").expect("written");
        std::os::unix::fs::symlink(path("video0"), path("by-id")).expect("linked");
        let config = |device: String| {
            let camera = |name: &str, device| config::Camera {
                name: name.into(),
                device,
                ..config::Camera::default()
            };
            let other_cameras = vec![camera("front", device)];
            Config { camera: camera("desk", path("video0")), other_cameras, ..Config::default() }
        };
        let why = check_devices(&config(path("by-id"))).expect_err("refused").to_string();
        assert!(why.contains("\"desk\" and \"front\" both read") && why.contains("video0"), "{why}");
        for device in [path("unplugged"), "name:C920".to_owned()] {
            assert!(check_devices(&config(device.clone())).is_ok(), "{device}");
        }
    }

    #[test]
    fn frames_are_turned_once_by_the_file_and_once_by_the_settings() {
        let folder = tempfile::tempdir().expect("temporary folder");
        std::fs::write(folder.path().join("a.jpg"), picture()).expect("written");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut config = Config::default();
        config.camera.replay = folder.path().to_owned();
        // Upright, blue is left and red is right.
        for (rotate, mirror, size, top_left_is_red) in [
            (0, false, (64, 48), false),
            (180, false, (64, 48), true),
            (180, true, (64, 48), false),
            (90, true, (48, 64), false),
            (270, false, (48, 64), true),
        ] {
            (config.camera.rotate, config.camera.mirror) = (rotate, mirror);
            let mut source = camera(&config.camera, &clock).expect("a source");
            let frame = source.next_frame(BootTime(Duration::MAX)).unwrap_or_else(|why| panic!("{why}"));
            assert_eq!((frame.width(), frame.height()), size, "{rotate} {mirror}");
            assert_eq!(frame.rgb()[0] > 128, top_left_is_red, "{rotate} {mirror}");
        }
    }
}
