//! A folder of pictures in the place of a camera.
