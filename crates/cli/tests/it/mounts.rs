//! What needs a file system of its own. Only root may mount one: these tests are ignored unless asked for, as
//! tests/run.sh does where it may.

use super::bad::refused;
use super::{dir, run};
use std::fs;

/// A small file system is what a user meets: `RLIMIT_FSIZE` would end the process by a signal.
#[test]
#[ignore = "mounts file systems: run as root with `-- --ignored mounts::`"]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let dir = dir();
    let mount = |name: &str, args: &[&str]| {
        let place = dir.path().join(name);
        fs::create_dir_all(&place).unwrap();
        std::process::Command::new(args[0]).args(&args[1..]).arg(place).output().is_ok_and(|o| o.status.success())
    };
    let tmpfs = |name, options| mount(name, &["mount", "-t", "tmpfs", "-o", options, "tmpfs"]);
    assert!(tmpfs("disk", "size=64k"), "needs the right to mount");
    let result = std::panic::catch_unwind(|| {
        assert!(tmpfs("files", "size=8m,nr_inodes=12"));
        let large = ["--shape", "100000", "--scheme", "normal(0, 1)", "--device", "cpu"];
        let error = refused(dir.path(), &[&["fill", "-o", "disk/w.safetensors"], &large[..]].concat());
        assert!(error.starts_with("disk/w.safetensors: No space left on device"), "{error}");
        let error = refused(dir.path(), &["init", "gpt2.json", "-o", "disk/deep/m", "--device", "cpu"]);
        assert!(error.starts_with("disk/deep/m/model.safetensors: No space left on device"), "{error}");
        // Room for the bytes, but not for so many files: found midway.
        let many = ["init", "gpt2.json", "--dtype", "f16", "--max-shard-size", "1", "-o", "files/deep/m"];
        let error = refused(dir.path(), &[&many[..], &["--device", "cpu"]].concat());
        assert!(error.starts_with("files/deep/m/model-0000") && error.contains("No space left on device"), "{error}");
        run(dir.path(), &["fill", "--shape", "9", "--scheme", "ones", "-o", "disk/w", "--device", "cpu"]);
    });
    let unmounted = ["disk", "files"].map(|name| mount(name, &["umount"]));
    result.unwrap();
    assert_eq!(unmounted, [true; 2]);
}
