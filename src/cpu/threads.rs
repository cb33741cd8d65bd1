//! The threads that work is shared out to.

/// Where parts of a work run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    /// On the calling thread, without a look at rayon: its pools do not survive a `fork`.
    Current,
    /// On the pool that the calling thread belongs to, else rayon's global one; without the feature `parallel`, on the
    /// calling thread.
    Pool,
}
