//! The order of the rooms: a module imports those above it in src/lib.rs alone, and inside a room of [`ROOMS`] those
//! above it in the room's mod.rs. Read from the sources, without their comments, strings and tests.

mod order;
pub mod source;

pub use order::{rust_files, text};

use order::Order;
use source::Names;
use std::path::{Path, PathBuf};

/// The root, and the rooms that have an order inside.
const ROOMS: [&str; 19] = [
    "",
    "value",
    "value/law",
    "value/law/truncated",
    "value/scheme",
    "plan",
    "cpu",
    "gpu",
    "stats",
    "model",
    "recipe",
    "recipe/roles",
    "model_plan",
    "checkpoint",
    "checkpoint/disk",
    "checkpoint/safetensors",
    "checkpoint/write",
    "checkpoint/inspect",
    "checkpoint/verify",
];

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn order() -> Order {
    Order::read(&root().join("src"), &ROOMS)
}

#[test]
fn no_room_imports_one_above_it() {
    let (paths, climbs) = order().check(&root().join("src"), &[]);
    assert!(paths > 400, "only {paths} paths were read");
    assert!(climbs.is_empty(), "\n{}", climbs.join("\n"));
}

/// The control of the test above: made-up sources that climb are found, with file, line and both rooms.
#[test]
fn a_room_that_climbs_is_found() {
    let order = order();
    let module = |path: &str| path.split("::").map(str::to_owned).collect::<Names>();
    let climbs = |path: &str, source: &str| order.climbs("made_up.rs", source, &module(path));
    for (path, source, expected) in [
        ("plan::slab", "use crate::cpu::fill;", "made_up.rs:1: plan imports cpu, which stands above it"),
        ("plan::slab", "\n\nfn f() { crate::gpu::open() }", "made_up.rs:3: plan imports gpu, which"),
        ("value::law::uniform", "use crate::value::scheme::Scheme;", "made_up.rs:1: value::law imports value::scheme,"),
        ("value::law::uniform", "use crate::{Error,\n Scheme};", "made_up.rs:2: value::law imports value::scheme,"),
        ("value::law", "use super::params::LawParams;", "value::law imports value::params,"),
        (
            "value::law::uniform",
            "use super::super::{key::Key, scheme::{self, Mode}};",
            "value::law imports value::scheme,",
        ),
        ("value::shape", "use crate::law::Law;", "value::shape imports value::law,"),
        (
            "model::families",
            "use crate::plan::Plan;\nuse crate::recipe::{self as r, Recipe};",
            "made_up.rs:2: model imports recipe, which",
        ),
        ("recipe::rule", "use super::file::RecipeFile;", "recipe::rule imports recipe::file,"),
        ("model::fields", "use crate::model::family::Class;", "model::fields imports model::family,"),
        ("error", "fn f(d: crate::DType) {}", "error imports value,"),
        // Names that a room, or a room inside it, brings in from one of its modules.
        ("recipe::rule", "use super::Recipe;", "recipe::rule imports recipe::recipe,"),
        ("model::fields", "\nuse crate::model::Model;", "made_up.rs:2: model::fields imports model::model,"),
        ("model::role", "use super::{config_with_dtype as c};", "model::role imports model::config_text,"),
        ("checkpoint::names", "use crate::checkpoint::{Weights};", "checkpoint::names imports checkpoint::weights,"),
        ("plan::matrices", "fn f(fill: crate::Fill) {}", "plan::matrices imports plan::fill,"),
        ("value::rounding", "use crate::law::TruncatedNormal;", "value::rounding imports value::law,"),
        ("value::law::limits", "use super::{Law, Uniform};", "value::law::limits imports value::law::uniform,"),
        (
            "value::law::truncated::mills",
            "use super::Window;",
            "value::law::truncated::mills imports value::law::truncated::window,",
        ),
        ("checkpoint::disk::temp", "use super::Commit;", "checkpoint::disk::temp imports checkpoint::disk::commit,"),
        (
            "checkpoint::write::options",
            "fn f() { super::super::write_model() }",
            "checkpoint::write::options imports checkpoint::write::model,",
        ),
        (
            "checkpoint::safetensors::parse",
            "use super::{Reader, super::disk::Commit};",
            "checkpoint::safetensors::parse imports checkpoint::safetensors::read,",
        ),
        ("cpu::philox", "use super::fill::Series;", "cpu::philox imports cpu::fill,"),
        ("cpu::fma", "use crate::cpu::Level;", "cpu::fma imports cpu::level,"),
        ("gpu::descriptor", "use super::{Gpu, wgpu};", "gpu::descriptor imports gpu::device,"),
        ("model_plan::text", "use super::ModelPlan;", "model_plan::text imports model_plan::planned,"),
    ] {
        let found = climbs(path, source);
        assert!(!found.is_empty() && found.iter().all(|climb| climb.contains(expected)), "{source}: {found:?}");
    }
    for (path, source) in [
        ("plan::slab", "// crate::cpu::fill\n/* crate::gpu */ const S: &str = \"crate::cpu\";"),
        ("plan::slab", "#[cfg(test)]\nmod tests { use crate::cpu::fill; }\n#[cfg(test)] use crate::gpu::open;"),
        ("plan::slab", "use crate::value::{key::Key, law::Law};\nuse super::fill::Fill; use crate::{DType, Error};"),
        ("cpu::fill", "let c = '\"'; use crate::plan::Plan; fn f<'a>(x: &'a str) {}"),
        // What the file of a room defines itself, and what it brings in from below or from another crate.
        ("value::law::uniform", "use super::{Distribution, Law, MAX_NORMAL}; use super::limits::check_scale;"),
        ("value::law", "use super::law::uniform::Uniform; use crate::law::Normal;"),
        ("gpu::device", "use super::wgpu; use crate::gpu::Filler;"),
        ("recipe::assign", "use super::{Recipe, rule::Rule}; use crate::model::Model;"),
        ("value::scheme::text", "use super::super::law::Law; use super::words::Mode; use crate::Error;"),
    ] {
        assert_eq!(climbs(path, source), [""; 0], "{source}");
    }
}

#[test]
fn the_table_of_lib_rs_lists_the_rooms_in_their_order() {
    let lib = text(&root().join("src/lib.rs"));
    let rows = lib.lines().skip_while(|line| !line.contains("| module |")).skip(2);
    let rows = rows.map_while(|line| line.strip_prefix("//! | "));
    let listed: Vec<String> = rows.map(|row| row.split('`').nth(1).unwrap().to_owned()).collect();
    assert_eq!(listed, order().root());
}
