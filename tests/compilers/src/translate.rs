//! Every pipeline in the languages that wgpu hands to drivers.

use naga::back::pipeline_constants::process_overrides;
use naga::back::{hlsl, msl, spv, wgsl};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{Module, ShaderStage};
use seedbed::gpu::listing::{Work, every_module};
use seedbed::gpu::{MulWide, Tier};
use std::path::{Path, PathBuf};

/// A pipeline, and the files that hold it.
#[derive(Debug)]
pub struct Translated {
    pub label: String,
    pub work: Option<Work>,
    pub spirv: PathBuf,
    pub hlsl: PathBuf,
    /// The entry point's name in the HLSL.
    pub hlsl_entry: String,
    /// Without 64-bit integers, which WGSL's core has not.
    pub wgsl: Option<PathBuf>,
}

/// Every pipeline of these implementations, written into `directory`.
///
/// An entry point of which the library's list has no pipeline is an error, as are two pipelines of one label.
pub fn every_pipeline(mul_wide: MulWide, tier: Tier, directory: &Path) -> Result<Vec<Translated>, String> {
    std::fs::create_dir_all(directory).map_err(|e| format!("{}: {e}", directory.display()))?;
    let wide = mul_wide == MulWide::U64;
    let capabilities = if wide { Capabilities::SHADER_INT64 } else { Capabilities::empty() };
    let mut all: Vec<Translated> = Vec::new();
    for listed in every_module(mul_wide, tier) {
        let (module, info) = validated(&listed.wgsl, capabilities)?;
        for entry in &module.entry_points {
            if !listed.pipelines.iter().any(|p| p.entry_point == entry.name) {
                return Err(format!("no pipeline of the list has the entry point {}", entry.name));
            }
        }
        for pipeline in listed.pipelines {
            if all.iter().any(|t| t.label == pipeline.label) {
                return Err(format!("two pipelines are called {}", pipeline.label));
            }
            let constants = pipeline.constants.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
            let stage = Some((ShaderStage::Compute, pipeline.entry_point));
            let at = |e: &dyn std::fmt::Display| format!("{}: {e}", pipeline.label);
            let (module, info) = process_overrides(&module, &info, stage, &constants).map_err(|e| at(&e))?;
            let valid =
                Pipeline { module: &module, info: &info, entry: pipeline.entry_point, trusted: listed.trusted, wide };
            let file = |ending: &str, bytes: &[u8]| {
                let path = directory.join(format!("{}.{ending}", file_name(&pipeline.label)));
                std::fs::write(&path, bytes).map_err(|e| format!("{}: {e}", path.display()))?;
                Ok::<_, String>(path)
            };
            let words = valid.spirv().map_err(|e| at(&e))?;
            let (text, hlsl_entry) = valid.hlsl().map_err(|e| at(&e))?;
            let metal = valid.msl().map_err(|e| at(&e))?;
            file("metal", metal.as_bytes())?;
            all.push(Translated {
                spirv: file("spv", &words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<_>>())?,
                hlsl: file("hlsl", text.as_bytes())?,
                hlsl_entry,
                wgsl: if wide {
                    None
                } else {
                    let text = wgsl::write_string(&module, &info, wgsl::WriterFlags::empty()).map_err(|e| at(&e))?;
                    Some(file("wgsl", text.as_bytes())?)
                },
                label: pipeline.label,
                work: pipeline.work,
            });
        }
    }
    Ok(all)
}

/// A label as a part of a path.
pub fn file_name(label: &str) -> String {
    label.replace(',', "").replace(' ', "_")
}

fn validated(text: &str, capabilities: Capabilities) -> Result<(Module, ModuleInfo), String> {
    let module = naga::front::wgsl::parse_str(text).map_err(|e| e.emit_to_string(text))?;
    let mut validator = Validator::new(ValidationFlags::all(), capabilities);
    let info = validator.validate(&module).map_err(|e| e.emit_to_string(text))?;
    Ok((module, info))
}

/// One entry point whose overrides are numbers.
struct Pipeline<'a> {
    module: &'a Module,
    info: &'a ModuleInfo,
    entry: &'static str,
    trusted: bool,
    wide: bool,
}

impl Pipeline<'_> {
    /// The policies of wgpu for a trusted module, and for others where the device has no robust access of its own.
    fn policies(&self) -> BoundsCheckPolicies {
        let policy = if self.trusted { BoundsCheckPolicy::Unchecked } else { BoundsCheckPolicy::Restrict };
        BoundsCheckPolicies {
            index: policy,
            buffer: policy,
            image_load: policy,
            binding_array: BoundsCheckPolicy::Unchecked,
        }
    }

    /// As the Vulkan backend of wgpu-hal writes it for a device of Vulkan 1.3 with `robustBufferAccess2`, which RADV
    /// has on every GPU.
    fn spirv(&self) -> Result<Vec<u32>, String> {
        // The writer refuses a module that needs another one.
        let mut capabilities = vec![spv::Capability::Shader, spv::Capability::Matrix];
        if self.wide {
            capabilities.push(spv::Capability::Int64);
        }
        let options = spv::Options {
            lang_version: (1, 6),
            flags: spv::WriterFlags::LABEL_VARYINGS | spv::WriterFlags::FORCE_POINT_SIZE,
            capabilities: Some(capabilities.into_iter().collect()),
            bounds_check_policies: BoundsCheckPolicies { buffer: BoundsCheckPolicy::Unchecked, ..self.policies() },
            force_loop_bounding: !self.trusted,
            emit_int_div_checks: !self.trusted,
            // The library asks for no zeros in workgroup memory.
            zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
            ..Default::default()
        };
        let entry = spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: self.entry.to_owned() };
        spv::write_vec(self.module, self.info, &options, Some(&entry)).map_err(|e| e.to_string())
    }

    fn hlsl(&self) -> Result<(String, String), String> {
        let options = hlsl::Options {
            shader_model: hlsl::ShaderModel::V6_0,
            zero_initialize_workgroup_memory: false,
            restrict_indexing: !self.trusted,
            force_loop_bounding: !self.trusted,
            ..Default::default()
        };
        let entry = hlsl::PipelineOptions { entry_point: Some((ShaderStage::Compute, self.entry.to_owned())) };
        let mut text = String::new();
        let reflection = hlsl::Writer::new(&mut text, &options, &entry)
            .write(self.module, self.info, None)
            .map_err(|e| e.to_string())?;
        let name = reflection.entry_point_names.into_iter().next().ok_or("HLSL without an entry point")?;
        Ok((text, name.map_err(|e| e.to_string())?))
    }

    fn msl(&self) -> Result<String, String> {
        let options = msl::Options {
            lang_version: (2, 3),
            bounds_check_policies: self.policies(),
            force_loop_bounding: !self.trusted,
            zero_initialize_workgroup_memory: false,
            ..Default::default()
        };
        let entry = msl::PipelineOptions {
            entry_point: Some((ShaderStage::Compute, self.entry.to_owned())),
            ..Default::default()
        };
        let (text, translation) =
            msl::write_string(self.module, self.info, &options, &entry).map_err(|e| e.to_string())?;
        for name in translation.entry_point_names {
            name.map_err(|e| e.to_string())?;
        }
        Ok(text)
    }
}
