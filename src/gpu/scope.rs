//! wgpu's errors as results: without a scope, wgpu hands them to a handler that panics.

use crate::{Error, Result};
use std::task::{Context, Poll, Waker};

/// What every call on a lost device answers: a driver that was reset, a card that fell off the bus, a device that its
/// owner destroyed.
pub(crate) const LOST: &str = "the device is lost: open it again, and make its buffers and fillers anew";

/// Catches the errors, of every kind, of all that this thread does on a device until [`Scope::end`].
pub(crate) struct Scope {
    device: wgpu::Device,
    guards: Vec<wgpu::ErrorScopeGuard>,
}

impl Scope {
    pub fn begin(device: &wgpu::Device) -> Self {
        let filters = [wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::Validation];
        Self { device: device.clone(), guards: filters.map(|filter| device.push_error_scope(filter)).into() }
    }

    /// Ends the scope. The first error comes as one line: [`LOST`], or one that begins with `what`.
    pub fn end(self, what: &str) -> impl Future<Output = Result<()>> {
        let device = self.device.clone();
        let first = self.first_error();
        async move {
            match first.await {
                Some(error) => Err(failure(&device, what, &error)),
                None => Ok(()),
            }
        }
    }

    /// [`Scope::end`] without waiting. On native devices errors are known at once; in a browser they come later and are
    /// not seen.
    pub fn end_now(self, what: &str) -> Result<()> {
        now(self.end(what)).unwrap_or(Ok(()))
    }

    fn first_error(mut self) -> impl Future<Output = Option<wgpu::Error>> {
        // wgpu wants scopes to end innermost first, on the thread that began them: before the first await.
        let mut ended = Vec::new();
        while let Some(guard) = self.guards.pop() {
            ended.push(guard.pop());
        }
        async move {
            let mut first = None;
            for scope in ended {
                first = first.or(scope.await);
            }
            first
        }
    }
}

impl Drop for Scope {
    /// Ends a scope that an early return left open, innermost first: wgpu panics at any other order.
    fn drop(&mut self) {
        while self.guards.pop().is_some() {}
    }
}

/// What a future has at once, if it has.
fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Whether the device was lost. wgpu tells that to a callback, which is the engine's; to all others it answers with
/// resources that do nothing, or with errors that do not say why. So one is tried.
fn is_lost(device: &wgpu::Device) -> bool {
    let scope = Scope::begin(device);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("seedbed probe"),
        size: 4,
        usage: wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: true,
    });
    let mapped = buffer.get_mapped_range_mut(..).is_ok();
    now(scope.first_error()).flatten().is_none() && !mapped
}

/// An error of wgpu as one line that begins with `what`, or [`LOST`] where that is why.
pub(crate) fn failure(device: &wgpu::Device, what: &str, error: &dyn std::error::Error) -> Error {
    if is_lost(device) {
        return Error::Device(LOST.to_owned());
    }
    let lines: Vec<String> = error.to_string().lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
    Error::Device(format!("{what}: {}", lines.join("; ")))
}
