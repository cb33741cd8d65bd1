//! Tells the program what `--version` says of the build: the commit, the features of the library, and the target.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=SEEDBED_COMMIT={}", commit());
    println!("cargo::rustc-env=SEEDBED_FEATURES={}", features());
    println!("cargo::rustc-env=SEEDBED_TARGET={}", std::env::var("TARGET").unwrap_or_default());
}

/// The commit of the repository that this package is part of, with `-dirty` where tracked files differ from it. Empty
/// elsewhere: in a package of a registry, or without git.
fn commit() -> String {
    let root = Path::new("../..");
    // A package may lie inside a repository that is not its own, such as one of a home directory.
    let top = git(&["rev-parse", "--show-toplevel"]).map(|top| Path::new(&top).canonicalize().ok());
    if top.is_none() || top.flatten() != root.canonicalize().ok() {
        return String::new();
    }
    // Where the state of the repository is written: a new commit, another branch. Edited files set off a build anyway,
    // and this script with it, so that `-dirty` is true of what was built. A path that does not exist would set off
    // every build.
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    let paths = ["HEAD", "logs/HEAD", "packed-refs"].into_iter().chain(branch.as_deref());
    let states = paths.filter_map(|path| git(&["rev-parse", "--git-path", path]));
    let sources = ["src", "../../src", "../../shaders", "../../recipes"].map(str::to_owned);
    for path in states.chain(sources).filter(|path| Path::new(path).exists()) {
        println!("cargo::rerun-if-changed={path}");
    }
    let Some(hash) = git(&["rev-parse", "--short=12", "HEAD"]) else { return String::new() };
    let edited = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|list| !list.is_empty());
    if edited { format!("{hash}-dirty") } else { hash }
}

/// What git prints, without the end of the line.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .args(args)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim_end().to_owned())
}

/// The features of the library that the manifest asks for: the first list of features after the library's name, in the
/// form that is written by hand and in the form that cargo makes of it for a package.
fn features() -> String {
    println!("cargo::rerun-if-changed=Cargo.toml");
    let manifest = std::fs::read_to_string("Cargo.toml").unwrap_or_default();
    let dependency = manifest.find("\nseedbed = ").or_else(|| manifest.find("\n[dependencies.seedbed]"));
    let list = dependency
        .and_then(|start| manifest[start..].split_once("features = ["))
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or("", |(list, _)| list);
    let names = list.split(',').map(|name| name.trim().trim_matches('"')).filter(|name| !name.is_empty());
    names.collect::<Vec<_>>().join(", ")
}
