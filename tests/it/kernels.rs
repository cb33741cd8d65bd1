//! Every kernel module, parsed and validated by naga.
#![cfg(feature = "gpu")]

use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{Module, ShaderStage};
use seedbed::DType;
use seedbed::gpu::{MulWide, Tier, source};

/// A module, and what the validator found out about it.
pub type Valid = (Module, ModuleInfo);

pub const ENTRIES: [&str; 5] = ["fill_aligned", "fill_rows", "fill_boxed", "fill_contiguous", "fill_general"];

/// The implementations of `mul_wide` and `fused`, and the dtype that is stored.
#[derive(Clone, Copy, Debug)]
pub struct Combination {
    pub mul_wide: MulWide,
    pub tier: Tier,
    pub dtype: DType,
}

impl Combination {
    pub fn all() -> impl Iterator<Item = Self> {
        [MulWide::U64, MulWide::U32].into_iter().flat_map(|mul_wide| {
            [Tier::NativeFma, Tier::SoftFma].into_iter().flat_map(move |tier| {
                [DType::F32, DType::F16, DType::BF16].into_iter().map(move |dtype| Self { mul_wide, tier, dtype })
            })
        })
    }

    pub fn source(self) -> String {
        source(self.mul_wide, self.tier, self.dtype)
    }

    /// What the kernel may ask of a device beyond the browser's core.
    pub fn capabilities(self) -> Capabilities {
        match self.mul_wide {
            MulWide::U64 => Capabilities::SHADER_INT64,
            _ => Capabilities::empty(),
        }
    }

    pub fn module(self) -> Valid {
        validated(&self.source(), self.capabilities()).unwrap_or_else(|e| panic!("{self:?}: {e}"))
    }

    /// The module as a pipeline has it: one entry point, its overrides replaced by numbers.
    pub fn pipeline(self, entry: &str, [kind, mask]: [u32; 2], stochastic: bool) -> Valid {
        let (module, info) = self.module();
        let constants = [
            ("KIND", kind),
            ("MASK", mask),
            ("STOCHASTIC_ROUNDING", stochastic.into()),
            ("GROUP_SIZE", 64),
            ("ITEMS", 8),
        ];
        let constants = constants.into_iter().map(|(name, value)| (name.to_owned(), f64::from(value))).collect();
        let entry = Some((ShaderStage::Compute, entry));
        let (module, info) = naga::back::pipeline_constants::process_overrides(&module, &info, entry, &constants)
            .unwrap_or_else(|e| panic!("{self:?} {entry:?} KIND {kind} MASK {mask} STOCHASTIC {stochastic}: {e}"));
        (module.into_owned(), info.into_owned())
    }

    /// Every pipeline that the combination serves: its entry point and constants in words, the entry point, the module.
    ///
    /// Each entry point stands with every kind of law that it serves, and each kind with every mask.
    pub fn pipelines(self) -> impl Iterator<Item = (String, &'static str, Valid)> {
        let blocks = |entry| matches!(entry, "fill_aligned" | "fill_rows" | "fill_contiguous");
        let choices = ENTRIES.into_iter().flat_map(move |entry| {
            let plain = [0, 1, 2, 3, 6, 7].into_iter().map(|kind| [kind, 0]);
            let others = [[0, 1], [2, 1], [2, 3], [4, 0], [5, 0], [8, 0], [u32::MAX - 1, 0], [u32::MAX; 2]];
            let others = others.into_iter().filter(move |_| entry == "fill_general");
            plain.chain(others).map(move |law| (entry, law))
        });
        choices.flat_map(move |(entry, law)| {
            let stochastic = if blocks(entry) || self.dtype == DType::F32 { &[false][..] } else { &[false, true] };
            stochastic.iter().map(move |&stochastic| {
                let at = format!("{self:?} {entry} KIND {} MASK {} STOCHASTIC {stochastic}", law[0], law[1]);
                (at, entry, self.pipeline(entry, law, stochastic))
            })
        })
    }
}

/// The normalizer's entry points.
pub const NORMALIZE: [&str; 5] = ["largest", "squares", "sums", "factor", "scale"];

/// Every module of the normalizer: the implementations in it, its text, and itself.
pub fn normalizers() -> impl Iterator<Item = (MulWide, Tier, String, Valid)> {
    [MulWide::U64, MulWide::U32].into_iter().flat_map(|mul_wide| {
        [Tier::NativeFma, Tier::SoftFma].into_iter().map(move |tier| {
            let source = seedbed::gpu::normalize_source(mul_wide, tier);
            let wide = mul_wide == MulWide::U64;
            let capabilities = if wide { Capabilities::SHADER_INT64 } else { Capabilities::empty() };
            let module = validated(&source, capabilities).unwrap_or_else(|e| panic!("{mul_wide} {tier}: {e}"));
            (mul_wide, tier, source, module)
        })
    })
}

/// Parses and validates WGSL; the error is naga's whole text.
pub fn validated(wgsl: &str, capabilities: Capabilities) -> Result<Valid, String> {
    let module = naga::front::wgsl::parse_str(wgsl).map_err(|e| e.emit_to_string(wgsl))?;
    let info =
        Validator::new(ValidationFlags::all(), capabilities).validate(&module).map_err(|e| e.emit_to_string(wgsl))?;
    Ok((module, info))
}
