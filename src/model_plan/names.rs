//! Globs that choose tensors by name.

use crate::recipe::{Assigned, glob_set};
use crate::{Error, Result};
use globset::GlobSet;

/// Which names are asked for: those that match a glob of `only`, where there is one, and none of `skip`.
#[derive(Clone, Debug, Default)]
pub(super) struct Chosen {
    pub only: Vec<String>,
    pub skip: Vec<String>,
}

impl Chosen {
    /// Whether nothing is left out.
    pub fn is_all(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty()
    }

    /// A function that says whether a name is asked for.
    ///
    /// # Errors
    /// [`Error::Model`] where a glob cannot be read.
    pub fn filter(&self) -> Result<impl Fn(&str) -> bool + use<>> {
        let (only, skip) = (compile("only", &self.only)?, compile("skip", &self.skip)?);
        Ok(move |name: &str| {
            only.as_ref().is_none_or(|s| s.is_match(name)) && !skip.as_ref().is_some_and(|s| s.is_match(name))
        })
    }

    /// Leaves the tensors that are asked for. `dropped` are names that were left out before: a glob may match one of
    /// those alone.
    ///
    /// # Errors
    /// [`Error::Model`] where a glob cannot be read or matches no name, or no tensor is left.
    pub fn apply(&self, tensors: &mut Vec<Assigned>, dropped: &[String]) -> Result<()> {
        for (list, globs) in [("only", &self.only), ("skip", &self.skip)] {
            for text in globs {
                let set = compile(list, std::slice::from_ref(text))?;
                let mut names = tensors.iter().map(|t| &t.spec.name).chain(dropped);
                if !names.any(|name| set.as_ref().is_some_and(|s| s.is_match(name))) {
                    let first = tensors.first().map_or("none", |t| &t.spec.name);
                    return Err(Error::Model(format!(
                        "{list}: glob {text:?} matches none of the {} tensors, the first of which is {first:?}",
                        tensors.len()
                    )));
                }
            }
        }
        let filter = self.filter()?;
        tensors.retain(|t| filter(&t.spec.name));
        if tensors.is_empty() {
            return Err(Error::Model("no tensor is left: the globs leave all of them out".to_owned()));
        }
        Ok(())
    }
}

pub(super) fn compile(list: &str, globs: &[String]) -> Result<Option<GlobSet>> {
    glob_set(globs).map_err(|e| Error::Model(format!("{list}: {e}")))
}
