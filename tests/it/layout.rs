//! Rule 3 (the layout is checked): the structs of shaders/descriptor.wgsl have the layout of those of the host.
#![cfg(feature = "gpu")]

use crate::kernels::{Combination, validated};
use bytemuck::Zeroable;
use naga::proc::Layouter;
use naga::valid::Capabilities;
use naga::{ArraySize, Handle, Literal, Module, ScalarKind, Type, TypeInner};
use seedbed::gpu::descriptor::{AxisSteps, Descriptor, KernelSegment, rounding};
use seedbed::params::{LawParams, kind, mask};
use std::any::type_name_of_val;
use std::mem::{offset_of, size_of, size_of_val};

/// The names of the structs in WGSL and on the host. The members have the same names.
const NAMES: [(&str, &str); 4] =
    [("Law", "LawParams"), ("Axis", "AxisSteps"), ("Descriptor", "Descriptor"), ("Segment", "KernelSegment")];

#[derive(Debug, PartialEq)]
struct Member {
    name: String,
    offset: usize,
    size: usize,
    /// As Rust writes it, without paths.
    ty: String,
}

#[derive(Debug, PartialEq)]
struct Layout {
    name: &'static str,
    /// The distance of two neighbors in an array.
    stride: usize,
    members: Vec<Member>,
}

/// A type's name without the path of what is ours in it: `[T; 6]` of `[seedbed::a::T; 6]`.
fn without_path(name: &str) -> String {
    match (name.find("seedbed::"), name.rfind("::")) {
        (Some(from), Some(last)) => format!("{}{}", &name[..from], &name[last + 2..]),
        _ => name.to_owned(),
    }
}

/// The pattern names every member: with one more in the struct, this does not compile.
macro_rules! host_layout {
    ($ty:ident: $($member:ident),*) => {{
        let $ty { $($member),* } = $ty::zeroed();
        let members = vec![$(Member {
            name: stringify!($member).to_owned(),
            offset: offset_of!($ty, $member),
            size: size_of_val(&$member),
            ty: without_path(type_name_of_val(&$member)),
        }),*];
        Layout { name: stringify!($ty), stride: size_of::<$ty>(), members }
    }};
}

fn host() -> Vec<Layout> {
    vec![
        host_layout!(LawParams:
            kind, tail, refine, threshold, scale, center, lo, hi, step, offset, left, right, left_edge, right_edge,
            inverse, poly, more, mask, inner, spot, cols, rows, block_rows, block_cols, table, unused),
        host_layout!(AxisSteps: extent, dst, src),
        host_layout!(Descriptor: key, src, dst, before, axis_count, rounding, law, axes, place, unused),
        host_layout!(KernelSegment:
            first_group, word, words, elements, items, first_descriptor, descriptor_count, period, base, stride, hint),
    ]
}

/// The Rust type of the same bytes.
fn rust_type(module: &Module, layouts: &Layouter, ty: Handle<Type>) -> String {
    match &module.types[ty].inner {
        TypeInner::Scalar(s) => {
            let letter = match s.kind {
                ScalarKind::Sint => 'i',
                ScalarKind::Uint => 'u',
                ScalarKind::Float => 'f',
                other => panic!("{other:?} in a struct"),
            };
            format!("{letter}{}", s.width * 8)
        }
        // The kernels have no other vectors in memory; a vec3 would be padded.
        TypeInner::Vector { size: naga::VectorSize::Bi, scalar } if *scalar == naga::Scalar::U32 => "[u32; 2]".into(),
        TypeInner::Array { base, size: ArraySize::Constant(n), stride } => {
            assert_eq!(*stride, layouts[*base].size, "padding between an array's elements");
            format!("[{}; {n}]", rust_type(module, layouts, *base))
        }
        TypeInner::Struct { .. } => {
            let name = module.types[ty].name.as_deref().unwrap();
            NAMES.iter().find(|(kernel, _)| *kernel == name).expect(name).1.to_owned()
        }
        other => panic!("{other:?} in a struct"),
    }
}

/// The layouts of the structs of a module that live in storage, in the order of `NAMES`.
fn kernel(module: &Module) -> Vec<Layout> {
    let mut layouts = Layouter::default();
    layouts.update(module.to_ctx()).unwrap();
    let find = |&(name, rust): &(&str, &'static str)| {
        let is_it = |(_, ty): &(_, &Type)| ty.name.as_deref() == Some(name);
        let (handle, ty) = module.types.iter().find(is_it).expect(name);
        let TypeInner::Struct { members, span } = &ty.inner else { panic!("{name} is no struct") };
        assert_eq!(*span, layouts[handle].to_stride(), "{name}");
        let members = members.iter().map(|m| Member {
            name: m.name.clone().unwrap(),
            offset: m.offset as usize,
            size: layouts[m.ty].size as usize,
            ty: rust_type(module, &layouts, m.ty),
        });
        Layout { name: rust, stride: *span as usize, members: members.collect() }
    };
    NAMES.iter().map(find).collect()
}

#[test]
fn every_kernel_and_the_host_have_one_layout() {
    for combination in Combination::all() {
        assert_eq!(kernel(&combination.module().0), host(), "{combination:?}");
    }
}

#[test]
fn every_struct_of_the_kernels_is_compared() {
    for combination in Combination::all() {
        let (module, _) = combination.module();
        for (_, ty) in module.types.iter().filter(|(_, ty)| matches!(ty.inner, TypeInner::Struct { .. })) {
            let name = ty.name.as_deref().unwrap();
            // What a function returns, never in a buffer.
            if name == "Step" {
                continue;
            }
            assert!(NAMES.iter().any(|(kernel, _)| *kernel == name), "{combination:?}: struct {name}");
        }
    }
}

/// The negative control: one side changes alone.
#[test]
fn a_member_that_is_added_moved_renamed_or_retyped_on_one_side_is_seen() {
    let source = Combination::all().last().unwrap().source();
    for (from, to) in [
        ("    axis_count: u32,\n", "    axis_count: u32,\n    more: u32,\n"),
        ("    descriptor_count: u32,\n", "    descriptor_count: u32,\n    more: u32,\n"),
        ("    lo: f32,\n    hi: f32,\n", "    hi: f32,\n    lo: f32,\n"),
        ("    right_edge: f32,\n", "    other_edge: f32,\n"),
        ("    rounding: u32,\n", "    rounding: i32,\n"),
        ("    rounding: u32,\n", ""),
        ("axes: array<Axis, 6>", "axes: array<Axis, 7>"),
    ] {
        assert_eq!(source.matches(from).count(), 1, "{from}");
        // Only the structs: the functions may not compile with them.
        let structs = source.replace(from, to);
        let structs = &structs[..structs.find("@group").unwrap()];
        let (module, _) = validated(structs, Capabilities::empty()).unwrap();
        assert_ne!(kernel(&module), host(), "{from} -> {to}");
    }
}

/// The bindings in the order in which the host binds them, and who may write.
#[test]
fn the_kernels_bind_descriptors_segments_tables_and_the_destination() {
    for combination in Combination::all() {
        let (module, _) = combination.module();
        let bound: Vec<_> = module
            .global_variables
            .iter()
            .map(|(_, g)| {
                let naga::AddressSpace::Storage { access } = g.space else { panic!("{:?} is not in storage", g.name) };
                let at = g.binding.as_ref().unwrap();
                (g.name.as_deref().unwrap(), at.group, at.binding, access.contains(naga::StorageAccess::STORE))
            })
            .collect();
        let expected = [
            ("descriptors", 0, 0, false),
            ("segments", 0, 1, false),
            ("frequencies", 0, 3, false),
            ("destination", 0, 2, true),
            ("destination_4", 0, 2, true),
        ];
        assert_eq!(bound, expected, "{combination:?}");
    }
}

#[test]
fn the_kinds_of_law_have_the_host_s_numbers() {
    let (module, _) = Combination::all().next().unwrap().module();
    let others = [("STOCHASTIC", rounding::STOCHASTIC)];
    for &(name, expected) in kind::NAMES.iter().chain(mask::NAMES).chain(&others) {
        let (_, constant) = module.constants.iter().find(|(_, c)| c.name.as_deref() == Some(name)).expect(name);
        let naga::Expression::Literal(Literal::U32(value)) = module.global_expressions[constant.init] else {
            panic!("{name} is no u32");
        };
        assert_eq!(value, expected, "{name}");
    }
}
