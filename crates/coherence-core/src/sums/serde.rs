//! Accumulators are written as their parts, and checked when they are read.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{CoordinateSumsParts, Sums, SumsParts, WeightedSums, WeightedSumsParts};
use crate::similarity::CoordinateSums;

macro_rules! as_parts {
    ($sums:ident, $parts:ident) => {
        impl<B: Serialize> Serialize for $sums<B> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.as_parts().serialize(serializer)
            }
        }

        impl<'de, B: Deserialize<'de> + AsRef<[f64]> + AsMut<[f64]>> Deserialize<'de> for $sums<B> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::from_parts($parts::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    };
}

as_parts!(Sums, SumsParts);
as_parts!(WeightedSums, WeightedSumsParts);
as_parts!(CoordinateSums, CoordinateSumsParts);
