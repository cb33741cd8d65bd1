//! The order of the rooms of a crate: where a path stands in it, and which paths climb.

use super::source::{Names, read};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A module whose own modules have an order: that of its `mod` lines.
struct Room {
    modules: Names,
    /// A name that the room's file brings in, and the path that it stands for.
    uses: BTreeMap<String, Names>,
}

/// The rooms that have an order, each by its path from the root of the crate.
pub struct Order(BTreeMap<Names, Room>);

impl Order {
    /// The order of these rooms of a crate, which are folders of `src`; the root is "".
    pub fn read(src: &Path, rooms: &[&str]) -> Self {
        let room = |&folder: &&str| {
            let file = if folder.is_empty() { src.join("lib.rs") } else { src.join(folder).join("mod.rs") };
            let module: Names = folder.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            let read = read(&text(&file), &module);
            let modules = read.modules.into_iter().filter(|declared| !declared.test).map(|declared| declared.name);
            // Another crate's name stands for itself.
            let uses = read.uses.into_iter().map(|used| (used.called, used.path));
            let uses =
                uses.filter(|(called, path)| path.strip_prefix(&module[..]) != Some(std::slice::from_ref(called)));
            let uses = uses.collect();
            (module, Room { modules: modules.collect(), uses })
        };
        Self(rooms.iter().map(room).collect())
    }

    /// The modules of the root, lowest first.
    pub fn root(&self) -> &[String] {
        &self.0[&Names::new()].modules
    }

    /// Where a path stands: its place in each ordered room that it leads into, with the names down to there. A name
    /// that a room's file brings in stands where its path leads; what the file defines itself stands at the room.
    fn places(&self, path: &[String]) -> (Vec<usize>, Names) {
        let (mut places, mut names) = (Vec::new(), Names::new());
        for (at, name) in path.iter().enumerate() {
            let Some(room) = self.0.get(&names) else { break };
            match room.modules.iter().position(|module| module == name) {
                Some(place) => places.push(place),
                None => match room.uses.get(name) {
                    Some(used) => return self.places(&[used, &path[at + 1..]].concat()),
                    None => break,
                },
            }
            names.push(name.clone());
        }
        (places, names)
    }

    /// Each path of a file that climbs, in words: where it and the file's module part, its side stands above.
    pub fn climbs(&self, file: &str, source: &str, module: &[String]) -> Vec<String> {
        let (own, own_names) = self.places(module);
        let mut climbs = Vec::new();
        for named in read(source, module).paths {
            let (other, names) = self.places(&named.path);
            let Some(at) = own.iter().zip(&other).position(|(own, other)| own != other) else { continue };
            if other[at] > own[at] {
                let (own, other) = (own_names[..=at].join("::"), names[..=at].join("::"));
                climbs.push(format!("{file}:{}: {own} imports {other}, which stands above it", named.line));
            }
        }
        climbs
    }

    /// How many paths the files of a crate name, and those that climb. Fails where a file of `src` is no module's;
    /// `roots` are files that no module declares.
    pub fn check(&self, src: &Path, roots: &[&str]) -> (usize, Vec<String>) {
        let mut walked = Vec::new();
        walk(src.join("lib.rs"), Names::new(), false, &mut walked);
        let known: BTreeSet<PathBuf> =
            walked.iter().map(|(file, ..)| file.clone()).chain(roots.iter().map(|root| src.join(root))).collect();
        let on_disk = rust_files(src);
        let missed: Vec<_> = on_disk.symmetric_difference(&known).collect();
        assert!(missed.is_empty(), "no module has these files: {missed:?}");
        let (mut paths, mut climbs) = (0, Vec::new());
        for (file, module, _) in walked.iter().filter(|(_, module, test)| !test && !module.is_empty()) {
            let source = text(file);
            paths += read(&source, module).paths.len();
            climbs.extend(self.climbs(&file.strip_prefix(src).unwrap().display().to_string(), &source, module));
        }
        (paths, climbs)
    }
}

pub fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Each Rust file of a folder and of those in it.
pub fn rust_files(dir: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.append(&mut rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.insert(path);
        }
    }
    found
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
