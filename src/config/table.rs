//! The macros behind the table in `settings`.

/// Makes [`super::Config`], a struct with defaults for each section, and the check of the ranges.
macro_rules! settings {
    ($(
        $(#[doc = $about:literal])+
        $(#[serde($read:meta)])?
        $section:ident: $Section:ident {
            $(
                $(#[doc = $text:literal])+
                $key:ident: $kind:ty = $default:expr $(, $low:literal..=$high:literal $($unit:literal)?)?;
            )+
        }
    )+) => {
        /// Every setting. [`Config::load`] and [`Config::parse`] return checked ones; [`Config::check`] is for values that
        /// were changed since.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Config {
            $($(#[doc = $about])+ $(#[serde($read)])? pub $section: $Section,)+
            /// The cameras beside the default one, which is `camera`.
            #[serde(skip)]
            pub other_cameras: Vec<Camera>,
        }

        impl Config {
            /// The first value that is outside its range; of `camera` too, but not of the other cameras.
            pub(super) fn check_ranges(&self) -> Result<(), Refused> {
                $(self.$section.check_ranges()?;)+
                Ok(())
            }
        }

        $(
            $(#[doc = $about])+
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
            #[serde(default, deny_unknown_fields)]
            pub struct $Section {
                $($(#[doc = $text])+ pub $key: $kind,)+
            }

            impl $Section {
                /// The first value that is outside its range.
                pub(super) fn check_ranges(&self) -> Result<(), Refused> {
                    $($(within(
                        concat!(stringify!($section), ".", stringify!($key)),
                        self.$key,
                        $low..=$high,
                        concat!($low, " to ", $high $(, " ", $unit)?),
                    )?;)?)+
                    Ok(())
                }
            }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $($key: $default,)+ }
                }
            }
        )+

        /// The table itself, in order.
        #[cfg(test)]
        pub(super) const SECTIONS: &[super::document::Section] = &[$(super::document::Section {
            name: stringify!($section),
            text: concat!($($about),+),
            keys: &[$(super::document::Key {
                name: stringify!($key),
                text: concat!($($text),+),
                range: &[$(concat!($low), concat!($high), concat!($($unit)?))?],
                choices: <$kind as super::document::Kind>::CHOICES,
            },)+],
        },)+];
    };
}

/// Makes enums whose variants are the values of a setting, in lower case.
macro_rules! choices {
    ($(
        $(#[doc = $about:literal])+
        $Choice:ident { $($(#[doc = $text:literal])+ $Value:ident,)+ }
    )+) => {
        $(
            $(#[doc = $about])+
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(rename_all = "lowercase")]
            pub enum $Choice {
                $($(#[doc = $text])+ $Value,)+
            }

            #[cfg(test)]
            impl super::document::Kind for $Choice {
                const CHOICES: &[(&str, &str)] = &[$((stringify!($Value), concat!($($text),+)),)+];
            }
        )+
    };
}

pub(super) use {choices, settings};
