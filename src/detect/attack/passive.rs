//! All that is known of a face without asking for anything: the cues, put together.
