//! README says what is: its table of features is that of src/lib.rs and of Cargo.toml, its code stands where it
//! runs, and its links, and those of the other pages, lead to files.

use crate::rooms::{root, text};
use std::path::{Path, PathBuf};

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

/// The lines of README's Rust code, in examples that run: those of src/lib.rs, a doc test, and of examples/embed.rs,
/// which tests/it/gpu/embedding.rs runs.
#[test]
fn the_code_of_readme_stands_where_it_runs() {
    let readme = text(&root().join("README.md"));
    let runs = text(&root().join("src/lib.rs")) + &text(&root().join("examples/embed.rs"));
    let runs: Vec<&str> = runs.lines().map(|line| line.trim_start_matches("//! ").trim()).collect();
    let code = readme.split("```rust\n").skip(1).flat_map(|rest| rest.split("```").next().unwrap().lines());
    let code: Vec<&str> = code.filter(|line| !line.is_empty()).collect();
    assert!(code.len() >= 9, "{code:?}");
    for line in code {
        assert!(runs.contains(&line.trim()), "{line}");
    }
}

/// The links of a page to files, as they are written.
fn links(page: &str) -> Vec<&str> {
    let targets = page.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    targets.filter(|target| !target.contains("://") && !target.starts_with(['#', '<'])).collect()
}

/// The links of a page in a folder that lead to no file.
fn broken<'a>(page: &'a str, folder: &Path) -> Vec<&'a str> {
    let leads = |target: &str| folder.join(target.split('#').next().unwrap()).exists();
    links(page).into_iter().filter(|target| !leads(target)).collect()
}

/// The pages of `docs`.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let paths = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let found = paths.map(|path| if path.is_dir() { pages(&path) } else { vec![path] });
    found.flatten().filter(|path| path.extension().is_some_and(|e| e == "md")).collect()
}

/// A package has these pages too, and is tested like the repository: it must have the files that they link to.
#[test]
fn the_links_of_the_pages_lead_to_files() {
    let top = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(|name| root().join(name));
    let pages: Vec<PathBuf> = top.into_iter().chain(pages(&root().join("docs"))).collect();
    assert!(pages.len() >= 11, "{pages:?}");
    let mut count = 0;
    for path in pages {
        let page = text(&path);
        count += links(&page).len();
        assert_eq!(broken(&page, path.parent().unwrap()), [""; 0], "{}", path.display());
    }
    assert!(count >= 25, "only {count} links");

    let made_up = "[a](docs/stream.md#words), [b](https://example.org/x.md), [c](docs/no.md), [d](README.md), [e](no/)";
    assert_eq!(broken(made_up, &root()), ["docs/no.md", "no/"]);
}
