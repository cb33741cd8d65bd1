//! Fills on the GPU: the kernels of `shaders/` through wgpu.
//!
//! An engine builds a [`Filler`] on its own device and records fills into its own encoder; a program without a device
//! opens a [`Gpu`]. Either way the kernels run once against the CPU twin before they are used, and the first [`Tier`]
//! that gives the twin's bits is taken.
//!
//! The files, each of which uses only files above it:
//!
//! 1. `descriptor`: what a kernel reads, as structs of the host.
//! 2. `lower`: fills to descriptors, segments and dispatches.
//! 3. `scope`: wgpu's errors as results.
//! 4. `upload`: bytes from the host to the device.
//! 5. `readback`: bytes from the device to the host.
//! 6. `pipeline`: how pipelines and bind groups are made.
//! 7. `kernels`: the pipelines that fill.
//! 8. `orthogonal`: the pipelines that make orthogonal matrices.
//! 9. `filler`: the pipelines of one device, and the options that they are built with.
//! 10. `range`: ranges of fills, and the buffers that take them.
//! 11. `matrices`: recording of orthogonal matrices.
//! 12. `record`: recording of fills and plans.
//! 13. `selftest`: every pipeline against the twin.
//! 14. `open`: the first pipelines that pass the self-test.
//! 15. `normalize`: the Frobenius norm of tensors, brought to a wanted number.
//! 16. `device`: an adapter, opened for callers that have no device.
//! 17. `compare`: the device against the twin, on demand.
//! 18. `readback_stream`: the bytes of fills, in order, on the host.
//! 19. `alloc`: buffers that hold whole plans.
//! 20. `blocking`: the asynchronous functions, waiting.

mod alloc;
#[cfg(not(target_arch = "wasm32"))]
pub mod blocking;
mod compare;
pub mod descriptor;
mod device;
mod filler;
mod kernels;
mod lower;
mod matrices;
mod normalize;
mod open;
#[doc(hidden)]
pub mod orthogonal;
mod pipeline;
mod range;
mod readback;
mod readback_stream;
mod record;
mod scope;
mod selftest;
mod upload;

pub use compare::compare;
pub use device::{Choice, Gpu, adapters, is_software};
pub use filler::{Filler, FillerOptions};
pub use kernels::{MulWide, Tier, source};
pub use normalize::{Normalizer, Region, normalize_source};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use readback_stream::WORKING_BYTES;
pub use selftest::{schemes, structured_schemes};
/// The wgpu that this crate's API speaks: its major version is part of ours.
pub use wgpu;

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// The files of this directory in the order of the list above, and the names of those that `text` imports.
    fn imported<'a>(text: &str, files: &[&'a str]) -> Vec<&'a str> {
        let names = |file: &&&str| {
            ["super", "crate::gpu"].iter().any(|of| {
                text.match_indices(&format!("{of}::{file}")).any(|(at, found)| {
                    // `super::super::x` is a name of another directory, `super::record_plan` none of `record`.
                    !text[..at].ends_with("super::") && text[at + found.len()..].starts_with(['.', ':', ';', ','])
                })
            })
        };
        files.iter().filter(names).copied().collect()
    }

    #[test]
    fn every_file_uses_only_files_above_it_in_the_list() {
        let listed: Vec<&str> = include_str!("mod.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! ")?.split_once(". `")?.1.split_once('`'))
            .map(|(name, _)| name)
            .collect();
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gpu");
        let mut found: Vec<String> = std::fs::read_dir(&directory)
            .unwrap()
            .filter_map(|entry| Some(entry.unwrap().path().file_name()?.to_str()?.strip_suffix(".rs")?.to_owned()))
            .filter(|name| name != "mod")
            .collect();
        found.sort_unstable();
        let mut sorted = listed.clone();
        sorted.sort_unstable();
        assert_eq!(found, sorted);
        for (place, file) in listed.iter().enumerate() {
            let text = std::fs::read_to_string(directory.join(format!("{file}.rs"))).unwrap();
            let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            for used in imported(&code, &listed) {
                assert!(listed[..place].contains(&used), "{file} uses {used}, which is not above it");
            }
        }
        // The control.
        assert_eq!(imported("use super::scope::Scope; use super::scoped::X;", &["scope", "lower"]), ["scope"]);
    }
}
