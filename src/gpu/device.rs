//! Choosing and opening a device, for callers that have none of their own.

use super::filler::{Filler, FillerOptions};
use crate::{Error, Result};
use std::sync::Mutex;

/// Which processor does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Choice {
    /// A hardware GPU where there is one that passes the self-test, else the CPU. Never a software adapter: the CPU
    /// twin is faster.
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
    ///
    /// ```
    /// use seedbed::gpu::Choice;
    ///
    /// assert_eq!("gpu:1".parse::<Choice>()?, Choice::Index(1));
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    fn from_str(s: &str) -> Result<Self> {
        let index = s.strip_prefix("gpu:").and_then(|n| n.parse().ok());
        match (s, index) {
            ("auto", _) => Ok(Self::Auto),
            ("cpu", _) => Ok(Self::Cpu),
            ("gpu", _) => Ok(Self::Gpu),
            (_, Some(n)) => Ok(Self::Index(n)),
            _ => Err(Error::unknown("device", s, ["auto", "cpu", "gpu"]).or_expected("gpu:N")),
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

/// The adapters of this machine, in the order in which [`Choice::Index`] counts them.
pub async fn adapters() -> Vec<wgpu::Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    instance.enumerate_adapters(wgpu::Backends::all()).await
}

/// Why there is no adapter, where WGPU_BACKEND asks for these backends and the build has those.
fn none_found(asked: Option<wgpu::Backends>, built: wgpu::Backends) -> String {
    let names = |backends: wgpu::Backends| {
        let names: Vec<String> = backends.iter_names().map(|(name, _)| name.to_lowercase()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    match asked {
        Some(asked) => format!(
            "no adapter found: WGPU_BACKEND asks for {}, this build has {}; change it, or take the CPU",
            names(asked),
            names(built)
        ),
        None => format!("no adapter found by {}: install a driver, or take the CPU", names(built)),
    }
}

/// Whether an adapter computes on the CPU.
#[must_use]
pub fn is_software(info: &wgpu::AdapterInfo) -> bool {
    info.device_type == wgpu::DeviceType::Cpu
}

/// The driver of an adapter, with its version.
#[must_use]
pub fn driver(info: &wgpu::AdapterInfo) -> String {
    format!("{} {}", info.driver, info.driver_info).trim().to_owned()
}

/// Two buffers of the device that a readback uses again and again.
#[derive(Debug)]
pub(super) struct TransferBuffers {
    /// The kernels write here.
    pub output: wgpu::Buffer,
    /// The host reads here, after a copy.
    pub staging: wgpu::Buffer,
}

/// An adapter, opened with the features that the kernels can use, and its kernels.
#[derive(Debug)]
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) filler: Filler,
    /// Those of the last readback, for the next one.
    pub(super) transfer_buffers: Mutex<Vec<TransferBuffers>>,
    info: wgpu::AdapterInfo,
}

impl Gpu {
    /// Opens the adapter that `choice` names; `None` where the CPU does the work. [`FillerOptions::kernels`] are
    /// prepared here, so that an adapter which cannot run them is passed over before any work.
    ///
    /// What the user should know is handed to `notice`: that an adapter is a software one, or why [`Choice::Auto`] fell
    /// back to the CPU.
    ///
    /// # Errors
    /// [`Error::Device`] where a GPU is asked for and there is none, or none can be used.
    ///
    /// # Example
    /// ```no_run
    /// use seedbed::gpu::{Choice, FillerOptions, Gpu};
    ///
    /// # async fn example() -> seedbed::Result<()> {
    /// match Gpu::open(Choice::Auto, &FillerOptions::default(), &mut |notice| eprintln!("{notice}")).await? {
    ///     Some(gpu) => println!("{}", gpu.info().name),
    ///     None => println!("the CPU"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn open(
        choice: Choice,
        options: &FillerOptions,
        notice: &mut (impl FnMut(String) + ?Sized),
    ) -> Result<Option<Self>> {
        if choice == Choice::Cpu {
            return Ok(None);
        }
        let mut found = adapters().await;
        match choice {
            Choice::Index(n) if n < found.len() => found = vec![found.swap_remove(n)],
            Choice::Index(n) => {
                let (count, plural) = (found.len(), if found.len() == 1 { "" } else { "s" });
                return Err(Error::Device(format!("gpu:{n}: {count} adapter{plural} found, counted from gpu:0")));
            }
            Choice::Auto => found.retain(|a| !is_software(&a.get_info())),
            Choice::Cpu | Choice::Gpu => {}
        }
        // The best adapter first. A machine may list one GPU under several backends: the next may work where one does
        // not.
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
                notice(format!("{} is a software adapter: the CPU gives the same bytes, faster", info.name));
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
            return Err(Error::Device(none_found(
                wgpu::Backends::from_env(),
                wgpu::Instance::enabled_backend_features(),
            )));
        }
        Err(Error::Device(failed.join("; ")))
    }

    /// Opens an adapter, and prepares [`FillerOptions::kernels`] on it. On a software adapter the host makes orthogonal
    /// matrices, whatever [`FillerOptions::orthogonal`] says.
    ///
    /// # Errors
    /// [`Error::Device`] where the adapter cannot be opened or fails the self-test.
    pub async fn from_adapter(adapter: &wgpu::Adapter, options: &FillerOptions) -> Result<Self> {
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
        // A software driver takes longer to compile those kernels than the host takes to make the matrices.
        let options = FillerOptions { orthogonal: options.orthogonal && !is_software(&info), ..options.clone() };
        let filler = Filler::new(&device, &queue, &options).await?;
        Ok(Self::from_parts(info, device, queue, filler))
    }

    /// A device that is already open, with the kernels that were built on it.
    #[must_use]
    pub fn from_parts(info: wgpu::AdapterInfo, device: wgpu::Device, queue: wgpu::Queue, filler: Filler) -> Self {
        Self { info, device, queue, filler, transfer_buffers: Mutex::new(Vec::new()) }
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

impl std::fmt::Display for Gpu {
    /// One line: the adapter, backend, driver, tier and multiplication.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (info, filler) = (&self.info, &self.filler);
        let (tier, mul_wide) = (filler.tier(), filler.mul_wide());
        write!(f, "{}, {}, {}, {tier}, {mul_wide}", info.name, info.backend, driver(info))
    }
}

#[cfg(test)]
mod tests {
    use super::none_found;
    use wgpu::Backends;

    #[test]
    fn an_adapter_that_was_not_looked_for_is_no_missing_driver() {
        let text = none_found(Some(Backends::GL), Backends::VULKAN);
        assert!(
            text.contains("WGPU_BACKEND asks for gl, this build has vulkan") && !text.contains("install"),
            "{text}"
        );
        let text = none_found(None, Backends::VULKAN);
        assert!(text.contains("no adapter found by vulkan: install a driver"), "{text}");
    }
}
