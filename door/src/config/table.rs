//! The macros behind the table in `settings`.

/// Makes a struct with defaults for each section, the check of its ranges, and what the shipped file says about it.
macro_rules! settings {
    ($(
        $(#[doc = $about:literal])+
        $title:literal $Section:ident {
            $(
                $(#[doc = $text:literal])+
                $key:ident: $kind:ty = $default:expr $(, $low:literal..=$high:literal $unit:literal)?;
            )+
        } $(with { $($table:ident: $Table:ty,)+ })?
    )+) => {
        $(
            $(#[doc = $about])+
            #[derive(Debug, Clone, PartialEq, serde::Deserialize)]
            #[cfg_attr(test, derive(serde::Serialize))]
            #[serde(default, deny_unknown_fields)]
            pub(crate) struct $Section {
                $($(#[doc = $text])+ pub(crate) $key: $kind,)+
                $($(pub(crate) $table: $Table,)+)?
            }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $($key: $default,)+ $($($table: Default::default(),)+)? }
                }
            }

            impl $Section {
                /// The first value that is outside its range; `place` is where the section stands.
                fn check_ranges(&self, place: &str) -> Result<(), super::Refused> {
                    $($(super::within(
                        place,
                        stringify!($key),
                        self.$key,
                        $low..=$high,
                        concat!($low, " to ", $high, " ", $unit),
                    )?;)?)+
                    let _ = place;
                    Ok(())
                }
            }
        )+

        /// The table itself, in order.
        #[cfg(test)]
        pub(super) const SECTIONS: &[super::document::Section] = &[$(super::document::Section {
            title: $title,
            text: concat!($($about),+),
            keys: &[$(super::document::Key {
                name: stringify!($key),
                text: concat!($($text),+),
                range: &[$(concat!($low), concat!($high), $unit)?],
                choices: <$kind as super::document::Kind>::CHOICES,
            },)+],
        },)+];
    };
}

/// Makes enums whose variants are the values of a setting.
macro_rules! choices {
    ($(
        $(#[doc = $about:literal])+
        $Choice:ident { $($(#[doc = $text:literal])+ $Value:ident = $word:literal,)+ }
    )+) => {
        $(
            $(#[doc = $about])+
            #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
            #[cfg_attr(test, derive(serde::Serialize))]
            pub(crate) enum $Choice {
                $($(#[doc = $text])+ #[serde(rename = $word)] $Value,)+
            }

            #[cfg(test)]
            impl super::document::Kind for $Choice {
                const CHOICES: &[(&str, &str)] = &[$(($word, concat!($($text),+)),)+];
            }
        )+
    };
}

pub(super) use {choices, settings};
