//! The order of the command line's modules: each imports those above it in src/lib.rs alone, and inside `terminal`,
//! `bench` and `arguments` those above it in the room's mod.rs.

#[path = "../../../../tests/it/rooms/order.rs"]
mod order;
#[path = "../../../../tests/it/rooms/source.rs"]
mod source;

use order::Order;
use std::path::Path;

#[test]
fn no_module_imports_one_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let order = Order::read(&src, &["", "terminal", "arguments", "bench"]);
    assert_eq!(order.root().last().map(String::as_str), Some("advice"));
    // The binary's file is a crate of its own.
    let (paths, climbs) = order.check(&src, &["main.rs"]);
    assert!(paths > 60, "only {paths} paths were read");
    assert!(climbs.is_empty(), "\n{}", climbs.join("\n"));
    // The control: made-up sources that climb.
    for (module, source, expected) in [
        (&["commands", "man"][..], "use crate::advice::of;", "commands imports advice,"),
        (&["terminal", "print"], "fn f() { crate::commands::NAMES }", "terminal imports commands,"),
        (&["terminal", "print"], "use super::table::table;", "terminal::print imports terminal::table,"),
        (&["bench", "clock"], "use super::{cpu, report::Report};", "bench::clock imports bench::"),
    ] {
        let module: Vec<String> = module.iter().map(|&name| name.to_owned()).collect();
        let found = order.climbs("made_up.rs", source, &module);
        assert!(!found.is_empty() && found.iter().all(|climb| climb.contains(expected)), "{source}: {found:?}");
    }
}
