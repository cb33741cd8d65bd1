//! Errors that wgpu would hand to its uncaptured-error handler, which panics, as results.

use crate::{Error, Result};
use std::task::{Context, Poll, Waker};

/// Every kind of error of what is done on this thread until [`Scope::end`].
pub(crate) struct Scope([wgpu::ErrorScopeGuard; 3]);

impl Scope {
    pub fn begin(device: &wgpu::Device) -> Self {
        Self(
            [wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::Validation]
                .map(|filter| device.push_error_scope(filter)),
        )
    }

    /// The first error, in one line after `what`.
    pub fn end(self, what: &str) -> impl Future<Output = Result<()>> {
        // The innermost scope ends first, and all of them on this thread.
        let [out_of_memory, internal, validation] = self.0;
        let (validation, internal, out_of_memory) = (validation.pop(), internal.pop(), out_of_memory.pop());
        async move {
            match validation.await.or(internal.await).or(out_of_memory.await) {
                Some(error) => Err(described(what, &error)),
                None => Ok(()),
            }
        }
    }

    /// The same without waiting. On native devices errors are known at once; in a browser they come later, and are not seen.
    pub fn end_now(self, what: &str) -> Result<()> {
        let mut end = std::pin::pin!(self.end(what));
        match end.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => Ok(()),
        }
    }
}

fn described(what: &str, error: &wgpu::Error) -> Error {
    let lines: Vec<String> = error.to_string().lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
    Error::Device(format!("{what}: {}", lines.join("; ")))
}
