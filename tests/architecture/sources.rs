//! The sources as a tree of modules, and the arrows between their files.
//!
//! An arrow leads from the file that names an item to the file that defines it: a `pub use` on
//! the way is followed to its end, so a façade neither hides an arrow nor makes one. Code behind
//! `#[cfg(test)]` is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, Meta, UseTree, Visibility};

/// A path without its separators: `["crate", "pve", "Client"]`.
pub type Segments = Vec<String>;

/// From each file to the files whose items it names. A file is known by its module's path, such
/// as `pve::net::nodes`; the root of the library is `lib`.
pub type Arrows = BTreeMap<String, BTreeSet<String>>;

/// A crate's modules, each a file.
#[derive(Default)]
pub struct Sources(BTreeMap<Segments, Module>);

/// One file.
#[derive(Default)]
struct Module {
    children: BTreeSet<String>,
    /// What a `use` calls a name, whether other modules see it or not.
    imports: BTreeMap<String, Segments>,
    /// The names that a `pub use` passes on.
    passed_on: BTreeSet<String>,
    /// Every path that the code names, as written.
    named: BTreeSet<Segments>,
}

impl Sources {
    /// Reads a crate from its root file and the files of its modules.
    pub fn read(root: &Path) -> Self {
        let mut sources = Self::default();
        sources.read_module(root, &root.with_file_name(""), Segments::new());
        sources
    }

    fn read_module(&mut self, file: &Path, folder: &Path, path: Segments) {
        let text =
            fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let children = self.add(path.clone(), &text);
        for child in children {
            let own = folder.join(&child);
            let flat = own.with_extension("rs");
            let file = if flat.exists() {
                flat
            } else {
                own.join("mod.rs")
            };
            let path = path.iter().cloned().chain([child]).collect();
            self.read_module(&file, &own, path);
        }
    }

    /// Adds a file, and returns the modules that it declares.
    pub fn add(&mut self, path: Segments, text: &str) -> BTreeSet<String> {
        let code = syn::parse_file(text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let mut module = Module::default();
        module.visit_file(&code);
        let children = module.children.clone();
        self.0.insert(path, module);
        children
    }

    /// The arrows between the files.
    pub fn arrows(&self) -> Arrows {
        let arrows = self.0.iter().map(|(path, module)| {
            let targets = module.named.iter();
            let targets = targets.filter_map(|named| self.definition(path, named));
            let targets = targets.filter(|target| *target != path);
            (name(path), targets.map(name).collect())
        });
        arrows.collect()
    }

    /// The first names behind the name of another crate.
    pub fn names_of(&self, other: &str) -> BTreeSet<String> {
        let named = self.0.values().flat_map(|module| &module.named);
        let behind = named.filter(|path| path.first().is_some_and(|first| first == other));
        behind.filter_map(|path| path.get(1).cloned()).collect()
    }

    /// The file that defines what a module names so, if it is one of ours.
    fn definition<'a>(&'a self, module: &'a Segments, named: &[String]) -> Option<&'a Segments> {
        let absolute = self.absolute(module, named)?;
        self.resolve(&absolute, 0)
    }

    /// A path from the root of the crate, without `crate`.
    fn absolute(&self, module: &Segments, named: &[String]) -> Option<Segments> {
        let (first, rest) = named.split_first()?;
        let mut base = module.clone();
        match first.as_str() {
            "crate" => base.clear(),
            "self" => {}
            "super" => {
                base.pop()?;
                let (ups, _) = rest.split_at(rest.iter().take_while(|up| *up == "super").count());
                for _ in ups {
                    base.pop()?;
                }
                base.extend(rest[ups.len()..].iter().cloned());
                return Some(base);
            }
            name => {
                let own = self.0.get(module)?;
                if own.children.contains(name) {
                    base.push(name.to_owned());
                } else {
                    let imported = own.imports.get(name)?;
                    if imported.first() == Some(first) {
                        return None;
                    }
                    base = self.absolute(module, imported)?;
                }
            }
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    /// Follows an absolute path to the module whose file defines its item.
    fn resolve(&self, absolute: &[String], depth: usize) -> Option<&Segments> {
        // A chain of re-exports this long is a circle of its own.
        if depth > 16 {
            return None;
        }
        let longest = (0..=absolute.len()).rev();
        let (module, own) = longest
            .filter_map(|length| self.0.get_key_value(&absolute[..length]))
            .next()?;
        let Some(item) = absolute.get(module.len()) else {
            // The module itself: what is taken from it is named where it is used.
            return None;
        };
        if own.passed_on.contains(item) {
            let source = self.absolute(module, own.imports.get(item)?)?;
            return self.resolve(&source, depth + 1).or(Some(module));
        }
        Some(module)
    }
}

/// A module's path as it is written.
fn name(path: &Segments) -> String {
    match path.is_empty() {
        true => "lib".to_owned(),
        false => path.join("::"),
    }
}

impl Module {
    fn add_use(&mut self, tree: &UseTree, prefix: &[String], public: bool) {
        let with = |last: String| prefix.iter().cloned().chain([last]).collect::<Segments>();
        match tree {
            UseTree::Path(path) => self.add_use(&path.tree, &with(path.ident.to_string()), public),
            UseTree::Group(group) => {
                for item in &group.items {
                    self.add_use(item, prefix, public);
                }
            }
            UseTree::Name(name) if name.ident == "self" => {
                if let Some(last) = prefix.last() {
                    self.import(last.clone(), prefix.to_vec(), public);
                }
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.import(name.clone(), with(name), public);
            }
            UseTree::Rename(rename) => {
                self.import(
                    rename.rename.to_string(),
                    with(rename.ident.to_string()),
                    public,
                );
            }
            UseTree::Glob(_) => {
                // It could be followed, but people could not.
                assert!(
                    !public,
                    "`pub use {}::*` hides what it passes on",
                    prefix.join("::")
                );
                self.named.insert(with("*".to_owned()));
            }
        }
    }

    fn import(&mut self, name: String, path: Segments, public: bool) {
        if public {
            self.passed_on.insert(name.clone());
        }
        self.named.insert(path.clone());
        // Several traits may be imported as `_`; none of them can be named.
        self.imports.insert(name, path);
    }
}

impl<'ast> Visit<'ast> for Module {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        match item.content {
            // A module within the file is part of the file.
            Some(_) => visit::visit_item_mod(self, item),
            None => {
                self.children.insert(item.ident.to_string());
            }
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let public = !matches!(item.vis, Visibility::Inherited);
        self.add_use(&item.tree, &[], public);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        self.named.insert(segments.collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, code: &'ast Macro) {
        let text = code.tokens.to_string();
        let words = text.split(|character: char| {
            !(character.is_alphanumeric() || matches!(character, '_' | ':' | ' '))
        });
        for path in words.flat_map(|words| {
            words
                .replace(" :: ", "::")
                .split(' ')
                .map(str::to_owned)
                .collect::<Vec<_>>()
        }) {
            self.named
                .insert(path.split("::").map(str::to_owned).collect());
        }
        visit::visit_macro(self, code);
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
