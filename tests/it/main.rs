//! Everything that is tested from outside, in one program: it links once.

/// The daemon as a program.
mod daemon;
/// The main job over the socket: who gets in, and what is told to whom.
mod door;
/// Each stage against an independent runtime.
mod golden;
/// Clients that mean harm or do not care.
mod hostile;
/// The interface as other programs see it.
mod interface;
/// Export, import, renewal and the audit log, through the socket.
mod keep;
/// Misses in a row cost time.
mod lockout;
/// What the PAM module asks.
mod login;
/// Who may import whom.
mod rooms;
/// Ways round the decision, each of them shut.
mod tricks;
/// What systemd hears of a daemon whose loops stand still.
mod watchdog;
