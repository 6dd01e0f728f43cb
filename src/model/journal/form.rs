//! How what has its tag inside is read back: by the tag that comes first, as we write it.
//!
//! What serde derives holds every field back until it has seen the last, because the tag might stand anywhere. Of hundreds of
//! thousands of steps that takes longer than everything else together.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{CowStrDeserializer, MapAccessDeserializer};
use serde::de::{DeserializeSeed, EnumAccess, Error, MapAccess, VariantAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Act, Begin, Came, Change, Figures, Record, WorkId, runs};
use crate::model::plan::ObjectId;
use crate::model::raw_path::RawPath;
use crate::model::treatment::Rights;
use crate::model::units::{Bytes, WallNanos};

/// [`Record`] without its tag.
#[derive(Deserialize)]
#[serde(remote = "Record", rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "it is what it stands for")]
enum RecordForm {
    Begin(Begin),
    Intent {
        work: WorkId,
        steps: Vec<Act>,
    },
    Outcome {
        work: WorkId,
        #[serde(with = "runs")]
        steps: Vec<Came>,
    },
    End {
        work: WorkId,
        time: WallNanos,
        before: Vec<Figures>,
        after: Vec<Figures>,
    },
}

/// [`Change`] without its tag.
#[derive(Deserialize)]
#[serde(remote = "Change", rename_all = "kebab-case")]
enum ChangeForm {
    Quarantine {
        name: RawPath,
        object: ObjectId,
        slot: RawPath,
        bytes: Option<Bytes>,
    },
    GiveBack {
        slot: RawPath,
        object: ObjectId,
        name: RawPath,
    },
    Purge {
        slot: RawPath,
        object: ObjectId,
    },
    Mode {
        path: RawPath,
        object: ObjectId,
        from: u32,
        to: u32,
    },
    Owner {
        path: RawPath,
        object: ObjectId,
        from: (u32, u32),
        to: (u32, u32),
    },
    MakeDir {
        path: RawPath,
        mode: u32,
        uid: u32,
        gid: u32,
    },
    Write {
        path: RawPath,
        from: Option<RawPath>,
        to: RawPath,
    },
    Made {
        path: RawPath,
        object: ObjectId,
    },
    Unlink {
        path: RawPath,
        object: ObjectId,
        #[serde(default)]
        parent: Option<ObjectId>,
        rights: Rights,
        content: RawPath,
    },
    Call {
        line: String,
    },
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Tagged("record", PhantomData::<Self>))
    }
}

impl<'de> Deserialize<'de> for Change {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Tagged("change", PhantomData::<Self>))
    }
}

/// What a form reads.
trait Formed<'de>: Sized {
    fn read<A: MapAccess<'de>>(inside: Inside<'de, A>) -> Result<Self, A::Error>;
}

impl<'de> Formed<'de> for Record {
    fn read<A: MapAccess<'de>>(inside: Inside<'de, A>) -> Result<Self, A::Error> {
        RecordForm::deserialize(inside)
    }
}

impl<'de> Formed<'de> for Change {
    fn read<A: MapAccess<'de>>(inside: Inside<'de, A>) -> Result<Self, A::Error> {
        ChangeForm::deserialize(inside)
    }
}

/// Something whose tag has that name.
struct Tagged<T>(&'static str, PhantomData<T>);

impl<'de, T: Formed<'de>> Visitor<'de> for Tagged<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object that begins with `{}`", self.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        if map.next_key::<Cow<'de, str>>()?.as_deref() != Some(self.0) {
            return Err(A::Error::custom(format_args!("`{}` does not come first", self.0)));
        }
        let tag = map.next_value()?;
        T::read(Inside { tag, map })
    }
}

/// An object behind its tag, as the enum that it is.
struct Inside<'de, A> {
    tag: Cow<'de, str>,
    map: A,
}

impl<'de, A: MapAccess<'de>> Deserializer<'de> for Inside<'de, A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_enum(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, A: MapAccess<'de>> EnumAccess<'de> for Inside<'de, A> {
    type Error = A::Error;
    type Variant = Fields<A>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Fields<A>), A::Error> {
        Ok((seed.deserialize(CowStrDeserializer::new(self.tag))?, Fields(self.map)))
    }
}

/// The other fields.
struct Fields<A>(A);

impl<'de, A: MapAccess<'de>> VariantAccess<'de> for Fields<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        seed.deserialize(MapAccessDeserializer::new(self.0))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_map(self.0)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_map(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As serde alone would read it.
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "change", rename_all = "kebab-case")]
    enum Alone {
        Purge { slot: RawPath, object: ObjectId },
    }

    const OBJECT: &str =
        r#"{"mount_id":1,"device":{"major":0,"minor":31},"inode":7,"kind":"directory","born":null}"#;

    #[test]
    fn it_is_read_as_serde_would_read_it() {
        for slot in [r#""1-0""#, r#""a\u0001\"""#, r#"{"hex":"ff00"}"#] {
            let text =
                format!(r#"{{"change":"purge","slot":{slot},"of-tomorrow":[{{}}],"object":{OBJECT}}}"#);
            let Alone::Purge { slot, object } = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::from_str::<Change>(&text).unwrap(), Change::Purge { slot, object });
        }
    }

    #[test]
    fn what_is_no_change_of_ours_is_refused() {
        for text in [
            r#"{"change":"of-tomorrow"}"#.to_owned(),
            r#"{"change":"purge","slot":"1-0"}"#.to_owned(),
            format!(r#"{{"slot":"1-0","object":{OBJECT},"change":"purge"}}"#),
            format!(r#"{{"change":"purge","slot":7,"object":{OBJECT}}}"#),
            r#"["purge"]"#.to_owned(),
            "{}".to_owned(),
        ] {
            assert!(serde_json::from_str::<Change>(&text).is_err(), "{text}");
        }
    }
}
