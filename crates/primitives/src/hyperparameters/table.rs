//! What one row of the table of settings becomes.
//!
//! A row says once, for code, metadata and documentation alike, what a setting is called, what it
//! means, who may change it, within which bounds, and what a new subnet starts with:
//!
//! ```text
//! /// What it means.
//! field / Variant: type, Authority, [least..=most] = default;
//! ```
//!
//! `[]` stands for no bounds but those of the type. `type as "module"` names the serde module for
//! values that JSON can't hold as they are.

use super::{Authority, Hyperparameter};

/// A row of the table, for programs and documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// How its values are written.
    pub kind: &'static str,
    /// Who may change it.
    pub authority: Authority,
    /// The least and the most that it may be, where there are bounds.
    pub bounds: Option<(u128, u128)>,
}

impl Hyperparameter {
    /// The row of this setting.
    pub fn setting(&self) -> &'static Setting {
        &Self::SETTINGS[self.index()]
    }
}

/// A value that a setting can have.
pub(super) trait SettingValue: Sized {
    /// How it is written.
    const KIND: &'static str;

    /// The number that bounds are about; `None` where there is none.
    fn measure(&self) -> Option<u128> {
        None
    }

    /// What bounds can't say.
    fn is_well_formed(&self) -> bool {
        true
    }

    /// Whether it lies within a row's bounds.
    fn fits(&self, bounds: Option<(u128, u128)>) -> bool {
        let within = match (self.measure(), bounds) {
            (Some(measure), Some((least, most))) => (least..=most).contains(&measure),
            _ => true,
        };
        within && self.is_well_formed()
    }

    /// Reads what a person wrote.
    #[cfg(feature = "std")]
    fn parse(text: &str) -> Option<Self>;

    /// Writes it for people, so that [`Self::parse`] reads it.
    #[cfg(feature = "std")]
    fn show(&self) -> String;
}

macro_rules! settings {
    (@bounds) => { None };
    (@bounds $least:literal ..= $most:literal) => { Some(($least, $most)) };
    (@limits) => { "" };
    (@limits $least:literal ..= $most:literal) => {
        concat!(" From ", stringify!($least), " to ", stringify!($most), ".")
    };
    (@who Root) => { "Changed by root alone." };
    (@who Owner) => { "Changed by the subnet's owner or root." };
    (
        new($tempo:ident);
        $(
            $(#[doc = $doc:tt])+
            $field:ident / $variant:ident: $type:ty $(as $with:tt)?, $authority:ident,
            [$($bounds:tt)*] = $default:expr;
        )+
    ) => {
        /// A subnet's settings.
        #[derive(
            Clone,
            Copy,
            Debug,
            PartialEq,
            Eq,
            Encode,
            Decode,
            DecodeWithMemTracking,
            MaxEncodedLen,
            TypeInfo,
        )]
        #[scale_info(capture_docs = "always")]
        #[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
        pub struct Hyperparameters {
            $(
                $(#[doc = $doc])+
                $(#[cfg_attr(feature = "std", serde(with = $with))])?
                pub $field: $type,
            )+
        }

        /// One setting and its new value.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen,
        )]
        #[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
        pub enum Hyperparameter {
            $(
                $(#[doc = $doc])+
                $variant($(#[cfg_attr(feature = "std", serde(with = $with))])? $type),
            )+
        }

        impl Hyperparameters {
            /// The settings of a new subnet with this tempo.
            pub const fn new($tempo: BlockNumber) -> Self {
                Self { $($field: $default,)+ }
            }

            /// These settings with one changed, or why it can't be.
            pub fn with(mut self, change: Hyperparameter) -> Result<Self, HyperparameterError> {
                let bounds = change.setting().bounds;
                match change {
                    $(
                        Hyperparameter::$variant(value) if value.fits(bounds) => {
                            self.$field = value;
                        }
                    )+
                    _ => return Err(HyperparameterError::OutOfBounds),
                }
                Ok(self)
            }

            /// Each setting's value for people, in the table's order.
            #[cfg(feature = "std")]
            pub fn show(&self) -> Vec<String> {
                vec![$(self.$field.show(),)+]
            }
        }

        impl Hyperparameter {
            /// The table: every setting, in the order in which they are encoded.
            pub const SETTINGS: &'static [Setting] = &[
                $(
                    Setting {
                        name: stringify!($field),
                        meaning: concat!($($doc,)+),
                        kind: <$type as SettingValue>::KIND,
                        authority: Authority::$authority,
                        bounds: settings!(@bounds $($bounds)*),
                    },
                )+
            ];

            /// Where the setting stands in the table.
            fn index(&self) -> usize {
                #[allow(clippy::enum_variant_names)]
                #[repr(usize)]
                enum Index { $($variant,)+ }
                match self {
                    $(Self::$variant(_) => Index::$variant as usize,)+
                }
            }

            /// Reads a setting by its name and a value as a person writes it. Bounds are checked
            /// where it is applied: [`Hyperparameters::with`].
            ///
            /// # Errors
            /// Says what is wrong with either.
            #[cfg(feature = "std")]
            pub fn parse(name: &str, text: &str) -> Result<Self, String> {
                $(
                    if name == stringify!($field) {
                        return <$type as SettingValue>::parse(text).map(Self::$variant).ok_or_else(
                            || format!("`{text}` is no value of {name}: write {}", <$type>::KIND),
                        );
                    }
                )+
                let names: Vec<_> = Self::SETTINGS.iter().map(|setting| setting.name).collect();
                Err(format!("there is no setting `{name}`, only {}", names.join(", ")))
            }
        }

        // By hand, so that the metadata says who may change what within which bounds: the derive
        // takes no text that is put together.
        impl TypeInfo for Hyperparameter {
            type Identity = Self;

            fn type_info() -> Type {
                let mut variants = Variants::new();
                let mut index = 0;
                $(
                    variants = variants.variant(stringify!($variant), |variant| {
                        let value = |field: FieldBuilder| {
                            field.ty::<$type>().type_name(stringify!($type))
                        };
                        variant
                            .index(index)
                            .fields(Fields::unnamed().field(value))
                            .docs_always(&[
                                $($doc.trim_ascii(),)+
                                concat!(
                                    settings!(@who $authority),
                                    settings!(@limits $($bounds)*)
                                ),
                            ])
                    });
                    index += 1;
                )+
                // The last count is of no variant.
                let _ = index;
                Type::builder()
                    .path(Path::new("Hyperparameter", module_path!()))
                    .docs_always(&["One setting and its new value."])
                    .variant(variants)
            }
        }
    };
}

pub(super) use settings;
