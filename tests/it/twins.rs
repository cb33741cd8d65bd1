//! Rule 2, twins by name: shaders/X.wgsl and src/cpu/X.rs hold the same functions in the same order, with the same
//! numbers.
//!
//! The arithmetic is what is the same. Who walks over the elements is not: threads there, loops here. Where the two
//! files differ it is stated below, and a difference that is not stated fails. Names and constants are compared; that
//! the bits agree is for the tests that run both.

/// A function of the shader, of the twin, or of both.
enum Pair {
    Both(&'static str),
    /// Of both, under two names: the shader's and the twin's.
    Named(&'static str, &'static str),
    Shader(&'static str),
    Twin(&'static str),
}
use Pair::{Both, Named, Shader, Twin};

macro_rules! shader {
    ($name:literal) => {
        include_str!(concat!("../../shaders/", $name, ".wgsl"))
    };
}
macro_rules! twin {
    ($name:literal) => {
        include_str!(concat!("../../src/cpu/", $name, ".rs"))
    };
}

/// The names after each `fn`, without tests and comments.
fn functions(source: &str) -> Vec<&str> {
    let lines = source.lines().map(|line| line.split("//").next().unwrap());
    lines
        .filter_map(|line| line.strip_prefix("fn ").or(line.split_once(" fn ").map(|(_, rest)| rest)))
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap())
        .collect()
}

/// Every number of eight hexadecimal digits.
fn constants(source: &str) -> Vec<u32> {
    let code: String = source.lines().flat_map(|line| [line.split("//").next().unwrap(), "\n"]).collect();
    let hex = code.match_indices("0x").map(|(i, _)| {
        let digits = code[i + 2..].chars().filter(|&c| c != '_').take_while(char::is_ascii_hexdigit);
        digits.collect::<String>()
    });
    hex.filter(|digits| digits.len() == 8).map(|digits| u32::from_str_radix(&digits, 16).unwrap()).collect()
}

/// The file without its unit tests.
fn code(twin: &str) -> &str {
    twin.split("#[cfg(test)]\nmod tests").next().unwrap()
}

fn compare(file: &str, shaders: &[&str], twin: &str, pairs: &[Pair]) {
    let in_shader: Vec<_> = shaders.iter().flat_map(|s| functions(s)).collect();
    let expected: Vec<_> = pairs
        .iter()
        .filter_map(|p| match *p {
            Both(name) | Named(name, _) | Shader(name) => Some(name),
            Twin(_) => None,
        })
        .collect();
    assert_eq!(in_shader, expected, "shaders/{file}");
    let expected: Vec<_> = pairs
        .iter()
        .filter_map(|p| match *p {
            Both(name) | Named(_, name) | Twin(name) => Some(name),
            Shader(_) => None,
        })
        .collect();
    assert_eq!(functions(code(twin)), expected, "src/cpu/{file}");
}

#[test]
fn mulwide() {
    let pairs = [Both("mul_wide"), Named("mul_wide", "mul_wide_split")];
    compare("mulwide", &[shader!("mulwide_u64"), shader!("mulwide_u32")], twin!("mulwide"), &pairs);
}

/// `fused` is a trait's `fma` in the twin, with a third implementation, in f64; that in integers is there for tests.
#[test]
fn fma() {
    let pairs = [
        Twin("fma"),
        Named("fused", "fma"),
        Twin("fma"),
        Twin("fma"),
        Both("shift_right_sticky"),
        Both("shift_left"),
        Both("fused"),
    ];
    compare("fma", &[shader!("fma_native"), shader!("fma_soft")], twin!("fma"), &pairs);
}

#[test]
fn philox() {
    compare("philox", &[shader!("philox")], twin!("philox"), &[Both("philox_round"), Both("philox")]);
    assert_eq!(constants(shader!("philox")), constants(code(twin!("philox"))));
}

/// The shaders' names for the domains are those of `key::domain`, and every counter's last word is one of them.
#[test]
fn domains() {
    use seedbed::key::domain;
    let expected = [
        ("DOMAIN_VALUES", domain::VALUES),
        ("DOMAIN_ORTHOGONAL", domain::ORTHOGONAL),
        ("DOMAIN_SPARSE", domain::SPARSE),
        ("DOMAIN_ROUNDING", domain::ROUNDING),
    ];
    let named: Vec<_> = expected.iter().map(|(name, number)| format!("const {name}: u32 = {number}u;")).collect();
    let stated: Vec<_> = shader!("philox").lines().filter(|line| line.starts_with("const ")).collect();
    assert_eq!(stated, named);
    let sources = [shader!("fill"), shader!("structured"), shader!("orthogonal")];
    let calls = sources.iter().flat_map(|s| s.lines()).filter(|line| line.contains("philox("));
    let mut used: Vec<&str> = calls
        .map(|line| {
            let at = line.find("DOMAIN_").unwrap_or_else(|| panic!("a counter without a domain's name: {line}"));
            line[at..].split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap()
        })
        .collect();
    used.sort_unstable();
    let mut names = expected.map(|(name, _)| name);
    names.sort_unstable();
    assert_eq!(used, names, "each domain has one counter in the shaders");
}

#[test]
fn math() {
    let pairs = [
        Both("low_half"),
        Both("half_up"),
        Both("neg_2_ln"),
        Both("root"),
        Both("turn"),
        Both("turn_64"),
        Both("quarter_turn"),
    ];
    compare("math", &[shader!("math")], twin!("math"), &pairs);
    let numbers = constants(shader!("math"));
    assert!(numbers.len() > 30, "{}", numbers.len());
    assert_eq!(numbers, constants(code(twin!("math"))));
}

/// `clamp` is a built-in function of WGSL and `uniform` an address space. A thread of the shader takes the fine words
/// of its block before the value, so that only the twin has a `truncated`.
#[test]
fn sample() {
    let pairs = [
        Named("clamped", "clamp"),
        Named("uniform_value", "uniform"),
        Both("normal"),
        Both("above"),
        Both("below_top"),
        Both("tail_probability"),
        Both("fine_probability"),
        Both("is_fine"),
        Both("log_parts"),
        Both("log_ratio"),
        Both("central"),
        Both("middle"),
        Both("far"),
        Both("from_edge"),
        Both("truncated_at"),
        Twin("truncated"),
    ];
    compare("sample", &[shader!("sample")], twin!("sample"), &pairs);
    let numbers = constants(shader!("sample"));
    assert!(numbers.len() > 40, "{}", numbers.len());
    assert_eq!(numbers, constants(code(twin!("sample"))));
}

/// The twin divides 64-bit integers; the shader's way is there for tests, as is the test of one element for a pattern.
/// The twin's `is_zero_row` looks at many rows at once, so that the keys of their columns and a pass of the permutation
/// are functions of their own, as is the place of a column in a table of positions. Only the shader has a function for
/// one value of any law: src/cpu/runs.rs fills a whole run without the mask first.
#[test]
fn structured() {
    let pairs = [
        Both("div_rem"),
        Twin("div_rem_split"),
        Both("is_on_pattern"),
        Twin("column_keys"),
        Twin("permuted"),
        Both("is_zero_row"),
        Both("phase_of"),
        Twin("pair_of"),
        Both("sinusoidal_value"),
        Both("log_of"),
        Both("log_range_value"),
        Both("linspace_value"),
        Both("log_of_uniform_value"),
        Both("dt_bias_value"),
        Twin("kind_value"),
    ];
    compare("structured", &[shader!("structured")], twin!("structured"), &pairs);
    // The multiplier of the permutation is one number of 64 bits in the twin. The mask of a column and the exponent
    // have names of eight digits on both sides.
    let multiplier = [0xb1ce_6e93, 0xd2b7_4407];
    let numbers: Vec<u32> = constants(shader!("structured")).into_iter().filter(|n| !multiplier.contains(n)).collect();
    assert!(numbers.len() > 4, "{}", numbers.len());
    assert_eq!(numbers, constants(code(twin!("structured"))));
    assert!(twin!("structured").contains("0xd2b7_4407_b1ce_6e93"));
}

/// One name for the files of three dtypes in the shaders. An f32's bits need no function in the twin.
#[test]
fn store() {
    let pairs = [
        Shader("encoded"),
        Shader("encoded_by"),
        Named("encoded", "bf16_bits"),
        Named("encoded_by", "bf16_bits_by"),
        Named("encoded", "f16_bits"),
        Named("encoded_by", "f16_bits_by"),
    ];
    let shaders = [shader!("store_f32"), shader!("store_bf16"), shader!("store_f16")];
    compare("store", &shaders, twin!("store"), &pairs);
}

/// The twin goes over tiles of blocks of one piece. What the shader does to find a thread's element,
/// src/plan/placement.rs, src/cpu/gather.rs and src/cpu/range.rs do for the twin; so only the words, the values and the
/// contiguous case have a counterpart.
#[test]
fn fill() {
    let pairs = [
        Shader("find_segment"),
        Shader("add_64"),
        Shader("block_of"),
        Named("words_of", "tile_words"),
        Shader("truncated_value"),
        Named("block_values", "tile_values"),
        Twin("store_tile"),
        Twin("store_tile_by"),
        Twin("store_halves"),
        Twin("store_one"),
        Twin("fill_tile"),
        Twin("tile_bytes"),
        Twin("run"),
        Shader("word_value"),
        Shader("step_words"),
        Shader("kind_of"),
        Shader("mask_of"),
        Shader("element_value"),
        Shader("value_at"),
        Shader("stored_bits"),
        Shader("run_index"),
        Shader("step_of"),
        Shader("fill_aligned"),
        Shader("fill_rows"),
        Shader("fill_boxed"),
        Both("fill_contiguous"),
        Shader("locate"),
        Shader("element_bits"),
        Shader("fill_general"),
    ];
    compare("fill", &[shader!("fill")], twin!("fill"), &pairs);
}

/// The twin adds 96-bit numbers as u128, and has no threads that put and take sums; only it checks arguments.
#[test]
fn normalize() {
    let pairs = [
        Both("square"),
        Shader("add_96"),
        Both("reciprocal"),
        Both("sharp_root"),
        Both("root_of"),
        Both("split"),
        Both("factor_of_one"),
        Both("factor_of_two"),
        Both("scaled"),
        Twin("over"),
        Both("largest"),
        Both("squares"),
        Shader("put"),
        Shader("take"),
        Shader("sums"),
        Both("factor"),
        Both("scale"),
        Twin("checked"),
        Twin("normalize"),
        Twin("normalize_pair"),
    ];
    compare("normalize", &[shader!("normalize")], twin!("normalize"), &pairs);
    let mut numbers = constants(shader!("normalize"));
    assert!(numbers.len() > 10, "{}", numbers.len());
    // The mask of a magnitude stands in both `largest`.
    let mut twin = constants(code(twin!("normalize")));
    numbers.sort_unstable();
    twin.sort_unstable();
    assert_eq!(numbers, twin);
}

/// A function of shaders/orthogonal.wgsl, and those of the twin, with their files in src/cpu/orthogonal, that do the
/// same arithmetic in the same order: that of docs/stream/orthogonal.md. None where the function only finds or moves
/// numbers.
const ORTHOGONAL: [(&str, &[(&str, &str)]); 19] = [
    ("reciprocal", &[("reflect", "reciprocal")]),
    ("flushed", &[("reflect", "flushed")]),
    ("flushed_4", &[]),
    ("fused_4", &[]),
    ("deviates", &[("reflect", "deviates")]),
    ("reflect_block", &[("reflect", "reflect"), ("reflect", "total")]),
    ("tiles", &[]),
    ("sum_of", &[]),
    ("place", &[]),
    ("before_4", &[("strip", "of_identity")]),
    ("work_4", &[]),
    ("set_work_4", &[]),
    ("products", &[("product", "over_rows"), ("strip", "add_products"), ("strip", "gram"), ("strip", "products")]),
    ("chunks", &[]),
    ("factor", &[("factor", "factor")]),
    ("apply", &[("product", "over_columns"), ("strip", "apply")]),
    ("store", &[("strip", "update")]),
    ("store_4", &[]),
    ("update", &[("product", "over_columns"), ("strip", "update")]),
];

/// One shader for all steps, a file for each step in the twin. `read` and `write` are the twin's access to the matrix;
/// the rest of what the table lacks hands out work.
#[test]
fn orthogonal() {
    let shader = shader!("orthogonal");
    assert_eq!(functions(shader), ORTHOGONAL.map(|(name, _)| name));
    let files = [
        ("reflect", twin!("orthogonal/reflect"), &[][..]),
        ("product", twin!("orthogonal/product"), &[]),
        ("strip", twin!("orthogonal/strip"), &["new", "read", "write", "fill_strip"]),
        ("factor", twin!("orthogonal/factor"), &[]),
        ("mod", twin!("orthogonal/mod"), &["fill", "fill_on", "each", "each_mut", "one", "split", "run"]),
    ];
    let mut numbers = Vec::new();
    for (file, source, alone) in files {
        let mut expected: Vec<&str> = alone.to_vec();
        let named = ORTHOGONAL.iter().flat_map(|(_, twins)| twins.iter());
        expected.extend(named.filter(|(of, _)| *of == file).map(|(_, name)| name));
        expected.sort_unstable();
        expected.dedup();
        let mut found = functions(code(source));
        found.sort_unstable();
        assert_eq!(found, expected, "src/cpu/orthogonal/{file}.rs");
        numbers.extend(constants(code(source)));
    }
    // The mask of a magnitude is a method of f32 in one place of the twin.
    let mut in_shader = constants(shader);
    for list in [&mut in_shader, &mut numbers] {
        list.sort_unstable();
        list.dedup();
    }
    assert_eq!(in_shader.len(), 3);
    assert_eq!(in_shader, numbers);
    // The sizes that are part of the stream: reflectors of a block, rows of a chunk.
    assert!(shader.contains("(block.cols + 63u) / 64u") && shader.contains("(block.rows + 255u) / 256u"));
    let sizes = include_str!("../../src/plan/matrices.rs");
    assert!(sizes.contains("const BLOCK: usize = 64;") && sizes.contains("const CHUNK_ROWS: usize = 256;"));
}

/// The negative control.
#[test]
fn a_changed_order_name_or_number_is_seen() {
    assert_eq!(functions("fn a() {}\n// fn b() {}\n    pub(crate) fn c<A>() {}"), ["a", "c"]);
    assert_ne!(functions("fn a() {}\nfn b() {}"), functions("fn b() {}\nfn a() {}"));
    assert_eq!(constants("0x3f80_0000 0xff // 0x12345678\n0x000fffffu 0x1_0000"), [0x3f80_0000, 0x000f_ffff]);
}
