//! Which file of a crate uses names of which other file, read off `use` items and paths.
//!
//! A name is followed through re-exports to the file that defines it: who imports through a parent uses the child. A module is
//! made of its submodules, so its own use of them does not count; their use of it does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::source::{Source, is_identifier, product};

/// The path of a module or of an item below its crate: `["data", "store"]`.
type Path = Vec<String>;

/// One file's use of another.
pub struct Use {
    pub from: String,
    pub to: String,
    /// "src/lib.rs:12".
    pub place: String,
    /// The path as it is written.
    pub path: String,
}

/// A file as a module.
struct Module {
    source: Source,
    /// Names of the items that the file itself defines.
    defined: BTreeSet<String>,
    /// Names that its `use` items bring in, and the paths behind them.
    imports: HashMap<String, Path>,
    /// Modules all of whose names it brings in.
    globs: Vec<Path>,
    uses: Vec<Import>,
}

/// A leaf of a `use` item.
#[derive(Clone)]
struct Import {
    path: Path,
    name: String,
    offset: usize,
    is_public: bool,
}

/// The uses between the files of the crate whose sources lie in `folder`, which is the crate `name` for others.
pub fn uses(folder: &str, name: &str) -> Vec<Use> {
    let tree = Tree::read(folder, name);
    tree.modules.keys().flat_map(|at| tree.uses_of(at)).collect()
}

struct Tree {
    name: String,
    modules: BTreeMap<Path, Module>,
}

impl Tree {
    fn read(folder: &str, name: &str) -> Self {
        let inside = |source: &Source| Some(source.path.strip_prefix(folder)?.strip_prefix('/')?.to_owned());
        let modules = product().into_iter().filter_map(|source| {
            let path = inside(&source)?;
            (path != "main.rs").then(|| (module_path(&path), Module::read(source)))
        });
        Self { name: name.to_owned(), modules: modules.collect() }
    }

    /// The files that the module `at` uses.
    fn uses_of(&self, at: &Path) -> Vec<Use> {
        let module = &self.modules[at];
        let re_export =
            |import: &&Import| import.is_public && self.absolute(at, &import.path).is_some_and(|p| p.starts_with(at));
        let imported = module.uses.iter().filter(|import| !re_export(import)).map(|i| (i.path.clone(), i.offset));
        let used = imported.chain(paths(&module.source.code)).filter_map(|(path, offset)| {
            let to = self.file(at, &path, 0)?;
            (to != module.source.path && !is_part(&to, &module.source.path)).then(|| Use {
                from: module.source.path.clone(),
                to,
                place: module.source.place(offset),
                path: path.join("::"),
            })
        });
        used.collect()
    }

    /// The file that defines what `path` means in the module `at`; `None` for a module as a whole and for other crates.
    fn file(&self, at: &Path, path: &Path, depth: usize) -> Option<String> {
        let path = self.absolute(at, path)?;
        let known = (0..=path.len()).rev().find(|n| self.modules.contains_key(&path[..*n]))?;
        let (parent, name) = (path[..known].to_vec(), path.get(known)?);
        self.definition(&parent, name, depth)
    }

    /// The file that defines `name` of the module `at`.
    fn definition(&self, at: &Path, name: &str, depth: usize) -> Option<String> {
        let module = self.modules.get(at)?;
        let own = || module.source.path.clone();
        if depth > 8 || name == "*" || module.defined.contains(name) {
            return Some(own());
        }
        if let Some(path) = module.imports.get(name) {
            return self.file(at, path, depth + 1);
        }
        let from_glob = |glob: &Path| {
            let target = self.absolute(at, glob)?;
            let module = self.modules.get(&target)?;
            let knows = module.defined.contains(name) || module.imports.contains_key(name) || !module.globs.is_empty();
            knows.then(|| self.definition(&target, name, depth + 1)).flatten()
        };
        module.globs.iter().find_map(from_glob).or_else(|| Some(own()))
    }

    /// The path below the crate of what `path` means in the module `at`; `None` for other crates and unknown names.
    fn absolute(&self, at: &Path, path: &[String]) -> Option<Path> {
        let (first, rest) = path.split_first()?;
        let below = |base: &[String]| [base, rest].concat();
        match first.as_str() {
            "crate" => Some(below(&[])),
            name if name == self.name => Some(below(&[])),
            "self" => Some(below(at)),
            "super" => self.absolute_super(at, rest),
            name => {
                let child = [&at[..], &[name.to_owned()]].concat();
                if self.modules.contains_key(&child) {
                    return Some([child, rest.to_vec()].concat());
                }
                let import = self.modules.get(at)?.imports.get(name).filter(|import| import[0] != name)?;
                self.absolute(at, &[import, rest].concat())
            }
        }
    }

    fn absolute_super(&self, at: &Path, rest: &[String]) -> Option<Path> {
        let parent = at.split_last()?.1.to_vec();
        match rest.split_first() {
            Some((first, rest)) if first == "super" => self.absolute_super(&parent, rest),
            _ => Some([parent, rest.to_vec()].concat()),
        }
    }
}

impl Module {
    fn read(source: Source) -> Self {
        let uses = imports(&source.code);
        let imports = uses.iter().filter(|i| i.name != "*").map(|i| (i.name.clone(), i.path.clone())).collect();
        let globs = uses.iter().filter(|i| i.name == "*").map(|i| i.path[..i.path.len() - 1].to_vec()).collect();
        Self { defined: definitions(&source.code), imports, globs, uses, source }
    }
}

/// Returns `true` where the module of one file lies inside the module of another.
fn is_part(file: &str, of: &str) -> bool {
    let folder = of.trim_end_matches("mod.rs").trim_end_matches(".rs").trim_end_matches('/');
    file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// The module of a file below the crate's folder.
fn module_path(file: &str) -> Path {
    let mut path: Path = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(path.last().unwrap().as_str(), "mod" | "lib") {
        path.pop();
    }
    path
}

/// The names of the items at the top of a file.
fn definitions(code: &str) -> BTreeSet<String> {
    const KINDS: [&str; 10] =
        ["fn", "struct", "enum", "trait", "type", "const", "static", "union", "macro_rules!", "mod"];
    let top = code.lines().filter(|line| !line.starts_with([' ', '}', ')']));
    let names = top.filter_map(|line| {
        // `mod x;` declares a file of its own.
        let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '!').collect();
        let at = words
            .iter()
            .rposition(|word| KINDS.contains(word))
            .filter(|_| !line.ends_with(';') || !line.contains("mod "))?;
        let first = words.iter().position(|word| KINDS.contains(word)).unwrap_or(at);
        let name =
            words[first + 1..].iter().find(|word| !KINDS.contains(word) && **word != "unsafe" && !word.is_empty())?;
        Some((*name).to_owned())
    });
    names.collect()
}

/// The leaves of all `use` items.
fn imports(code: &str) -> Vec<Import> {
    let mut found = Vec::new();
    for (start, end) in use_items(code) {
        let before = code[..start].trim_end();
        let is_public = before.ends_with("pub")
            || (before.ends_with(')') && code[..start].rsplit('\n').next().unwrap().contains("pub("));
        let text: String = code[start + 4..end].split_whitespace().collect::<Vec<_>>().join(" ");
        leaves(&text, &[], &mut |path, name| {
            found.push(Import { path, name, offset: start, is_public });
        });
    }
    found
}

/// The places of the `use` items: from the word to the semicolon.
fn use_items(code: &str) -> Vec<(usize, usize)> {
    let starts = code.match_indices("use ").map(|(at, _)| at);
    let starts = starts.filter(|at| code[..*at].chars().next_back().is_none_or(|c| c == ' ' || c == '\n'));
    starts.filter_map(|at| Some((at, at + code[at..].find(';')?))).collect()
}

/// Calls `each` with the path and the local name of every leaf of a `use` tree.
fn leaves(tree: &str, prefix: &[String], each: &mut impl FnMut(Path, String)) {
    let tree = tree.trim();
    if let Some(open) = tree.find('{') {
        let prefix: Path = prefix.iter().cloned().chain(segments(&tree[..open])).collect();
        let (mut depth, mut start) = (0, open + 1);
        for (at, character) in tree.char_indices().skip_while(|(at, _)| *at < open) {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if (character == ',' && depth == 1) || depth == 0 {
                leaves(&tree[start..at], &prefix, each);
                start = at + 1;
            }
            if depth == 0 {
                break;
            }
        }
    } else if !tree.is_empty() {
        let (path, name) = tree.split_once(" as ").map_or((tree, None), |(path, name)| (path, Some(name.trim())));
        let mut path: Path = prefix.iter().cloned().chain(segments(path)).collect();
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = name.unwrap_or(path.last().unwrap()).to_owned();
        each(path, name);
    }
}

fn segments(path: &str) -> impl Iterator<Item = String> {
    path.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned)
}

/// The paths of at least two names outside `use` items, and where they begin.
fn paths(code: &str) -> Vec<(Path, usize)> {
    let uses = use_items(code);
    let mut found = Vec::new();
    let mut end = 0;
    for (at, _) in code.match_indices("::") {
        if at < end || uses.iter().any(|(from, to)| (*from..*to).contains(&at)) {
            continue;
        }
        let start = code[..at]
            .rfind(|c: char| !c.is_alphanumeric() && c != '_')
            .map_or(0, |before| before + code[before..].chars().next().unwrap().len_utf8());
        let is_path = is_identifier(&code[start..at]) && !code[..start].ends_with("::");
        end = at;
        while code[end..].starts_with("::") {
            let rest = &code[end + 2..];
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            if length == 0 {
                break;
            }
            end += 2 + length;
        }
        if is_path && end > at {
            found.push((segments(&code[start..end]).collect(), start));
        }
    }
    found
}
