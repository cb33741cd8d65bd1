//! Which tensors a rule is about: globs on names, roles, ranks, and a condition.

use super::expression::Expression;
use super::raw::Strings;
use crate::model::Role;
use crate::{Error, Result};
use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

/// No name of a tensor needs a longer glob.
const MAX_GLOB: usize = 300;

/// Globs on a tensor's name: `*` stands for any characters, dots too.
#[derive(Clone, Debug)]
pub(super) struct NameGlobs {
    set: GlobSet,
    texts: Vec<String>,
}

impl NameGlobs {
    pub fn parse(globs: &[String]) -> Result<Self> {
        if globs.is_empty() {
            return Err(Error::Scheme("name has no glob".to_owned()));
        }
        Ok(Self { set: set_of(globs)?, texts: globs.to_vec() })
    }

    pub fn matches(&self, name: &str) -> bool {
        self.set.is_match(name)
    }

    /// The number of the first glob that matches.
    pub fn first_match(&self, name: &str) -> Option<usize> {
        self.set.matches(name).into_iter().min()
    }

    pub fn texts(&self) -> String {
        self.texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ")
    }
}

/// A glob over dotted names.
fn glob(text: &str) -> Result<Glob> {
    if text.len() > MAX_GLOB {
        return Err(Error::Scheme(format!("a glob of {} characters, at most {MAX_GLOB}", text.len())));
    }
    let glob = GlobBuilder::new(text).literal_separator(false).backslash_escape(true).build();
    glob.map_err(|e| Error::Scheme(format!("glob {text:?}: {}", e.kind())))
}

fn set_of(globs: &[String]) -> Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for text in globs {
        set.add(glob(text)?);
    }
    // Braces can be nested beyond what the regular expressions behind globs take.
    set.build().map_err(|_| Error::Scheme(format!("glob {:?}: is too complicated", globs.join(", "))))
}

/// Globs over dotted names of which one has to match; `None` where there are none.
pub(crate) fn glob_set(globs: &[String]) -> Result<Option<GlobSet>> {
    if globs.is_empty() { Ok(None) } else { set_of(globs).map(Some) }
}

/// Whether a glob says anything at all.
fn is_more_than_stars(glob: &str) -> bool {
    glob.chars().any(|c| c != '*')
}

/// The roles that a pattern is about.
#[derive(Clone, Debug)]
struct Roles {
    /// Whether each role is meant, by its number in the enum.
    meant: Vec<bool>,
    /// Whether each is meant by a glob that is more than stars.
    named: Vec<bool>,
}

impl Roles {
    /// The roles that globs on their text name. A glob that names none is an error.
    fn parse(globs: &[String]) -> Result<Self> {
        if globs.is_empty() {
            return Err(Error::Scheme("role has no glob".to_owned()));
        }
        let (mut meant, mut named) = (vec![false; Role::ALL.len()], vec![false; Role::ALL.len()]);
        for text in globs {
            let matcher = set_of(std::slice::from_ref(text))?;
            let matched: Vec<Role> = Role::ALL.iter().copied().filter(|r| matcher.is_match(r.text())).collect();
            if matched.is_empty() {
                // No role has this text, so this is the error that lists the roles.
                text.parse::<Role>()?;
            }
            for role in matched {
                meant[role as usize] = true;
                named[role as usize] |= is_more_than_stars(text);
            }
        }
        Ok(Self { meant, named })
    }

    fn means(&self, role: Role) -> bool {
        self.meant[role as usize]
    }
}

/// Which tensors a rule matches: all that is given has to hold.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub names: Option<NameGlobs>,
    roles: Option<Roles>,
    ranks: Option<Vec<usize>>,
    pub when: Option<Expression>,
}

impl Pattern {
    pub fn parse(
        names: Option<&Strings>,
        roles: Option<&Strings>,
        ranks: Option<&[usize]>,
        when: Option<&str>,
    ) -> Result<Self> {
        Ok(Self {
            names: names.map(|globs| NameGlobs::parse(globs.as_slice())).transpose()?,
            roles: roles.map(|globs| Roles::parse(globs.as_slice())).transpose()?,
            ranks: ranks.map(<[usize]>::to_vec),
            when: when.map(Expression::parse).transpose()?,
        })
    }

    /// Whether name, role and rank match. `when` needs the tensor's numbers, and is asked by who has them.
    pub fn matches(&self, name: &str, role: Role, rank: usize) -> bool {
        self.roles.as_ref().is_none_or(|roles| roles.means(role))
            && self.ranks.as_ref().is_none_or(|ranks| ranks.contains(&rank))
            && self.names.as_ref().is_none_or(|names| names.matches(name))
    }

    /// Whether a rule of this pattern may be meant for a tensor: it matches, or would match one of the roles that the
    /// tensor may have in truth. What has to be named, it names.
    pub fn may_serve(&self, name: &str, role: Role, rank: usize) -> bool {
        let is_role = |roles: &Roles| roles.means(role) || role.class().iter().any(|&r| roles.means(r));
        self.roles.as_ref().is_none_or(is_role)
            && self.ranks.as_ref().is_none_or(|ranks| ranks.contains(&rank))
            && self.names.as_ref().is_none_or(|names| names.matches(name))
            && (!role.must_be_named() || self.names_it(role))
    }

    /// Whether the pattern says by itself that tensors like this are meant: by the text of their role, or by a glob on
    /// their names that is more than stars.
    fn names_it(&self, role: Role) -> bool {
        self.roles.as_ref().is_some_and(|roles| roles.named[role as usize])
            || self.names.as_ref().is_some_and(|names| names.texts.iter().all(|text| is_more_than_stars(text)))
    }

    /// Whether it is meant for some role that a tensor of this class may have in truth, and not for the class.
    pub fn divides(&self, role: Role) -> bool {
        let some = |roles: &Roles| !roles.means(role) && role.class().iter().any(|&r| roles.means(r));
        self.roles.as_ref().is_some_and(some)
    }
}
