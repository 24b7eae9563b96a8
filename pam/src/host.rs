//! The program that asks, such as sudo, as the module sees it. `ffi` has the real one.

/// How much a line in the log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Somebody may have tampered.
    Warning,
    /// Somebody got in, or did not.
    Notice,
    /// Anything else.
    Info,
}

/// A PAM application, seen from a module.
pub trait Host {
    /// Who wants in. `None` when there is no name, or none in UTF-8.
    fn user(&self) -> Option<String>;

    /// Name of the service: the file in /etc/pam.d.
    fn service(&self) -> Option<String>;

    /// Where the person is, if the application was told.
    fn remote_host(&self) -> Option<String>;

    /// The terminal that the person is at, if the application has named one: `tty1`, `/dev/pts/0`, `:0`.
    fn terminal(&self) -> Option<String>;

    /// Whether a password was typed that a module before this one asked for. Nothing is told of it.
    fn has_password(&self) -> bool;

    /// Shows a line to the person.
    fn tell(&self, text: &str);

    /// Asks the person, without showing what is typed, whether they [agree](crate::means_yes). What they typed is wiped:
    /// people type passwords anywhere. `false` as well when nobody can be asked.
    fn agrees(&self, question: &str) -> bool;

    /// Writes a line to the system's log.
    fn log(&self, level: Level, text: &str);
}
