//! What a source text declares and names, without its comments, strings and tests.

/// A path of modules, from the root of the crate.
pub type Names = Vec<String>;

/// A source text as words and signs; comments, strings and characters left out.
pub fn tokens(source: &str) -> Vec<(usize, String)> {
    let chars: Vec<char> = source.chars().collect();
    let (mut tokens, mut line, mut at) = (Vec::new(), 1, 0);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    while at < chars.len() {
        let rest = |n: usize| chars.get(at + n).copied().unwrap_or('\0');
        let from = at;
        match rest(0) {
            '/' if rest(1) == '/' => {
                while at < chars.len() && chars[at] != '\n' {
                    at += 1;
                }
            }
            '/' if rest(1) == '*' => {
                at += 2;
                while at < chars.len() && !(chars[at] == '/' && chars[at - 1] == '*' && at > from + 2) {
                    at += 1;
                }
                at += 1;
            }
            'r' if rest(1) == '"' || rest(1) == '#' && (rest(2) == '"' || rest(2) == '#' && rest(3) == '"') => {
                let hashes = (1..).take_while(|&n| rest(n) == '#').count();
                let end: String = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                at += hashes + 2;
                while at < chars.len() && !chars[at..].iter().take(hashes + 1).copied().eq(end.chars()) {
                    at += 1;
                }
                at += hashes + 1;
            }
            '"' => {
                at += 1;
                while at < chars.len() && chars[at] != '"' {
                    at += if chars[at] == '\\' { 2 } else { 1 };
                }
                at += 1;
            }
            // A character; a lifetime has no second quote.
            '\'' if rest(1) == '\\' || rest(2) == '\'' => {
                at += 2;
                while at < chars.len() && chars[at] != '\'' {
                    at += 1;
                }
                at += 1;
            }
            c if is_word(c) => {
                while at < chars.len() && is_word(chars[at]) {
                    at += 1;
                }
                tokens.push((line, chars[from..at].iter().collect()));
            }
            ':' if rest(1) == ':' => {
                tokens.push((line, "::".to_owned()));
                at += 2;
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push((line, c.to_string()));
                }
                at += 1;
            }
        }
        line += chars[from..at.min(chars.len())].iter().filter(|&&c| c == '\n').count();
    }
    tokens
}

/// The index after the bracket that closes the one at `open`.
fn after_brackets(tokens: &[(usize, String)], open: usize) -> usize {
    let mut depth = 0;
    for (at, (_, token)) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// A `mod name;` of a file, and whether only tests have it.
pub struct Declared {
    pub name: String,
    pub test: bool,
}

/// A path that a file names, from the root of the crate, and the name by which the file calls its end.
pub struct Named {
    pub line: usize,
    pub path: Names,
    pub called: String,
}

/// What a file declares and names: its modules, what its `use`s bring in, whether for others or not, and each path that
/// begins with `crate` or `super`.
pub struct Read {
    pub modules: Vec<Declared>,
    pub uses: Vec<Named>,
    pub paths: Vec<Named>,
}

/// Reads a file that is the module `module`; inline modules count for it, those of tests are skipped.
pub fn read(source: &str, module: &[String]) -> Read {
    let mut tokens = tokens(source);
    let mut found = Read { modules: Vec::new(), uses: Vec::new(), paths: Vec::new() };
    // Drops the items that only tests have, and notes the modules.
    let mut at = 0;
    let mut test = false;
    while at < tokens.len() {
        let word = |n: usize| tokens.get(at + n).map_or("", |(_, token)| token.as_str());
        if word(0) == "#" && word(1) == "[" {
            let end = after_brackets(&tokens, at + 1);
            let words: Vec<&str> = tokens[at..end].iter().map(|(_, token)| token.as_str()).collect();
            test |= words.starts_with(&["#", "[", "cfg", "(", "test", ")"]);
            at = end;
        } else if word(0) == "pub" {
            at = if word(1) == "(" { after_brackets(&tokens, at + 1) } else { at + 1 };
        } else if word(0) == "mod" && word(2) == ";" {
            found.modules.push(Declared { name: word(1).to_owned(), test });
            (test, at) = (false, at + 3);
        } else if test {
            let body =
                (at..tokens.len()).find(|&k| ["{", ";"].contains(&tokens[k].1.as_str())).unwrap_or(tokens.len() - 1);
            let end = if tokens[body].1 == "{" { after_brackets(&tokens, body) } else { body + 1 };
            tokens.drain(at..end);
            test = false;
        } else {
            at += 1;
        }
    }
    for at in 0..tokens.len() {
        if tokens[at].1 == "use" {
            expand(&tokens, at + 1, module, module, &mut found.uses);
        }
        let begins = at == 0 || tokens[at - 1].1 != "::";
        if begins
            && ["crate", "super"].contains(&tokens[at].1.as_str())
            && tokens.get(at + 1).is_some_and(|t| t.1 == "::")
        {
            expand(&tokens, at, &[], module, &mut found.paths);
        }
    }
    found
}

/// Notes the paths of the tree of a `use` (or of one path) that begins at `at`; returns the index after it. A path that
/// does not begin with `crate` or `super` goes on from `before`.
fn expand(
    tokens: &[(usize, String)],
    mut at: usize,
    before: &[String],
    module: &[String],
    paths: &mut Vec<Named>,
) -> usize {
    let line = tokens.get(at).map_or(0, |(line, _)| *line);
    let (mut path, mut from) = (before.to_vec(), module);
    while let Some((_, token)) = tokens.get(at) {
        match token.as_str() {
            "{" => {
                let end = after_brackets(tokens, at);
                at += 1;
                while at + 1 < end {
                    at = expand(tokens, at, &path, module, paths);
                    at += usize::from(tokens.get(at).is_some_and(|(_, token)| token == ","));
                }
                return end;
            }
            "crate" => path.clear(),
            "self" => {}
            "super" => {
                from = &from[..from.len().saturating_sub(1)];
                path = from.to_vec();
            }
            name => path.push(name.to_owned()),
        }
        at += 1;
        if tokens.get(at).is_none_or(|(_, token)| token != "::") {
            break;
        }
        at += 1;
    }
    let mut called = path.last().cloned().unwrap_or_default();
    if let [(_, word), (_, alias), ..] = &tokens[at.min(tokens.len())..]
        && word == "as"
    {
        called.clone_from(alias);
        at += 2;
    }
    paths.push(Named { line, path, called });
    at
}
