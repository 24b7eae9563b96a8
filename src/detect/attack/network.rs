//! The network that tells pictures of faces from faces, one frame at a time.
