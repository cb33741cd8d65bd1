use super::*;

/// Cut from listings for navi21: the search for the segment, then the loop over the items with a loop in it that runs
/// twice.
const LISTING: &str = include_str!("listing.txt");

#[test]
fn the_item_loop_is_counted_by_class() {
    let counted = count(LISTING, true).unwrap();
    assert!(counted.is_loop && !counted.by_data);
    assert_eq!(
        counted.counts,
        Counts { valu: 5, mul32: 4, wide: 2, transcendental: 2, salu: 16, smem: 1, vmem: 1, lds: 0, other: 1 }
    );
    assert_eq!((counted.counts.vector(), counted.counts.slots()), (13, 37));
}

#[test]
fn a_program_counts_loops_as_often_as_its_text_says() {
    let (items, program) = (count(LISTING, true).unwrap(), count(LISTING, false).unwrap());
    // The loop over the items runs 8 times; 9 scalar instructions, a load and a wait of the search stand once.
    assert!(!program.is_loop && program.by_data);
    assert_eq!(program.counts.valu, 8 * items.counts.valu);
    assert_eq!(program.counts.mul32, 8 * items.counts.mul32);
    assert_eq!(program.counts.smem, 8 * items.counts.smem + 2);
}

#[test]
fn a_loop_whose_end_is_data_counts_once() {
    for (from, to) in [
        ("s_cmp_ge_u32 s10, 2", "s_cmp_ge_u32 s10, s2"),
        ("s_add_u32 s10, s10, 1", "s_add_u32 s10, s10, s3"),
        ("s_mov_b32 s10, 0", "s_mov_b32 s10, s3"),
        ("v_rcp_f32_e32 v5, v4", "s_mov_b64 s[10:11], exec"),
    ] {
        assert!(LISTING.contains(from), "{from}");
        let counted = count(&LISTING.replace(from, to), true).unwrap();
        assert!(counted.by_data, "{to}");
        assert_eq!(counted.counts.mul32, 2, "{to}");
    }
}

#[test]
fn without_a_loop_that_stores_the_program_counts() {
    let straight = "BB0:\n\tv_mov_b32_e32 v0, 0 ; 7e000280\n\t(then repeated 2 times)\n\
                    \tbuffer_store_b128 v[4:7], v1, s[8:11], 0 offen\n\ts_endpgm\n";
    let counted = count(straight, true).unwrap();
    assert!(!counted.is_loop && !counted.by_data);
    assert_eq!((counted.counts.valu, counted.counts.vmem, counted.counts.salu), (3, 1, 1));
}

#[test]
fn a_pair_of_rdna3_is_one_instruction() {
    let counted = count("\tv_dual_mul_f32 v0, v1, v2 :: v_dual_add_f32 v3, v4, v5\n\ts_endpgm\n", true).unwrap();
    assert_eq!(counted.counts.vector(), 1);
}

#[test]
fn what_is_not_understood_is_an_error() {
    for (listing, error) in [
        ("", "no instruction"),
        ("\t(invalid instruction)\n", "no known class"),
        ("\ts_branch BB7\n", "nowhere"),
        ("\ts_setpc_b64 s[0:1]\n", "not followed"),
        ("BB0:\n\ts_nop 0\nBB0:\n\ts_endpgm\n", "two blocks"),
        (
            "BB0:\n\tbuffer_store_dword v0\n\ts_branch BB0\nBB1:\n\tbuffer_store_dword v0\n\ts_branch BB1\n",
            "which is over",
        ),
    ] {
        let found = count(listing, true).unwrap_err();
        assert!(found.contains(error), "{listing}: {found}");
    }
}
