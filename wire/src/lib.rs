//! The socket protocol of facelatch.
