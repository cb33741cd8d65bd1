//! The laws of torch, jax, keras and timm, as tests/data/peers.py reads them from the libraries, against seedbed's.

use seedbed::law::Law;
use seedbed::scheme::catalog;
use seedbed::shape::{Layout, Shape};
use seedbed::{Result, Scheme};
use std::collections::{BTreeMap, BTreeSet};

const TABLE: &str = include_str!("../data/peers.tsv");
const TOLERANCE: f64 = 1e-6;

mod structures;

/// The schemes whose elements are not drawn independently from one distribution.
const STRUCTURES: [&str; 5] = ["delta_orthogonal", "dirac", "identity", "orthogonal", "sparse"];

/// One row of the table; peers.py describes the columns.
struct Row {
    library: &'static str,
    function: &'static str,
    shape: Shape,
    layout: Layout,
    kind: &'static str,
    numbers: [&'static str; 4],
    pattern: &'static str,
    seedbed: &'static str,
    differs: &'static str,
    line: &'static str,
}

fn rows() -> Vec<Row> {
    let mut lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let heads = "library\tfunction\targuments\tshape\tlayout\tkind\tmean\tstd\tlo\thi\tpattern\tseedbed\tdiffers";
    assert_eq!(lines.next(), Some(heads));
    lines.map(row).collect()
}

fn row(line: &'static str) -> Row {
    let cells: Vec<&str> = line.split('\t').collect();
    let [library, function, _, shape, layout, kind, mean, std, lo, hi, pattern, seedbed, differs] = cells[..] else {
        panic!("{} cells: {line}", cells.len());
    };
    let (shape, layout) = (shape.parse().unwrap(), layout.parse().unwrap());
    Row { library, function, shape, layout, kind, numbers: [mean, std, lo, hi], pattern, seedbed, differs, line }
}

fn of_kind(kind: &str) -> Vec<Row> {
    rows().into_iter().filter(|row| row.kind == kind).collect()
}

/// Mean, std and ends of a law; a normal has no ends.
fn numbers(law: &Law) -> [f64; 4] {
    let (lo, hi) = match law {
        Law::Normal(_) => (f64::NEG_INFINITY, f64::INFINITY),
        Law::TruncatedNormal(law) => (law.lo(), law.hi()),
        _ => law.range(),
    };
    [law.mean(), law.std(), lo, hi]
}

impl Row {
    fn law(&self) -> Result<Law> {
        self.seedbed.parse::<Scheme>()?.law(&self.shape, &self.layout)
    }

    /// Whether seedbed's law is the peer's, each number to 1e-6 of it; what is 0 there is 0 to 1e-6 of the std.
    fn agrees(&self) -> bool {
        let theirs = self.numbers.map(|number| number.parse::<f64>().unwrap());
        let Ok(law) = self.law() else { return false };
        let slack = |number: f64| TOLERANCE * if number == 0.0 { theirs[1] } else { number.abs() };
        numbers(&law)
            .into_iter()
            .zip(theirs)
            .all(|(ours, number)| ours == number || (ours - number).abs() <= slack(number))
    }
}

#[test]
fn every_law_is_the_peer_s_except_where_the_table_says_why_not() {
    let laws = of_kind("law");
    let wrong: Vec<String> = laws
        .iter()
        .filter(|row| row.agrees() != row.differs.is_empty())
        .map(|row| format!("{}\n  seedbed: {:?}", row.line, row.law()))
        .collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), laws.len(), wrong.join("\n"));
}

#[test]
fn a_law_a_millionth_off_is_found() {
    // The comparison itself: each of the four numbers, moved by 2e-6, must count.
    let moved =
        |number: &'static str| -> &'static str { (number.parse::<f64>().unwrap() * (1.0 + 2e-6)).to_string().leak() };
    let row = of_kind("law").into_iter().find(|row| row.seedbed == "uniform(-0.25, 0.75)").unwrap();
    assert!(row.agrees());
    for at in 0..4 {
        let mut numbers = row.numbers;
        numbers[at] = moved(numbers[at]);
        assert!(!Row { numbers, ..self::row(row.line) }.agrees(), "number {at}");
    }
}

#[test]
fn every_row_that_differs_has_its_agreeing_twin_or_is_refused() {
    // A row that says which scheme not to take must also say which one to take.
    let agreeing: BTreeSet<_> = of_kind("law").iter().filter(|r| r.differs.is_empty()).map(Row::call).collect();
    let mut refused = BTreeSet::new();
    for row in of_kind("law").iter().filter(|row| !row.differs.is_empty()) {
        if !agreeing.contains(&row.call()) {
            assert!(row.law().is_err(), "{}", row.line);
            refused.insert((row.library, row.function, row.shape.rank()));
        }
    }
    assert_eq!(refused, BTreeSet::from([("keras", "VarianceScaling", 1)]));
}

impl Row {
    /// The peer's call: library, function, arguments, shape.
    fn call(&self) -> Vec<&'static str> {
        self.line.split('\t').take(4).collect()
    }
}

#[test]
fn the_structures_are_those_of_the_list() {
    let structures = of_kind("structure");
    let names: BTreeSet<_> = structures.iter().map(|row| row.seedbed.split('(').next().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(STRUCTURES));
    for row in structures {
        assert!(!row.pattern.is_empty() && row.seedbed.ends_with(')'), "{}", row.line);
    }
}

#[test]
fn what_seedbed_has_not_is_known() {
    let absent: Vec<_> = of_kind("absent").iter().map(|row| (row.library, row.function, row.seedbed)).collect();
    assert_eq!(absent, [("keras", "STFT", "-")]);
    let kinds: BTreeSet<_> = rows().iter().map(|row| row.kind).collect();
    assert_eq!(kinds, BTreeSet::from(["absent", "law", "structure"]));
}

#[test]
fn the_catalog_names_the_peer_s_function_of_every_law() {
    let entries: BTreeMap<_, _> =
        catalog().iter().flat_map(|info| info.names.iter().map(move |&name| (name, info))).collect();
    let mut named = 0;
    for row in of_kind("law").iter().filter(|row| row.differs.is_empty()) {
        let info = entries[row.seedbed.split('(').next().unwrap()];
        let text = match row.library {
            "torch" => info.torch,
            "jax" => info.jax,
            "keras" => info.keras,
            _ => continue,
        };
        let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        assert!(words.contains(&row.function), "{}: {text:?} for\n{}", info.name(), row.line);
        named += 1;
    }
    assert!(named > 100, "{named}");
}
