//! Where products and sums go: through variables, choices, sign flips, calls and returns, until something is added to
//! them.
//!
//! A function is analyzed after those that it calls. What it returns and what it adds to are stated in terms of its
//! parameters, so each call site is judged with its own arguments. A variable has whatever is stored to it anywhere, in
//! any order.

use super::{Rule, Violations};
use naga::MathFunction as F;
use naga::valid::FunctionInfo;
use naga::{BinaryOperator as B, Block, Expression as E, Function, Handle, Literal, Module, ScalarKind};
use naga::{Statement as S, UnaryOperator};
use std::collections::HashMap;
use std::ops::{BitOr, BitOrAssign};

/// What a value may be the unchanged result of: bits for operations, and one for each parameter of the function. And
/// whether it may be -0: a bit, and one for each parameter that would have to be.
#[derive(Clone, Copy, Default, PartialEq)]
pub struct Flow(u64);

impl Flow {
    pub const PRODUCT: Self = Self(1);
    /// Of `+` or `-`.
    pub const SUM: Self = Self(2);
    pub const FUSED: Self = Self(4);
    pub const MINUS_ZERO: Self = Self(8);
    const PARAMETERS: u32 = 30;

    fn parameter(i: u32) -> Self {
        assert!(i < Self::PARAMETERS, "too many parameters");
        Self(16 << i)
    }

    fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The parameters that it may be itself.
    fn parameters(self) -> Self {
        Self(self.0 & (((1 << Self::PARAMETERS) - 1) << 4))
    }

    /// What is to be known of -0 alone.
    fn sign(self) -> Self {
        let of_parameters = self.0 & !((1 << (4 + Self::PARAMETERS)) - 1);
        Self(self.0 & Self::MINUS_ZERO.0 | self.parameters().0 << Self::PARAMETERS | of_parameters)
    }

    /// The flow at a call site: the parameters' bits replaced by the arguments' flows.
    fn at(self, arguments: &[Self]) -> Self {
        arguments.iter().enumerate().fold(Self(self.0 & 15), |all, (i, &a)| {
            let itself = Self::parameter(i as u32);
            let whole = if self.has(itself) { a } else { Self::default() };
            let sign = if self.has(Self(itself.0 << Self::PARAMETERS)) { a.sign() } else { Self::default() };
            all | whole | sign
        })
    }
}

impl BitOr for Flow {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flow {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// What callers need to know of a function.
#[derive(Clone, Copy, Default)]
pub struct Summary {
    fused: bool,
    returned: Flow,
    /// Parameters that become operands of `+` or `-`.
    added: Flow,
    /// Parameters that become the addend of `fused`.
    addend: Flow,
    /// Parameters that become an argument of the built-in `clamp`.
    clamped: Flow,
}

struct Call<'a> {
    callee: Handle<Function>,
    arguments: &'a [Handle<naga::Expression>],
    result: Option<Handle<naga::Expression>>,
    span: naga::Span,
}

/// The statements that move values.
#[derive(Default)]
struct Moves<'a> {
    calls: Vec<Call<'a>>,
    stores: Vec<(Handle<naga::Expression>, Handle<naga::Expression>)>,
    returns: Vec<Handle<naga::Expression>>,
}

impl<'a> Moves<'a> {
    fn collect(&mut self, block: &'a Block) {
        for (statement, span) in block.span_iter() {
            match statement {
                S::Block(inner) => self.collect(inner),
                S::If { accept, reject, .. } => {
                    self.collect(accept);
                    self.collect(reject);
                }
                S::Switch { cases, .. } => cases.iter().for_each(|case| self.collect(&case.body)),
                S::Loop { body, continuing, .. } => {
                    self.collect(body);
                    self.collect(continuing);
                }
                S::Return { value } => self.returns.extend(value),
                S::Store { pointer, value } => self.stores.push((*pointer, *value)),
                S::Call { function, arguments, result } => {
                    self.calls.push(Call { callee: *function, arguments, result: *result, span: *span });
                }
                // The walk refuses whatever else moves a value.
                _ => {}
            }
        }
    }
}

pub struct Analysis<'a> {
    pub module: &'a Module,
    pub function: &'a Function,
    pub info: &'a FunctionInfo,
    pub summaries: &'a [Summary],
}

/// The variable that a pointer leads into.
pub fn root(function: &Function, mut pointer: Handle<naga::Expression>) -> &naga::Expression {
    loop {
        match function.expressions[pointer] {
            E::Access { base, .. } | E::AccessIndex { base, .. } => pointer = base,
            ref other => return other,
        }
    }
}

/// The number that an expression stands for, written as it is or as a bit pattern.
pub fn constant(function: &Function, e: Handle<naga::Expression>) -> Option<f32> {
    match function.expressions[e] {
        E::Literal(Literal::F32(v)) => Some(v),
        E::As { expr, kind: ScalarKind::Float, convert: None } => match function.expressions[expr] {
            E::Literal(Literal::U32(bits)) => Some(f32::from_bits(bits)),
            _ => None,
        },
        E::Unary { op: UnaryOperator::Negate, expr } => constant(function, expr).map(|v| -v),
        _ => None,
    }
}

fn judge_added(span: naga::Span, operands: Flow, violations: &mut Violations) {
    for (what, rule) in
        [(Flow::PRODUCT, Rule::ProductAdded), (Flow::SUM, Rule::SumAdded), (Flow::FUSED, Rule::FusedAdded)]
    {
        if operands.has(what) {
            violations.push(rule, span);
        }
    }
}

/// `clamp` may return either of two zeros.
fn judge_clamped(span: naga::Span, sign: Flow, violations: &mut Violations) {
    if sign.has(Flow::MINUS_ZERO) {
        violations.push(Rule::MinusZero, span);
    }
}

impl Analysis<'_> {
    fn is_float(&self, e: Handle<naga::Expression>) -> bool {
        self.info[e].ty.inner_with(&self.module.types).scalar_kind() == Some(ScalarKind::Float)
    }

    /// Judges the function, and says what its callers need to know.
    pub fn run(&self, violations: &mut Violations) -> Summary {
        let mut moves = Moves::default();
        moves.collect(&self.function.body);
        let flows = self.flows(&moves);
        let mut summary = Summary { fused: violations.function == "fused", ..Default::default() };
        for value in &moves.returns {
            summary.returned |= flows[value];
        }
        for (e, expression) in self.function.expressions.iter() {
            if let E::Binary { op: B::Add | B::Subtract, left, right } = *expression
                && self.is_float(e)
            {
                let operands = flows[&left] | flows[&right];
                summary.added |= operands.parameters();
                judge_added(self.function.expressions.get_span(e), operands, violations);
            }
            if let E::Math { fun: F::Clamp, arg, arg1: Some(lo), arg2: Some(hi), .. } = *expression {
                let sign = (flows[&arg] | flows[&lo] | flows[&hi]).sign();
                summary.clamped |= sign;
                judge_clamped(self.function.expressions.get_span(e), sign, violations);
            }
        }
        for call in &moves.calls {
            self.judge_call(call, &flows, &mut summary, violations);
        }
        summary
    }

    fn judge_call(
        &self,
        call: &Call<'_>,
        flows: &HashMap<Handle<naga::Expression>, Flow>,
        summary: &mut Summary,
        violations: &mut Violations,
    ) {
        let callee = self.summaries[call.callee.index()];
        let arguments: Vec<_> = call.arguments.iter().map(|a| flows[a]).collect();
        let (added, addend) = if callee.fused {
            let is_trivial = |&a| constant(self.function, a).is_some_and(|v| v == 0.0 || v.abs() == 1.0);
            if call.arguments[..2].iter().any(is_trivial) {
                violations.push(Rule::TrivialFactor, call.span);
            }
            (Flow::default(), arguments[2])
        } else {
            // Only what comes with the arguments: the callee's own operations were judged there.
            let parameters = |flow: Flow| flow.parameters().at(&arguments);
            (parameters(callee.added), parameters(callee.addend))
        };
        summary.added |= added.parameters();
        summary.addend |= addend.parameters();
        judge_added(call.span, added, violations);
        let unknown = Flow(callee.clamped.0 & !Flow::MINUS_ZERO.0);
        let clamped = unknown.at(&arguments);
        summary.clamped |= clamped;
        judge_clamped(call.span, clamped, violations);
        if addend.has(Flow::PRODUCT) {
            violations.push(Rule::ProductAddend, call.span);
        }
    }

    fn is_read_only(&self, global: Handle<naga::GlobalVariable>) -> bool {
        let space = self.module.global_variables[global].space;
        space == naga::AddressSpace::Storage { access: naga::StorageAccess::LOAD }
    }

    /// Whether `e` is a mask that takes more from a number than its sign.
    fn clears_more_than_the_sign(&self, e: Handle<naga::Expression>) -> bool {
        matches!(self.function.expressions[e], E::Literal(Literal::U32(mask)) if mask & 0x7fff_ffff != 0x7fff_ffff)
    }

    /// The flow of every expression.
    fn flows(&self, moves: &Moves<'_>) -> HashMap<Handle<naga::Expression>, Flow> {
        let mut locals = HashMap::new();
        loop {
            let mut flows = HashMap::new();
            // An expression stands after its operands.
            for (e, expression) in self.function.expressions.iter() {
                flows.insert(e, self.flow(e, expression, &flows, &locals, moves));
            }
            let before = locals.clone();
            for (local, variable) in self.function.local_variables.iter() {
                *locals.entry(local).or_default() |= variable.init.map_or(Flow::default(), |init| flows[&init]);
            }
            for (pointer, value) in &moves.stores {
                if let E::LocalVariable(local) = *root(self.function, *pointer) {
                    *locals.entry(local).or_default() |= flows[value];
                }
            }
            if locals == before {
                return flows;
            }
        }
    }

    fn flow(
        &self,
        e: Handle<naga::Expression>,
        expression: &naga::Expression,
        flows: &HashMap<Handle<naga::Expression>, Flow>,
        locals: &HashMap<Handle<naga::LocalVariable>, Flow>,
        moves: &Moves<'_>,
    ) -> Flow {
        match *expression {
            E::FunctionArgument(i) => Flow::parameter(i),
            E::Load { pointer } => match root(self.function, pointer) {
                E::LocalVariable(local) => locals.get(local).copied().unwrap_or_default(),
                // The host writes no -0.
                E::GlobalVariable(g) if self.is_read_only(*g) => Flow::default(),
                _ => Flow::MINUS_ZERO,
            },
            E::Compose { ref components, .. } => components.iter().fold(Flow::default(), |all, c| all | flows[c]),
            E::Splat { value: from, .. }
            | E::Swizzle { vector: from, .. }
            | E::Access { base: from, .. }
            | E::AccessIndex { base: from, .. } => flows[&from],
            E::Unary { expr: from, .. } => flows[&from] | Flow::MINUS_ZERO,
            // A value's bits are still that value to a compiler. The walk refuses a constant's, where they are -0.
            E::As { convert: None, .. } if constant(self.function, e).is_some() => Flow::default(),
            E::As { expr: from, convert: None, .. } => flows[&from] | Flow::MINUS_ZERO,
            E::Select { accept, reject, .. } => flows[&accept] | flows[&reject],
            E::Binary { op, left, right } => match op {
                B::Add | B::Subtract if self.is_float(e) => Flow::SUM | Flow::MINUS_ZERO,
                B::Multiply if self.is_float(e) => Flow::PRODUCT | Flow::MINUS_ZERO,
                // An exponent, or what else lacks bits beside the sign's, is another number.
                B::And if self.clears_more_than_the_sign(left) || self.clears_more_than_the_sign(right) => {
                    Flow::default()
                }
                // A compiler knows the sign's bit: these may be a negation or an absolute value.
                B::And | B::InclusiveOr | B::ExclusiveOr => flows[&left] | flows[&right],
                _ => Flow::default(),
            },
            E::Math { fun: F::Fma, arg2: Some(addend), .. } => Flow::FUSED | flows[&addend].sign(),
            E::Math { fun: F::Clamp, arg, arg1: Some(lo), arg2: Some(hi), .. } => flows[&arg] | flows[&lo] | flows[&hi],
            // A choice, and bits put into the value's or taken from them.
            E::Math { fun: F::Max | F::Min | F::InsertBits | F::ExtractBits, arg, arg1, .. } => {
                flows[&arg] | arg1.map_or(Flow::default(), |e| flows[&e])
            }
            E::CallResult(_) => {
                let Some(call) = moves.calls.iter().find(|c| c.result == Some(e)) else { return Flow::default() };
                let callee = self.summaries[call.callee.index()];
                if !callee.fused {
                    return callee.returned.at(&call.arguments.iter().map(|a| flows[a]).collect::<Vec<_>>());
                }
                // A sum is -0 only where both terms are. With the addend 0 it is a product by another name.
                match constant(self.function, call.arguments[2]) {
                    Some(0.0) => Flow::FUSED | Flow::PRODUCT,
                    _ => Flow::FUSED | flows[&call.arguments[2]].sign(),
                }
            }
            _ => Flow::default(),
        }
    }
}
