//! Which operations a module has: every expression and statement of every function, against a list of those allowed.

use super::flow::{Analysis, Summary, constant, root};
use super::range::Ranges;
use super::{Rule, Violation, Violations};
use naga::valid::{FunctionInfo, ModuleInfo};
use naga::{AddressSpace, RelationalFunction, ScalarKind, Statement as S, StorageAccess, TypeInner};
use naga::{BinaryOperator as B, Block, Expression as E, Function, Handle, Literal, MathFunction, Module};

/// The integers that an f32 holds all of.
const EXACT: i128 = 1 << 24;

/// What a module does that rule 4 (exact arithmetic) forbids; `source` is its text.
pub fn walk(module: &(Module, ModuleInfo), source: &str) -> Vec<Violation> {
    walk_with(module, source, &["descriptors"], &[])
}

/// [`walk`] over a module that reads floats from the globals `given`, and writes and reads them in the globals
/// `shared`, behind barriers or in another dispatch: what is read there is no longer an operation's result to any
/// compiler.
pub fn walk_with(
    (module, info): &(Module, ModuleInfo),
    source: &str,
    given: &[&str],
    shared: &[&str],
) -> Vec<Violation> {
    let mut found = Vec::new();
    let at = |function: &str| Violations { function: function.to_owned(), source: source.to_owned(), all: Vec::new() };
    let mut types = at("(types)");
    for (handle, ty) in module.types.iter() {
        if !is_allowed(&ty.inner) {
            types.push(Rule::Type, module.types.get_span(handle));
        }
    }
    for (e, expression) in module.global_expressions.iter() {
        if let E::Literal(literal) = *expression
            && !is_plain(literal)
        {
            types.push(Rule::Literal, module.global_expressions.get_span(e));
        }
    }
    found.append(&mut types.all);

    // A function stands after those that it calls.
    let mut summaries: Vec<Summary> = Vec::new();
    let named = module.functions.iter().map(|(h, f)| (f.name.as_deref().unwrap(), f, &info[h]));
    let entries = module.entry_points.iter().enumerate();
    let entries = entries.map(|(i, e)| (e.name.as_str(), &e.function, info.get_entry_point(i)));
    for (name, function, info) in named.chain(entries) {
        let mut violations = at(name);
        Walk { module, function, info, given, shared }.run(&mut violations);
        summaries.push(Analysis { module, function, info, summaries: &summaries }.run(&mut violations));
        found.append(&mut violations.all);
    }
    found
}

fn is_allowed(ty: &TypeInner) -> bool {
    match ty {
        TypeInner::Scalar(s) | TypeInner::Vector { scalar: s, .. } | TypeInner::ValuePointer { scalar: s, .. } => {
            s.kind != ScalarKind::Float || s.width == 4
        }
        TypeInner::Array { .. } | TypeInner::Struct { .. } | TypeInner::Pointer { .. } => true,
        _ => false,
    }
}

/// Floats are 0 or normal: a driver may flush a subnormal number, and has its own NaN.
fn is_plain(literal: Literal) -> bool {
    match literal {
        Literal::F32(v) => v.is_normal() || v.to_bits() == 0,
        Literal::U32(_) | Literal::I32(_) | Literal::U64(_) | Literal::I64(_) | Literal::Bool(_) => true,
        _ => false,
    }
}

struct Walk<'a> {
    module: &'a Module,
    function: &'a Function,
    info: &'a FunctionInfo,
    given: &'a [&'a str],
    shared: &'a [&'a str],
}

impl Walk<'_> {
    fn inner(&self, e: Handle<naga::Expression>) -> &TypeInner {
        self.info[e].ty.inner_with(&self.module.types)
    }

    fn is_float(&self, e: Handle<naga::Expression>) -> bool {
        self.inner(e).scalar_kind() == Some(ScalarKind::Float)
    }

    fn run(&self, violations: &mut Violations) {
        let fused = violations.function == "fused";
        for argument in &self.function.arguments {
            // The flow through a pointer is not followed.
            if self.module.types[argument.ty].inner.pointer_space().is_some() {
                violations.push(Rule::Statement, naga::Span::default());
            }
        }
        for (e, expression) in self.function.expressions.iter() {
            let span = self.function.expressions.get_span(e);
            if !is_allowed(self.inner(e)) {
                violations.push(Rule::Type, span);
            }
            if let Some(rule) = self.judge(e, expression, fused) {
                violations.push(rule, span);
            }
        }
        self.statements(&self.function.body, violations);
    }

    fn judge(&self, e: Handle<naga::Expression>, expression: &naga::Expression, fused: bool) -> Option<Rule> {
        let (allowed, rule) = match *expression {
            E::Literal(literal) => (is_plain(literal), Rule::Literal),
            E::Constant(_)
            | E::Override(_)
            | E::ZeroValue(_)
            | E::Compose { .. }
            | E::Access { .. }
            | E::AccessIndex { .. }
            | E::Splat { .. }
            | E::Swizzle { .. }
            | E::FunctionArgument(_)
            | E::GlobalVariable(_)
            | E::LocalVariable(_)
            | E::Select { .. }
            | E::Unary { .. }
            | E::CallResult(_)
            | E::ArrayLength(_) => return None,
            E::Load { pointer } => (self.is_load_allowed(e, pointer), Rule::Memory),
            E::Binary { op, left, .. } if self.is_float(left) => (is_operator_allowed(op, fused), Rule::Operator),
            E::Binary { .. } => return None,
            E::Relational { fun, .. } => {
                (matches!(fun, RelationalFunction::All | RelationalFunction::Any), Rule::BuiltIn)
            }
            E::Math { fun: MathFunction::Fma, arg, arg1, arg2, .. } => {
                let parameter =
                    |e: Option<_>, i| e.is_some_and(|e| self.function.expressions[e] == E::FunctionArgument(i));
                (fused && parameter(Some(arg), 0) && parameter(arg1, 1) && parameter(arg2, 2), Rule::BuiltIn)
            }
            E::Math { fun, .. } => (fun == MathFunction::CountLeadingZeros || self.is_exact(e, fun), Rule::BuiltIn),
            E::As { expr, kind, convert } => (self.is_conversion_allowed(e, expr, kind, convert), Rule::Conversion),
            _ => (false, Rule::BuiltIn),
        };
        (!allowed).then_some(rule)
    }

    /// Whether the built-in means the same on every device: one of integers. (Of floats, `min` and `max` take NaN and
    /// -0 as they please.) And `clamp`, whose arguments the analysis of flows judges.
    fn is_exact(&self, e: Handle<naga::Expression>, fun: MathFunction) -> bool {
        use MathFunction::{ExtractBits, InsertBits, Max, Min};
        matches!(fun, Min | Max | InsertBits | ExtractBits) && !self.is_float(e) || fun == MathFunction::Clamp
    }

    /// Values come from the host, floats from its descriptors alone, or from the function's own variables.
    fn is_load_allowed(&self, e: Handle<naga::Expression>, pointer: Handle<naga::Expression>) -> bool {
        match *root(self.function, pointer) {
            E::LocalVariable(_) => true,
            E::GlobalVariable(global) => {
                let global = &self.module.global_variables[global];
                let name = global.name.as_deref().unwrap_or_default();
                if self.shared.contains(&name) {
                    return true;
                }
                // What the kernel itself wrote would come back unseen, as bits.
                let written = global.space != AddressSpace::Storage { access: StorageAccess::LOAD };
                !written && (self.given.contains(&name) || !self.holds_float(self.inner(e)))
            }
            _ => false,
        }
    }

    fn holds_float(&self, ty: &TypeInner) -> bool {
        match ty {
            TypeInner::Struct { members, .. } => {
                members.iter().any(|m| self.holds_float(&self.module.types[m.ty].inner))
            }
            TypeInner::Array { base, .. } => self.holds_float(&self.module.types[*base].inner),
            other => other.scalar_kind() != Some(ScalarKind::Uint) && other.scalar_kind() != Some(ScalarKind::Sint),
        }
    }

    fn is_conversion_allowed(
        &self,
        e: Handle<naga::Expression>,
        from: Handle<naga::Expression>,
        kind: ScalarKind,
        convert: Option<naga::Bytes>,
    ) -> bool {
        if convert.is_none() {
            return constant(self.function, e).is_none_or(|v| is_plain(Literal::F32(v)));
        }
        let source = self.inner(from).scalar_kind();
        match (source, kind) {
            (Some(ScalarKind::Sint | ScalarKind::Uint), ScalarKind::Float) => {
                // What is a multiple of 2^n may be as many times larger.
                let ranges = Ranges { module: self.module, function: self.function, info: self.info };
                let (r, last) = (ranges.of(from), EXACT << ranges.zeros(from));
                -last <= *r.start() && *r.end() <= last
            }
            (Some(ScalarKind::Float), _) | (_, ScalarKind::Float) => false,
            _ => true,
        }
    }

    fn statements(&self, block: &Block, violations: &mut Violations) {
        for (statement, span) in block.span_iter() {
            match statement {
                S::Emit(_) | S::Break | S::Continue | S::Return { .. } | S::Call { .. } => {}
                S::Block(inner) => self.statements(inner, violations),
                S::If { accept, reject, .. } => {
                    self.statements(accept, violations);
                    self.statements(reject, violations);
                }
                S::Switch { cases, .. } => cases.iter().for_each(|case| self.statements(&case.body, violations)),
                S::Loop { body, continuing, .. } => {
                    self.statements(body, violations);
                    self.statements(continuing, violations);
                }
                S::Store { pointer, value } => {
                    let local = match *root(self.function, *pointer) {
                        E::LocalVariable(_) => true,
                        E::GlobalVariable(global) => {
                            let name = self.module.global_variables[global].name.as_deref().unwrap_or_default();
                            self.shared.contains(&name)
                        }
                        _ => false,
                    };
                    if !local && self.holds_float(self.inner(*value)) {
                        violations.push(Rule::Memory, *span);
                    }
                }
                S::ControlBarrier(_) if !self.shared.is_empty() => {}
                _ => violations.push(Rule::Statement, *span),
            }
        }
    }
}

/// On floats. `fused` has no arithmetic of its own beside the built-in.
fn is_operator_allowed(op: B, fused: bool) -> bool {
    match op {
        B::Add | B::Subtract | B::Multiply => !fused,
        B::Less | B::LessEqual | B::Greater | B::GreaterEqual => true,
        // No equality: what is flushed to 0 differs between drivers.
        _ => false,
    }
}
