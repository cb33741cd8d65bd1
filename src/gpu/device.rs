//! Choosing and opening a device, for those who have none of their own.

use super::filler::{Filler, Options};
use super::stream::Scratch;
use crate::{Error, Result};
use std::sync::Mutex;

/// What shall do the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Choice {
    /// A hardware GPU where there is one that passes its self-test, else the CPU. Never a software adapter: the CPU twin is
    /// faster.
    #[default]
    Auto,
    /// The CPU twin.
    Cpu,
    /// A hardware GPU, else a software adapter; never the CPU twin.
    Gpu,
    /// The adapter of this index in [`adapters`].
    Index(usize),
}

impl std::str::FromStr for Choice {
    type Err = Error;

    /// Reads `auto`, `cpu`, `gpu` or `gpu:N`.
    fn from_str(s: &str) -> Result<Self> {
        let index = s.strip_prefix("gpu:").and_then(|n| n.parse().ok());
        match (s, index) {
            ("auto", _) => Ok(Self::Auto),
            ("cpu", _) => Ok(Self::Cpu),
            ("gpu", _) => Ok(Self::Gpu),
            (_, Some(n)) => Ok(Self::Index(n)),
            _ => Err(Error::unknown("device", s, ["auto", "cpu", "gpu", "gpu:N"])),
        }
    }
}

impl std::fmt::Display for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.pad("auto"),
            Self::Cpu => f.pad("cpu"),
            Self::Gpu => f.pad("gpu"),
            Self::Index(n) => write!(f, "gpu:{n}"),
        }
    }
}

/// The adapters of this machine, in the order of `gpu:N`.
pub async fn adapters() -> Vec<wgpu::Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    instance.enumerate_adapters(wgpu::Backends::all()).await
}

/// Whether an adapter computes on the CPU.
#[must_use]
pub fn is_software(info: &wgpu::AdapterInfo) -> bool {
    info.device_type == wgpu::DeviceType::Cpu
}

/// An adapter opened with what the kernels can use, and its kernels.
#[derive(Debug)]
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) filler: Filler,
    /// Buffers that are kept between streams.
    pub(super) scratch: Mutex<Vec<Scratch>>,
    info: wgpu::AdapterInfo,
}

impl Gpu {
    /// Opens the adapter that `choice` names; `None` for the CPU.
    ///
    /// # Errors
    /// [`Error::Device`] where a GPU is asked for and there is none, or it cannot be used. `Auto` falls back to the CPU and
    /// hands the reason to `notice`.
    pub async fn open(choice: Choice, options: &Options, notice: &mut dyn FnMut(String)) -> Result<Option<Self>> {
        if choice == Choice::Cpu {
            return Ok(None);
        }
        let mut found = adapters().await;
        match choice {
            Choice::Index(n) if n < found.len() => found = vec![found.swap_remove(n)],
            Choice::Index(n) => {
                let count = found.len();
                return Err(Error::Device(format!("gpu:{n}: {count} adapters found, see `seedbed devices`")));
            }
            Choice::Auto => found.retain(|a| !is_software(&a.get_info())),
            _ => {}
        }
        // The best first; a machine may list one GPU under several backends, and the next may work where one does not.
        found.sort_by_key(|a| match a.get_info().device_type {
            wgpu::DeviceType::DiscreteGpu => 0,
            wgpu::DeviceType::IntegratedGpu => 1,
            wgpu::DeviceType::VirtualGpu => 2,
            wgpu::DeviceType::Other => 3,
            wgpu::DeviceType::Cpu => 4,
        });
        let mut failed = Vec::new();
        for adapter in found {
            let info = adapter.get_info();
            if is_software(&info) {
                notice(format!("{} is a software adapter: --device cpu gives the same bytes, faster", info.name));
            }
            match Self::from_adapter(&adapter, options).await {
                Ok(gpu) => return Ok(Some(gpu)),
                Err(e) => failed.push(format!("{} ({}): {e}", info.name, info.backend)),
            }
        }
        if choice == Choice::Auto {
            failed.into_iter().for_each(notice);
            return Ok(None);
        }
        if failed.is_empty() {
            return Err(Error::Device("no adapter found: install a driver, or take --device cpu".to_owned()));
        }
        Err(Error::Device(failed.join("; ")))
    }

    /// Opens an adapter.
    ///
    /// # Errors
    /// [`Error::Device`] where it cannot be opened or fails its self-test.
    pub async fn from_adapter(adapter: &wgpu::Adapter, options: &Options) -> Result<Self> {
        let info = adapter.get_info();
        let (device, queue) = adapter
            .request_device(&wgpu::DeviceDescriptor {
                label: Some("seedbed"),
                required_features: adapter.features()
                    & (wgpu::Features::SHADER_INT64 | wgpu::Features::TIMESTAMP_QUERY),
                required_limits: adapter.limits(),
                ..Default::default()
            })
            .await
            .map_err(|e| Error::Device(format!("{} cannot be opened: {e}", info.name)))?;
        // Compiling those kernels takes a software driver longer than the host takes to make the matrices.
        let options = Options { orthogonal: options.orthogonal && !is_software(&info), ..options.clone() };
        let filler = Filler::new(&device, &queue, &options).await?;
        Ok(Self::from_parts(info, device, queue, filler))
    }

    /// A device that is open already, with the kernels built on it.
    #[must_use]
    pub fn from_parts(info: wgpu::AdapterInfo, device: wgpu::Device, queue: wgpu::Queue, filler: Filler) -> Self {
        Self { info, device, queue, filler, scratch: Mutex::new(Vec::new()) }
    }

    /// What the adapter says of itself.
    #[must_use]
    pub fn info(&self) -> &wgpu::AdapterInfo {
        &self.info
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// The queue.
    #[must_use]
    pub fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    /// The kernels.
    #[must_use]
    pub fn filler(&self) -> &Filler {
        &self.filler
    }
}
