//! Reads `src/` and says which paths each module names, with `crate`, `self` and `super` resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, ImplItem, Item, LitStr};

/// The text of each file, by its name below `src/`.
pub(super) type Sources = BTreeMap<String, String>;

/// A path and where it stands. Both start at a root: `crate` is the library, `main` the program; a path may also start
/// at another crate.
pub(super) struct Named {
    pub(super) module: Vec<String>,
    pub(super) path: Vec<String>,
    /// Renamed or followed by `*`: what lies below can then be reached without its full path.
    pub(super) whole: bool,
}

impl Named {
    /// The folder or file of `src/` that names the path.
    pub(super) fn room(&self) -> &str {
        match self.module.as_slice() {
            [_, room, ..] if self.module[0] == "crate" => room,
            [root, ..] if root == "main" => "main",
            _ => "lib",
        }
    }

    /// The module as a path below `src/`, without ending.
    pub(super) fn place(&self) -> String {
        if self.room() == "lib" { "lib".into() } else { self.module.join("/").replacen("crate/", "", 1) }
    }
}

/// Every file in `src/`.
pub(super) fn sources() -> Sources {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![top.clone()], Sources::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("src can be listed") {
            let path = entry.expect("src can be listed").path();
            let name = path.strip_prefix(&top).expect("below src").display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") {
                found.insert(name, std::fs::read_to_string(&path).expect("source is UTF-8"));
            }
        }
    }
    found
}

/// Every path that the library and the program name outside their tests, following `mod x;` from `lib.rs` and
/// `main.rs`.
pub(super) fn names(sources: &Sources) -> Vec<Named> {
    let mut reader = Reader { sources, found: Vec::new() };
    reader.file(&["crate".into()], "lib.rs");
    reader.file(&["main".into()], "main.rs");
    reader.found
}

struct Reader<'a> {
    sources: &'a Sources,
    found: Vec<Named>,
}

impl Reader<'_> {
    fn file(&mut self, module: &[String], name: &str) {
        let file = syn::parse_file(&self.sources[name]).unwrap_or_else(|err| panic!("src/{name}: {err}"));
        let children = children(&file.items);
        let mut scanner = Scanner { module, children: &children, found: &mut self.found };
        file.attrs.iter().for_each(|attr| scanner.scan(attr.to_token_stream(), &[]));
        self.items(module, file.items);
    }

    fn items(&mut self, module: &[String], items: Vec<Item>) {
        let children = children(&items);
        for mut item in items.into_iter().filter(|item| !is_test(attributes(item))) {
            if let Item::Mod(inner) = item {
                let below = [module, &[inner.ident.to_string()]].concat();
                match inner.content {
                    Some((_, items)) => self.items(&below, items),
                    None => self.file(&below, &self.file_of(&below)),
                }
                continue;
            }
            if let Item::Impl(block) = &mut item {
                block.items.retain(|item| !matches!(item, ImplItem::Fn(method) if is_test(&method.attrs)));
            }
            let mut scanner = Scanner { module, children: &children, found: &mut self.found };
            scanner.scan(item.into_token_stream(), &[]);
        }
    }

    fn file_of(&self, module: &[String]) -> String {
        let stem = module[1..].join("/");
        let names = [format!("{stem}.rs"), format!("{stem}/mod.rs")];
        let found = names.into_iter().find(|name| self.sources.contains_key(name));
        found.unwrap_or_else(|| panic!("src/: no file for the module {stem}"))
    }
}

/// The modules that are declared among the items.
fn children(items: &[Item]) -> BTreeSet<String> {
    let modules =
        items.iter().filter_map(|item| if let Item::Mod(inner) = item { Some(inner) } else { None });
    modules.map(|inner| inner.ident.to_string()).collect()
}

/// The attributes of an item of a kind that tests have; none for the others, so that they are read.
fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether what has these attributes is never in the daemon.
fn is_test(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| {
        let text = attr.meta.to_token_stream().to_string().replace(' ', "");
        text == "cfg(test)" || text == "cfg(any(test,fuzzing))"
    })
}

/// Finds `a::b` in tokens. Code, attributes and the arguments of macros are all tokens, so nothing escapes it.
struct Scanner<'a> {
    module: &'a [String],
    children: &'a BTreeSet<String>,
    found: &'a mut Vec<Named>,
}

impl Scanner<'_> {
    /// `prefix` is what stands before the braces in `prefix::{a, b}`.
    fn scan(&mut self, tokens: TokenStream, prefix: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Ident(_) => at = self.path(&tokens, at, prefix),
                TokenTree::Group(group) => {
                    let text = group.stream().to_string();
                    let is_attribute = at > 0 && (is(&tokens, at - 1, '#') || is(&tokens, at - 1, '!'));
                    if is_attribute && group.delimiter() == Delimiter::Bracket && !text.starts_with("doc") {
                        self.literals(group.stream());
                    }
                    self.scan(group.stream(), &[]);
                }
                TokenTree::Punct(punct) if punct.as_char() == '*' && !prefix.is_empty() => {
                    self.add(prefix.to_vec(), false, true);
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Reads the path that starts at `at`; returns where it ends.
    fn path(&mut self, tokens: &[TokenTree], mut at: usize, prefix: &[String]) -> usize {
        let word = |at: usize| match tokens.get(at) {
            Some(TokenTree::Ident(ident)) => Some(ident.to_string().trim_start_matches("r#").to_owned()),
            _ => None,
        };
        let first = word(at).unwrap_or_default();
        if first == "extern" && word(at + 1).as_deref() == Some("crate") {
            let name = word(at + 2).unwrap_or_default();
            let name = if name == "self" { "crate".to_owned() } else { name };
            self.add(vec![name.clone()], name != "crate", true);
            return at + 2;
        }
        if first == "mod"
            && let (Some(name), Some(TokenTree::Group(body))) = (word(at + 1), tokens.get(at + 2))
        {
            let module = [self.module, &[name]].concat();
            let mut inner = Scanner { module: &module, children: &BTreeSet::new(), found: self.found };
            inner.scan(body.stream(), &[]);
            return at + 2;
        }
        let is_keyword = syn::parse_str::<syn::Ident>(&first).is_err();
        if is_keyword && !["crate", "self", "super", "Self"].contains(&first.as_str()) {
            return at;
        }
        let external = prefix.is_empty() && at > 1 && separator(tokens, at - 2);
        let mut path = prefix.to_vec();
        if prefix.is_empty() || first != "self" {
            path.push(first);
        }
        while separator(tokens, at + 1) {
            match tokens.get(at + 3) {
                Some(TokenTree::Ident(_)) => path.extend(word(at + 3)),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    self.scan(group.stream(), &path);
                    return at + 3;
                }
                Some(TokenTree::Punct(punct)) if punct.as_char() == '*' => {
                    self.add(path, external, true);
                    return at + 3;
                }
                _ => break,
            }
            at += 3;
        }
        let renamed = word(at + 1).as_deref() == Some("as");
        if path.len() > 1 || renamed {
            self.add(path, external, renamed);
        }
        if renamed { at + 1 } else { at }
    }

    /// Strings in attributes may hold paths: `#[serde(with = "crate::x")]`.
    fn literals(&mut self, tokens: TokenStream) {
        for token in tokens {
            if let TokenTree::Group(group) = token {
                self.literals(group.stream());
            } else if let Ok(text) = syn::parse2::<LitStr>(token.into())
                && let Ok(tokens) = text.value().parse()
            {
                self.scan(tokens, &[]);
            }
        }
    }

    fn add(&mut self, path: Vec<String>, external: bool, whole: bool) {
        let path = if external { path } else { self.resolve(path) };
        // The program sees the library under its own name.
        let is_library = self.module[0] == "main" && path[0] == "facelatch";
        let path = if is_library { [&["crate".to_owned()], &path[1..]].concat() } else { path };
        self.found.push(Named { module: self.module.to_vec(), path, whole });
    }

    fn resolve(&self, path: Vec<String>) -> Vec<String> {
        let supers = path.iter().take_while(|part| *part == "super" || *part == "self").count();
        let up = path[..supers].iter().filter(|part| *part == "super").count();
        let base = &self.module[..self.module.len().saturating_sub(up).max(1)];
        match path[0].as_str() {
            "crate" => [&self.module[..1], &path[1..]].concat(),
            first if supers > 0 || self.children.contains(first) => [base, &path[supers..]].concat(),
            _ => path,
        }
    }
}

fn is(tokens: &[TokenTree], at: usize, wanted: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn separator(tokens: &[TokenTree], at: usize) -> bool {
    is(tokens, at, ':') && is(tokens, at + 1, ':')
}
