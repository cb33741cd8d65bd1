//! How the types of a plan stand in JSON and other formats of serde: as the text that their `Display` writes and their
//! `FromStr` reads, and a shape as the list of its dimensions.

use super::role::Role;
use crate::value::shape::{Layout, Shape};
use crate::{DType, Rounding, Scheme};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

/// Serde for types that have a text form: `$expecting` says in errors what should stand there.
macro_rules! as_text {
    ($($type:ty = $expecting:literal,)*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text { expecting: $expecting, made: PhantomData })
            }
        }
    )*};
}

as_text! {
    DType = "a dtype, such as \"bf16\"",
    Layout = "a layout, such as \"out_in\"",
    Role = "a role, such as \"attention.query\"",
    Rounding = "a rounding, such as \"nearest\"",
    Scheme = "a scheme, such as \"normal(std=0.02)\"",
}

/// Reads a `T` from its text form.
struct Text<T> {
    expecting: &'static str,
    made: PhantomData<T>,
}

impl<T: FromStr<Err = crate::Error>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

impl Serialize for Shape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.dims().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::<u64>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_str, to_string};

    fn round_trip<T>(value: T, text: &str)
    where
        T: Serialize + for<'de> Deserialize<'de> + PartialEq + fmt::Debug,
    {
        assert_eq!(to_string(&value).unwrap(), text);
        assert_eq!(from_str::<T>(text).unwrap(), value);
    }

    #[test]
    fn every_type_is_written_as_it_is_read() {
        for &role in Role::ALL {
            round_trip(role, &format!("\"{role}\""));
        }
        for dtype in DType::ALL {
            round_trip(dtype, &format!("\"{dtype}\""));
        }
        round_trip(Rounding::NearestEven, r#""nearest""#);
        round_trip(Rounding::Stochastic, r#""stochastic""#);
        round_trip(Layout::conv(4), r#""conv(groups=4)""#);
        round_trip(Layout::axes([-2], [-1], [0]), r#""axes(in=[-2], out=[-1], batch=[0])""#);
        round_trip(Scheme::normal(0.0, 0.02), r#""normal(mean=0, std=0.02)""#);
        round_trip(Shape::new([768, 3072]).unwrap(), "[768,3072]");
        round_trip(Shape::new([]).unwrap(), "[]");
        // A text with escapes is not a piece of the input: it reaches the visitor as a String.
        assert_eq!(from_str::<Role>(r#""norm\u002eoffset""#).unwrap(), Role::NormOffset);
    }

    #[test]
    fn what_cannot_be_read_is_said_in_the_words_of_the_type() {
        let error = |result: serde_json::Error| result.to_string();
        let cases = [
            (error(from_str::<Role>("\"atention\"").unwrap_err()), "unknown role \"atention\": expected embedding, "),
            (error(from_str::<DType>("\"f64\"").unwrap_err()), "unknown dtype \"f64\": expected f32, f16, bf16"),
            (error(from_str::<DType>("16").unwrap_err()), "invalid type: integer `16`, expected a dtype, such as"),
            (error(from_str::<Scheme>("\"norml(std=1)\"").unwrap_err()), "unknown scheme \"norml\""),
            (error(from_str::<Layout>("null").unwrap_err()), "invalid type: null, expected a layout, such as"),
            (error(from_str::<Shape>("[4, 0]").unwrap_err()), "shape [4, 0]: dimension 1 is 0"),
        ];
        for (error, expected) in cases {
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
