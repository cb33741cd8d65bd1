//! The order of the rooms: a module imports those above it in src/lib.rs alone, and inside `value`, `model` and
//! `recipe` those above it in the room's mod.rs. Read from the sources, without their comments, strings and tests.

mod source;

use source::{Names, expand, read, tokens};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The order of the rooms and what the root re-exports.
struct Order {
    rooms: Vec<String>,
    /// Rooms that have an order inside, each with its modules.
    inside: Vec<(&'static str, Vec<String>)>,
    /// A name at the root, and the path that it stands for.
    exports: Vec<(String, Names)>,
}

impl Order {
    fn read(lib: &str, ordered: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let declared = |source: &str| read(source, &[]).modules.into_iter().map(|m| m.name).collect();
        let tokens = tokens(lib);
        let mut exports = Vec::new();
        for at in (0..tokens.len()).filter(|&at| tokens[at].1 == "use") {
            expand(&tokens, at + 1, &[], &[], &mut exports);
        }
        let exports = exports.into_iter().filter_map(|(_, path)| Some((path.last()?.clone(), path))).collect();
        let inside = ordered.into_iter().map(|(room, source)| (room, declared(&source))).collect();
        Self { rooms: declared(lib), inside, exports }
    }

    /// The floor of a path: that of its room, then that inside the room, where it has an order. A name that a room
    /// re-exports counts as the room's lowest floor. `None` for a name that is no module's.
    fn floor(&self, path: &[String]) -> Option<(usize, usize, String)> {
        let first = path.first()?;
        let at = |list: &[String], name: &str| list.iter().position(|listed| listed == name);
        match at(&self.rooms, first) {
            Some(room) => {
                let inside = self.inside.iter().find(|(ordered, _)| ordered == first);
                let floor = inside.zip(path.get(1)).and_then(|((_, list), name)| Some((at(list, name)?, name)));
                let (floor, name) =
                    floor.map_or((0, first.clone()), |(floor, name)| (floor, format!("{first}::{name}")));
                Some((room, floor, name))
            }
            None => {
                let (_, path) = self.exports.iter().find(|(name, path)| name == first && path.len() > 1)?;
                self.floor(path)
            }
        }
    }

    /// Each path of a file that climbs, in words.
    fn climbs(&self, file: &str, source: &str, module: &[String]) -> Vec<String> {
        let Some(own) = self.floor(module) else { return Vec::new() };
        let climb = |(line, path): (usize, Names)| {
            let other = self.floor(&path)?;
            ((other.0, other.1) > (own.0, own.1))
                .then(|| format!("{file}:{line}: {} imports {}, which stands above it", own.2, other.2))
        };
        read(source, module).paths.into_iter().filter_map(climb).collect()
    }
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

pub fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn order() -> Order {
    let src = root().join("src");
    let ordered = ["value", "model", "recipe"].map(|room| (room, text(&src.join(room).join("mod.rs"))));
    Order::read(&text(&src.join("lib.rs")), ordered)
}

/// Each Rust file of a folder.
fn files(dir: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.insert(path);
        }
    }
}

/// The files of the module at `file`, with their modules' paths and whether only tests have them.
fn walk(file: PathBuf, module: Names, test: bool, found: &mut Vec<(PathBuf, Names, bool)>) {
    let dir = match file.file_name().and_then(|name| name.to_str()) {
        Some("lib.rs" | "mod.rs") => file.parent().unwrap().to_path_buf(),
        _ => file.with_extension(""),
    };
    // A file of tests is walked for its modules, which are tests too.
    let declared = read(&text(&file), &module).modules;
    found.push((file, module.clone(), test));
    for child in declared {
        let (flat, nested) = (dir.join(format!("{}.rs", child.name)), dir.join(&child.name).join("mod.rs"));
        let path = if flat.exists() { flat } else { nested };
        walk(path, [module.clone(), vec![child.name]].concat(), test || child.test, found);
    }
}

#[test]
fn no_room_imports_one_above_it() {
    let order = order();
    let (mut on_disk, mut walked) = (BTreeSet::new(), Vec::new());
    files(&root().join("src"), &mut on_disk);
    walk(root().join("src/lib.rs"), Vec::new(), false, &mut walked);
    let walked_files: BTreeSet<PathBuf> = walked.iter().map(|(file, ..)| file.clone()).collect();
    let missed: Vec<_> = on_disk.symmetric_difference(&walked_files).collect();
    assert!(missed.is_empty(), "no module has these files: {missed:?}");
    let mut climbs = Vec::new();
    let mut paths = 0;
    for (file, module, _) in walked.iter().filter(|(_, module, test)| !test && !module.is_empty()) {
        let source = text(file);
        paths += read(&source, module).paths.len();
        climbs.extend(order.climbs(&file.strip_prefix(root()).unwrap().display().to_string(), &source, module));
    }
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
            "made_up.rs:2: model::families imports recipe, which",
        ),
        ("recipe::rule", "use super::file::RecipeFile;", "recipe::rule imports recipe::file,"),
        ("model::fields", "use crate::model::family::Class;", "model::fields imports model::family,"),
        ("error", "fn f(d: crate::DType) {}", "error imports value::dtype,"),
    ] {
        let found = climbs(path, source);
        assert!(!found.is_empty() && found.iter().all(|climb| climb.contains(expected)), "{source}: {found:?}");
    }
    for (path, source) in [
        ("plan::slab", "// crate::cpu::fill\n/* crate::gpu */ const S: &str = \"crate::cpu\";"),
        ("plan::slab", "#[cfg(test)]\nmod tests { use crate::cpu::fill; }\n#[cfg(test)] use crate::gpu::open;"),
        ("plan::slab", "use crate::value::{key::Key, law::Law};\nuse super::fill::Fill; use crate::{DType, Error};"),
        ("cpu::fill", "let c = '\"'; use crate::plan::Plan; fn f<'a>(x: &'a str) {}"),
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
    assert_eq!(listed, order().rooms);
}
