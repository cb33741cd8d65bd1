use super::*;
use crate::isa::Counts;

fn cost(label: &str, values: Option<u32>) -> Cost {
    let counts = Counts { valu: 40, mul32: 10, ..Counts::default() };
    let (label, by_data, milliseconds) = (label.to_owned(), false, 1.0);
    Cost {
        label,
        values,
        counts,
        by_data,
        vgprs: 8,
        sgprs: 16,
        spilled: 0,
        latency: 9,
        inverse_throughput: 5,
        milliseconds,
    }
}

fn costs() -> Vec<Costs> {
    let pipelines = vec![cost("f32 aligned normal", Some(4)), cost("orthogonal factor", None)];
    vec![Costs { gpu: "navi21", device: String::new(), driver: "Mesa 1.2.3".to_owned(), tier: "native", pipelines }]
}

#[test]
fn what_is_written_is_read_again() {
    let bounds = Bounds::of(&costs()).unwrap();
    assert_eq!(toml::from_str::<Bounds>(&bounds.text()).unwrap(), bounds);
    assert_eq!(bounds.gpus["navi21 native"]["f32 aligned normal"], Bound { valu: 12.5, slots: 20.0, clocks: None });
    assert_eq!(bounds.gpus["navi21 native"]["orthogonal factor"], Bound { valu: 50.0, slots: 80.0, clocks: Some(5) });
    assert!(bounds.check(&costs()).unwrap().ends_with("all bounds of Mesa 1.2.3 hold"));
}

#[test]
fn each_way_to_cost_more_is_an_error() {
    let bounds = Bounds::of(&costs()).unwrap();
    let changed = |change: &dyn Fn(&mut Vec<Costs>)| {
        let mut all = costs();
        change(&mut all);
        bounds.check(&all).unwrap_err()
    };
    let found = changed(&|all| all[0].pipelines[0].counts.valu += 1);
    assert_eq!(
        found,
        "navi21 native, f32 aligned normal: valu 12.75, at most 12.5\n\
         navi21 native, f32 aligned normal: slots 20.25, at most 20"
    );
    let slower = |all: &mut Vec<Costs>| {
        all[0].pipelines[0].counts.valu -= 1;
        all[0].pipelines[0].counts.mul32 += 1;
    };
    assert!(changed(&slower).contains("slots 20.75, at most 20"));
    assert!(changed(&|all| all[0].pipelines[1].inverse_throughput = 6).contains("clocks 6"));
    assert!(changed(&|all| all[0].pipelines[1].spilled = 2).contains("2 registers are spilled"));
    assert!(changed(&|all| all[0].pipelines.push(cost("new", Some(4)))).contains("new: no bound"));
    assert!(changed(&|all| drop(all[0].pipelines.pop())).contains("orthogonal factor: a bound of no pipeline"));
    assert!(changed(&|all| all[0].tier = "soft").contains("navi21 soft, f32 aligned normal: no bound"));
}

#[test]
fn what_costs_less_is_named_and_passes() {
    let bounds = Bounds::of(&costs()).unwrap();
    let mut all = costs();
    all[0].pipelines[0].counts.valu -= 1;
    assert!(bounds.check(&all).unwrap().contains("lowers those of\n  navi21 native, f32 aligned normal"));
}

#[test]
fn another_version_holds_no_bound_but_may_not_spill() {
    let bounds = Bounds::of(&costs()).unwrap();
    let mut all = costs();
    all[0].driver = "Mesa 1.2.4".to_owned();
    all[0].pipelines[0].counts.valu += 1;
    assert!(bounds.check(&all).unwrap().starts_with("NOT CHECKED: the bounds are those of Mesa 1.2.3"));
    all[0].pipelines[0].spilled = 1;
    assert!(bounds.check(&all).is_err());
    assert!(Bounds::of(&all).is_err());
}
