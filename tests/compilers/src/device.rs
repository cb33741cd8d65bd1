//! RADV on its null device: every pipeline compiled for a GPU that is not there.
//!
//! `RADV_FORCE_FAMILY` names the GPU. The driver reads it when an instance is made, so each GPU has a process of its
//! own: this program again, told by `SEEDBED_COMPILE_FOR`. Files come in on its standard input, and a [`Report`] goes
//! out on its standard output.

use ash::{ext, khr, vk};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The variable by which a process knows that it is one of these.
pub const CHILD: &str = "SEEDBED_COMPILE_FOR";

/// What a driver says of all pipelines.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// The device's name.
    pub device: String,
    /// The driver's version: `Mesa 22.3.6`.
    pub driver: String,
    pub pipelines: Vec<Compiled>,
}

/// What a driver says of one pipeline.
#[derive(Debug, Serialize, Deserialize)]
pub struct Compiled {
    pub milliseconds: f64,
    pub subgroup: u32,
    /// The driver's statistics by name.
    pub statistics: BTreeMap<String, f64>,
    /// Its machine code as text.
    pub assembly: String,
}

/// Where the package of RADV puts its manifest.
pub fn manifest() -> Option<PathBuf> {
    let arch = std::env::consts::ARCH;
    let directories = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];
    let names = [format!("radeon_icd.{arch}.json"), "radeon_icd.json".to_owned()];
    directories.iter().flat_map(|d| names.iter().map(move |n| Path::new(d).join(n))).find(|path| path.exists())
}

/// Compiles SPIR-V files for the first of these families that the driver knows: names differ between versions.
pub fn compile(manifest: &Path, families: &[&str], files: &[&Path]) -> Result<Report, String> {
    let mut refusals = Vec::new();
    for family in families {
        match in_a_process(manifest, family, files) {
            Ok(report) => return Ok(report),
            Err(e) => refusals.push(format!("{family}: {e}")),
        }
    }
    Err(refusals.join("\n"))
}

fn in_a_process(manifest: &Path, family: &str, files: &[&Path]) -> Result<Report, String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut child = Command::new(program)
        .env(CHILD, family)
        .env("RADV_FORCE_FAMILY", family)
        .env("VK_DRIVER_FILES", manifest)
        // The loader's older name for the same.
        .env("VK_ICD_FILENAMES", manifest)
        // What was compiled before is not looked up: the driver would report neither text nor time.
        .env("MESA_SHADER_CACHE_DISABLE", "true")
        .env_remove("RADV_DEBUG")
        .env_remove("RADV_PERFTEST")
        .env_remove("ACO_DEBUG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let mut input = child.stdin.take().ok_or("no standard input")?;
    let list = serde_json::to_vec(files).map_err(|e| e.to_string())?;
    input.write_all(&list).map_err(|e| e.to_string())?;
    drop(input);
    let output = child.wait_with_output().map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()));
    }
    serde_json::from_slice(&output.stdout).map_err(|e| format!("the report is not read: {e}"))
}

/// The whole of a process of this kind. It never returns.
///
/// Neither the device nor the instance is destroyed: nothing was allocated that the end of the process does not free,
/// and the null device has no kernel driver behind it that its teardown could ask, so that some versions crash there.
pub fn child() -> ! {
    let code = match report() {
        Ok(json) => i32::from(std::io::stdout().write_all(&json).and_then(|()| std::io::stdout().flush()).is_err()),
        Err(e) => {
            eprintln!("{e}");
            1
        }
    };
    std::process::exit(code)
}

fn report() -> Result<Vec<u8>, String> {
    let mut list = Vec::new();
    std::io::stdin().read_to_end(&mut list).map_err(|e| e.to_string())?;
    let files: Vec<PathBuf> = serde_json::from_slice(&list).map_err(|e| e.to_string())?;
    let driver = Driver::open()?;
    let pipelines = files.iter().map(|file| {
        let bytes = std::fs::read(file).map_err(|e| e.to_string())?;
        let words: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|w| u32::from_le_bytes(*w)).collect();
        driver.compile(&words).map_err(|e| format!("{}: {e}", file.display()))
    });
    let pipelines = pipelines.collect::<Result<_, String>>()?;
    let report = Report { device: driver.name.clone(), driver: driver.version.clone(), pipelines };
    serde_json::to_vec(&report).map_err(|e| e.to_string())
}

struct Driver {
    name: String,
    version: String,
    device: ash::Device,
    executables: khr::pipeline_executable_properties::Device,
    layout: vk::PipelineLayout,
    _instance: ash::Instance,
    _entry: ash::Entry,
}

impl Driver {
    fn open() -> Result<Self, String> {
        let vulkan = |e: vk::Result| e.to_string();
        // SAFETY: the loader is the system's own libvulkan, which is what `ash` was written for.
        let entry = unsafe { ash::Entry::load() }.map_err(|e| e.to_string())?;
        let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3);
        let info = vk::InstanceCreateInfo::default().application_info(&application);
        // SAFETY: the structs live through the call, and `entry` lives as long as what it makes.
        let instance = unsafe { entry.create_instance(&info, None) }.map_err(vulkan)?;
        // SAFETY: the instance is alive.
        let devices = unsafe { instance.enumerate_physical_devices() }.map_err(vulkan)?;
        let [physical] = devices[..] else { return Err(format!("{} devices instead of one", devices.len())) };
        let mut driver = vk::PhysicalDeviceDriverProperties::default();
        let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut driver);
        // SAFETY: the device is the instance's, and is of Vulkan 1.2 at least, as the chained struct asks.
        unsafe { instance.get_physical_device_properties2(physical, &mut properties) };
        let text = |text: &[c_char]| {
            let bytes: Vec<u8> = text.iter().map(|c| c.to_ne_bytes()[0]).take_while(|c| *c != 0).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let name = text(&properties.properties.device_name);
        let version = text(&driver.driver_info);

        // What wgpu enables of all that changes the code: 64-bit integers, and robust access where there is one.
        let mut executables =
            vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR::default().pipeline_executable_info(true);
        let mut robustness =
            vk::PhysicalDeviceRobustness2FeaturesEXT::default().robust_buffer_access2(true).robust_image_access2(true);
        let features = vk::PhysicalDeviceFeatures::default().shader_int64(true).robust_buffer_access(true);
        let extensions = [khr::pipeline_executable_properties::NAME.as_ptr(), ext::robustness2::NAME.as_ptr()];
        let queues = [vk::DeviceQueueCreateInfo::default().queue_family_index(0).queue_priorities(&[1.0])];
        let info = vk::DeviceCreateInfo::default()
            .queue_create_infos(&queues)
            .enabled_extension_names(&extensions)
            .enabled_features(&features)
            .push_next(&mut executables)
            .push_next(&mut robustness);
        // SAFETY: all structs live through the call; a feature or extension that is missing is an error.
        let device = unsafe { instance.create_device(physical, &info, None) }.map_err(vulkan)?;
        let executables = khr::pipeline_executable_properties::Device::new(&instance, &device);

        let bindings = [0, 1, 2, 3].map(|binding| {
            vk::DescriptorSetLayoutBinding::default()
                .binding(binding)
                .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
                .descriptor_count(1)
                .stage_flags(vk::ShaderStageFlags::COMPUTE)
        });
        let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
        // SAFETY: the struct lives through the call, and the device is alive.
        let set = [unsafe { device.create_descriptor_set_layout(&info, None) }.map_err(vulkan)?];
        let info = vk::PipelineLayoutCreateInfo::default().set_layouts(&set);
        // SAFETY: as above, and the set's layout is never destroyed.
        let layout = unsafe { device.create_pipeline_layout(&info, None) }.map_err(vulkan)?;
        Ok(Self { name, version, device, executables, layout, _instance: instance, _entry: entry })
    }

    fn compile(&self, words: &[u32]) -> Result<Compiled, String> {
        let vulkan = |e: vk::Result| e.to_string();
        let entry = entry_point(words).ok_or("no entry point")?;
        let started = Instant::now();
        let info = vk::ShaderModuleCreateInfo::default().code(words);
        // SAFETY: the words are SPIR-V that naga wrote of a module that it had validated.
        let module = unsafe { self.device.create_shader_module(&info, None) }.map_err(vulkan)?;
        let stage = vk::PipelineShaderStageCreateInfo::default()
            .stage(vk::ShaderStageFlags::COMPUTE)
            .module(module)
            .name(&entry);
        let info = vk::ComputePipelineCreateInfo::default()
            .flags(
                vk::PipelineCreateFlags::CAPTURE_STATISTICS_KHR
                    | vk::PipelineCreateFlags::CAPTURE_INTERNAL_REPRESENTATIONS_KHR,
            )
            .stage(stage)
            .layout(self.layout);
        // SAFETY: module, name and layout live through the call; the layout has every binding that a kernel names.
        let made = unsafe { self.device.create_compute_pipelines(vk::PipelineCache::null(), &[info], None) };
        let pipeline = made.map_err(|(_, e)| vulkan(e))?[0];
        let milliseconds = started.elapsed().as_secs_f64() * 1e3;

        let info = vk::PipelineInfoKHR::default().pipeline(pipeline);
        // SAFETY: the pipeline is alive, here and below; it was made with both flags that these questions need.
        let made = unsafe { self.executables.get_pipeline_executable_properties(&info) }.map_err(vulkan)?;
        let [executable] = &made[..] else { return Err(format!("{} executables instead of one", made.len())) };
        let info = vk::PipelineExecutableInfoKHR::default().pipeline(pipeline).executable_index(0);
        // SAFETY: see above.
        let found = unsafe { self.executables.get_pipeline_executable_statistics(&info) }.map_err(vulkan)?;
        let mut statistics = BTreeMap::new();
        for one in &found {
            // SAFETY: `format` says which field of the union the driver wrote.
            let value = unsafe {
                match one.format {
                    vk::PipelineExecutableStatisticFormatKHR::BOOL32 => f64::from(one.value.b32),
                    vk::PipelineExecutableStatisticFormatKHR::INT64 => one.value.i64 as f64,
                    vk::PipelineExecutableStatisticFormatKHR::UINT64 => one.value.u64 as f64,
                    _ => one.value.f64,
                }
            };
            statistics.insert(c_text(&one.name)?, value);
        }
        let assembly = self.assembly(&info)?;
        // SAFETY: neither is used any more, and no command buffer was ever recorded.
        unsafe {
            self.device.destroy_pipeline(pipeline, None);
            self.device.destroy_shader_module(module, None);
        }
        Ok(Compiled { milliseconds, subgroup: executable.subgroup_size, statistics, assembly })
    }

    /// The last representation of a pipeline: its machine code as text.
    fn assembly(&self, info: &vk::PipelineExecutableInfoKHR<'_>) -> Result<String, String> {
        // `ash` asks for sizes and texts in one call, which gives sizes alone: texts take a second one.
        let ask = self.executables.fp().get_pipeline_executable_internal_representations_khr;
        let mut count = 0;
        // SAFETY: the pipeline of `info` is alive and keeps its representations; a null pointer asks for their number.
        let code = unsafe { ask(self.device.handle(), info, &mut count, std::ptr::null_mut()) };
        code.result().map_err(|e| e.to_string())?;
        let mut found = vec![vk::PipelineExecutableInternalRepresentationKHR::default(); count as usize];
        // SAFETY: as above, with room for `count` structs, whose data is null: their sizes are written.
        let code = unsafe { ask(self.device.handle(), info, &mut count, found.as_mut_ptr()) };
        code.result().map_err(|e| e.to_string())?;
        let mut texts: Vec<Vec<u8>> = found.iter().map(|one| vec![0; one.data_size]).collect();
        for (one, text) in found.iter_mut().zip(&mut texts) {
            one.p_data = text.as_mut_ptr().cast();
        }
        // SAFETY: as above, and each struct's data points to as many bytes as it said that it takes.
        let code = unsafe { ask(self.device.handle(), info, &mut count, found.as_mut_ptr()) };
        code.result().map_err(|e| e.to_string())?;
        for (one, text) in found.iter().zip(&texts) {
            if c_text(&one.name)? == "Assembly" {
                let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
                return String::from_utf8(text.to_vec()).map_err(|e| e.to_string());
            }
        }
        Err("the driver gives no machine code".to_owned())
    }
}

fn c_text(text: &[c_char]) -> Result<String, String> {
    let bytes: Vec<u8> = text.iter().map(|c| c.to_ne_bytes()[0]).collect();
    let text = CStr::from_bytes_until_nul(&bytes).map_err(|e| e.to_string())?;
    Ok(text.to_string_lossy().into_owned())
}

/// The name in the first OpEntryPoint of a module.
fn entry_point(words: &[u32]) -> Option<CString> {
    const HEADER: usize = 5;
    const OP_ENTRY_POINT: u32 = 15;
    let mut at = HEADER;
    while let Some(&first) = words.get(at) {
        let (length, opcode) = ((first >> 16) as usize, first & 0xffff);
        if opcode == OP_ENTRY_POINT {
            let bytes = words.get(at + 3..at + length)?.iter().flat_map(|w| w.to_le_bytes());
            return CString::new(bytes.take_while(|b| *b != 0).collect::<Vec<_>>()).ok();
        }
        at += length.max(1);
    }
    None
}
