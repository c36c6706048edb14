//! Closed vocabularies: a plain enum, its words on the wire, and what each means. One mechanism for every room.

/// Declares a vocabulary. What it and its values say of themselves is its description in the API's document, where it goes
/// by its own name, or by another (`Status as SourceStatus`) where two rooms use the same.
macro_rules! vocabulary {
    ($(#[doc = $doc:literal])* $name:ident { $($values:tt)+ }) => {
        vocabulary! { $(#[doc = $doc])* $name as $name { $($values)+ } }
    };
    (
        $(#[doc = $doc:literal])*
        $name:ident as $known_as:ident {
            $($(#[doc = $variant_doc:literal])* $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[doc = $variant_doc])* $variant,)+ }

        impl $name {
            /// Every value, in the contract's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl serde::Serialize for $name {
            /// As a word, in which a serializer need not look for what to escape.
            #[inline]
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_unit_variant(stringify!($name), 0, self.as_str())
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let description = concat!(
                    $($doc, "\n",)* "\n",
                    $("- `", $word, "`:", $($variant_doc,)* "\n",)+
                );
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some(Self::ALL.iter().map(|value| value.as_str())))
                    .description(Some(description.trim()))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed(stringify!($known_as))
            }
        }
    };
}
