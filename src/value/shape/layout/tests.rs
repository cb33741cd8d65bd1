use super::*;

fn fans(layout: &str, dims: &[u64]) -> Result<(u64, u64)> {
    let fans = layout.parse::<Layout>()?.fans(&Shape::new(dims)?)?;
    Ok((fans.fan_in, fans.fan_out))
}

#[test]
fn fans_of_each_layout() {
    // The four rows of `out_in` are torch 2.15's `_calculate_fan_in_and_fan_out(torch.empty(dims))`;
    // the `axes` rows are the formula of jax's `_compute_fans`, by hand.
    let cases: &[(&str, &[u64], (u64, u64))] = &[
        ("out_in", &[48, 32], (32, 48)),
        ("out_in", &[64, 16, 3, 3], (144, 576)),
        ("out_in", &[8, 4, 5], (20, 40)),
        ("out_in", &[6, 2, 3, 3, 3], (54, 162)),
        ("in_out", &[32, 48], (32, 48)),
        ("in_out", &[3, 5, 16, 64], (240, 960)),
        ("conv", &[64, 16, 3, 3], (144, 576)),
        ("conv(groups=4)", &[64, 16, 3, 3], (144, 144)),
        ("conv(groups=8)", &[8, 1, 5], (5, 5)),
        ("conv(groups=2)", &[6, 2, 3, 3, 3], (54, 81)),
        ("conv_transpose", &[16, 64, 3, 3], (144, 576)),
        ("conv_transpose(groups=2)", &[16, 64, 3, 3], (72, 576)),
        ("conv_in_out", &[3, 3, 16, 64], (144, 576)),
        ("conv_in_out(groups=4)", &[3, 3, 16, 64], (144, 144)),
        // A depthwise convolution of flax's: [3, 3, 1, 32] with feature_group_count 32.
        ("conv_in_out(groups=32)", &[3, 3, 1, 32], (9, 9)),
        ("conv_in_out(groups=2)", &[3, 3, 3, 2, 6], (54, 81)),
        ("axes(in=[0], out=[])", &[768], (768, 1)),
        ("axes(in=[], out=[0])", &[768], (1, 768)),
        ("axes(in=[], out=[], batch=[0])", &[768], (1, 1)),
        ("axes(in=[], out=[])", &[768], (768, 768)),
        ("axes(in=[], out=[])", &[], (1, 1)),
        ("axes", &[3, 3, 16, 64], (144, 576)),
        ("axes(in=1, out=2, batch=0)", &[8, 100, 300], (100, 300)),
        ("axes(in=1, out=2)", &[8, 100, 300], (800, 2400)),
        ("axes(in=0, out=[1, 2])", &[768, 12, 64], (768, 768)),
        ("axes(in=[-3,-2], out=-1)", &[12, 64, 768], (768, 768)),
        ("axes(in=-1, out=0)", &[64, 3, 3, 16], (144, 576)),
        ("axes(in=[], out=0, batch=[])", &[7, 5], (5, 35)),
        ("out_in", &[1 << 30, 1 << 30], (1 << 30, 1 << 30)),
        ("axes(in=[0,1], out=[])", &[1 << 30, 1 << 30], (1 << 60, 1)),
    ];
    for (layout, dims, expected) in cases {
        assert_eq!(fans(layout, dims).unwrap(), *expected, "{layout} {dims:?}");
    }
}

#[test]
fn fan_errors_name_the_shape_and_the_numbers() {
    let cases: &[(&str, &[u64], &str)] = &[
        ("out_in", &[], "shape []: rank 0 has no fan_in"),
        ("in_out", &[768], "shape [768]: rank 1 has no fan_in and fan_out"),
        ("axes", &[768], "torch_bias(fan_in=768)"),
        ("conv", &[64, 16], "shape [64, 16]: rank 2 as conv(groups=1)"),
        ("conv", &[2, 2, 2, 2, 2, 2], "rank 6"),
        ("conv(groups=3)", &[64, 16, 3], "groups 3 does not divide the 64 output channels"),
        ("conv_transpose(groups=5)", &[16, 64, 3], "groups 5 does not divide the 16 input channels"),
        ("conv_in_out(groups=5)", &[3, 16, 64], "groups 5 does not divide the 64 output channels"),
        ("conv_in_out", &[16, 64], "rank 2 as conv_in_out(groups=1)"),
        ("axes(in=1, out=[])", &[768], "in axis 1: must lie in [-1, 0]"),
        ("axes(in=0, out=[])", &[], "in axis 0: shape [] has no axis"),
        ("axes(in=3)", &[4, 5, 6], "in axis 3: must lie in [-3, 2]"),
        ("axes(in=0, out=-4)", &[4, 5, 6], "out axis -4"),
        ("axes(in=1, out=-2)", &[4, 5, 6], "out axis -2: axis 1 is named twice"),
        ("axes(in=0, out=1, batch=[2, 2])", &[4, 5, 6], "batch axis 2: axis 2 is named twice"),
        ("axes(in=-9223372036854775808)", &[4, 5], "in axis -9223372036854775808"),
    ];
    for (layout, dims, expected) in cases {
        let error = fans(layout, dims).unwrap_err().to_string();
        assert!(error.contains(expected), "{layout} {dims:?}: {error}");
        assert!(error.starts_with("shape [") && !error.contains('\n'), "{error}");
    }
    let error = Layout::conv(0).fans(&Shape::new([4, 4, 3]).unwrap()).unwrap_err().to_string();
    assert_eq!(error, "shape [4, 4, 3]: conv(groups=0): groups is 0, needs 1 or more");
}

#[test]
fn text_round_trips_and_errors_name_the_argument() {
    let layouts = [
        Layout::OutIn,
        Layout::InOut,
        Layout::conv(1),
        Layout::conv(32),
        Layout::conv_transpose(4),
        Layout::conv_in_out(32),
        Layout::axes([-2], [-1], []),
        Layout::axes([1, 2], [], [0, 3]),
    ];
    for layout in layouts {
        assert_eq!(layout.to_string().parse::<Layout>().unwrap(), layout, "{layout}");
    }
    for (text, expected) in [
        (
            "outin",
            "unknown layout \"outin\": expected out_in, in_out, conv, conv_transpose, conv_in_out, axes; did you mean \
             `out_in`?",
        ),
        ("conv(groups=0)", "layout \"conv(groups=0)\": groups is 0, needs 1 or more"),
        ("conv(groups=-1)", "layout \"conv(groups=-1)\": groups \"-1\" is not a whole number from 0 on"),
        (
            "conv(group=1)",
            "layout \"conv(group=1)\": unknown argument \"group\": expected groups; did you mean `groups`?",
        ),
        ("out_in(1)", "layout \"out_in(1)\": takes no arguments, given \"1\"; write out_in alone"),
        ("axes(in=[1)", "layout \"axes(in=[1)\": unbalanced brackets"),
        ("axes(in=x)", "layout \"axes(in=x)\": in \"x\" is not an axis or a list of axes such as [0, 1]"),
    ] {
        assert_eq!(text.parse::<Layout>().unwrap_err().to_string(), expected);
    }
}
