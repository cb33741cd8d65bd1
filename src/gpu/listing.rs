//! Every pipeline that the library makes, by name: what tests/compilers hands to the compilers of drivers.

use super::kernel_id::{EntryPoint, KernelId};
use super::kernel_set::KernelSet;
use super::kernels::constants;
use super::lower::ITEMS;
use super::normalize::{self, normalize_source};
use super::orthogonal;
use super::source::{MulWide, Tier, source};
use crate::DType;

/// A WGSL module, and the pipelines that are made of it.
#[derive(Clone, Debug)]
pub struct ListedModule {
    /// Its text.
    pub wgsl: String,
    /// Whether wgpu is told to leave out the checks at run time.
    pub trusted: bool,
    /// Its pipelines: every entry point has one at least.
    pub pipelines: Vec<ListedPipeline>,
}

/// A pipeline.
#[derive(Clone, Debug)]
pub struct ListedPipeline {
    /// A name that no other pipeline of the list has.
    pub label: String,
    /// The entry point.
    pub entry_point: &'static str,
    /// The `override` constants by name.
    pub constants: Vec<(&'static str, f64)>,
    /// Of a kernel that fills, how much a thread does.
    pub work: Option<Work>,
}

/// What one thread of a kernel that fills does: `items` times the body of one loop.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Items per thread.
    pub items: u32,
    /// Elements per item.
    pub values: u32,
}

/// Every module of these implementations, with the kernels that any fill may need.
#[must_use]
pub fn every_module(mul_wide: MulWide, tier: Tier) -> Vec<ListedModule> {
    let kernels = KernelSet::all().ids;
    let of_dtype = |dtype| ListedModule {
        wgsl: source(mul_wide, tier, dtype),
        trusted: true,
        pipelines: kernels.iter().filter(|id| id.dtype == dtype).map(|&id| kernel(id)).collect(),
    };
    let mut modules: Vec<_> = DType::ALL.into_iter().map(of_dtype).collect();
    modules.push(ListedModule {
        wgsl: normalize_source(mul_wide, tier),
        trusted: false,
        pipelines: normalize::entry_points().iter().map(|name| unspecialized("normalize", name)).collect(),
    });
    modules.push(ListedModule {
        wgsl: orthogonal::source(mul_wide, tier),
        trusted: true,
        pipelines: orthogonal::ENTRIES.iter().map(|name| unspecialized("orthogonal", name)).collect(),
    });
    modules
}

fn unspecialized(family: &str, entry_point: &'static str) -> ListedPipeline {
    ListedPipeline { label: format!("{family} {entry_point}"), entry_point, constants: Vec::new(), work: None }
}

fn kernel(id: KernelId) -> ListedPipeline {
    let per_word = id.dtype.per_word() as u32;
    let values = match id.entry {
        EntryPoint::Aligned | EntryPoint::Rows => 4 * per_word,
        EntryPoint::Contiguous => 4,
        EntryPoint::Boxed | EntryPoint::General => per_word,
    };
    let entry_point = id.entry.name();
    let rounding = if id.stochastic { ", stochastic" } else { "" };
    ListedPipeline {
        label: format!("{} {} {}{rounding}", id.dtype, entry_point.trim_start_matches("fill_"), id.law),
        entry_point,
        constants: constants(id),
        work: Some(Work { items: ITEMS, values }),
    }
}
