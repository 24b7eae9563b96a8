//! All integration tests in one program, so that it links once.

/// Whom a face is for.
mod accounts;
/// Templates that nobody enrolled.
mod adapt;
/// Pictures of faces instead of faces.
mod attack;
/// Several cameras, one after another.
mod cameras;
/// Heads that turn when asked.
mod challenge;
/// Faces that look like a small child's.
mod children;
/// The daemon as a program.
mod daemon;
/// The main job over the socket: who gets in, and who learns what.
mod door;
/// What a door's program may do, and what it may not.
mod doors;
/// What an attempt rests on, for the owner alone.
mod explain;
/// Each stage against an independent runtime.
mod golden;
/// Hostile and careless clients.
mod hostile;
/// An infrared camera beside the first one.
mod infrared;
/// The interface as other programs see it.
mod interface;
/// Export, import, renewal and the audit log, over the socket.
mod keep;
/// What a match opens, and who waits for it.
mod latch;
/// Consecutive misses impose a wait.
mod lockout;
/// Calls the PAM module makes.
mod login;
/// One face under several names.
mod lookalikes;
/// PINs at doors.
mod pins;
/// Who may import whom.
mod rooms;
mod rules;
/// One thread or several.
mod threads;
/// Attempts to bypass the decision, all of which must fail.
mod tricks;
/// Faces that the networks cannot judge.
mod unfit;
/// Stores of earlier programs, and of later ones.
mod upgrade;
/// Watchdog pings of a daemon whose loops hang.
mod watch;

mod watchdog;
