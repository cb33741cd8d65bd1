//! naga translates every kernel for every backend, and the kernels without 64-bit integers for GLES and the browser.
#![cfg(feature = "gpu")]

use crate::kernels::{Combination, ENTRIES, NORMALIZE, Valid, normalizers, validated};
use naga::back::{glsl, hlsl, msl, spv, wgsl};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::Capabilities;
use naga::{Module, ShaderStage};
use seedbed::gpu::{MulWide, Tier};

/// As wgpu translates a module that it does not trust.
const POLICIES: BoundsCheckPolicies = BoundsCheckPolicies {
    index: BoundsCheckPolicy::Restrict,
    buffer: BoundsCheckPolicy::Restrict,
    image_load: BoundsCheckPolicy::Restrict,
    binding_array: BoundsCheckPolicy::Unchecked,
};

fn spirv((module, info): &Valid, entry: &str, wide: bool) -> Vec<u32> {
    let mut capabilities = vec![spv::Capability::Shader];
    if wide {
        capabilities.push(spv::Capability::Int64);
    }
    let options = spv::Options {
        lang_version: (1, 3),
        // The writer refuses a module that needs another one.
        capabilities: Some(capabilities.into_iter().collect()),
        bounds_check_policies: POLICIES,
        ..Default::default()
    };
    let pipeline = spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: entry.to_owned() };
    spv::write_vec(module, info, &options, Some(&pipeline)).unwrap()
}

fn metal((module, info): &Valid, entry: &str) -> String {
    let options = msl::Options { lang_version: (2, 3), bounds_check_policies: POLICIES, ..Default::default() };
    let pipeline =
        msl::PipelineOptions { entry_point: Some((ShaderStage::Compute, entry.to_owned())), ..Default::default() };
    let (text, translation) = msl::write_string(module, info, &options, &pipeline).unwrap();
    assert!(translation.entry_point_names.iter().all(Result::is_ok), "{:?}", translation.entry_point_names);
    text
}

fn direct_x((module, info): &Valid, entry: &str) -> String {
    let options = hlsl::Options { shader_model: hlsl::ShaderModel::V6_0, ..Default::default() };
    let pipeline = hlsl::PipelineOptions { entry_point: Some((ShaderStage::Compute, entry.to_owned())) };
    let mut text = String::new();
    let reflection = hlsl::Writer::new(&mut text, &options, &pipeline).write(module, info, None).unwrap();
    assert!(reflection.entry_point_names.iter().all(Result::is_ok), "{:?}", reflection.entry_point_names);
    text
}

fn gles((module, info): &Valid, entry: &str, version: u16) -> String {
    let options = glsl::Options { version: glsl::Version::new_gles(version), ..Default::default() };
    let pipeline =
        glsl::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: entry.to_owned(), multiview: None };
    let mut text = String::new();
    glsl::Writer::new(&mut text, module, info, &options, &pipeline, POLICIES).unwrap().write().unwrap();
    text
}

/// The directives by which a WGSL text asks for more than the browser's core.
fn directives(wgsl: &str) -> Vec<&str> {
    let asks =
        |line: &&str| ["enable", "requires", "diagnostic"].iter().any(|word| line.trim_start().starts_with(word));
    wgsl.lines().filter(asks).collect()
}

fn has_fma(module: &Module) -> bool {
    module.functions.iter().any(|(_, f)| {
        f.expressions.iter().any(|(_, e)| matches!(e, naga::Expression::Math { fun: naga::MathFunction::Fma, .. }))
    })
}

#[test]
fn every_pipeline_becomes_spirv_msl_and_hlsl() {
    for combination in Combination::all() {
        let wide = combination.mul_wide == MulWide::U64;
        for (at, entry, module) in combination.pipelines() {
            assert_eq!(has_fma(&module.0), combination.tier == Tier::NativeFma, "{at}");
            let words = spirv(&module, entry, wide);
            assert_eq!(words[0], 0x0723_0203, "{at}");
            assert!(words.len() > 1000, "{at}: {} words", words.len());

            let (metal, direct_x) = (metal(&module, entry), direct_x(&module, entry));
            for (text, fused) in [(&metal, "metal::fma("), (&direct_x, "mad(")] {
                assert!(text.contains(entry), "{at}");
                assert_eq!(text.contains(fused), combination.tier == Tier::NativeFma, "{at}: {fused}");
            }
            assert_eq!(metal.contains("ulong"), wide, "{at}");
            assert_eq!(direct_x.contains("uint64_t"), wide, "{at}");
        }
    }
}

/// The negative control of the capabilities: kernels with the 64-bit multiplication are refused without them.
#[test]
fn the_64_bit_multiplication_asks_for_64_bit_integers_and_nothing_else_does() {
    for combination in Combination::all() {
        let without = validated(&combination.source(), Capabilities::empty());
        assert_eq!(without.is_ok(), combination.mul_wide == MulWide::U32, "{combination:?}");
    }
}

#[test]
fn pipelines_without_64_bit_integers_become_glsl() {
    for combination in Combination::all().filter(|c| c.mul_wide == MulWide::U32) {
        for (at, entry, module) in combination.pipelines() {
            let text = gles(&module, entry, 310);
            assert!(text.starts_with("#version 310 es"), "{at}");
            assert!(text.contains("layout(local_size_x = 64"), "{at}");
            // GLES 3.1 has no fma: naga writes a product and a sum there, which the self-test finds out on a device.
            assert!(!text.contains("fma("), "{at}");
            let later = gles(&module, entry, 320);
            assert_eq!(later.contains("fma("), combination.tier == Tier::NativeFma, "{at}");
        }
    }
}

/// Whether WGSL is accepted with no capability, and asks for none.
fn is_core(wgsl: &str) -> Result<(), String> {
    let asked = directives(wgsl);
    if !asked.is_empty() {
        return Err(format!("{asked:?}"));
    }
    validated(wgsl, Capabilities::empty()).map(drop)
}

#[test]
fn kernels_without_64_bit_integers_are_wgsl_for_a_browser() {
    for combination in Combination::all().filter(|c| c.mul_wide == MulWide::U32) {
        is_core(&combination.source()).unwrap_or_else(|e| panic!("{combination:?}: {e}"));
        for (at, entry, (module, info)) in combination.pipelines() {
            let text = wgsl::write_string(&module, &info, wgsl::WriterFlags::empty()).unwrap();
            is_core(&text).unwrap_or_else(|e| panic!("{at}: {e}"));
            let entries = validated(&text, Capabilities::empty()).unwrap().0.entry_points;
            assert_eq!(entries.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), [entry]);
        }
    }
    assert!(is_core("enable f16;\nfn f() {}").is_err());
    assert!(is_core("fn f(x: u64) {}").is_err());
}

#[test]
fn every_kernel_module_has_these_entry_points_and_no_other() {
    for combination in Combination::all() {
        let (module, _) = combination.module();
        let names: Vec<_> = module.entry_points.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ENTRIES, "{combination:?}");
    }
}

/// The kernels of orthogonal matrices, for every backend; those without 64-bit integers also for GLES and the browser.
#[test]
fn the_orthogonal_module_becomes_every_language() {
    use seedbed::gpu::orthogonal::{ENTRIES, source};
    for (mul_wide, capabilities) in [(MulWide::U64, Capabilities::SHADER_INT64), (MulWide::U32, Capabilities::empty())]
    {
        for tier in [Tier::NativeFma, Tier::SoftFma] {
            let source = source(mul_wide, tier);
            let whole = validated(&source, capabilities).unwrap();
            for entry in ENTRIES {
                let at = format!("{mul_wide}, {tier}, {entry}");
                let compute = Some((ShaderStage::Compute, entry));
                let (module, info) =
                    naga::back::pipeline_constants::process_overrides(&whole.0, &whole.1, compute, &Default::default())
                        .unwrap_or_else(|e| panic!("{at}: {e}"));
                let module = (module.into_owned(), info.into_owned());
                assert!(spirv(&module, entry, mul_wide == MulWide::U64).len() > 1000, "{at}");
                assert!(metal(&module, entry).contains(entry), "{at}");
                assert!(direct_x(&module, entry).contains(entry), "{at}");
                if mul_wide == MulWide::U32 {
                    assert!(gles(&module, entry, 310).starts_with("#version 310 es"), "{at}");
                    let text = wgsl::write_string(&module.0, &module.1, wgsl::WriterFlags::empty()).unwrap();
                    is_core(&text).unwrap_or_else(|e| panic!("{at}: {e}"));
                }
            }
            if mul_wide == MulWide::U32 {
                is_core(&source).unwrap();
            }
        }
    }
}

/// The host's struct is the shader's.
#[test]
fn the_orthogonal_block_is_laid_out_as_the_shader_says() {
    use seedbed::gpu::orthogonal::{ReflectorBlock, source};
    use std::mem::offset_of;
    let (module, _) = validated(&source(MulWide::U32, Tier::SoftFma), Capabilities::empty()).unwrap();
    let (_, ty) = module.types.iter().find(|(_, t)| t.name.as_deref() == Some("ReflectorBlock")).unwrap();
    let naga::TypeInner::Struct { members, span } = &ty.inner else { panic!() };
    let found: Vec<_> = members.iter().map(|m| (m.name.as_deref().unwrap(), m.offset as usize)).collect();
    macro_rules! offsets { ($($f:ident),*) => { vec![$((stringify!($f), offset_of!(ReflectorBlock, $f))),*] } }
    let ours = offsets!(
        key,
        matrix,
        first,
        width,
        rows,
        cols,
        row_step,
        col_step,
        matrix_step,
        start,
        work_step,
        t_start,
        sum_start,
        gain,
        one
    );
    assert_eq!(found, ours);
    assert_eq!(*span as usize, size_of::<ReflectorBlock>());
}

/// Without asking, a device has 16 KiB of workgroup memory.
#[test]
fn the_orthogonal_entries_fit_the_smallest_workgroup_memory() {
    use seedbed::gpu::orthogonal::source;
    let (module, info) = validated(&source(MulWide::U32, Tier::SoftFma), Capabilities::empty()).unwrap();
    let mut layouter = naga::proc::Layouter::default();
    layouter.update(module.to_ctx()).unwrap();
    for (i, entry) in module.entry_points.iter().enumerate() {
        let info = info.get_entry_point(i);
        let bytes: u32 = module
            .global_variables
            .iter()
            .filter(|(h, g)| g.space == naga::AddressSpace::WorkGroup && !info[*h].is_empty())
            .map(|(_, g)| layouter[g.ty].size.next_multiple_of(16))
            .sum();
        println!("{}: {bytes} bytes", entry.name);
        assert!(bytes <= 16384, "{}: {bytes}", entry.name);
    }
}

#[test]
fn the_normalizer_translates_as_the_kernels_do() {
    for (mul_wide, tier, source, module) in normalizers() {
        let wide = mul_wide == MulWide::U64;
        let names: Vec<_> = module.0.entry_points.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, NORMALIZE);
        assert_eq!(is_core(&source).is_ok(), !wide);
        for entry in NORMALIZE {
            let at = format!("{mul_wide} {tier} {entry}");
            let policies = spirv(&module, entry, wide);
            assert!(policies[0] == 0x0723_0203 && policies.len() > 200, "{at}");
            assert!(metal(&module, entry).contains(entry) && direct_x(&module, entry).contains(entry), "{at}");
            if !wide {
                assert!(gles(&module, entry, 320).starts_with("#version 320 es"), "{at}");
            }
        }
    }
}
