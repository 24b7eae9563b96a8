//! The closed sets of words in replies.

use crate::words::words;

words! {
    /// How the daemon is.
    State {
        /// Attempts work.
        Ready = "ready",
        /// Attempts cannot work at present.
        Degraded = "degraded",
    }
}

words! {
    /// How the camera is.
    CameraState {
        /// It gives pictures.
        Ready = "ready",
        /// It gives none.
        Unavailable = "unavailable",
    }
}

words! {
    /// How the store is.
    StoreState {
        /// Nothing was wrong.
        Whole = "whole",
        /// Restored from its second copy; nothing is missing.
        Restored = "restored",
        /// A copy cannot be written at present.
        Behind = "behind",
        /// Something is lost.
        Lossy = "lossy",
    }
}

words! {
    /// How the account stands that a template is for. Only `current` counts at a login, and `door` elsewhere as well.
    AccountState {
        /// It has the user id that was enrolled.
        Current = "current",
        /// No account has that name any more.
        Gone = "gone",
        /// The account of that name has another user id.
        Changed = "changed",
        /// It is for the door only.
        Door = "door",
        /// It was enrolled before user ids were recorded.
        Unrecorded = "unrecorded",
        /// The name service did not answer.
        Unanswered = "unanswered",
    }
}

words! {
    /// What happened.
    EventKind {
        /// The first event of each stream: none is missed after it.
        Listening = "listening",
        /// Somebody was compared with one user.
        Verify = "verify",
        /// Somebody was compared with everybody.
        Identify = "identify",
        /// The owner made an attempt and was told what it rests on; it opens nothing.
        Explain = "explain",
        /// An attempt asks the person before the camera to do something.
        Prompt = "prompt",
        /// A PIN was typed at a door.
        Pin = "pin",
        /// Something happened at a door.
        Door = "door",
        /// A rule, a PIN, the holidays were set, or face unlock was switched on or off.
        Rule = "rule",
        /// Templates were added from the camera.
        Enroll = "enroll",
        /// A face became an adapted template after a second factor.
        Adapt = "adapt",
        /// Templates were removed.
        Remove = "remove",
        /// Misses were forgotten.
        Reset = "reset",
        /// Templates were sealed in a file.
        Export = "export",
        /// Templates were added from a file.
        Import = "import",
        /// Templates were reissued, or a new store key was drawn.
        Renew = "renew",
    }
}

words! {
    /// What happened at a door.
    DoorChange {
        /// The strike lets it open, for somebody who was recognised.
        Unlocked = "unlocked",
        /// The exit button was pressed, and it lets it open.
        Exit = "exit",
        /// It is locked again.
        Locked = "locked",
        /// It was opened.
        Opened = "opened",
        /// It was closed.
        Closed = "closed",
        /// It was opened without a grant or the exit button.
        Forced = "forced",
        /// It stands open for too long.
        Held = "held",
        /// A grant opened nothing; the note says why.
        Refused = "refused",
        /// Its case was opened, or a cable cut.
        Tampered = "tampered",
        /// That is over.
        Untampered = "untampered",
        /// Something there does not work; the note says what, after a name and a colon, such as `contact: `.
        Fault = "fault",
        /// It works again; the note begins with the same name. Without one everything does.
        FaultOver = "fault-over",
    }
}

words! {
    /// What a person has to show.
    Factor {
        /// Their face.
        Face = "face",
        /// Their face, and the PIN.
        FaceAndPin = "face+pin",
        /// The PIN alone.
        Pin = "pin",
    }
}

words! {
    /// What is seen while a camera is watched.
    Seen {
        /// The first reply: it is watched from now on.
        Watching = "watching",
        /// Something moved, and a face is in sight.
        Face = "face",
    }
}

words! {
    /// What the latch did with a grant.
    LatchState {
        /// It opened.
        Opened = "opened",
        /// It stayed closed.
        Failed = "failed",
    }
}

words! {
    /// What became of a frame.
    FrameUse {
        /// It counted.
        Kept = "kept",
        /// It was good, and newer frames or another face took its place.
        Replaced = "replaced",
        /// It was good, and did not look like the person who had been asked to turn their head.
        Unlike = "unlike",
        /// It was not good enough.
        Refused = "refused",
    }
}
