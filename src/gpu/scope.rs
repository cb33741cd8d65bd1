//! wgpu's errors as results: without a scope, wgpu hands them to a handler that panics.

use crate::{Error, Result};
use std::task::{Context, Poll, Waker};

/// What every call on a lost device answers: a driver that was reset, a card that fell off the bus, a device that its
/// owner destroyed.
pub(crate) const LOST: &str = "the device is lost: open it again, and make its buffers and fillers anew";

/// Catches the errors, of every kind, of all that this thread does on a device until [`Scope::end`].
pub(crate) struct Scope(Vec<wgpu::ErrorScopeGuard>);

impl Scope {
    pub fn begin(device: &wgpu::Device) -> Self {
        Self(
            [wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::Validation]
                .map(|filter| device.push_error_scope(filter))
                .into(),
        )
    }

    /// Ends the scope. The first error comes as one line that begins with `what`.
    pub fn end(mut self, what: &str) -> impl Future<Output = Result<()>> {
        // wgpu wants scopes to end innermost first, on the thread that began them: before the first await.
        let mut ended = Vec::new();
        while let Some(guard) = self.0.pop() {
            ended.push(guard.pop());
        }
        async move {
            let mut first = None;
            for scope in ended {
                first = first.or(scope.await);
            }
            match first {
                Some(error) => Err(described(what, &error)),
                None => Ok(()),
            }
        }
    }

    /// [`Scope::end`] without waiting. On native devices errors are known at once; in a browser they come later and are
    /// not seen.
    pub fn end_now(self, what: &str) -> Result<()> {
        let mut end = std::pin::pin!(self.end(what));
        match end.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => Ok(()),
        }
    }
}

impl Drop for Scope {
    /// Ends a scope that an early return left open, innermost first: wgpu panics at any other order.
    fn drop(&mut self) {
        while self.0.pop().is_some() {}
    }
}

/// Whether the device was lost. wgpu tells that to a callback, which is the engine's; to all others it answers with
/// resources that do nothing, or with errors that do not say why. So one is tried.
pub(crate) fn is_lost(device: &wgpu::Device) -> bool {
    let scope = Scope::begin(device);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("seedbed probe"),
        size: 4,
        usage: wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: true,
    });
    let mapped = buffer.get_mapped_range_mut(..).is_ok();
    scope.end_now("a probe").is_ok() && !mapped
}

/// [`described`], or [`LOST`] where that is why.
pub(crate) fn failure(device: &wgpu::Device, what: &str, error: &dyn std::error::Error) -> Error {
    if is_lost(device) { Error::Device(LOST.to_owned()) } else { described(what, error) }
}

/// An error of wgpu as one line that begins with `what`.
fn described(what: &str, error: &dyn std::error::Error) -> Error {
    let lines: Vec<String> = error.to_string().lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
    Error::Device(format!("{what}: {}", lines.join("; ")))
}
