//! Which values an integer expression can have.
//!
//! Intervals, within one function: a parameter, a variable, a load or a call's result has any value of its type. An
//! operation that could wrap has any value too. So the bound is sound, and it holds only where the kernel masks, shifts
//! or selects.

use naga::valid::FunctionInfo;
use naga::{
    BinaryOperator as B, Expression as E, Function, Handle, Literal, MathFunction, Module, ScalarKind, UnaryOperator,
};
use std::ops::RangeInclusive;

type Interval = RangeInclusive<i128>;

pub struct Ranges<'a> {
    pub module: &'a Module,
    pub function: &'a Function,
    pub info: &'a FunctionInfo,
}

fn of_literal(literal: Literal) -> Option<Interval> {
    let value = match literal {
        Literal::U32(v) => v.into(),
        Literal::I32(v) => v.into(),
        Literal::U64(v) => v.into(),
        Literal::I64(v) => v.into(),
        _ => return None,
    };
    Some(value..=value)
}

/// The least 2^n - 1 that is not below `x`.
fn all_ones(x: i128) -> i128 {
    (1 << (128 - x.leading_zeros())) - 1
}

impl Ranges<'_> {
    /// The values of the expression's type.
    fn whole(&self, e: Handle<naga::Expression>) -> Interval {
        let scalar = self.info[e].ty.inner_with(&self.module.types).scalar().expect("a number");
        let bits = u32::from(scalar.width) * 8;
        match scalar.kind {
            ScalarKind::Sint => -(1 << (bits - 1))..=(1 << (bits - 1)) - 1,
            _ => 0..=(1 << bits) - 1,
        }
    }

    /// The interval that holds every value (every component) of an integer expression.
    pub fn of(&self, e: Handle<naga::Expression>) -> Interval {
        let whole = self.whole(e);
        match self.exact(e) {
            // Outside the type's values it wraps.
            Some(r) if whole.contains(r.start()) && whole.contains(r.end()) => r,
            _ => whole,
        }
    }

    /// How many last bits are known to be 0.
    pub fn zeros(&self, e: Handle<naga::Expression>) -> u32 {
        match self.function.expressions[e] {
            E::Literal(Literal::U32(mask)) => mask.trailing_zeros(),
            E::As { expr, convert: None, .. } => self.zeros(expr),
            E::Binary { op: B::And, left, right } => self.zeros(left).max(self.zeros(right)),
            _ => 0,
        }
    }

    /// The interval as if the type had no end; `None` where nothing is known.
    fn exact(&self, e: Handle<naga::Expression>) -> Option<Interval> {
        match self.function.expressions[e] {
            E::Literal(literal) => of_literal(literal),
            E::Constant(c) => match self.module.global_expressions[self.module.constants[c].init] {
                E::Literal(literal) => of_literal(literal),
                _ => None,
            },
            E::ZeroValue(_) => Some(0..=0),
            E::Splat { value, .. } => Some(self.of(value)),
            E::Swizzle { vector, .. } => Some(self.of(vector)),
            E::Compose { ref components, .. } => components.iter().map(|&c| self.of(c)).reduce(hull),
            E::Select { accept, reject, .. } => Some(hull(self.of(accept), self.of(reject))),
            // Of an integer, a bool or a bitcast's pattern; `of` gives it up where the target does not hold it.
            E::As { expr, .. } => match self.info[expr].ty.inner_with(&self.module.types).scalar_kind()? {
                ScalarKind::Sint | ScalarKind::Uint => Some(self.of(expr)),
                ScalarKind::Bool => Some(0..=1),
                _ => None,
            },
            E::Unary { op, expr } => {
                let (a, b) = self.of(expr).into_inner();
                match op {
                    UnaryOperator::Negate => Some(-b..=-a),
                    UnaryOperator::BitwiseNot => {
                        // -1 - x for a signed x, the type's last value - x for an unsigned one.
                        let (first, last) = self.whole(expr).into_inner();
                        Some(first + last - b..=first + last - a)
                    }
                    UnaryOperator::LogicalNot => None,
                }
            }
            E::Binary { op, left, right } => self.of_binary(op, self.of(left), self.of(right)),
            E::Math { fun: MathFunction::CountLeadingZeros, .. } => Some(0..=64),
            // A known count of bits, with the first one's sign where the type has one.
            E::Math { fun: MathFunction::ExtractBits, arg2: Some(count), .. } => {
                let Literal::U32(count @ 1..=32) = self.literal(count)? else { return None };
                match self.whole(e).start() {
                    0 => Some(0..=(1 << count) - 1),
                    _ => Some(-(1 << (count - 1))..=(1 << (count - 1)) - 1),
                }
            }
            _ => None,
        }
    }

    fn literal(&self, e: Handle<naga::Expression>) -> Option<Literal> {
        match self.function.expressions[e] {
            E::Literal(literal) => Some(literal),
            _ => None,
        }
    }

    fn of_binary(&self, op: B, left: Interval, right: Interval) -> Option<Interval> {
        let ((a, b), (c, d)) = (left.into_inner(), right.into_inner());
        match op {
            B::Add => Some(a + c..=b + d),
            B::Subtract => Some(a - d..=b - c),
            B::Multiply => {
                let ends = [a.checked_mul(c)?, a.checked_mul(d)?, b.checked_mul(c)?, b.checked_mul(d)?];
                Some(*ends.iter().min()?..=*ends.iter().max()?)
            }
            // With a number that is not negative the result is none either, and not above it.
            B::And if a >= 0 && c >= 0 => Some(0..=b.min(d)),
            B::And if a >= 0 => Some(0..=b),
            B::And if c >= 0 => Some(0..=d),
            B::InclusiveOr | B::ExclusiveOr if a >= 0 && c >= 0 => Some(0..=all_ones(b.max(d))),
            // By a known count below 32; a shift by more has the count modulo 32.
            B::ShiftRight if c == d && (0..32).contains(&c) => Some(a >> c..=b >> c),
            B::ShiftRight if a >= 0 => Some(0..=b),
            B::ShiftLeft if c == d && (0..32).contains(&c) => Some(a << c..=b << c),
            _ => None,
        }
    }
}

fn hull(x: Interval, y: Interval) -> Interval {
    *x.start().min(y.start())..=*x.end().max(y.end())
}
