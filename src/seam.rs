//! The places where the daemon touches the world, in one struct. The daemon fills it with the real
//! ones, the tests with scripted ones.

use std::sync::Arc;

use crate::camera::FrameSource;
use crate::clock::Clock;
use crate::latch::Latch;
use crate::store::TemplateStore;

/// Everything outside that the daemon needs.
pub struct Seams {
    /// Where frames of the default camera come from: `camera::device`, `camera::replay`.
    pub frames: Box<dyn FrameSource>,
    /// The same for each further camera of the configuration, in its order.
    pub other_frames: Vec<Box<dyn FrameSource>>,
    /// The infrared camera beside the first one, if attacks are to be seen by one: `camera::device`.
    pub infrared: Option<Box<dyn FrameSource>>,
    /// What time it is: `clock::SystemClock`.
    pub clock: Arc<dyn Clock>,
    /// 64 bits that nobody can know before, from the kernel's.
    pub random: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// What is remembered: `store::Vault`.
    pub store: Arc<dyn TemplateStore>,
    /// What a grant opens: `latch::print`, `latch::hook`.
    pub latch: Box<dyn Latch>,
}
