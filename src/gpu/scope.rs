//! wgpu's errors as results: without a scope, wgpu hands them to a handler that panics.

use crate::{Error, Result};
use std::task::{Context, Poll, Waker};

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

/// An error of wgpu as one line that begins with `what`.
pub(crate) fn described(what: &str, error: &dyn std::error::Error) -> Error {
    let lines: Vec<String> = error.to_string().lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
    Error::Device(format!("{what}: {}", lines.join("; ")))
}
