//! Where items come from: a labelled set, a built-in generator, or a program.

mod friedman;
mod generator;
mod set;

use super::{BuiltIn, Fault, Item, Seed, TaskError, TaskFolder};
use set::Set;

/// A source of items that knows their truth.
pub(super) trait Source: Send + Sync {
    /// The first `count` items that follow from the seeds; a larger `count` only appends. `common`
    /// chooses among items that exist, `own` varies them, or makes them where they are made.
    fn items(&self, common: &Seed, own: &Seed, count: u32) -> Result<Vec<Item>, Fault>;

    /// How many items there are to choose from; `None` where they are made.
    fn size(&self) -> Option<usize> {
        None
    }
}

/// The source that a folder names.
pub(super) fn of(folder: &TaskFolder) -> Result<Box<dyn Source>, TaskError> {
    if let Some(generator) = &folder.generator {
        return match &generator.builtin {
            Some(BuiltIn::Friedman) => Ok(Box::new(friedman::Friedman::new(folder)?)),
            None => Ok(Box::new(generator::Generator::start(folder)?)),
        };
    }
    Ok(Box::new(Set::load(folder)?))
}
