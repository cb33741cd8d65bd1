use super::*;
use crate::model::{ModelTensor, Role};
use crate::{DType, Rounding};

const GPT2: &str = r#"{"model_type": "gpt2", "n_embd": 24, "n_head": 3, "n_layer": 2, "n_positions": 16,
                       "vocab_size": 41, "dtype": "bfloat16"}"#;

fn names(planned: &ModelPlan) -> Vec<&str> {
    planned.plan.tensors().iter().map(|t| t.name()).collect()
}

#[test]
fn a_config_in_memory_is_planned() {
    let request = ModelRequest::new().config("tiny", GPT2);
    let planned = request.clone().plan(7).unwrap();
    assert_eq!(planned.plan.tensors().len(), 28);
    assert_eq!(planned.recipe, ["transformers/gpt2"]);
    assert!(planned.plan.tensors().iter().all(|t| t.dtype() == DType::BF16));
    let row = planned.rows().nth(6).unwrap();
    assert_eq!((row.name.as_str(), row.role), ("transformer.h.0.attn.c_proj.weight", Role::AttentionOutput));
    assert_eq!(row.law, planned.plan.tensors()[6].parts()[0].law().to_string());
    // The residual's end: 0.02 / sqrt(2 * layers).
    assert!((row.std - 0.01).abs() < 1e-12, "{}", row.std);
    assert_eq!(row.key, planned.plan.tensors()[6].parts()[0].key().to_string());

    let more = request.clone().recipe("mitchell").dtype(DType::F16).rounding(Rounding::Stochastic);
    let more = more.only("*.h.1.*").skip("*.bias").plan(7).unwrap();
    assert_eq!(names(&more).len(), 6);
    assert!(more.plan.tensors().iter().all(|t| (t.dtype(), t.rounding()) == (DType::F16, Rounding::Stochastic)));

    for (request, expected) in [
        (ModelRequest::new(), "transformers' own initialization is known only for a model with a config"),
        (ModelRequest::new().recipe("llama"), "nothing says which tensors there are: "),
        (ModelRequest::new().config("tiny", "{"), "tiny: config: not JSON: "),
        (request.clone().only("x*"), "only: glob \"x*\" matches none of the 28 tensors, the first of which is \"trans"),
        (request.clone().skip("["), "skip: glob \"[\": "),
        (request.clone().skip("*"), "no tensor is left"),
        (request.clone().set("sigm", 1.0), "sigm is set, but no recipe has such a parameter"),
        (request.clone().recipe_text("mine.toml", "[[rule]]\nscheme = 'x'"), "mine.toml:1: "),
    ] {
        let error = request.plan(7).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn listed_tensors_are_planned() {
    let list = [
        ModelTensor::new("wte.weight", [41, 24], Role::Embedding).unwrap(),
        ModelTensor::new("h.0.mlp.c_fc.weight", [24, 96], Role::Other).unwrap(),
        ModelTensor::new("h.0.ln_1.bias", [24], Role::Other).unwrap(),
    ];
    let planned = ModelRequest::new().tensors(list.clone()).recipe("llm-roles").plan(7).unwrap();
    let roles: Vec<Role> = planned.rows().map(|row| row.role).collect();
    assert_eq!(roles, [Role::Embedding, Role::MlpIn, Role::NormBias]);
    assert!(planned.plan.tensors().iter().all(|t| t.dtype() == DType::F32));
    // A header's list is the same, and brings dtypes.
    let header = |dtype: &str| {
        let entry = |t: &ModelTensor| HeaderTensor {
            name: t.name.clone(),
            dims: t.shape.dims().to_vec(),
            dtype: dtype.to_owned(),
        };
        list.iter().map(entry).collect::<Vec<_>>()
    };
    let like = ModelRequest::new().like("old", header("BF16")).recipe("llm-roles").plan(7).unwrap();
    let facts = |row: PlanRow| (row.name, row.role, row.key, row.law);
    assert!(planned.rows().map(facts).eq(like.rows().map(facts)));
    assert!(like.plan.tensors().iter().all(|t| t.dtype() == DType::BF16));

    let wide = ModelRequest::new().like("old", header("F64")).recipe("llm-roles");
    let error = wide.clone().plan(7).unwrap_err().to_string();
    assert!(error.starts_with("old: tensor wte.weight: unknown dtype \"F64\": expected F32, F16, BF16, or one dtype"));
    assert!(wide.dtype(DType::F16).plan(7).is_ok());
    let mut mixed = header("F16");
    mixed[2].dtype = "I64".to_owned();
    let mixed = ModelRequest::new().like("old", mixed).recipe("llm-roles").dtype(DType::F16);
    let error = mixed.clone().plan(7).unwrap_err().to_string();
    let expected = "unknown dtype \"I64\": expected F32, F16, BF16, or the checkpoint before it was quantized, since \
                    this looks like a packed weight, or the tensor left out";
    assert!(error.ends_with(expected), "{error}");
    assert_eq!(names(&mixed.skip("*.bias").plan(7).unwrap()), ["wte.weight", "h.0.mlp.c_fc.weight"]);
}

#[test]
fn what_the_model_computes_by_itself_is_left_out() {
    let list = [
        ModelTensor::new("wte.weight", [41, 24], Role::Embedding).unwrap(),
        ModelTensor::new("rotary_emb.inv_freq", [8], Role::Buffer).unwrap(),
    ];
    let request = ModelRequest::new().tensors(list).recipe("llm-roles").notice("said before");
    let planned = request.clone().plan(7).unwrap();
    assert_eq!(names(&planned), ["wte.weight"]);
    let said = "1 tensor is left out, which the model computes by itself, as \"rotary_emb.inv_freq\"";
    assert_eq!(planned.notices, ["said before", said]);
    // A glob may name it, though there is nothing to choose.
    assert_eq!(names(&request.skip("*.inv_freq").plan(7).unwrap()), ["wte.weight"]);
}

#[test]
fn tensors_without_a_law_keep_their_place() {
    let entry = |name: &str, dims: &[u64], dtype: &str| HeaderTensor {
        name: name.to_owned(),
        dims: dims.to_vec(),
        dtype: dtype.to_owned(),
    };
    let header = [
        entry("ids", &[3], "I64"),
        entry("h.0.mlp.c_fc.weight", &[24, 96], "F8_E4M3"),
        entry("h.0.mlp.c_fc.weight_scale_inv", &[1, 1], "F32"),
        entry("h.0.attn.bias", &[1, 1, 2, 2], "BOOL"),
        entry("wte.weight", &[41, 24], "F32"),
        entry("none", &[0, 4], "F64"),
        entry("bn.num_batches_tracked", &[], "I32"),
    ];
    let request = ModelRequest::new().like("old", header).recipe("llm-roles").dtype(DType::F16);
    let planned = request.clone().plan(7).unwrap();
    assert_eq!(names(&planned), ["h.0.mlp.c_fc.weight", "wte.weight"]);
    let copied = Content::Copied { from: "old".to_owned() };
    let found: Vec<_> = planned.unplanned().map(|(t, before, _)| (&*t.name, &*t.dtype, &t.content, before)).collect();
    let expected = [
        ("ids", "I64", &copied, 0),
        ("h.0.attn.bias", "BOOL", &copied, 1),
        ("none", "F16", &Content::Empty, 2),
        ("bn.num_batches_tracked", "I32", &Content::Zeros, 2),
    ];
    assert_eq!(found, expected);
    let table = InitTable::parse("table", &planned.init_json()).unwrap();
    assert_eq!((table.buffers, table.kept), (planned.buffers.clone(), vec![]));
    // What another checkpoint has of them is not missing; what it has in another shape is.
    let old = [
        entry("ids", &[3], "I64"),
        entry("h.0.attn.bias", &[1, 1, 1, 1], "BOOL"),
        entry("wte.weight", &[41, 24], "F16"),
    ];
    let grown = request.missing_from("older", old);
    let planned = grown.clone().plan(7).unwrap();
    let left: Vec<&str> = planned.buffers.iter().map(|b| &*b.name).collect();
    assert_eq!(
        (names(&planned), left),
        (vec!["h.0.mlp.c_fc.weight"], vec!["h.0.attn.bias", "none", "bn.num_batches_tracked"])
    );
    let planned = grown.complete(true).plan(7).unwrap();
    let whole: Vec<&str> = planned.kept_whole.iter().map(|t| &*t.name).collect();
    assert_eq!((whole, planned.settings.keeps), (vec!["wte.weight", "ids"], true));
}

#[test]
fn what_a_checkpoint_lacks_is_planned() {
    let whole = ModelRequest::new().config("tiny", GPT2).plan(7).unwrap();
    let mut header: Vec<HeaderTensor> = (whole.plan.tensors().iter())
        .map(|t| HeaderTensor { name: t.name().to_owned(), dims: t.shape().dims().to_vec(), dtype: "F32".to_owned() })
        .collect();
    let grown = |header: &[HeaderTensor]| ModelRequest::new().config("tiny", GPT2).missing_from("old", header);
    assert_eq!(
        grown(&header).plan(7).unwrap_err().to_string(),
        "old: has every tensor of the model: nothing is missing"
    );
    header.pop();
    header[0].dims[0] = 40;
    let planned = grown(&header).plan(7).unwrap();
    assert_eq!(names(&planned), ["transformer.wte.weight", "transformer.ln_f.bias"]);
    let [kept] = &planned.kept[..] else { panic!("{:?}", planned.kept) };
    assert_eq!((kept.name.as_str(), kept.rows, kept.from.as_str()), ("transformer.wte.weight", 40, "old"));
    assert_eq!(planned.plan.tensors()[0].dtype(), DType::F32);
    assert_eq!(planned.rows().next().unwrap().kept_rows, Some(40));
    let error = grown(&header).dtype(DType::F16).plan(7).unwrap_err().to_string();
    assert!(error.ends_with("is f32 there and its first rows are kept, but f16 is asked for: ask for f32"), "{error}");
    header[0].dims = vec![41, 23];
    let error = grown(&header).plan(7).unwrap_err().to_string();
    assert!(error.contains("its shape is [41, 23], the model's [41, 24]: only rows can be added"), "{error}");
}

#[test]
fn a_table_makes_its_plan_again() {
    for recipe in ["transformers", "split", "mup"] {
        let planned = ModelRequest::new().config("tiny", GPT2).recipe(recipe).plan(u64::MAX).unwrap();
        let table = InitTable::parse("table", &planned.init_json()).unwrap();
        assert!(planned.rows().eq(table.tensors.iter().cloned()), "{recipe}");
        let again = table.plan().unwrap();
        assert_eq!((again.seed(), again.tensors().len()), (u64::MAX, planned.plan.tensors().len()));
        for (a, b) in again.tensors().iter().zip(planned.plan.tensors()) {
            assert_eq!((a.name(), a.shape(), a.dtype()), (b.name(), b.shape(), b.dtype()));
            let facts = |t: &crate::plan::PlannedTensor| -> Vec<_> {
                t.parts().iter().map(|p| (p.name().to_owned(), p.key(), p.law().clone(), p.shape().clone())).collect()
            };
            assert_eq!(facts(a), facts(b), "{recipe}");
        }
    }
    // Tables without the rules that had a part, as they were written before there was that field, are read too.
    let request = ModelRequest::new().config("tiny", GPT2).recipe("residual-sqrt-n").recipe("mup");
    let planned = request.plan(1).unwrap();
    let mut old: serde_json::Value = serde_json::from_str(&planned.init_json()).unwrap();
    let removed = old["tensors"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .filter_map(|row| row.as_object_mut().unwrap().remove("rules"));
    assert_eq!(removed.count(), 4);
    let table = InitTable::parse("table", &old.to_string()).unwrap();
    assert!(table.tensors.iter().all(|row| row.rules.is_empty()));
    assert_eq!(table.plan().unwrap().tensors().len(), planned.plan.tensors().len());
    let text = ModelRequest::new().config("tiny", GPT2).plan(1).unwrap().init_json();
    let wrong = text.replacen("\"normal(mean=0, std=0.02)\"", "\"normal(std=\"", 1);
    assert!(wrong != text);
    let error = InitTable::parse("table", &wrong).unwrap_err().to_string();
    assert!(error.starts_with("table: not a table of seedbed's: ") && error.contains(" at line "), "{error}");
}

/// Trained weights under another name are not drawn anew in silence.
#[test]
fn what_a_checkpoint_has_under_another_name_is_an_error() {
    let config = r#"{"model_type": "llama", "hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 2,
        "num_hidden_layers": 1, "vocab_size": 20, "tie_word_embeddings": true}"#;
    let request = ModelRequest::new().config("config.json", config);
    let model = request.plan(0).unwrap();
    let entry = |t: &crate::plan::PlannedTensor| HeaderTensor {
        name: t.name().to_owned(),
        dims: t.shape().dims().to_vec(),
        dtype: "F32".to_owned(),
    };
    let stored: Vec<HeaderTensor> = model.plan.tensors().iter().map(entry).collect();
    let missing = |rename: &dyn Fn(&str) -> String| {
        let old: Vec<HeaderTensor> = (stored.iter())
            .map(|t| HeaderTensor { name: rename(&t.name), ..t.clone() })
            .filter(|t| !t.name.is_empty())
            .collect();
        request.clone().missing_from("old", old).plan(0).map(|planned| planned.plan.tensors().len())
    };
    let norm = "model.norm.weight";
    for (from, to, expected) in [
        (
            "model.",
            "",
            "\"model.embed_tokens.weight\", but one of its shape under the name \"embed_tokens.weight\", and",
        ),
        (
            "model.",
            "a.model.",
            "\"model.embed_tokens.weight\", but one of its shape under the name \"a.model.embed_tok",
        ),
        (
            norm,
            "model.norm.gamma",
            "\"model.norm.weight\", but one of its shape under the name \"model.norm.gamma\": re",
        ),
        (
            "model.embed_tokens",
            "lm_head",
            "\"model.embed_tokens.weight\", but one of its shape under the name \"lm_hea",
        ),
    ] {
        let said = missing(&|name| name.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(said.starts_with(&format!("old: has no tensor {expected}")), "{said}");
    }
    // What is only missing is drawn; a tensor of the same shape elsewhere is another one.
    assert_eq!(missing(&|name| if name == norm { String::new() } else { name.to_owned() }).unwrap(), 1);
    let elsewhere = |name: &str| if name == norm { "extra.scale".to_owned() } else { name.to_owned() };
    assert_eq!(missing(&elsewhere).unwrap(), 1);
}

#[test]
fn a_config_of_another_model_is_said() {
    let list = [HeaderTensor { name: "wte.weight".to_owned(), dims: vec![41, 24], dtype: "F32".to_owned() }];
    let said = |width: u64| {
        let config = format!(
            r#"{{"model_type": "gpt2", "architectures": ["GPT2Model"], "n_embd": {width}, "n_head": 2, "vocab_size": 41}}"#
        );
        ModelRequest::new().config("c.json", config).like("m", list.clone()).recipe("llama").plan(0).unwrap().warnings
    };
    assert!(said(24).is_empty());
    let expected = "c.json: it is of another model: wte.weight is [41, 32] by it and [41, 24] in the list, and its \
                    numbers go into the laws";
    assert_eq!(said(32)[0], expected);
}
