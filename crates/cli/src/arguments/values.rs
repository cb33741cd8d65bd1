//! How the values of arguments are read, and the names that a shell offers for them.

use clap::builder::{PossibleValue, TypedValueParser};
use seedbed::gpu::{Choice, MulWide, Tier};
use seedbed::model::Family;
use seedbed::model_plan::NewRows;
use seedbed::recipe::{self, BuiltIn};
use seedbed::{DType, Error, Result, Rounding};
use std::ffi::OsStr;

const TIERS: [(&str, Tier); 2] = [("native", Tier::NativeFma), ("soft", Tier::SoftFma)];
const MULTIPLICATIONS: [(&str, MulWide); 2] = [("u64", MulWide::U64), ("u32", MulWide::U32)];

/// Reads a value as its type does, and lists names of which a shell offers those that fit. Other texts than these names
/// may be values too: only the type's own parser judges, and says what is wrong.
#[derive(Clone)]
pub struct Named<T> {
    names: Vec<&'static str>,
    parse: fn(&str) -> Result<T>,
}

impl<T> Named<T> {
    /// Reads values with `parse`, and offers these names.
    pub fn new(names: Vec<&'static str>, parse: fn(&str) -> Result<T>) -> Self {
        Self { names, parse }
    }
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Named<T> {
    type Value = T;

    fn parse_ref(&self, cmd: &clap::Command, arg: Option<&clap::Arg>, value: &OsStr) -> Result<T, clap::Error> {
        self.parse.parse_ref(cmd, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.names.iter().map(PossibleValue::new)))
    }
}

/// Reads a dtype.
pub fn dtype() -> Named<DType> {
    Named { names: vec!["f32", "f16", "bf16"], parse: str::parse }
}

/// Reads a rounding.
pub fn rounding() -> Named<Rounding> {
    Named { names: vec!["nearest", "stochastic"], parse: str::parse }
}

/// Reads what new rows are.
pub fn new_rows() -> Named<NewRows> {
    Named { names: vec!["drawn", "mean"], parse: str::parse }
}

/// Reads which device fills; `gpu:N` is one too.
pub fn device() -> Named<Choice> {
    Named { names: vec!["auto", "cpu", "gpu"], parse: str::parse }
}

/// Reads which GPU is compared with the CPU; `gpu:N` is one too.
pub fn gpu() -> Named<Choice> {
    Named {
        names: vec!["gpu"],
        parse: |text| match text.parse() {
            Ok(choice @ (Choice::Gpu | Choice::Index(_))) => Ok(choice),
            _ => Err(Error::unknown("GPU", text, ["gpu"]).or_expected("gpu:N")),
        },
    }
}

/// Reads how `a * b + c` is rounded once.
pub fn tier() -> Named<Tier> {
    Named { names: TIERS.map(|(name, _)| name).to_vec(), parse: |text| one_of("tier", text, &TIERS) }
}

/// Reads how words are multiplied.
pub fn mul_wide() -> Named<MulWide> {
    Named {
        names: MULTIPLICATIONS.map(|(name, _)| name).to_vec(),
        parse: |text| one_of("multiplication", text, &MULTIPLICATIONS),
    }
}

/// The value of this name.
fn one_of<T: Copy>(what: &'static str, text: &str, values: &[(&'static str, T)]) -> Result<T> {
    let found = values.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    found.ok_or_else(|| Error::unknown(what, text, values.iter().map(|(name, _)| name)))
}

/// Takes the text of a layout, which the command itself reads; some have arguments in parentheses.
pub fn layout() -> Named<String> {
    Named { names: vec!["out_in", "in_out", "conv", "conv_transpose", "conv_in_out", "axes"], parse: text }
}

/// Takes the name of a built-in recipe, or the path of a file.
pub fn recipe() -> Named<String> {
    let mut names = vec!["transformers"];
    names.extend(built_in_recipes().iter().map(|b| b.name));
    Named { names, parse: text }
}

#[expect(clippy::unnecessary_wraps, reason = "the type of a parser")]
fn text(text: &str) -> Result<String> {
    Ok(text.to_owned())
}

/// Every built-in recipe, in the order in which they are listed to people.
pub fn built_in_recipes() -> Vec<BuiltIn> {
    let families = Family::all().iter().map(|f| BuiltIn::of_family(f));
    let mut all: Vec<BuiltIn> = recipe::builtins().iter().copied().chain(families).collect();
    // Two families may have one recipe.
    all.dedup_by_key(|b| b.name);
    all
}

/// Reads a size: bytes, or with a unit of 1000 (`5GB`, `500 MB`) or of 1024 (`1GiB`).
pub fn parse_size(text: &str) -> Result<u64, String> {
    match text.trim().parse::<bytesize::ByteSize>() {
        Ok(size) if size.as_u64() > 0 => Ok(size.as_u64()),
        Ok(_) => Err("a size is at least one byte".to_owned()),
        Err(_) => Err("a size is a number of bytes, or a number and a unit, such as 5GB, 500MB or 1GiB".to_owned()),
    }
}

/// Reads a seed.
pub fn parse_seed(text: &str) -> Result<u64, String> {
    let seed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if !digits.starts_with('+') => u64::from_str_radix(digits, 16),
        _ => text.parse(),
    };
    seed.map_err(|_| {
        "a seed is a whole number from 0 to 18446744073709551615, decimal or 0x and hexadecimal digits".to_owned()
    })
}

/// Reads how many elements are filled: a whole number, with a unit of 1024 or without.
pub fn parse_elements(text: &str) -> Result<u64, String> {
    let units = [("Ki", 10), ("Mi", 20), ("Gi", 30)];
    let unit = units.into_iter().find_map(|(unit, shift)| text.strip_suffix(unit).map(|digits| (digits, shift)));
    let (digits, shift) = unit.unwrap_or((text, 0));
    let number: u64 =
        digits.parse().map_err(|_| format!("{text:?} is no number of elements, such as 1000000, 64Ki, 16Mi or 4Gi"))?;
    match number.checked_mul(1 << shift) {
        Some(n) if (1..=1 << 40).contains(&n) => Ok(n),
        _ => Err("the number of elements is from 1 to 1024Gi".to_owned()),
    }
}

/// Reads a value that is set by its name.
pub fn parse_set(text: &str) -> Result<(String, f64), String> {
    let form = "a value is set by NAME=VALUE, such as sigma=0.01";
    let (name, value) = match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => (name.trim(), value.trim()),
        Some(_) | None => return Err(form.to_owned()),
    };
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((name.to_owned(), number)),
        Ok(_) => Err(format!("{value:?} is not finite, and a value must be")),
        Err(_) => Err(format!("{value:?} is not a number: {form}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_both_kinds_of_units() {
        let sizes =
            ["7", "5GB", "500 MB", "1GiB", "1.5kb", " 3MiB ", "2G", "2^9", "", "0", "0GB", "-1GB", "5 GBs", "NaN"];
        let expected = [7, 5_000_000_000, 500_000_000, 1 << 30, 1500, 3 << 20, 2_000_000_000];
        let read: Vec<_> = sizes.iter().map(|s| parse_size(s).ok()).collect();
        assert_eq!(read[..7], expected.map(Some));
        assert!(read[7..].iter().all(Option::is_none), "{read:?}");
        assert_eq!(parse_size("1000000000000 EB"), Ok(u64::MAX));
    }

    #[test]
    fn numbers_of_elements_take_units() {
        let read = ["7", "64Ki", "4Gi", "1024Gi"].map(parse_elements);
        assert_eq!(read, [Ok(7), Ok(1 << 16), Ok(1 << 32), Ok(1 << 40)]);
        assert!(["", "0", "Mi", "-1", "1.5Mi", "9999999Gi", "2Ti"].into_iter().all(|t| parse_elements(t).is_err()));
    }

    #[test]
    fn every_name_that_is_offered_is_read() {
        for name in dtype().names {
            assert_eq!(name.parse::<DType>().map(|d| d.to_string()).ok().as_deref(), Some(name));
        }
        for name in rounding().names {
            assert_eq!(name.parse::<Rounding>().map(|r| r.to_string()).ok().as_deref(), Some(name));
        }
        for name in device().names.into_iter().chain(gpu().names) {
            assert_eq!(name.parse::<Choice>().map(|c| c.to_string()).ok().as_deref(), Some(name));
        }
        for (name, expected) in TIERS {
            assert_eq!((tier().parse)(name).ok(), Some(expected));
        }
        for (name, multiplication) in MULTIPLICATIONS {
            assert_eq!((mul_wide().parse)(name).ok(), Some(multiplication));
        }
        assert!((tier().parse)("nativ").is_err_and(|e| e.to_string().ends_with("did you mean `native`?")));
        for name in layout().names {
            assert!(name.parse::<seedbed::shape::Layout>().is_ok(), "{name}");
        }
        assert_eq!(dtype().names.len(), DType::ALL.len());
        let recipes = recipe().names;
        assert!(recipes.contains(&"mup") && recipes.contains(&"transformers/gpt2"), "{recipes:?}");
    }
}
