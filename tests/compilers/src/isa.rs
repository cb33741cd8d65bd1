//! The machine code of RADV as text, and what the loop over a thread's items costs in it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Instructions by the unit that issues them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Vector instructions at the full rate; a pair that RDNA3 issues as one counts once.
    pub valu: u32,
    /// Products of 32-bit integers: a quarter of the rate.
    pub mul32: u32,
    /// Shifts of 64-bit integers and arithmetic of f64: a quarter of the rate, where it is not less.
    pub wide: u32,
    /// Reciprocals, roots, logarithms and the like: a quarter of the rate.
    pub transcendental: u32,
    pub salu: u32,
    pub smem: u32,
    pub vmem: u32,
    pub lds: u32,
    /// Waits, hints and barriers.
    pub other: u32,
}

impl Counts {
    /// All vector instructions.
    pub fn vector(&self) -> u32 {
        self.valu + self.mul32 + self.wide + self.transcendental
    }

    /// What they take, in instructions at the full rate.
    pub fn slots(&self) -> u32 {
        self.valu + 4 * (self.mul32 + self.wide + self.transcendental)
    }

    /// Adds an instruction, `times` times.
    fn add(&mut self, opcode: &str, times: u32) -> Result<(), String> {
        let any = |starts: &[&str]| starts.iter().any(|s| opcode.starts_with(s));
        let class = if any(&["v_mul_hi_u32", "v_mul_hi_i32", "v_mul_lo_", "v_mad_u64_", "v_mad_i64_", "v_mad_co_"])
            && !opcode.contains("u16")
            && !opcode.contains("24")
        {
            &mut self.mul32
        } else if any(&["v_lshlrev_b64", "v_lshrrev_b64", "v_ashrrev_i64"])
            || opcode.starts_with("v_") && opcode.contains("f64")
        {
            &mut self.wide
        } else if any(&["v_rcp_", "v_sqrt_", "v_rsq_", "v_log_", "v_exp_", "v_sin_", "v_cos_"]) {
            &mut self.transcendental
        } else if any(&["v_"]) {
            &mut self.valu
        } else if any(&["buffer_", "global_", "flat_", "scratch_", "tbuffer_", "image_"]) {
            &mut self.vmem
        } else if any(&["s_load", "s_buffer_load", "s_store", "s_buffer_store", "s_dcache"]) {
            &mut self.smem
        } else if any(&["ds_"]) {
            &mut self.lds
        } else if any(&[
            "s_waitcnt",
            "s_wait_",
            "s_nop",
            "s_delay_alu",
            "s_clause",
            "s_inst_prefetch",
            "s_set_inst_prefetch",
            "s_barrier",
            "s_sleep",
            "s_sendmsg",
            "s_setreg",
            "s_setprio",
            "s_code_end",
            "s_round_mode",
            "s_denorm_mode",
        ]) {
            &mut self.other
        } else if any(&["s_"]) {
            &mut self.salu
        } else {
            return Err(format!("an instruction of no known class: {opcode}"));
        };
        *class += times;
        Ok(())
    }
}

/// What a pipeline's text says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counted {
    /// The body of the outermost loop that stores, or the whole program where the compiler left no such loop.
    pub counts: Counts,
    /// Whether it is a loop's body.
    pub is_loop: bool,
    /// Whether a loop within runs as often as data say: it is counted once.
    pub by_data: bool,
}

/// A run of instructions that is entered at its first and left at its last.
#[derive(Debug, Default)]
struct Block<'a> {
    instructions: Vec<&'a str>,
}

/// The blocks from `first` to `last`: the compiler lays a loop out in one piece.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Loop {
    first: usize,
    last: usize,
    /// How often it runs, where the text says it.
    times: Option<u32>,
}

impl Loop {
    fn has(self, block: usize) -> bool {
        (self.first..=self.last).contains(&block)
    }

    fn holds(self, other: Self) -> bool {
        self != other && self.has(other.first) && self.has(other.last)
    }
}

/// Counts the loop over a thread's items in a listing, or the whole program where `items` is false: blocks named
/// `BB0:`, one instruction per line, comments after `;`.
///
/// Both sides of a branch count, and an inner loop as often as it runs: where a number of the text says how often, that
/// number, else once.
pub fn count(listing: &str, items: bool) -> Result<Counted, String> {
    let (blocks, labels) = blocks(listing)?;
    let loops = loops(&blocks, &labels)?;
    let stores = |l: &Loop| blocks[l.first..=l.last].iter().any(|b| b.instructions.iter().any(|i| is_store(i)));
    let outermost = |l: &&Loop| !loops.iter().any(|other| other.holds(**l));
    let storing: Vec<_> = loops.iter().filter(outermost).filter(|l| items && stores(l)).collect();
    let body = match storing[..] {
        [] => Loop { first: 0, last: blocks.len() - 1, times: Some(1) },
        [only] => *only,
        _ => return Err(format!("{} loops store: which is over the items?", storing.len())),
    };
    let inner: Vec<_> = loops.iter().filter(|l| body.has(l.first) && (storing.is_empty() || **l != body)).collect();
    let mut counts = Counts::default();
    for (at, block) in blocks.iter().enumerate().filter(|(at, _)| body.has(*at)) {
        let times = inner.iter().filter(|l| l.has(at)).map(|l| l.times.unwrap_or(1)).product();
        block.instructions.iter().try_for_each(|i| counts.add(opcode(i), times))?;
    }
    Ok(Counted { counts, is_loop: !storing.is_empty(), by_data: inner.iter().any(|l| l.times.is_none()) })
}

fn opcode(instruction: &str) -> &str {
    instruction.split_whitespace().next().unwrap_or_default()
}

fn operands(instruction: &str) -> impl Iterator<Item = &str> {
    let rest = instruction.split_once(char::is_whitespace).map_or("", |(_, rest)| rest);
    rest.split(',').map(str::trim)
}

fn is_store(instruction: &str) -> bool {
    ["buffer_store", "global_store", "flat_store"].iter().any(|s| instruction.starts_with(s))
}

type Labels<'a> = BTreeMap<&'a str, usize>;

fn blocks(listing: &str) -> Result<(Vec<Block<'_>>, Labels<'_>), String> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut labels = Labels::new();
    let mut open = false;
    for line in listing.lines() {
        let text = line.split(';').next().unwrap_or_default().trim();
        if text.is_empty() {
            continue;
        }
        if let Some(label) = text.strip_suffix(':') {
            if labels.insert(label, blocks.len()).is_some() {
                return Err(format!("two blocks are called {label}"));
            }
            open = false;
            continue;
        }
        if let Some(times) = text.strip_prefix("(then repeated ") {
            let times: usize = times.trim_end_matches(" times)").parse().map_err(|_| format!("not read: {text}"))?;
            let instructions = &mut blocks.last_mut().ok_or("a repetition of nothing")?.instructions;
            let last = *instructions.last().ok_or("a repetition of nothing")?;
            instructions.extend(std::iter::repeat_n(last, times));
            continue;
        }
        if !open {
            blocks.push(Block::default());
            open = true;
        }
        blocks.last_mut().ok_or("no block")?.instructions.push(text);
        match opcode(text) {
            op if op.starts_with("s_branch") || op.starts_with("s_cbranch") || op == "s_endpgm" => open = false,
            op if ["s_setpc", "s_swappc", "s_call"].iter().any(|s| op.starts_with(s)) => {
                return Err(format!("a jump that is not followed: {text}"));
            }
            _ => {}
        }
    }
    if blocks.is_empty() { Err("no instruction".to_owned()) } else { Ok((blocks, labels)) }
}

/// Every loop: a block, and the last branch back to it.
fn loops(blocks: &[Block<'_>], labels: &Labels<'_>) -> Result<Vec<Loop>, String> {
    let mut ends: BTreeMap<usize, usize> = BTreeMap::new();
    for (last, block) in blocks.iter().enumerate() {
        let Some(branch) = block.instructions.last().filter(|i| opcode(i).contains("branch")) else { continue };
        let target = operands(branch).next().unwrap_or_default();
        let first = *labels.get(target).ok_or_else(|| format!("a branch to nowhere: {branch}"))?;
        if first <= last {
            ends.insert(first, last);
        }
    }
    let found: Vec<_> = ends.into_iter().map(|(first, last)| Loop { first, last, times: None }).collect();
    for a in &found {
        if found.iter().any(|b| a.first < b.first && b.first <= a.last && a.last < b.last) {
            return Err("loops that overlap".to_owned());
        }
    }
    Ok(found.iter().map(|l| Loop { times: times(blocks, *l), ..*l }).collect())
}

/// How often a loop runs that begins by comparing a register with a number, adds a number to that register once, and
/// follows an assignment of 0:
///
///     s_mov_b32 s7, 0
///     BB6: s_cmp_ge_u32 s7, 8
///     s_cbranch_scc1 BB18
///     ..
///     s_add_u32 s7, s7, 1
///     s_branch BB6
fn times(blocks: &[Block<'_>], l: Loop) -> Option<u32> {
    let [.., compare, leave] = blocks[l.first].instructions[..] else { return None };
    if opcode(compare) != "s_cmp_ge_u32" || opcode(leave) != "s_cbranch_scc1" {
        return None;
    }
    let mut compared = operands(compare);
    let (register, most) = (compared.next()?, compared.next()?.parse::<u32>().ok()?);
    let within = blocks[l.first..=l.last].iter().flat_map(|b| &b.instructions).filter(|i| writes(i, register));
    let [add] = within.collect::<Vec<_>>()[..] else { return None };
    let before = blocks[..l.first].iter().flat_map(|b| &b.instructions).rfind(|i| writes(i, register))?;
    if opcode(before) != "s_mov_b32" || operands(before).nth(1) != Some("0") || opcode(add) != "s_add_u32" {
        return None;
    }
    let [_, a, b] = operands(add).collect::<Vec<_>>()[..] else { return None };
    let step = if a == register { b } else { a }.parse::<u32>().ok()?;
    (step > 0 && (a == register || b == register)).then(|| most.div_ceil(step))
}

/// Whether an instruction may write a scalar register: an operand that may be written names it, alone or in a range.
fn writes(instruction: &str, register: &str) -> bool {
    let opcode = opcode(instruction);
    if ["s_cmp", "s_bitcmp", "s_branch", "s_cbranch"].iter().any(|s| opcode.starts_with(s)) || is_store(instruction) {
        return false;
    }
    let covers = |range: &str| {
        let number = |text: &str| text.parse::<u32>().ok();
        let (from, to) = range.strip_prefix("s[")?.strip_suffix(']')?.split_once(':')?;
        let here = number(register.strip_prefix('s')?)?;
        Some((number(from)?..=number(to)?).contains(&here))
    };
    let mut operands = operands(instruction);
    let first = operands.next().unwrap_or_default();
    // A carry comes second, as 64 bits for 64 threads.
    let second = operands.next().filter(|_| opcode.starts_with("v_")).unwrap_or_default();
    first == register || covers(first) == Some(true) || covers(second) == Some(true)
}

#[cfg(test)]
mod tests;
