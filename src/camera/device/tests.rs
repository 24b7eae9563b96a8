//! A scripted camera in the place of a real one.
