// a * b + c, rounded once, in 32-bit integers: for devices whose fma rounds twice.
// Arguments and results are 0 or normal; nothing overflows.

// x >> n on a pair of words (high, low); a 1 that falls out stays as the last bit.
fn shift_right_sticky(x: vec2<u32>, n: u32) -> vec2<u32> {
    if n == 0u {
        return x;
    }
    if n >= 64u {
        return vec2<u32>(0u, u32((x.x | x.y) != 0u));
    }
    if n >= 32u {
        let m = n - 32u;
        let lost = x.y | select(x.x << ((32u - m) & 31u), 0u, m == 0u);
        return vec2<u32>(0u, (x.x >> m) | u32(lost != 0u));
    }
    return vec2<u32>(x.x >> n, (x.y >> n) | (x.x << (32u - n)) | u32((x.y << (32u - n)) != 0u));
}

// x << n on a pair of words, n < 64.
fn shift_left(x: vec2<u32>, n: u32) -> vec2<u32> {
    if n == 0u {
        return x;
    }
    if n >= 32u {
        return vec2<u32>(x.y << (n - 32u), 0u);
    }
    return vec2<u32>((x.x << n) | (x.y >> (32u - n)), x.y << n);
}

fn significand(bits: u32) -> u32 {
    return select((bits & 0x007fffffu) | 0x00800000u, 0u, (bits & 0x7f800000u) == 0u);
}

fn fused(a: f32, b: f32, c: f32) -> f32 {
    let ab = bitcast<u32>(a);
    let bb = bitcast<u32>(b);
    let cb = bitcast<u32>(c);
    let sign_p = (ab ^ bb) & 0x80000000u;
    let sign_c = cb & 0x80000000u;
    // Both terms as 62-bit integers: the product, 48 bits, above 14 zeros; c, 24 bits, above 38.
    var p = shift_left(mul_wide(significand(ab), significand(bb)), 14u);
    var t = vec2<u32>(significand(cb) << 6u, 0u);
    var e = i32(((ab >> 23u) & 0xffu) + ((bb >> 23u) & 0xffu)) - 314;
    let e_c = i32((cb >> 23u) & 0xffu) - 188;
    if p.x == 0u {
        e = e_c;
    }
    let d = e - e_c;
    if d >= 0 {
        t = shift_right_sticky(t, u32(d));
    } else if t.x != 0u {
        p = shift_right_sticky(p, u32(-d));
        e = e_c;
    }
    var sum: vec2<u32>;
    var sign = sign_p;
    if sign_p == sign_c {
        let lo = p.y + t.y;
        sum = vec2<u32>(p.x + t.x + u32(lo < p.y), lo);
    } else {
        if p.x < t.x || (p.x == t.x && p.y < t.y) {
            let swapped = p;
            p = t;
            t = swapped;
            sign = sign_c;
        }
        sum = vec2<u32>(p.x - t.x - u32(p.y < t.y), p.y - t.y);
        if (sum.x | sum.y) == 0u {
            return 0.0;
        }
    }
    if (sum.x | sum.y) == 0u {
        return bitcast<f32>(sign);
    }
    let zeros = select(countLeadingZeros(sum.x), 32u + countLeadingZeros(sum.y), sum.x == 0u);
    sum = shift_left(sum, zeros);
    let round = (sum.x >> 7u) & 1u;
    let sticky = u32(((sum.x & 0x7fu) | sum.y) != 0u);
    let mantissa = sum.x >> 8u;
    let exponent = e - i32(zeros) + 189;
    return bitcast<f32>(sign | ((u32(exponent) << 23u) + mantissa + (round & (sticky | mantissa))));
}
