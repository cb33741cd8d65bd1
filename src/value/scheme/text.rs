//! The text form of a scheme: `name(value, key=value)`.

use super::{Bounds, Distribution, Mode, Nonlinearity, Scheme, StdOf};
use crate::value::text::{self, Args, Form, Number};
use crate::{Error, Result};
use std::fmt::{Display, Formatter};

impl Display for Scheme {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Constant(value) => write!(f, "constant({})", Number(value)),
            Self::Uniform { lo, hi } => write!(f, "uniform(lo={}, hi={})", Number(lo), Number(hi)),
            Self::Normal { mean, std } => write!(f, "normal(mean={}, std={})", Number(mean), Number(std)),
            Self::TruncatedNormal { mean, std, bounds, std_of } => {
                let (kind, lo, hi) = match bounds {
                    Bounds::Sigma(lo, hi) => ("sigma", lo, hi),
                    Bounds::Absolute(lo, hi) => ("absolute", lo, hi),
                };
                let [mean, std, lo, hi] = [mean, std, lo, hi].map(Number);
                write!(f, "truncated_normal(mean={mean}, std={std}, lo={lo}, hi={hi}, bounds={kind}, std_of={std_of})")
            }
            Self::VarianceScaling { scale, mode, distribution } => {
                write!(f, "variance_scaling(scale={}, mode={mode}, distribution={distribution})", Number(scale))
            }
            Self::Xavier { gain, distribution } => write!(f, "xavier_{distribution}(gain={})", Number(gain)),
            Self::Kaiming { mode, nonlinearity, distribution } => {
                write!(f, "kaiming_{distribution}(mode={mode}, nonlinearity={nonlinearity}")?;
                if let Nonlinearity::LeakyRelu(a) = nonlinearity {
                    write!(f, ", a={}", Number(a))?;
                }
                f.write_str(")")
            }
            Self::FanInUniform { fan_in: None } => f.write_str("torch_linear"),
            Self::FanInUniform { fan_in: Some(fan_in) } => write!(f, "torch_bias(fan_in={fan_in})"),
            Self::Identity { gain } => write!(f, "identity(gain={})", Number(gain)),
            Self::Dirac { groups } => write!(f, "dirac(groups={groups})"),
            Self::NearIdentity { alpha, std } => {
                write!(f, "near_identity(alpha={}, std={})", Number(alpha), Number(std))
            }
            Self::BlockDiagonal { blocks, std } => write!(f, "block_diagonal(blocks={blocks}, std={})", Number(std)),
            Self::Sparse { sparsity, std } => write!(f, "sparse(sparsity={}, std={})", Number(sparsity), Number(std)),
            Self::Sinusoidal { base, layout } => write!(f, "sinusoidal(base={}, layout={layout})", Number(base)),
            Self::Orthogonal { gain, batch } => write!(f, "orthogonal(gain={}, batch={batch})", Number(gain)),
            Self::DeltaOrthogonal { gain } => write!(f, "delta_orthogonal(gain={})", Number(gain)),
            Self::LogRange => f.write_str("log_range"),
            Self::Linspace { first, last } => {
                write!(f, "linspace(first={}, last={})", Number(first), Number(last))
            }
            Self::LogOfUniform { lo, hi } => write!(f, "log_of_uniform(lo={}, hi={})", Number(lo), Number(hi)),
            Self::DtBias { min, max, floor } => {
                write!(f, "dt_bias(min={}, max={}, floor={})", Number(min), Number(max), Number(floor))
            }
            Self::UnitFrobenius { norm } => write!(f, "unit_frobenius(norm={})", Number(norm)),
        }
    }
}

impl std::str::FromStr for Scheme {
    type Err = Error;

    /// Reads the text form, and checks what it read by [`Scheme::check`].
    ///
    /// Arguments are named, or given in this order; those in brackets may be left out:
    ///
    /// - `zeros`, `ones`, `constant(value)`, `uniform(lo, hi)`, `normal([mean=0], std)`
    ///   where a std alone is named: `normal(std=0.02)`
    /// - `truncated_normal([mean=0], std, [lo=-2, hi=2, bounds=sigma, std_of=parent])`. `lo` and `hi` come together,
    ///   and are multiples of the std as in jax and keras, or with `bounds=absolute` values as in torch
    /// - `variance_scaling(scale, [mode=fan_in, distribution=normal])`
    /// - `xavier_uniform`, `xavier_normal`, `xavier_truncated_normal`, each `([gain=1])`; also as `glorot_..`
    /// - `kaiming_uniform`, `kaiming_normal`, `kaiming_truncated_normal`, each
    ///   `([mode=fan_in, nonlinearity=relu, a=0.01])`; also as `he_..`; `a` alone means `leaky_relu`
    /// - `lecun_uniform`, `lecun_normal`, `lecun_truncated_normal`; `he_fan_avg([distribution=normal])`
    /// - `torch_linear`, `torch_conv`, `torch_bias(fan_in)`, `torch_embedding`, `torch_norm_weight`, `torch_norm_bias`
    /// - `identity([gain=1])`, also as `eye`; `dirac([groups=1])`; `near_identity([alpha=1], std)`, a std alone is
    ///   named; `block_diagonal(blocks, std)`; `sparse(sparsity, [std=0.01])`
    /// - `sinusoidal([base=10000, layout=interleaved])`, other layouts `halves`, `halves_to_end`; `log_range`, also as
    ///   `a_log`; `linspace(first, last)`; `log_of_uniform(lo, hi)`; `dt_bias([min=0.001, max=0.1, floor=0.0001])`
    /// - `orthogonal([gain=1, batch=0])`, `delta_orthogonal([gain=1])`
    /// - `unit_frobenius([norm=1])`
    ///
    /// Modes: `fan_in`, `fan_out`, `fan_avg`, `fan_geo_avg`. Nonlinearities: `linear`, `conv` (also as torch's `conv1d`
    /// to `conv3d`, `conv_transpose1d` to `conv_transpose3d`), `sigmoid`, `tanh`, `relu`, `leaky_relu`, `selu`.
    /// Distributions: `normal`, `truncated_normal`, `uniform`.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an unknown name, [`Error::Scheme`] naming an argument that is unknown, missing, given
    /// twice or of the wrong kind, and the errors of [`Scheme::check`].
    fn from_str(text: &str) -> Result<Self> {
        let scheme = text::parse("scheme", FORMS, text, None)?;
        scheme.unnamed_check().map_err(|error| error.about(format_args!("scheme {}", text::typed(text.trim()))))?;
        Ok(scheme)
    }
}

impl Scheme {
    /// Reads the text form, in which numbers may be expressions; not checked by [`Scheme::check`].
    #[cfg(feature = "model")]
    pub(crate) fn parse_with(text: &str, evaluate: text::Evaluate<'_>) -> Result<Self> {
        text::parse("scheme", FORMS, text, Some(evaluate))
    }
}

/// The names and parameters of every scheme, in the order of the forms.
#[cfg(test)]
pub(super) fn signatures() -> impl Iterator<Item = (&'static [&'static str], &'static [&'static str])> {
    FORMS.iter().map(|form| (form.names, form.params))
}

const KAIMING: &[&str] = &["mode", "nonlinearity", "a"];

const FORMS: &[Form<Scheme>] = &[
    Form { names: &["zeros"], params: &[], build: |_| Ok(Scheme::zeros()) },
    Form { names: &["ones"], params: &[], build: |_| Ok(Scheme::ones()) },
    Form { names: &["constant"], params: &["value"], build: |a| Ok(Scheme::constant(a.needed("value")?)) },
    Form {
        names: &["uniform"],
        params: &["lo", "hi"],
        build: |a| Ok(Scheme::uniform(a.needed("lo")?, a.needed("hi")?)),
    },
    Form {
        names: &["normal"],
        params: &["mean", "std"],
        build: |a| Ok(Scheme::normal(a.number("mean")?.unwrap_or(0.0), a.needed("std")?)),
    },
    Form {
        names: &["truncated_normal"],
        params: &["mean", "std", "lo", "hi", "bounds", "std_of"],
        build: truncated_normal,
    },
    Form {
        names: &["variance_scaling"],
        params: &["scale", "mode", "distribution"],
        build: |a| {
            let (mode, distribution) =
                (a.word("mode")?.unwrap_or_default(), a.word("distribution")?.unwrap_or_default());
            Ok(Scheme::variance_scaling(a.needed("scale")?, mode, distribution))
        },
    },
    Form {
        names: &["xavier_uniform", "glorot_uniform"],
        params: &["gain"],
        build: |a| xavier(a, Distribution::Uniform),
    },
    Form { names: &["xavier_normal", "glorot_normal"], params: &["gain"], build: |a| xavier(a, Distribution::Normal) },
    Form {
        names: &["xavier_truncated_normal", "glorot_truncated_normal"],
        params: &["gain"],
        build: |a| xavier(a, Distribution::TruncatedNormal),
    },
    Form { names: &["kaiming_uniform", "he_uniform"], params: KAIMING, build: |a| kaiming(a, Distribution::Uniform) },
    Form { names: &["kaiming_normal", "he_normal"], params: KAIMING, build: |a| kaiming(a, Distribution::Normal) },
    Form {
        names: &["kaiming_truncated_normal", "he_truncated_normal"],
        params: KAIMING,
        build: |a| kaiming(a, Distribution::TruncatedNormal),
    },
    Form {
        names: &["he_fan_avg"],
        params: &["distribution"],
        build: |a| Ok(Scheme::he_fan_avg(a.word("distribution")?.unwrap_or_default())),
    },
    Form { names: &["lecun_uniform"], params: &[], build: |_| Ok(Scheme::lecun_uniform()) },
    Form { names: &["lecun_normal"], params: &[], build: |_| Ok(Scheme::lecun_normal()) },
    Form { names: &["lecun_truncated_normal"], params: &[], build: |_| Ok(Scheme::lecun_truncated_normal()) },
    Form { names: &["torch_linear", "torch_conv"], params: &[], build: |_| Ok(Scheme::torch_linear()) },
    Form {
        names: &["torch_bias"],
        params: &["fan_in"],
        build: |a| a.whole("fan_in")?.map(Scheme::torch_bias).ok_or_else(|| a.missing("fan_in")),
    },
    Form { names: &["torch_embedding"], params: &[], build: |_| Ok(Scheme::torch_embedding()) },
    Form { names: &["torch_norm_weight"], params: &[], build: |_| Ok(Scheme::torch_norm_weight()) },
    Form { names: &["torch_norm_bias"], params: &[], build: |_| Ok(Scheme::torch_norm_bias()) },
    Form {
        names: &["unit_frobenius"],
        params: &["norm"],
        build: |a| Ok(Scheme::unit_frobenius(a.number("norm")?.unwrap_or(1.0))),
    },
    Form {
        names: &["identity", "eye"],
        params: &["gain"],
        build: |a| Ok(Scheme::identity(a.number("gain")?.unwrap_or(1.0))),
    },
    Form { names: &["dirac"], params: &["groups"], build: |a| Ok(Scheme::dirac(a.whole("groups")?.unwrap_or(1))) },
    Form {
        names: &["near_identity"],
        params: &["alpha", "std"],
        build: |a| Ok(Scheme::near_identity(a.number("alpha")?.unwrap_or(1.0), a.needed("std")?)),
    },
    Form {
        names: &["block_diagonal"],
        params: &["blocks", "std"],
        build: |a| {
            let blocks = a.whole("blocks")?.ok_or_else(|| a.missing("blocks"))?;
            Ok(Scheme::block_diagonal(blocks, a.needed("std")?))
        },
    },
    Form {
        names: &["sparse"],
        params: &["sparsity", "std"],
        build: |a| Ok(Scheme::sparse(a.needed("sparsity")?, a.number("std")?.unwrap_or(0.01))),
    },
    Form {
        names: &["sinusoidal"],
        params: &["base", "layout"],
        build: |a| Ok(Scheme::sinusoidal(a.number("base")?.unwrap_or(10_000.0), a.word("layout")?.unwrap_or_default())),
    },
    Form { names: &["log_range", "a_log"], params: &[], build: |_| Ok(Scheme::log_range()) },
    Form {
        names: &["linspace"],
        params: &["first", "last"],
        build: |a| Ok(Scheme::linspace(a.needed("first")?, a.needed("last")?)),
    },
    Form {
        names: &["log_of_uniform"],
        params: &["lo", "hi"],
        build: |a| Ok(Scheme::log_of_uniform(a.needed("lo")?, a.needed("hi")?)),
    },
    Form { names: &["dt_bias"], params: &["min", "max", "floor"], build: dt_bias },
    Form {
        names: &["orthogonal"],
        params: &["gain", "batch"],
        build: |a| Ok(Scheme::orthogonal(a.number("gain")?.unwrap_or(1.0), a.whole("batch")?.unwrap_or(0))),
    },
    Form {
        names: &["delta_orthogonal"],
        params: &["gain"],
        build: |a| Ok(Scheme::delta_orthogonal(a.number("gain")?.unwrap_or(1.0))),
    },
];

fn dt_bias(args: &Args<'_>) -> Result<Scheme> {
    let or = |name: &str, default: f64| Ok::<_, Error>(args.number(name)?.unwrap_or(default));
    Ok(Scheme::dt_bias(or("min", 0.001)?, or("max", 0.1)?, or("floor", 0.0001)?))
}

fn truncated_normal(args: &Args<'_>) -> Result<Scheme> {
    let (lo, hi) = (args.number("lo")?, args.number("hi")?);
    let bounds: fn(f64, f64) -> Bounds = match args.text("bounds") {
        None | Some("sigma") => Bounds::Sigma,
        Some("absolute") => Bounds::Absolute,
        Some(other) => return Err(args.error(Error::unknown("bounds", other, ["sigma", "absolute"]))),
    };
    let bounds = match (lo, hi) {
        (None, None) => bounds(-2.0, 2.0),
        (Some(lo), Some(hi)) => bounds(lo, hi),
        // Whether the other end is meant to be the default, the mirror of this one or none at all is not assumed.
        (Some(lo), None) => return Err(args.error(half_a_window("lo", "hi", lo, args.text("bounds")))),
        (None, Some(hi)) => return Err(args.error(half_a_window("hi", "lo", hi, args.text("bounds")))),
    };
    let mean = args.number("mean")?.unwrap_or(0.0);
    let std_of = args.word::<StdOf>("std_of")?.unwrap_or_default();
    Ok(Scheme::truncated_normal(mean, args.needed("std")?, bounds, std_of))
}

/// That one end of a window is given and the other is not, and a window as it could have been meant.
fn half_a_window(given: &str, lacking: &str, end: f64, bounds: Option<&str>) -> String {
    // The other end of a window around 0; without an end inside.
    let (lo, hi) = match (given == "lo", end < 0.0) {
        (true, true) => (end, -end),
        (true, false) => (end, f64::INFINITY),
        (false, true) => (f64::NEG_INFINITY, end),
        (false, false) => (-end, end),
    };
    let bounds = match bounds {
        Some(given) => format!("bounds={given}"),
        None => "bounds=sigma (multiples of std, where nothing is said) or bounds=absolute (values)".to_owned(),
    };
    format!("{given} needs {lacking}: lo={}, hi={}, {bounds}", Number(lo), Number(hi))
}

fn xavier(args: &Args<'_>, distribution: Distribution) -> Result<Scheme> {
    Ok(Scheme::Xavier { gain: args.number("gain")?.unwrap_or(1.0), distribution })
}

fn kaiming(args: &Args<'_>, distribution: Distribution) -> Result<Scheme> {
    let mode = args.word::<Mode>("mode")?.unwrap_or_default();
    let nonlinearity = match (args.word("nonlinearity")?, args.number("a")?) {
        (None | Some(Nonlinearity::LeakyRelu(_)), Some(a)) => Nonlinearity::LeakyRelu(a),
        (Some(other), Some(_)) => {
            return Err(args.error(format!("a is the slope of leaky_relu, given for {other}; leave it out")));
        }
        (given, None) => given.unwrap_or(Nonlinearity::Relu),
    };
    Ok(Scheme::Kaiming { mode, nonlinearity, distribution })
}

#[cfg(test)]
mod tests;
