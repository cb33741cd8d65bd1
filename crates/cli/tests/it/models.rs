//! Recipes, other sources of tensors, and what of a model is written.

use super::{dir, ends, json, listing, run, seedbed, text};
use seedbed::checkpoint::Reader;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The bytes of every tensor of a directory's single file.
fn tensors(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut reader = Reader::open(dir.join("model.safetensors")).unwrap();
    let names: Vec<String> = reader.tensors().iter().map(|t| t.name.clone()).collect();
    let mut read = |name: &String| {
        let mut bytes = Vec::new();
        reader
            .read_bytes(name, |_, piece| {
                bytes.extend_from_slice(piece);
                Ok(())
            })
            .unwrap();
        bytes
    };
    names.iter().map(|name| (name.clone(), read(name))).collect()
}

/// The error of a run that must fail and leave nothing.
fn refused(dir: &Path, args: &[&str]) -> String {
    let before = listing(dir);
    let output = seedbed(dir, args);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {stderr}");
    assert_eq!(listing(dir), before, "{args:?}");
    let last = stderr.lines().last().unwrap_or_default();
    assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    last.strip_prefix("error: ").unwrap_or_else(|| panic!("{args:?}: {stderr}")).to_owned()
}

fn init(dir: &Path, args: &str) -> String {
    let mut all = vec!["init"];
    all.extend(args.split(' '));
    all.extend(["--seed", "5", "--device", "cpu"]);
    run(dir, &all)
}

#[test]
fn a_model_of_a_recipe_is_verified_and_inspected_by_its_table() {
    let dir = dir();
    let said = init(dir.path(), "llama.json -o m --recipe residual-alpha,mup --set base_width=4 --dtype f32");
    assert!(
        said.contains("LlamaForCausalLM, recipe residual-alpha + fixed + mup + transformers/llama, 21 tensors"),
        "{said}"
    );
    assert_eq!(run(dir.path(), &["verify", "m", "--device", "cpu"]), "21 of 21 tensors equal\n");
    let found = run(dir.path(), &["inspect", "m"]);
    assert!(found.contains("; 21 of 21 compared with the plan agree"), "{found}");
    // The numbers that an optimizer needs: the width is four times the base's.
    let table: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join("m/init.json")).unwrap()).unwrap();
    let row = |name: &str| table["tensors"].as_array().unwrap().iter().find(|r| r["name"] == name).unwrap().clone();
    let o = row("model.layers.0.self_attn.o_proj.weight");
    assert_eq!((o["std"].as_f64(), o["lr_multiplier"].as_f64()), (Some(0.02 / 4f64.sqrt() * 0.1), Some(0.25)));
    let head = row("lm_head.weight");
    assert_eq!((head["forward_multiplier"].as_f64(), head["role"].as_str()), (Some(0.25), Some("unembedding")));
    assert!(
        head["source"].as_str().unwrap().contains("2203.03466") && head["rule"].as_str().unwrap().starts_with("mup:")
    );
    // Another seed's table is not this file's.
    let path = dir.path().join("m/init.json");
    let lied = fs::read_to_string(&path).unwrap().replacen("\"seed\": \"5\"", "\"seed\": \"6\"", 1);
    fs::write(&path, lied).unwrap();
    assert_eq!(refused(dir.path(), &["verify", "m"]), "m/init.json: its seed is 6, that of the weights 5");
}

#[test]
fn a_tensor_that_was_tampered_with_is_found_without_recomputing_it() {
    let dir = dir();
    for (change, name) in [
        ("scaled", "transformer.h.1.mlp.c_fc.weight"),
        ("one", "transformer.wte.weight"),
        ("zero", "transformer.h.0.ln_1.weight"),
    ] {
        let out = dir.path().join(change);
        init(dir.path(), &format!("gpt2.json -o {change}"));
        assert!(run(dir.path(), &["inspect", change]).contains("agree"));
        let file = out.join("model.safetensors");
        let range = Reader::open(&file).unwrap().tensor(name).unwrap().range.clone();
        let mut bytes = fs::read(&file).unwrap();
        for (i, value) in bytes[range.start as usize..range.end as usize].chunks_exact_mut(4).enumerate() {
            let x = f32::from_le_bytes((&*value).try_into().unwrap());
            let new = match change {
                "scaled" => 1.2 * x,
                "one" if i == 100 => 0.5,
                "zero" => 0.0,
                _ => x,
            };
            value.copy_from_slice(&new.to_le_bytes());
        }
        fs::write(&file, bytes).unwrap();
        let output = seedbed(dir.path(), &["inspect", change]);
        let (out, error) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "{change}");
        assert!(error.contains(&format!("1 of 28 tensors is off its law, as {name:?}")), "{change}: {error}");
        let marked: Vec<&str> = out.lines().filter(|l| l.ends_with("NO")).collect();
        assert!(marked.len() == 1 && marked[0].starts_with(name), "{out}");
    }
}

#[test]
fn fused_tensors_hold_what_their_parts_would() {
    let dir = dir();
    let sizes = r#""num_hidden_layers": 2, "hidden_size": 16, "intermediate_size": 40, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 33, "pad_token_id": null, "tie_word_embeddings": false"#;
    let write = |model: &str| {
        fs::write(dir.path().join(format!("{model}.json")), format!(r#"{{"model_type": "{model}", {sizes}}}"#))
    };
    write("phi3").unwrap();
    write("mistral").unwrap();
    // By Xavier, whose fans are each part's own.
    init(dir.path(), "phi3.json --recipe split,deepnorm -o fused");
    init(dir.path(), "mistral.json --recipe deepnorm -o apart");
    let (fused, apart) = (tensors(&dir.path().join("fused")), tensors(&dir.path().join("apart")));
    for layer in ["model.layers.0", "model.layers.1"] {
        for (whole, parts) in [
            ("self_attn.qkv_proj", &["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"][..]),
            ("mlp.gate_up_proj", &["mlp.gate_proj", "mlp.up_proj"]),
        ] {
            let joined: Vec<u8> = parts.iter().flat_map(|p| apart[&format!("{layer}.{p}.weight")].clone()).collect();
            assert_eq!(fused[&format!("{layer}.{whole}.weight")], joined, "{layer} {whole}");
        }
    }
    assert_eq!(run(dir.path(), &["verify", "fused", "--device", "cpu"]), "15 of 15 tensors equal\n");
    let inspected = run(dir.path(), &["inspect", "fused"]);
    assert!(inspected.contains("15 of 15 compared with the plan agree"), "{inspected}");
    // Without the declaration the fused tensor is a tensor of its own.
    init(dir.path(), "phi3.json -o plain");
    let name = "model.layers.0.self_attn.qkv_proj.weight";
    assert_ne!(tensors(&dir.path().join("plain"))[name][..64], fused[name][..64]);
}

#[test]
fn a_checkpoint_gives_names_shapes_and_dtypes() {
    let dir = dir();
    init(dir.path(), "llama.json -o old");
    fs::write(
        dir.path().join("mine.toml"),
        r#"
        [parameters]
        hidden = 16
        [[rule]]
        role = "norm"
        scheme = "ones"
        [[rule]]
        role = ["attention.*", "mlp.*"]
        scheme = "xavier_normal"
        [[rule]]
        scheme = "normal(std = 1 / sqrt(hidden))"
        "#,
    )
    .unwrap();
    init(dir.path(), "--like old --recipe mine.toml -o new");
    let rows = json(dir.path(), &["plan", "--like", "old/model.safetensors", "--recipe", "mine.toml", "--json"]);
    let rows = rows["tensors"].as_array().unwrap();
    let row = |name: &str| rows.iter().find(|r| r["name"] == name).unwrap();
    assert_eq!(row("model.layers.1.mlp.down_proj.weight")["role"], "mlp.out");
    assert_eq!(row("model.layers.1.mlp.down_proj.weight")["layer"], 1);
    assert_eq!(
        (row("lm_head.weight")["std"].as_f64(), row("lm_head.weight")["dtype"].as_str()),
        (Some(0.25), Some("bf16"))
    );
    let (old, new) = (tensors(&dir.path().join("old")), tensors(&dir.path().join("new")));
    assert_eq!(old.keys().collect::<Vec<_>>(), new.keys().collect::<Vec<_>>());
    assert_eq!(run(dir.path(), &["verify", "new", "--device", "cpu"]), "21 of 21 tensors equal\n");
    fs::remove_file(dir.path().join("old/config.json")).unwrap();
    init(dir.path(), "--like old --recipe mine.toml -o bare");
    assert!(dir.path().join("new/config.json").exists() && !dir.path().join("bare/config.json").exists());
    // The recipe cannot be the model's own: no config says what model it is.
    let error = refused(dir.path(), &["init", "--like", "old", "-o", "x"]);
    assert!(
        error.starts_with("transformers' own initialization is known only for a model with a config.json"),
        "{error}"
    );
    assert!(error.ends_with("; the flag is --recipe NAME"), "{error}");
    // A list in the recipe itself.
    let list = r#"
        [parameters]
        d = 8
        [[tensor]]
        name = "h.{0-2}.w"
        shape = ["2 * d", "d"]
        dtype = "f16"
        [[tensor]]
        name = "b"
        shape = [3]
        [[rule]]
        role = ["*", "other"]
        rank = [1]
        scheme = "zeros"
        [[rule]]
        role = ["*", "other"]
        scheme = "kaiming_uniform"
    "#;
    fs::write(dir.path().join("list.toml"), list).unwrap();
    init(dir.path(), "--recipe list.toml -o listed");
    let listed = tensors(&dir.path().join("listed"));
    let sizes: Vec<usize> = listed.values().map(Vec::len).collect();
    assert_eq!(sizes, [12, 256, 256, 256]);
    assert_eq!(run(dir.path(), &["verify", "listed", "--device", "cpu"]), "4 of 4 tensors equal\n");
}

#[test]
fn what_is_asked_for_is_written_and_nothing_shifts() {
    let dir = dir();
    init(dir.path(), "gpt2.json -o all");
    init(dir.path(), "gpt2.json -o some --only *.h.1.* --skip *.bias");
    let (all, some) = (tensors(&dir.path().join("all")), tensors(&dir.path().join("some")));
    assert_eq!(some.len(), 6);
    assert!(some.iter().all(|(name, bytes)| all[name] == *bytes));
    assert_eq!(run(dir.path(), &["verify", "some", "--device", "cpu"]), "6 of 6 tensors equal\n");
    for (args, expected) in [
        (
            &["--only", "*.h.7.*"][..],
            "only: glob \"*.h.7.*\" matches none of the 28 tensors, the first of which is \"transformer.wte.weight\"",
        ),
        (&["--skip", "x"], "skip: glob \"x\" matches none"),
        (&["--skip", "*"], "no tensor is left: "),
        (&["--only", "[z-a]"], "only: glob \"[z-a]\": "),
    ] {
        let error = refused(dir.path(), &[&["init", "gpt2.json", "-o", "none"][..], args].concat());
        assert!(error.starts_with(expected), "{args:?}: {error}");
    }
}

/// A vocabulary that grows, and layers that are added, change no old value: neither in a new model nor beside an old
/// one.
#[test]
fn growing_keeps_what_was_there() {
    let dir = dir();
    init(dir.path(), "llama.json -o old");
    let grown = super::LLAMA
        .replace("\"vocab_size\": 33", "\"vocab_size\": 40")
        .replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
    fs::write(dir.path().join("grown.json"), &grown).unwrap();
    init(dir.path(), "grown.json -o new");
    let (old, new) = (tensors(&dir.path().join("old")), tensors(&dir.path().join("new")));
    for (name, bytes) in &old {
        assert_eq!(new[name][..bytes.len()], bytes[..], "{name}");
    }
    // Trained meanwhile: what is there is kept, whatever it is.
    let file = dir.path().join("old/model.safetensors");
    let mut bytes = fs::read(&file).unwrap();
    let end = bytes.len();
    bytes[end - 5000..].iter_mut().for_each(|b| *b ^= 0x11);
    fs::write(&file, &bytes).unwrap();
    let old = tensors(&dir.path().join("old"));
    let said = init(dir.path(), "grown.json -o added --missing-from old --max-shard-size 1GB");
    assert!(said.contains("model.embed_tokens.weight: rows 0 to 32 kept from old"), "{said}");
    let added = tensors(&dir.path().join("added"));
    assert_eq!(added.len(), 9 + 2);
    for (name, bytes) in &added {
        match old.get(name) {
            None => assert_eq!(new[name], *bytes, "{name}"),
            Some(kept) => {
                assert_eq!(bytes[..kept.len()], kept[..], "{name}");
                assert_eq!(bytes[kept.len()..], new[name][kept.len()..], "{name}");
            }
        }
    }
    let note = "; 2 have kept rows, which are not compared\n";
    assert_eq!(ends(dir.path(), &["verify", "added", "--device", "cpu"], 3), format!("11 of 11 tensors equal{note}"));
    let inspected = run(dir.path(), &["inspect", "added"]);
    assert!(inspected.ends_with(&format!("; 11 of 11 compared with the plan agree{note}")), "{inspected}");
    // Nothing is missing, other axes, the same place.
    let error = refused(dir.path(), &["init", "llama.json", "--missing-from", "old", "-o", "x"]);
    assert_eq!(error, "old: has every tensor of the model: nothing is missing");
    fs::write(dir.path().join("wide.json"), grown.replace("\"hidden_size\": 16", "\"hidden_size\": 32")).unwrap();
    let error = refused(dir.path(), &["init", "wide.json", "--missing-from", "old", "-o", "x"]);
    assert!(
        error.starts_with(
            "old: tensor \"model.embed_tokens.weight\": its shape is [33, 16], the model's [40, 32]: only rows"
        ),
        "{error}"
    );
    let error = refused(dir.path(), &["init", "grown.json", "--missing-from", "old", "-o", "old", "--force"]);
    assert!(error.starts_with("old: has the checkpoint that the new tensors are missing from"), "{error}");
}

#[test]
fn mistakes_in_recipes_and_lists_are_refused() {
    let dir = dir();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("typo.toml"), "extends = \"transformers\"\n\n[[rule]]\nname = \"*.atn.*\"\nscheme = \"zeros\"\n")
        .unwrap();
    fs::write(
        path("nan.toml"),
        "extends = \"transformers\"\n[[rule]]\nrole = \"mlp.in\"\nscheme = \"normal(std = sqrt(1 - hidden))\"\n",
    )
    .unwrap();
    fs::write(
        path("huge.toml"),
        "[[tensor]]\nname = \"w\"\nshape = [4294967296, 4294967296]\n[[rule]]\nscheme = \"zeros\"\n",
    )
    .unwrap();
    fs::write(
        path("twice.toml"),
        "[[tensor]]\nname = \"w\"\nshape = [4]\n[[tensor]]\nname = \"w\"\nshape = [4]\n[[rule]]\nrole = \"other\"\n\
         scheme = \"zeros\"\n",
    )
    .unwrap();
    fs::write(path("other.json"), r#"{"model_type": "rwkv", "hidden_size": 8}"#).unwrap();
    // A header whose tensors overlap, and one whose offsets reach beyond the file.
    let file = |name: &str, header: &str| {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(&[0; 16]);
        fs::write(path(name), bytes).unwrap();
    };
    file(
        "overlap.safetensors",
        r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#,
    );
    file(
        "far.safetensors",
        r#"{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,18446744073709551615]}}"#,
    );
    file("whole.safetensors", r#"{"a":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}}"#);
    for (args, expected) in [
        ("gpt2.json --recipe typo.toml", "typo.toml:3: name \"*.atn.*\" matches no tensor that comes to this rule"),
        (
            "gpt2.json --recipe nan.toml",
            "nan.toml:2: tensor transformer.h.0.mlp.c_fc.weight: scheme \"normal(std = sqrt(1 - hidden))\": \
             std: expression \"sqrt(1 - hidden)\" is NaN, with hidden = 24",
        ),
        ("gpt2.json --recipe lama", "unknown recipe \"lama\": expected transformers, fixed, gpt2, llama, "),
        ("gpt2.json --recipe none.toml", "none.toml: No such file"),
        ("gpt2.json --set sigm=1", "sigm is set, but no recipe has such a parameter"),
        (
            "gpt2.json --set initializer_range=0",
            "transformers/gpt2:17: tensor transformer.wte.weight: normal(mean=0, std=0): std 0",
        ),
        ("--recipe huge.toml", "huge.toml:1: tensor w: shape [4294967296, 4294967296]: more than 2^60 elements"),
        ("--recipe twice.toml", "tensor w: the name \"w\" is already in the plan"),
        ("--recipe llama", "nothing says which tensors there are: give a model's config, a list"),
        ("other.json", "other.json: unknown model_type \"rwkv\": expected gpt2, gpt_neox, "),
        ("--like overlap.safetensors --recipe llama", "overlap.safetensors: "),
        ("--like far.safetensors --recipe llama", "far.safetensors: "),
        ("--like whole.safetensors --recipe llama", "whole.safetensors: it has no tensors that a law could make"),
        ("--like none --recipe llama", "none: No such file"),
    ] {
        let mut all = vec!["init", "-o", "x"];
        all.extend(args.split(' '));
        let error = refused(dir.path(), &all);
        assert!(error.starts_with(expected), "{args}: {error}");
        assert!(error.len() < 900, "{error}");
    }
    let unknown = refused(dir.path(), &["init", "other.json", "-o", "x"]);
    let advice = "; the flags are --like CHECKPOINT and --recipe FILE";
    assert!(unknown.ends_with(advice), "{unknown}");
    // A config of an unknown type still lends its numbers to expressions.
    fs::write(
        path("list.toml"),
        "[[tensor]]\nname = \"w\"\nshape = [4, 4]\n[[rule]]\nname = \"w\"\nscheme = \"normal(std = 1 / hidden)\"\n",
    )
    .unwrap();
    let plan = json(dir.path(), &["plan", "other.json", "--recipe", "list.toml", "--json"]);
    assert_eq!(plan["tensors"][0]["std"].as_f64(), Some(0.125));
}

#[test]
fn tables_that_lie_are_refused_in_one_line() {
    let dir = dir();
    fs::write(
        dir.path().join("phi3.json"),
        r#"{"model_type": "phi3", "num_hidden_layers": 1, "hidden_size": 16, "intermediate_size": 40, "num_attention_heads": 4,
            "num_key_value_heads": 2, "vocab_size": 33, "pad_token_id": null}"#,
    )
    .unwrap();
    init(dir.path(), "phi3.json --recipe split -o m");
    let path = dir.path().join("m/init.json");
    let good: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let at = good["tensors"].as_array().unwrap().iter().position(|r| r["part"].is_object()).unwrap();
    type Change = fn(&mut serde_json::Value, usize);
    let changes: [(Change, &str); 12] = [
        (|t, _| t["tensors"][0]["scheme"] = "normal(std = 0.1".into(), "the last character must be"),
        (|t, _| t["tensors"][0]["shape"] = serde_json::json!([18446744073709551615u64, 2]), "more than 2^60"),
        (|t, _| t["tensors"][0]["shape"] = serde_json::json!([0]), "dimension 0 is 0"),
        (|t, _| t["tensors"][0]["dtype"] = "f64".into(), "f64"),
        (|t, _| t["tensors"][0]["zero_rows"] = serde_json::json!([1u64 << 60]), "zero row"),
        (|t, at| t["tensors"][at]["part"]["start"][2] = u64::MAX.into(), "empty or outside"),
        (|t, at| t["tensors"][at]["part"]["view"] = serde_json::json!([u64::MAX, u64::MAX]), ""),
        (|t, at| t["tensors"][at]["part"]["order"] = serde_json::json!([0, 0, 0, 0]), ""),
        (|t, at| t["tensors"][at + 1] = t["tensors"][at].clone(), ""),
        (|t, _| t["tensors"][0]["layout"] = "sideways".into(), "sideways"),
        (|t, _| t["stream_version"] = 9.into(), "unknown stream version \"9\""),
        (|t, _| t["seed"] = "many".into(), "seed \"many\""),
    ];
    for (i, (change, expected)) in changes.into_iter().enumerate() {
        let mut table = good.clone();
        change(&mut table, at);
        fs::write(&path, table.to_string()).unwrap();
        for verb in ["verify", "inspect"] {
            let error = refused(dir.path(), &[verb, "m"]);
            assert!(error.starts_with("m/init.json: ") && error.contains(expected), "{i} {verb}: {error}");
        }
    }
    fs::write(&path, "{}").unwrap();
    assert!(refused(dir.path(), &["verify", "m"]).starts_with("m/init.json: not a table of seedbed's: "));
}

/// A trillion parameters, in as much memory as the issue of planning them allows.
#[test]
#[cfg(target_os = "linux")]
fn kimi_k2_is_planned_in_200_mb() {
    let dir = dir();
    let fixture: serde_json::Value =
        serde_json::from_str(include_str!("../../../../tests/data/fixtures/models/kimi-k2.json")).unwrap();
    fs::write(dir.path().join("kimi.json"), fixture["config"].to_string()).unwrap();
    let planned = |args: &[&str]| {
        // The peak of the process itself, as the kernel counts it.
        let script = "\"$@\" > out.txt & pid=$!; peak=0; while kill -0 $pid 2>/dev/null; do \
                      now=$(sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\) kB/\\1/p' /proc/$pid/status 2>/dev/null); \
                      [ -n \"$now\" ] && peak=$now; done; wait $pid && echo $peak";
        let binary = env!("CARGO_BIN_EXE_seedbed");
        let mut all = vec!["-c", script, "sh", binary, "plan", "kimi.json"];
        all.extend(args);
        let output = std::process::Command::new("sh").current_dir(dir.path()).args(all).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let out = fs::read_to_string(dir.path().join("out.txt")).unwrap();
        (text(&output.stdout).trim().parse::<u64>().unwrap(), out)
    };
    for args in [&[][..], &["--json"], &["--table"]] {
        let (peak, out) = planned(args);
        assert!((10_000..200_000).contains(&peak), "{args:?}: {peak} kB");
        assert!(out.contains("model.layers.60.mlp.experts.383.down_proj.weight") || args.is_empty());
        if args != ["--json"] {
            assert!(out.ends_with("69,975 tensors, 1,026,408,232,448 parameters, 2.1 TB\n"), "{args:?}");
        }
    }
}
