//! Landmarks of several frames: do they move as a plane does, or as a head does?
