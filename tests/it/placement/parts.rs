//! Logical tensors inside a stored one: each part's bytes are those of the logical tensor filled alone, under its own
//! name.

use super::{bytes, each_index, flat, indexed, random_slab, range};
use crate::laws::{SEED, cut, planned};
use crate::reference::Cases;
use seedbed::plan::Slab;
use seedbed::plan::{Part, Plan, TensorSpec};
use seedbed::{DType, Scheme, StreamVersion};

/// A stored tensor, and for each of its elements the part that it belongs to and its index in that part.
struct Recipe {
    what: &'static str,
    spec: TensorSpec,
    /// From the indices of the stored tensor.
    owner: fn(&[u64]) -> (usize, u64),
}

fn part(name: &str, dims: &[u64], scheme: Scheme, start: &[u64], extent: &[u64]) -> Part {
    Part::new(name, dims, scheme, Slab::new(start, extent)).unwrap()
}

fn spec(dims: &[u64], view: &[u64], parts: Vec<Part>) -> TensorSpec {
    TensorSpec::with_parts("stored", dims, view, parts).unwrap()
}

fn normal() -> Scheme {
    Scheme::normal(0.0, 0.02)
}

fn recipes() -> Vec<Recipe> {
    let uniform = Scheme::torch_linear();
    let central = cut(-2.0, 2.0);
    vec![
        Recipe {
            what: "fused q, k, v by rows, grouped queries",
            spec: spec(
                &[11, 7],
                &[11, 7],
                vec![
                    part("q", &[5, 7], normal(), &[0, 0], &[5, 7]),
                    part("k", &[3, 7], uniform, &[5, 0], &[3, 7]),
                    part("v", &[3, 7], central, &[8, 0], &[3, 7]),
                ],
            ),
            owner: |i| match i[0] {
                0..5 => (0, i[0] * 7 + i[1]),
                5..8 => (1, (i[0] - 5) * 7 + i[1]),
                _ => (2, (i[0] - 8) * 7 + i[1]),
            },
        },
        Recipe {
            what: "GPT-2's c_attn by columns",
            spec: spec(
                &[5, 15],
                &[5, 15],
                (0..3).map(|p| part(["q", "k", "v"][p], &[5, 5], normal(), &[0, 5 * p as u64], &[5, 5])).collect(),
            ),
            owner: |i| ((i[1] / 5) as usize, i[0] * 5 + i[1] % 5),
        },
        Recipe {
            what: "c_attn by columns, each part the transpose of a Linear's weight",
            spec: spec(
                &[5, 9],
                &[5, 9],
                (0..3)
                    .map(|p| part(["q", "k", "v"][p], &[3, 5], uniform, &[0, 3 * p as u64], &[5, 3]).order([1, 0]))
                    .collect(),
            ),
            owner: |i| ((i[1] / 3) as usize, i[1] % 3 * 5 + i[0]),
        },
        Recipe {
            what: "NeoX's heads: [heads * 3 * size, hidden] as [heads, 3, size, hidden]",
            spec: spec(
                &[4 * 3 * 5, 7],
                &[4, 3, 5, 7],
                (0..3)
                    .map(|p| part(["q", "k", "v"][p], &[20, 7], normal(), &[0, p as u64, 0, 0], &[4, 1, 5, 7]))
                    .collect(),
            ),
            owner: |i| ((i[0] / 5 % 3) as usize, (i[0] / 15 * 5 + i[0] % 5) * 7 + i[1]),
        },
        Recipe {
            what: "NeoX's bias: [heads * 3 * size]",
            spec: spec(
                &[4 * 3 * 5],
                &[4, 3, 5],
                (0..3).map(|p| part(["q", "k", "v"][p], &[20], normal(), &[0, p as u64, 0], &[4, 1, 5])).collect(),
            ),
            owner: |i| ((i[0] / 5 % 3) as usize, i[0] / 15 * 5 + i[0] % 5),
        },
        Recipe {
            what: "stacked experts",
            spec: spec(
                &[3, 5, 7],
                &[3, 5, 7],
                (0..3)
                    .map(|e| {
                        part(
                            ["e.0.w", "e.1.w", "e.2.w"][e],
                            &[5, 7],
                            [normal(), uniform, central][e],
                            &[e as u64, 0, 0],
                            &[1, 5, 7],
                        )
                    })
                    .collect(),
            ),
            owner: |i| (i[0] as usize, i[1] * 7 + i[2]),
        },
        Recipe {
            what: "stacked experts, stored transposed",
            spec: spec(
                &[3, 5, 7],
                &[3, 5, 7],
                (0..3)
                    .map(|e| {
                        part(["e.0.w", "e.1.w", "e.2.w"][e], &[7, 5], uniform, &[e as u64, 0, 0], &[1, 5, 7])
                            .order([0, 2, 1])
                    })
                    .collect(),
            ),
            owner: |i| (i[0] as usize, i[2] * 5 + i[1]),
        },
        Recipe {
            what: "gate and up, rows in turn",
            spec: spec(
                &[10, 7],
                &[5, 2, 7],
                (0..2).map(|p| part(["gate", "up"][p], &[5, 7], normal(), &[0, p as u64, 0], &[5, 1, 7])).collect(),
            ),
            owner: |i| ((i[0] % 2) as usize, i[0] / 2 * 7 + i[1]),
        },
        // Two parts in every 32-bit word of a 16-bit tensor.
        Recipe {
            what: "gate and up, columns in turn",
            spec: spec(
                &[3, 5, 14],
                &[3, 5, 7, 2],
                (0..2)
                    .map(|p| {
                        part(["gate", "up"][p], &[3, 5, 7], [normal(), central][p], &[0, 0, 0, p as u64], &[3, 5, 7, 1])
                    })
                    .collect(),
            ),
            owner: |i| ((i[2] % 2) as usize, (i[0] * 5 + i[1]) * 7 + i[2] / 2),
        },
        Recipe {
            what: "a vocabulary padded below",
            spec: spec(
                &[13, 5],
                &[13, 5],
                vec![
                    part("words", &[10, 5], normal(), &[0, 0], &[10, 5]),
                    part("padding", &[3, 5], Scheme::zeros(), &[10, 0], &[3, 5]),
                ],
            ),
            owner: |i| if i[0] < 10 { (0, i[0] * 5 + i[1]) } else { (1, (i[0] - 10) * 5 + i[1]) },
        },
        Recipe {
            what: "a matrix padded on the right",
            spec: spec(
                &[9, 8],
                &[9, 8],
                vec![
                    part("weight", &[9, 5], uniform, &[0, 0], &[9, 5]),
                    part("padding", &[9, 3], Scheme::ones(), &[0, 5], &[9, 3]),
                ],
            ),
            owner: |i| if i[1] < 5 { (0, i[0] * 5 + i[1]) } else { (1, i[0] * 3 + i[1] - 5) },
        },
        Recipe {
            what: "four quarters of odd size",
            spec: spec(
                &[8, 8],
                &[8, 8],
                vec![
                    part("nw", &[3, 5], normal(), &[0, 0], &[3, 5]),
                    part("ne", &[3, 3], uniform, &[0, 5], &[3, 3]),
                    part("sw", &[5, 5], central, &[3, 0], &[5, 5]),
                    part("se", &[5, 3], Scheme::constant(0.5), &[3, 5], &[5, 3]),
                ],
            ),
            owner: |i| match (i[0] < 3, i[1] < 5) {
                (true, true) => (0, i[0] * 5 + i[1]),
                (true, false) => (1, i[0] * 3 + i[1] - 5),
                (false, true) => (2, (i[0] - 3) * 5 + i[1]),
                (false, false) => (3, (i[0] - 3) * 3 + i[1] - 5),
            },
        },
        Recipe {
            what: "a transposed matrix",
            spec: TensorSpec::transposed("stored", [9, 7], uniform).unwrap(),
            owner: |i| (0, i[1] * 9 + i[0]),
        },
        Recipe {
            what: "five axes, all turned round",
            spec: spec(
                &[2, 3, 4, 3, 5],
                &[2, 3, 4, 3, 5],
                vec![part("turned", &[5, 3, 4, 3, 2], normal(), &[0; 5], &[2, 3, 4, 3, 5]).order([4, 3, 2, 1, 0])],
            ),
            owner: |i| (0, (((i[4] * 3 + i[3]) * 4 + i[2]) * 3 + i[1]) * 2 + i[0]),
        },
    ]
}

#[test]
fn each_part_holds_the_bytes_of_its_logical_tensor_alone() {
    for recipe in recipes() {
        for dtype in DType::ALL {
            let size = dtype.size() as usize;
            let stored = planned(&recipe.spec.clone().dtype(dtype));
            // Each logical tensor in a plan of its own: no other tensor can have an effect.
            let alone: Vec<Vec<u8>> = (recipe.spec.parts.iter())
                .map(|p| {
                    let spec = TensorSpec::new(p.name.clone(), p.shape.dims(), p.scheme).unwrap().dtype(dtype);
                    bytes(&Plan::new(StreamVersion::V1, SEED).push(&spec).unwrap().fill())
                })
                .collect();
            let dims = stored.shape().dims();
            let mut expected = vec![0; stored.bytes() as usize];
            each_index(&Slab::whole(dims), |index| {
                let (part, element) = (recipe.owner)(index);
                let (at, from) = (flat(dims, index) as usize * size, element as usize * size);
                expected[at..at + size].copy_from_slice(&alone[part][from..from + size]);
            });
            let whole = bytes(&stored.fill());
            assert!(whole == expected, "{} {dtype}", recipe.what);

            let mut cases = Cases(2);
            for _ in 0..300 {
                let slab = random_slab(&mut cases, dims);
                let fill = stored.fill_slab(&slab).unwrap();
                let got = bytes(&fill);
                assert!(got == indexed(&whole, dims, &slab, dtype), "{} {dtype}: {slab:?}", recipe.what);
                let from = cases.below(fill.device_bytes() / 4) * 4;
                let len = cases.below(fill.bytes().saturating_sub(from) / 4 + 1) * 4;
                let some = range(&fill, from, len as usize);
                assert!(some == got[from as usize..][..len as usize], "{} {dtype}: {from} + {len}", recipe.what);
            }
        }
    }
}

/// The control: the parts' names matter, or the test above would see nothing.
#[test]
fn parts_of_other_names_hold_other_bytes() {
    let [a, b] = ["q", "Q"].map(|name| {
        let spec = spec(&[3, 5], &[3, 5], vec![part(name, &[3, 5], normal(), &[0, 0], &[3, 5])]);
        bytes(&planned(&spec).fill())
    });
    assert_ne!(a, b);
}
