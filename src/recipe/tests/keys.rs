//! What a rule says beside its scheme: rows of zeros, a dtype, a layout of expressions; and `[[warning]]`.

use super::llama;
use crate::model::{ModelTensor, Role};
use crate::plan::Plan;
use crate::recipe::{Assigned, Assignment, Recipe};
use crate::value::shape::{Fans, Layout};
use crate::{DType, Result, StreamVersion};

fn assign(text: &str, tensors: &[ModelTensor]) -> Result<Assignment> {
    Recipe::parse("mine.toml", text)?.finish(None)?.assign(tensors)
}

fn embedding() -> ModelTensor {
    let mut tensor = ModelTensor::new("wte.weight", [10, 4], Role::Embedding).unwrap();
    tensor.variables = std::sync::Arc::new([("pad_token_id".to_owned(), 3.0), ("vocab".to_owned(), 7.0)].into());
    tensor
}

/// The tensor of a rule with these keys before the scheme.
fn with(keys: &str, tensor: ModelTensor) -> Result<Assigned> {
    assign(&format!("[[rule]]\n{keys}\nscheme = \"ones\""), &[tensor]).map(|a| a.tensors[0].clone())
}

#[test]
fn rows_of_zeros_are_said_by_numbers_expressions_and_ranges() {
    for (rows, expected) in [
        ("0", &[0][..]),
        ("\"pad_token_id\"", &[3]),
        ("[9, 0, \"pad_token_id + 1\", 0]", &[0, 4, 9]),
        // torch's padding_idx counts from behind where it is negative.
        ("-1", &[9]),
        ("-10", &[0]),
        ("\"vocab:rows\"", &[7, 8, 9]),
        ("[\"0:2\", \"-1:rows\"]", &[0, 1, 9]),
        ("[]", &[]),
    ] {
        let assigned = with(&format!("zero_rows = {rows}"), embedding()).unwrap();
        assert_eq!(assigned.spec.zero_rows, expected, "{rows}");
    }
    // The tensor's own rows stay, and the law is a later rule's.
    let mut own = embedding();
    own.zero_rows = vec![5];
    let text = "[[rule]]\nrole = \"embedding\"\nzero_rows = \"pad_token_id\"\n[[rule]]\nscheme = \"normal(std = 0.5)\"";
    let assigned = assign(text, &[own]).unwrap().tensors.remove(0);
    assert_eq!(assigned.spec.zero_rows, [3, 5]);
    assert_eq!((assigned.spec.scheme.to_string().as_str(), assigned.keeps_dtype), ("normal(mean=0, std=0.5)", false));
    let mut plan = Plan::new(StreamVersion::V1, 1);
    let values = super::values(&plan.push(&assigned.spec).unwrap().fill());
    let is_zero: Vec<usize> = (0..10).filter(|row| values[row * 4..row * 4 + 4].iter().all(|&x| x == 0.0)).collect();
    assert_eq!(is_zero, [3, 5]);
}

#[test]
fn rows_beyond_the_tensor_are_one_line_with_its_name_and_the_numbers() {
    for (rows, expected) in [
        ("10", "zero_rows \"10\": row 10 lies outside shape [10, 4], which has 10 rows from 0 on"),
        ("\"pad_token_id + 9\"", "zero_rows \"pad_token_id + 9\": row 12 lies outside shape [10, 4]"),
        ("-11", "zero_rows \"-11\": row -11 lies outside shape [10, 4]"),
        ("\"vocab:11\"", "zero_rows \"11\": row 10 lies outside shape [10, 4]"),
        ("\"7:vocab\"", "zero_rows \"7:vocab\": 7 to 7 holds no row"),
        ("0.5", "zero_rows \"0.5\": is 0.5, must be a whole number"),
        ("\"pad_token\"", "unknown variable \"pad_token\": known are fan_in, "),
    ] {
        let error = with(&format!("zero_rows = {rows}"), embedding()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("mine.toml:1: tensor wte.weight: {expected}")), "{rows}: {error}");
        assert!(!error.contains('\n'));
    }
    let parts = "[[parts]]\nname = \"wte.weight\"\nfind = \"wte\"\n\
                 part = [{ name = \"a\", size = 5 }, { name = \"b\", size = 5 }]\n\
                 [[rule]]\nzero_rows = 0\nscheme = \"ones\"";
    let error = assign(parts, &[embedding()]).unwrap_err().to_string();
    let expected = "mine.toml:5: tensor a.weight: zero_rows are of whole tensors, and it is a part of wte.weight";
    assert_eq!(error, expected);
}

#[test]
fn a_dtype_of_a_rule_is_kept() {
    let mut bias = ModelTensor::new("gate.bias", [4], Role::RouterBias).unwrap();
    bias.dtype = Some(DType::BF16);
    let text = "[[rule]]\nrole = \"router.bias\"\ndtype = \"f32\"\n[[rule]]\nscheme = \"zeros\"";
    let assigned = assign(text, &[bias.clone()]).unwrap().tensors.remove(0);
    assert_eq!((assigned.spec.dtype, assigned.keeps_dtype), (DType::F32, true));
    let gave: Vec<String> = assigned.logical[0].rules.iter().map(|r| format!("{:?}", r.gave)).collect();
    assert_eq!(gave, ["DType", "Law"]);
    // A rule's word comes before the family's, and the first rule's before a later one's.
    bias.kept_dtype = Some(DType::F32);
    let text = format!("[[rule]]\nname = \"gate.*\"\ndtype = \"f16\"\n{text}");
    let assigned = assign(&text, &[bias]).unwrap().tensors.remove(0);
    assert_eq!((assigned.spec.dtype, assigned.keeps_dtype), (DType::F16, true));
    let error = with("dtype = \"f64\"", embedding()).unwrap_err().to_string();
    assert!(error.starts_with("mine.toml:1: unknown dtype \"f64\""), "{error}");
    for keys in ["zero_rows = 0", "dtype = \"f32\"", "layout = \"in_out\""] {
        let text = format!("[[multipliers]]\n{keys}\nlr = 1\n[[rule]]\nscheme = \"ones\"");
        let error = assign(&text, &[embedding()]).unwrap_err().to_string();
        assert!(error.starts_with("mine.toml:1: multipliers have no "), "{error}");
    }
}

#[test]
fn groups_of_a_layout_are_an_expression() {
    // A depthwise convolution of torch's, and one of flax's, whose channels come last.
    for (dims, layout, expected) in [
        ([32, 1, 3, 3], "conv(groups = rows)", Fans { fan_in: 9, fan_out: 9 }),
        ([64, 16, 3, 3], "conv(groups = hidden / cols / 4)", Fans { fan_in: 144, fan_out: 144 }),
        ([3, 3, 1, 32], "conv_in_out(groups = cols)", Fans { fan_in: 9, fan_out: 9 }),
        ([3, 3, 16, 64], "conv_in_out(groups = 4)", Fans { fan_in: 144, fan_out: 144 }),
        ([16, 64, 3, 3], "conv_transpose(groups = 2 + 0)", Fans { fan_in: 72, fan_out: 576 }),
    ] {
        let mut tensor = ModelTensor::new("conv.weight", dims, Role::Conv).unwrap();
        tensor.variables = std::sync::Arc::new([("hidden".to_owned(), 48.0)].into());
        let assigned = with(&format!("name = \"conv.*\"\nlayout = \"{layout}\""), tensor).unwrap();
        assert_eq!(assigned.logical[0].fans, Some(expected), "{layout}");
    }
    // The fans of the layout are those that the rule's own expressions name, and its condition too.
    let tensor = ModelTensor::new("conv.weight", [32, 1, 3, 3], Role::Conv).unwrap();
    let text = "[[rule]]\nname = \"conv.*\"\nlayout = \"conv(groups = rows)\"\nwhen = \"fan_out == 9\"\n\
                scheme = \"normal(std = 1 / sqrt(fan_out))\"";
    let assigned = assign(text, std::slice::from_ref(&tensor)).unwrap().tensors.remove(0);
    assert_eq!(assigned.spec.scheme.to_string(), format!("normal(mean=0, std={})", 1.0 / 3.0));
    assert_eq!(assigned.spec.layout, Layout::conv(32));
    for (layout, expected) in [
        ("conv(groups = rows / 3)", "groups: rows / 3 is 10.666666666666666, not a whole number from 0 on"),
        ("conv(groups = 5)", "shape [32, 1, 3, 3]: conv(groups=5): groups 5 does not divide the 32 output channels"),
        ("conv_in_out(groups = 2)", "conv_in_out(groups=2): groups 2 does not divide the 3 output channels"),
        ("conv(groups = channels)", "unknown variable \"channels\""),
        ("conv(groups = 0 * rows)", "groups is 0, needs 1 or more"),
    ] {
        let keys = format!("name = \"conv.*\"\nlayout = \"{layout}\"");
        let error = with(&keys, tensor.clone()).unwrap_err().to_string();
        assert!(error.starts_with("mine.toml:1: tensor conv.weight: ") && error.contains(expected), "{error}");
        assert!(!error.contains('\n'));
    }
}

#[test]
fn a_vector_has_the_fans_of_named_axes() {
    let text = "[[rule]]\nname = \"scale\"\nlayout = \"axes(in=[0], out=[])\"\n\
                scheme = \"variance_scaling(1, mode=fan_in)\"";
    let tensor = ModelTensor::new("scale", [64], Role::Scale).unwrap();
    let assigned = assign(text, &[tensor]).unwrap().tensors.remove(0);
    assert_eq!(assigned.logical[0].fans, Some(Fans { fan_in: 64, fan_out: 1 }));
    let mut plan = Plan::new(StreamVersion::V1, 0);
    assert_eq!(plan.push(&assigned.spec).unwrap().parts()[0].law().std(), 0.125);
}

#[test]
fn a_list_of_tensors_says_rows_of_zeros_and_layouts_of_expressions() {
    let text = r#"
        [parameters]
        pad = 1
        channels = 32
        [[tensor]]
        name = "embed.weight"
        shape = [10, 4]
        role = "embedding"
        zero_rows = ["pad", "rows - 2:rows"]
        [[tensor]]
        name = "depthwise.weight"
        shape = ["channels", 1, 3]
        role = "conv"
        layout = "conv(groups = channels)"
        [[rule]]
        scheme = "normal(std = 1)"
    "#;
    let tensors = |text: &str| {
        let recipe = Recipe::parse("m.toml", text).unwrap().finish(None).unwrap();
        recipe.manifest(&recipe.numbers())
    };
    let [embedding, conv] = &tensors(text).unwrap()[..] else { panic!() };
    assert_eq!((&embedding.zero_rows[..], &conv.layout), (&[1, 8, 9][..], &Layout::conv(32)));
    for (from, to, expected) in [
        ("pad = 1", "pad = 10", "m.toml:5: tensor embed.weight: zero_rows \"pad\": row 10 lies outside shape [10, 4]"),
        (
            "groups = channels",
            "groups = 5",
            "m.toml:10: tensor depthwise.weight: shape [32, 1, 3]: conv(groups=5): groups 5",
        ),
    ] {
        let error = tensors(&text.replace(from, to)).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_warning_is_said_once_where_its_file_gives_the_law() {
    let model = llama();
    let text = |rule: &str| {
        format!(
            "extends = \"transformers\"\n{rule}[[warning]]\nrole = \"mlp.*\"\nwhen = \"layers == 3\"\n\
             text = \"multiply by {{1 / sqrt(layers)}}, or by {{hidden}} of {{layers}}\""
        )
    };
    let warnings = |text: &str| {
        let recipe = Recipe::parse("w.toml", text)?.finish(Some(&model))?;
        let assignment = recipe.assign(model.tensors())?;
        let mut plan = Plan::new(StreamVersion::V1, 0);
        for assigned in &assignment.tensors {
            plan.push(&assigned.spec)?;
        }
        Ok::<_, crate::Error>(assignment.warnings(&plan))
    };
    let rule = "[[rule]]\nrole = \"mlp.in\"\nscheme = \"normal(std = 1)\"\n";
    assert_eq!(warnings(&text(rule)).unwrap(), ["multiply by 0.57735, or by 64 of 3 (w.toml:5)"]);
    assert!(warnings(&text(rule).replace("layers == 3", "layers == 4")).unwrap().is_empty());
    // The law of the feed-forward is another recipe's.
    let other = "[[rule]]\nrole = \"norm\"\nscheme = \"ones\"\n";
    assert!(warnings(&text(other)).unwrap().is_empty());
    for (wrong, expected) in [
        ("[[warning]]\ntext = \"\"", "w.toml:1: text is one line that is not empty"),
        ("[[warning]]\ntext = \"a\\nb\"", "w.toml:1: text is one line"),
        ("[[warning]]\ntext = \"a {b\"", "w.toml:1: text: a brace is not closed"),
        ("[[warning]]\ntext = \"a {1 +}\"", "w.toml:1: expression \"1 +\": "),
        ("[[warning]]\nwhen = \"1\"", "w.toml:1: missing field `text`"),
    ] {
        let error = warnings(wrong).unwrap_err().to_string();
        assert!(error.starts_with(expected) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn a_text_with_expressions_is_read_for_a_shape() {
    use crate::recipe::{layout_for, scheme_for};
    use crate::value::shape::Shape;
    let shape = Shape::new([16, 64]).unwrap();
    for (text, expected) in [
        ("normal(std = 1 / sqrt(fan_in))", "normal(mean=0, std=0.125)"),
        ("kaiming_uniform(a = sqrt(4))", "kaiming_uniform(mode=fan_in, nonlinearity=leaky_relu, a=2)"),
        ("uniform(-1 / rows, 1 / cols)", "uniform(lo=-0.0625, hi=0.015625)"),
        ("torch_bias(fan_in = fan_out)", "torch_bias(fan_in=16)"),
        ("constant(rank + elements)", "constant(1026)"),
        ("zeros", "constant(0)"),
    ] {
        assert_eq!(scheme_for(text, &shape, &Layout::OutIn).unwrap().to_string(), expected, "{text}");
    }
    let swapped = scheme_for("normal(std = 1 / sqrt(fan_in))", &shape, &Layout::InOut).unwrap();
    assert_eq!(swapped.to_string(), "normal(mean=0, std=0.25)");
    for (text, expected) in [
        (
            "normal(std = hidden)",
            "std: unknown variable \"hidden\": known are fan_in, fan_out, rows, cols, rank, elements",
        ),
        ("normal(std = 1 / (rows - 16))", "is inf, with rows = 16"),
        ("normal(0, 0)", "scheme \"normal(0, 0)\": std 0"),
        ("normal(0, rows - 16)", "std 0"),
        ("torch_bias(fan_in = 1 / 2)", "fan_in: 1 / 2 is 0.5, not a whole number"),
    ] {
        let error = scheme_for(text, &shape, &Layout::OutIn).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains('\n'), "{text}: {error}");
    }
    assert_eq!(layout_for("in_out", &shape).unwrap(), Layout::InOut);
    let error = layout_for("conv(groups = fan_in)", &shape).unwrap_err().to_string();
    assert!(error.contains("unknown variable \"fan_in\": known are rows, cols, rank, elements"), "{error}");
}
