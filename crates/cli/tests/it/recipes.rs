//! What recipes say, and what has no effect, as the command line shows it.

use super::{dir, json, listing, run, seedbed, text};
use seedbed::checkpoint::Reader;
use std::fs;
use std::path::Path;

/// The bytes of a file's one tensor, and the scheme that its metadata names.
fn filled(dir: &Path, args: &str, scheme: &str) -> (Vec<u8>, String) {
    let mut all = vec!["fill", "-o", "t.safetensors", "--force", "--seed", "7", "--device", "cpu", "--scheme", scheme];
    all.extend(args.split(' '));
    run(dir, &all);
    assert_eq!(run(dir, &["verify", "t.safetensors", "--device", "cpu"]), "1 of 1 tensor equal\n");
    let mut reader = Reader::open(dir.join("t.safetensors")).unwrap();
    let mut bytes = Vec::new();
    let collect = |_, piece: &[u8]| {
        bytes.extend_from_slice(piece);
        Ok(())
    };
    reader.read_bytes("weight", collect).unwrap();
    (bytes, reader.metadata()["seedbed.scheme"].clone())
}

/// The last line of a run that must end with this code and leave nothing.
fn refused(dir: &Path, args: &[&str], code: i32) -> String {
    let before = listing(dir);
    let output = seedbed(dir, args);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output.stderr));
    assert_eq!(listing(dir), before, "{args:?}");
    text(&output.stderr).lines().last().unwrap_or_default().to_owned()
}

#[test]
fn numbers_of_a_scheme_are_expressions_and_the_file_holds_their_values() {
    let dir = dir();
    for (shape, scheme, evaluated) in [
        ("16,64", "normal(std = 1 / sqrt(fan_in))", "normal(mean=0, std=0.125)"),
        (
            "16,64",
            "kaiming_uniform(a = sqrt(5))",
            "kaiming_uniform(mode=fan_in, nonlinearity=leaky_relu, a=2.23606797749979)",
        ),
        ("5,3", "uniform(-1 / rows, 1 / cols)", "uniform(lo=-0.2, hi=0.3333333333333333)"),
        ("7", "constant(elements + rank)", "constant(8)"),
    ] {
        let (bytes, said) = filled(dir.path(), &format!("--shape {shape}"), scheme);
        assert_eq!(said, evaluated, "{scheme}");
        assert_eq!(filled(dir.path(), &format!("--shape {shape}"), evaluated).0, bytes, "{scheme}");
    }
    // The fans are those of the layout, whose groups are an expression too.
    let groups =
        |layout: &str| filled(dir.path(), &format!("--shape 32,1,3,3 --layout {layout}"), "normal(std = 1 / fan_out)");
    assert_eq!(groups("conv(groups=rows)").1, format!("normal(mean=0, std={})", 1.0 / 9.0));
    assert_eq!(groups("conv").1, format!("normal(mean=0, std={})", 1.0 / 288.0));
    for (scheme, expected) in [
        ("normal(std = hidden)", "unknown variable \"hidden\": known are fan_in, fan_out, rows, cols, rank, elements"),
        ("normal(std = 1 / (rows - 3))", "expression \"1 / (rows - 3)\" is inf, with rows = 3"),
        ("normal(std = )", "std has no value"),
    ] {
        let error = refused(dir.path(), &["fill", "--shape", "3,4", "--scheme", scheme, "-o", "n.safetensors"], 2);
        assert!(error.contains(expected), "{error}");
    }
    let args = ["fill", "--shape", "3,4", "--scheme", "normal(std = 1 / fan_in)", "-o", "n.safetensors", "--layout"];
    for (layout, expected) in [
        ("conv(groups = rows)", "rank 2 as conv(groups=3)"),
        ("axes(in=3)", "in axis 3: must lie in [-2, 1]"),
        ("conv(groups = cols / 3)", "groups: cols / 3 is 1.3333333333333333, not a whole number"),
    ] {
        let error = refused(dir.path(), &[&args[..], &[layout]].concat(), 2);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn words_and_defaults_are_those_of_the_libraries() {
    let dir = dir();
    let shape = "--shape 64,32";
    let conv = filled(dir.path(), shape, "kaiming_normal(nonlinearity=conv)").0;
    for word in ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"] {
        assert_eq!(filled(dir.path(), shape, &format!("kaiming_normal(nonlinearity={word})")).0, conv, "{word}");
    }
    let cut = filled(dir.path(), shape, "truncated_normal(std=1)");
    assert_eq!(filled(dir.path(), shape, "truncated_normal(std=1, lo=-2, hi=2)"), cut);
    assert_ne!(filled(dir.path(), shape, "truncated_normal(std=1, lo=-1, hi=1)").0, cut.0);
    // A vector by its own axes.
    let by_axes = filled(dir.path(), "--shape 64 --layout axes(in=[0],out=[])", "lecun_normal").0;
    assert_eq!(by_axes, filled(dir.path(), "--shape 64", "normal(std=0.125)").0);
}

#[test]
fn rows_of_zeros_and_dtypes_are_said_by_rules() {
    let dir = dir();
    let rules = "extends = \"transformers\"\n[[rule]]\nrole = \"embedding\"\nzero_rows = [\"pad_token_id\", -1]\n\
                 [[rule]]\nrole = \"norm\"\ndtype = \"f32\"\n";
    fs::write(dir.path().join("mine.toml"), rules).unwrap();
    run(dir.path(), &["init", "llama.json", "--recipe", "mine.toml", "-o", "m", "--seed", "1", "--device", "cpu"]);
    let mut reader = Reader::open(dir.path().join("m/model.safetensors")).unwrap();
    let dtype = |reader: &Reader, name: &str| reader.tensor(name).unwrap().dtype_name();
    assert_eq!(dtype(&reader, "model.norm.weight"), "F32");
    assert_eq!(dtype(&reader, "model.embed_tokens.weight"), "BF16");
    let mut zeros = Vec::new();
    let mut row = 0;
    let collect = |_, bytes: &[u8]| {
        for one in bytes.chunks_exact(2 * 16) {
            zeros.extend(one.iter().all(|&b| b == 0).then_some(row));
            row += 1;
        }
        Ok(())
    };
    reader.read_bytes("model.embed_tokens.weight", collect).unwrap();
    assert_eq!((zeros, row), (vec![3, 32], 33));
    assert!(run(dir.path(), &["verify", "m", "--device", "cpu"]).ends_with("tensors equal\n"));
    // What a copy asks for does not change a dtype that a rule keeps.
    let plan = json(dir.path(), &["plan", "llama.json", "--recipe", "mine.toml", "--dtype", "f16", "--json"]);
    let rows = plan["tensors"].as_array().unwrap();
    let norm = rows.iter().find(|r| r["name"] == "model.norm.weight").unwrap();
    assert_eq!((&norm["dtype"], &rows[0]["dtype"]), (&"f32".into(), &"f16".into()));
    let gave: Vec<&str> = norm["rules"].as_array().unwrap().iter().map(|r| r["gave"].as_str().unwrap()).collect();
    assert_eq!(gave, ["dtype", "law"]);
    fs::write(dir.path().join("mine.toml"), rules.replace("-1", "33")).unwrap();
    let error = refused(dir.path(), &["init", "llama.json", "--recipe", "mine.toml", "-o", "n"], 1);
    let expected = "error: mine.toml:2: tensor model.embed_tokens.weight: zero_rows \"33\": row 33 lies outside shape \
                    [33, 16], which has 33 rows from 0 on";
    assert_eq!(error, expected);
}

#[test]
fn what_has_no_effect_is_refused_or_said() {
    let dir = dir();
    let error = refused(dir.path(), &["init", "llama.json", "--recipe", "mup,residual-sqrt-n", "-o", "m"], 1);
    let expected = "error: no rule of residual-sqrt-n was reached: the recipes before it take every tensor that its \
                    rules are about: put it before them, or leave it out";
    assert_eq!(error, expected);
    let error = refused(dir.path(), &["init", "llama.json", "--set", "vocab_size=99", "-o", "m"], 1);
    let expected = "error: vocab_size is set, but no expression of transformers/llama reads it: nothing would change";
    assert_eq!(error, expected);
    let rules = "extends = \"transformers\"\n[[rule]]\nrole = \"mlp.in\"\nscale = 2\n\
                 [[rule]]\nrole = \"router\"\nscheme = \"zeros\"\n";
    fs::write(dir.path().join("mine.toml"), rules).unwrap();
    let output = seedbed(dir.path(), &["plan", "llama.json", "--recipe", "mine.toml"]);
    let expected =
        "mine.toml: no tensor reaches what stands in line 5: earlier rules take it, or there is none that it is about";
    assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
}

#[test]
fn a_table_names_every_rule_that_had_a_part() {
    let dir = dir();
    run(
        dir.path(),
        &["init", "llama.json", "--recipe", "residual-sqrt-n,mup", "-o", "m", "--seed", "1", "--device", "cpu"],
    );
    let table: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join("m/init.json")).unwrap()).unwrap();
    let rows = table["tensors"].as_array().unwrap();
    let row = |name: &str| rows.iter().find(|r| r["name"] == name).unwrap();
    let output = row("model.layers.0.self_attn.o_proj.weight");
    let parts: Vec<(&str, &str)> = (output["rules"].as_array().unwrap().iter())
        .map(|r| (r["rule"].as_str().unwrap().split(':').next().unwrap(), r["gave"].as_str().unwrap()))
        .collect();
    assert_eq!(parts, [("residual-sqrt-n", "scale"), ("mup", "law")]);
    assert_eq!(output["rule"], output["rules"][1]["rule"]);
    // Where one rule gave everything, it alone stands there.
    assert!(row("model.layers.0.self_attn.q_proj.weight").get("rules").is_none());
    let shown = run(dir.path(), &["plan", "llama.json", "--recipe", "residual-sqrt-n,mup", "--table"]);
    let line = shown.lines().find(|l| l.starts_with("model.layers.0.self_attn.o_proj.weight")).unwrap();
    assert!(line.contains("residual-sqrt-n:") && line.contains(", mup:"), "{line}");
    assert_eq!(run(dir.path(), &["verify", "m", "--device", "cpu"]), "21 of 21 tensors equal\n");
}

#[test]
fn a_tied_model_is_warned_of_where_its_code_has_something_to_do() {
    let dir = dir();
    let config = fs::read_to_string(dir.path().join("llama.json")).unwrap();
    fs::write(dir.path().join("tied.json"), config.replacen('{', "{\"tie_word_embeddings\": true, ", 1)).unwrap();
    for (recipe, expected) in [
        (
            "palm",
            "warning: the head shares the embedding N(0, 1): the model has to multiply its logits by \
                  1 / sqrt(hidden) = 0.25 (palm:",
        ),
        (
            "mup",
            "warning: the head shares the embedding: the model has to multiply its logits by base_width / hidden = 16",
        ),
        (
            "u-mup",
            "warning: the head shares the embedding N(0, 1): the model has to multiply its logits by \
             1 / hidden = 0.0625",
        ),
    ] {
        let said = |config: &str| {
            let output = seedbed(dir.path(), &["plan", config, "--recipe", recipe]);
            assert!(output.status.success());
            text(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert!(said("tied.json").contains(expected), "{}", said("tied.json"));
        assert!(!said("llama.json").contains("has to multiply"), "{}", said("llama.json"));
    }
    let law = |config: &str| {
        let plan = json(dir.path(), &["plan", config, "--recipe", "torchtitan", "--json"]);
        plan["tensors"][0]["scheme"].as_str().unwrap().to_owned()
    };
    assert_eq!(law("tied.json"), "truncated_normal(mean=0, std=0.25, lo=-3, hi=3, bounds=sigma, std_of=parent)");
    assert_eq!(law("llama.json"), "normal(mean=0, std=1)");
}
