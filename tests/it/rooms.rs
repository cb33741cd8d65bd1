//! The order of the rooms: a module imports those above it in src/lib.rs alone, and inside `value` those above it in
//! src/value/mod.rs. Read from the sources, without their comments, strings and tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A path of modules, from the root of the crate.
type Names = Vec<String>;

/// A source text as words and signs; comments, strings and characters left out.
fn tokens(source: &str) -> Vec<(usize, String)> {
    let chars: Vec<char> = source.chars().collect();
    let (mut tokens, mut line, mut at) = (Vec::new(), 1, 0);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    while at < chars.len() {
        let rest = |n: usize| chars.get(at + n).copied().unwrap_or('\0');
        let from = at;
        match rest(0) {
            '/' if rest(1) == '/' => {
                while at < chars.len() && chars[at] != '\n' {
                    at += 1;
                }
            }
            '/' if rest(1) == '*' => {
                at += 2;
                while at < chars.len() && !(chars[at] == '/' && chars[at - 1] == '*' && at > from + 2) {
                    at += 1;
                }
                at += 1;
            }
            'r' if rest(1) == '"' || rest(1) == '#' && (rest(2) == '"' || rest(2) == '#' && rest(3) == '"') => {
                let hashes = (1..).take_while(|&n| rest(n) == '#').count();
                let end: String = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                at += hashes + 2;
                while at < chars.len() && !chars[at..].iter().take(hashes + 1).copied().eq(end.chars()) {
                    at += 1;
                }
                at += hashes + 1;
            }
            '"' => {
                at += 1;
                while at < chars.len() && chars[at] != '"' {
                    at += if chars[at] == '\\' { 2 } else { 1 };
                }
                at += 1;
            }
            // A character; a lifetime has no second quote.
            '\'' if rest(1) == '\\' || rest(2) == '\'' => {
                at += 2;
                while at < chars.len() && chars[at] != '\'' {
                    at += 1;
                }
                at += 1;
            }
            c if is_word(c) => {
                while at < chars.len() && is_word(chars[at]) {
                    at += 1;
                }
                tokens.push((line, chars[from..at].iter().collect()));
            }
            ':' if rest(1) == ':' => {
                tokens.push((line, "::".to_owned()));
                at += 2;
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push((line, c.to_string()));
                }
                at += 1;
            }
        }
        line += chars[from..at.min(chars.len())].iter().filter(|&&c| c == '\n').count();
    }
    tokens
}

/// The index after the bracket that closes the one at `open`.
fn after_brackets(tokens: &[(usize, String)], open: usize) -> usize {
    let mut depth = 0;
    for (at, (_, token)) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// A `mod name;` of a file, and whether only tests have it.
struct Declared {
    name: String,
    test: bool,
}

/// What a file declares and names: its modules, and each path that begins with `crate` or `super`, with its line.
struct Read {
    modules: Vec<Declared>,
    paths: Vec<(usize, Names)>,
}

/// Reads a file that is the module `module`; inline modules count for it, those of tests are skipped.
fn read(source: &str, module: &[String]) -> Read {
    let mut tokens = tokens(source);
    let mut found = Read { modules: Vec::new(), paths: Vec::new() };
    // Drops the items that only tests have, and notes the modules.
    let mut at = 0;
    let mut test = false;
    while at < tokens.len() {
        let word = |n: usize| tokens.get(at + n).map_or("", |(_, token)| token.as_str());
        if word(0) == "#" && word(1) == "[" {
            let end = after_brackets(&tokens, at + 1);
            let words: Vec<&str> = tokens[at..end].iter().map(|(_, token)| token.as_str()).collect();
            test |= words.starts_with(&["#", "[", "cfg", "(", "test", ")"]);
            at = end;
        } else if word(0) == "pub" {
            at = if word(1) == "(" { after_brackets(&tokens, at + 1) } else { at + 1 };
        } else if word(0) == "mod" && word(2) == ";" {
            found.modules.push(Declared { name: word(1).to_owned(), test });
            (test, at) = (false, at + 3);
        } else if test {
            let body =
                (at..tokens.len()).find(|&k| ["{", ";"].contains(&tokens[k].1.as_str())).unwrap_or(tokens.len() - 1);
            let end = if tokens[body].1 == "{" { after_brackets(&tokens, body) } else { body + 1 };
            tokens.drain(at..end);
            test = false;
        } else {
            at += 1;
        }
    }
    for at in 0..tokens.len() {
        let begins = at == 0 || tokens[at - 1].1 != "::";
        if begins
            && ["crate", "super"].contains(&tokens[at].1.as_str())
            && tokens.get(at + 1).is_some_and(|t| t.1 == "::")
        {
            expand(&tokens, at, &[], module, &mut found.paths);
        }
    }
    found
}

/// Notes the paths of the tree of a `use` (or of one path) that begins at `at`; returns the index after it.
fn expand(
    tokens: &[(usize, String)],
    mut at: usize,
    before: &[String],
    module: &[String],
    paths: &mut Vec<(usize, Names)>,
) -> usize {
    let line = tokens.get(at).map_or(0, |(line, _)| *line);
    let (mut path, mut from) = (before.to_vec(), module);
    while let Some((_, token)) = tokens.get(at) {
        match token.as_str() {
            "{" => {
                let end = after_brackets(tokens, at);
                at += 1;
                while at + 1 < end {
                    at = expand(tokens, at, &path, module, paths);
                    at += usize::from(tokens.get(at).is_some_and(|(_, token)| token == ","));
                }
                return end;
            }
            "crate" | "self" => {}
            "super" => {
                from = &from[..from.len().saturating_sub(1)];
                path = from.to_vec();
            }
            name => path.push(name.to_owned()),
        }
        at += 1;
        if tokens.get(at).is_none_or(|(_, token)| token != "::") {
            break;
        }
        at += 1;
    }
    if tokens.get(at).is_some_and(|(_, token)| token == "as") {
        at += 2;
    }
    paths.push((line, path));
    at
}

/// The order of the rooms and what the root re-exports.
struct Order {
    rooms: Vec<String>,
    /// The modules inside `value`, in their order.
    inside: Vec<String>,
    /// A name at the root, and the path that it stands for.
    exports: Vec<(String, Names)>,
}

impl Order {
    fn read(lib: &str, value: &str) -> Self {
        let declared = |source: &str| read(source, &[]).modules.into_iter().map(|m| m.name).collect();
        let tokens = tokens(lib);
        let mut exports = Vec::new();
        for at in (0..tokens.len()).filter(|&at| tokens[at].1 == "use") {
            expand(&tokens, at + 1, &[], &[], &mut exports);
        }
        let exports = exports.into_iter().filter_map(|(_, path)| Some((path.last()?.clone(), path))).collect();
        Self { rooms: declared(lib), inside: declared(value), exports }
    }

    /// The floor of a path: that of its room, then that inside `value`. `None` for a name that is no module's.
    fn floor(&self, path: &[String]) -> Option<(usize, usize, String)> {
        let first = path.first()?;
        let at = |list: &[String], name: &str| list.iter().position(|listed| listed == name);
        match at(&self.rooms, first) {
            Some(room) if first == "value" => {
                let inside = at(&self.inside, path.get(1)?)?;
                Some((room, inside, format!("value::{}", path[1])))
            }
            Some(room) => Some((room, 0, first.clone())),
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

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn order() -> Order {
    Order::read(&text(&root().join("src/lib.rs")), &text(&root().join("src/value/mod.rs")))
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
            "made_up.rs:2: model imports",
        ),
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

/// The rows of the table of features in a text.
fn feature_rows(source: &str) -> Vec<&str> {
    let lines = source.lines().map(|line| line.trim_start_matches("//! "));
    lines.skip_while(|line| !line.starts_with("| feature |")).skip(2).take_while(|line| line.starts_with('|')).collect()
}

#[test]
fn the_tables_of_features_are_cargo_s() {
    let (lib, readme) = (text(&root().join("src/lib.rs")), text(&root().join("README.md")));
    let rows = feature_rows(&lib);
    assert_eq!(rows, feature_rows(&readme), "src/lib.rs and README.md differ");

    // `name = ["dep:a", "b"]`, a line each.
    // In a package Cargo.toml is rewritten, and the original lies beside it.
    let original = root().join("Cargo.toml.orig");
    let cargo = text(&if original.exists() { original } else { root().join("Cargo.toml") });
    let section = |name: &str| {
        let lines = cargo.lines().skip_while(|line| *line != format!("[{name}]").as_str()).skip(1);
        lines.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once(" = ")).collect::<Vec<_>>()
    };
    let quoted = |value: &str| value.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let features: Vec<(&str, Vec<String>)> =
        section("features").into_iter().map(|(name, value)| (name, quoted(value))).collect();
    let default = &features.iter().find(|(name, _)| *name == "default").unwrap().1;
    let features: Vec<_> = features.iter().filter(|(name, _)| *name != "default").collect();
    assert_eq!(rows.len(), features.len(), "{rows:?}");
    for (row, (name, brings)) in rows.iter().zip(features) {
        let columns: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let mark = if default.iter().any(|d| d == name) { " (default)" } else { "" };
        assert_eq!(columns[0], format!("`{name}`{mark}"));
        // A feature of another crate, as wgpu/vulkan, comes with the crate.
        for brought in brings.iter().filter(|brought| !brought.contains('/')) {
            let shown = brought.strip_prefix("dep:").map_or_else(|| format!("`{brought}`"), str::to_owned);
            assert!(columns[2].split([' ', ',']).any(|word| word == shown), "{name} brings {shown}: {row}");
        }
    }

    let always = section("dependencies").into_iter().filter(|(_, value)| !value.contains("optional = true"));
    let mut always: Vec<&str> = always.map(|(name, _)| name).collect();
    let last = always.pop().unwrap();
    let sentence = format!("depends on {} and {last},", always.join(", "));
    for (file, source) in [("src/lib.rs", &lib), ("README.md", &readme)] {
        let plain = source.replace("\n//! ", " ").replace('\n', " ");
        assert!(plain.contains(&sentence), "{file} must say: {sentence}");
    }
}
