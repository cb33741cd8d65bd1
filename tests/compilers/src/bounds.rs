//! bounds.toml: what each pipeline may cost at most, for one version of Mesa.

use crate::{Cost, Costs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bounds.toml");
const COMMENT: &str = "# What each pipeline costs at most, by the driver that is named; written by --write-bounds.
# valu: vector instructions, slots: the same with 32-bit multiplications at a quarter of the rate; both per value of the
# loop over items, or for one thread's whole program where a kernel does not fill. clocks: ACO's estimate of the inverse
# throughput of such a program. Registers are never spilled.
";

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    valu: f64,
    slots: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    clocks: Option<u64>,
}

impl Bound {
    fn of(cost: &Cost) -> Self {
        Self {
            valu: cost.per_value(cost.counts.vector()),
            slots: cost.per_value(cost.counts.slots()),
            clocks: cost.values.is_none().then_some(cost.inverse_throughput),
        }
    }

    /// What of `self` lies above `most`.
    fn above(&self, most: &Self) -> Vec<String> {
        let mut above = Vec::new();
        for (name, here, most) in [("valu", self.valu, most.valu), ("slots", self.slots, most.slots)] {
            if here > most {
                above.push(format!("{name} {here}, at most {most}"));
            }
        }
        if let (Some(here), most) = (self.clocks, most.clocks)
            && most.is_none_or(|most| here > most)
        {
            above.push(format!("clocks {here}, at most {most:?}"));
        }
        above
    }

    /// Whether one figure lies below, and none above.
    fn is_below(&self, most: &Self) -> bool {
        self.above(most).is_empty() && self != most
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    driver: String,
    /// By GPU and tier, then by pipeline.
    gpus: BTreeMap<String, BTreeMap<String, Bound>>,
}

fn group(costs: &Costs) -> String {
    format!("{} {}", costs.gpu, costs.tier)
}

fn spills(all: &[Costs]) -> Vec<String> {
    let each = all.iter().flat_map(|costs| costs.pipelines.iter().map(move |cost| (group(costs), cost)));
    let spilling = each.filter(|(_, cost)| cost.spilled > 0);
    spilling.map(|(group, cost)| format!("{group}, {}: {} registers are spilled", cost.label, cost.spilled)).collect()
}

impl Bounds {
    pub fn of(all: &[Costs]) -> Result<Self, String> {
        let bad = spills(all);
        if !bad.is_empty() {
            return Err(bad.join("\n"));
        }
        let driver = all.first().ok_or("no costs")?.driver.clone();
        let bounds = |costs: &Costs| costs.pipelines.iter().map(|c| (c.label.clone(), Bound::of(c))).collect();
        Ok(Self { driver, gpus: all.iter().map(|costs| (group(costs), bounds(costs))).collect() })
    }

    pub fn read() -> Result<Self, String> {
        let text = std::fs::read_to_string(FILE).map_err(|e| format!("{FILE}: {e}: --write-bounds writes it"))?;
        toml::from_str(&text).map_err(|e| format!("{FILE}: {e}"))
    }

    pub fn write(&self) -> Result<(), String> {
        std::fs::write(FILE, self.text()).map_err(|e| format!("{FILE}: {e}"))
    }

    /// One pipeline per line, so that a change of one is a change of one line.
    fn text(&self) -> String {
        let mut text = format!("{COMMENT}driver = {:?}\n", self.driver);
        for (group, bounds) in &self.gpus {
            let _ = write!(text, "\n[gpus.{group:?}]\n");
            for (label, bound) in bounds {
                let _ = write!(text, "{label:?} = {{ valu = {:?}, slots = {:?}", bound.valu, bound.slots);
                if let Some(clocks) = bound.clocks {
                    let _ = write!(text, ", clocks = {clocks}");
                }
                text.push_str(" }\n");
            }
        }
        text
    }

    /// What is said where every bound holds; what does not hold is the error.
    pub fn check(&self, all: &[Costs]) -> Result<String, String> {
        let mut bad = spills(all);
        let held = all.iter().all(|costs| costs.driver == self.driver);
        let mut cheaper = Vec::new();
        if held {
            let mut unknown: Vec<_> =
                self.gpus.iter().flat_map(|(g, b)| b.keys().map(move |l| (g.clone(), l))).collect();
            for costs in all {
                let group = group(costs);
                for cost in &costs.pipelines {
                    unknown.retain(|(g, label)| *g != group || **label != cost.label);
                    let at = format!("{group}, {}", cost.label);
                    match self.gpus.get(&group).and_then(|bounds| bounds.get(&cost.label)) {
                        None => bad.push(format!("{at}: no bound: --write-bounds")),
                        Some(most) => {
                            let here = Bound::of(cost);
                            bad.extend(here.above(most).iter().map(|above| format!("{at}: {above}")));
                            if here.is_below(most) {
                                cheaper.push(at);
                            }
                        }
                    }
                }
            }
            bad.extend(
                unknown.iter().map(|(g, label)| format!("{g}, {label}: a bound of no pipeline: --write-bounds")),
            );
        }
        if !bad.is_empty() {
            return Err(bad.join("\n"));
        }
        let count: usize = all.iter().map(|costs| costs.pipelines.len()).sum();
        Ok(if !held {
            let here = &all[0].driver;
            format!("NOT CHECKED: the bounds are those of {}, and this is {here}; nothing is spilled", self.driver)
        } else if cheaper.is_empty() {
            format!("{count} pipelines: all bounds of {} hold", self.driver)
        } else {
            let few = cheaper.join("\n  ");
            format!(
                "{count} pipelines: all bounds of {} hold, and --write-bounds lowers those of\n  {few}",
                self.driver
            )
        })
    }
}

#[cfg(test)]
mod tests;
