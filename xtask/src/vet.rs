//! Whether generated Rust holds what the emitter writes and nothing else, as a parser sees it.
//!
//! Names in a model are hostile input. Whatever they are, the code made of them must parse, and hold
//! only items, attributes, macros and paths on these lists.

use std::io::{BufRead, Read, Write};

use anyhow::{Context, Result, bail};
use syn::visit::{self, Visit};

const ATTRIBUTES: [&str; 6] = ["allow", "cfg", "derive", "doc", "rustfmt", "test"];
const MACROS: [&str; 6] = [
    "py_check",
    "format",
    "vec",
    "env",
    "concat",
    "include_bytes",
];
/// What paths of several segments start with, beside the structs of the file.
const ROOTS: [&str; 22] = [
    "Self",
    "super",
    "checked",
    "candle_core",
    "candle_nn",
    "pycandle_runtime",
    "nn",
    "ops",
    "parity",
    "Tensor",
    "DType",
    "Device",
    "Vec",
    "Option",
    "Some",
    "Result",
    "Default",
    "Conv1dConfig",
    "Conv2dConfig",
    "ConvTranspose1dConfig",
    "ConvTranspose2dConfig",
    "Inputs",
];
/// Numbers and what they have of their own: `f32::INFINITY`, `std::f64::consts::PI`.
const NUMBERS: [&str; 12] = [
    "f16", "bf16", "f32", "f64", "i64", "i32", "i16", "i8", "u8", "u32", "usize", "half",
];

/// Reads texts from standard input, each after a line with its length in bytes, and answers each with
/// a line: `ok`, or what is not allowed in it.
pub fn run() -> Result<()> {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 {
        let length = line
            .trim()
            .parse()
            .context("a length in bytes is expected")?;
        let mut text = vec![0; length];
        input.read_exact(&mut text)?;
        match vet(&String::from_utf8(text)?) {
            Ok(()) => writeln!(output, "ok")?,
            Err(error) => writeln!(output, "{}", format!("{error:#}").escape_debug())?,
        }
        output.flush()?;
        line.clear();
    }
    Ok(())
}

fn vet(text: &str) -> Result<()> {
    let file = syn::parse_file(text).context("it does not parse")?;
    let mut allowed = Allowed::default();
    Structs(&mut allowed.structs).visit_file(&file);
    allowed.visit_file(&file);
    match allowed.refused.first() {
        Some(what) => bail!("{what}"),
        None => Ok(()),
    }
}

/// A size or a factor of the model under its own name.
fn is_number(item: &syn::ItemConst) -> bool {
    let name = item.ident.to_string();
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let kind = match &*item.ty {
        syn::Type::Path(path) => path.path.get_ident().map(ToString::to_string),
        _ => None,
    };
    name.chars().all(plain) && kind.is_some_and(|kind| NUMBERS.contains(&&*kind))
}

struct Structs<'a>(&'a mut Vec<String>);

impl<'ast> Visit<'ast> for Structs<'_> {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.0.push(item.ident.to_string());
    }
}

#[derive(Default)]
struct Allowed {
    structs: Vec<String>,
    refused: Vec<String>,
}

impl Allowed {
    fn refuse(&mut self, what: impl Into<String>) {
        self.refused.push(what.into());
    }
}

impl<'ast> Visit<'ast> for Allowed {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        match item {
            syn::Item::Use(_) | syn::Item::Struct(_) | syn::Item::Impl(_) | syn::Item::Mod(_) => {}
            syn::Item::Const(item) if ["REGIONS", "SPEC"].contains(&&*item.ident.to_string()) => {}
            syn::Item::Const(item) if is_number(item) => {}
            syn::Item::Fn(item) => {
                let name = item.sig.ident.to_string();
                if !["isolated", "cumulative", "digest"].contains(&&*name) {
                    self.refuse(format!("the function {name}"));
                }
            }
            _ => self.refuse("an item of another kind"),
        }
        visit::visit_item(self, item);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let first = attribute.path().segments.first();
        let name = first
            .map(|segment| segment.ident.to_string())
            .unwrap_or_default();
        if !ATTRIBUTES.contains(&&*name) {
            self.refuse(format!("the attribute {name}"));
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let name = call
            .path
            .segments
            .last()
            .map(|segment| segment.ident.to_string());
        let name = name.unwrap_or_default();
        if !MACROS.contains(&&*name) {
            self.refuse(format!("the macro {name}"));
        }
        // What stands in each of them is a list of expressions.
        let list = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
        match call.parse_body_with(list) {
            Ok(arguments) => arguments
                .iter()
                .for_each(|argument| self.visit_expr(argument)),
            Err(_) => self.refuse(format!("what stands in the macro {name}")),
        }
        if name == "env" && call.tokens.to_string() != "\"CARGO_MANIFEST_DIR\"" {
            self.refuse("a variable of the environment");
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if let [first, second, ..] = names.as_slice() {
            let standard = ["std", "core"].contains(&&**first)
                && ["f32", "f64", "i64", "slice", "iter"].contains(&&**second);
            // The tests of a module name its structs, which stand in another file.
            let struct_ =
                names.len() == 2 && second == "load" && first.starts_with(char::is_uppercase);
            let known = struct_
                || ROOTS.contains(&&**first)
                || NUMBERS.contains(&&**first)
                || self.structs.contains(first);
            if !standard && !known {
                self.refuse(format!("the path {}", names.join("::")));
            }
        }
        visit::visit_path(self, path);
    }

    fn visit_use_tree(&mut self, tree: &'ast syn::UseTree) {
        if let syn::UseTree::Path(path) = tree {
            let name = path.ident.to_string();
            if ![
                "candle_core",
                "candle_nn",
                "pycandle_runtime",
                "super",
                "parity",
            ]
            .contains(&&*name)
            {
                self.refuse(format!("the use of {name}"));
            }
        }
    }

    fn visit_expr_unsafe(&mut self, _: &'ast syn::ExprUnsafe) {
        self.refuse("an unsafe block");
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if signature.unsafety.is_some() || signature.abi.is_some() {
            self.refuse(format!("the unsafe function {}", signature.ident));
        }
        visit::visit_signature(self, signature);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_emitter_writes_is_refused() {
        let check = |text: &str, expected: Option<&str>| {
            let found = vet(text).err().map(|error| error.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check("pub struct A { pub b: nn::Linear }", None);
        check("impl A { fn f() -> f32 { f32::INFINITY } }", None);
        check("pub const HEAD_DIM: usize = 64;", None);
        check(
            "pub const NAME: &str = \"\";",
            Some("an item of another kind"),
        );
        check("fn f() {}", Some("the function f"));
        check(
            "impl A { fn f() { std::process::exit(1) } }",
            Some("the path std::process::exit"),
        );
        check(
            "impl A { fn f() { unsafe { g() } } }",
            Some("an unsafe block"),
        );
        check(
            "impl A { fn f() { println!() } }",
            Some("the macro println"),
        );
        check(
            "impl A { fn f() { vec![evil::g(); 2]; } }",
            Some("what stands in the macro vec"),
        );
        check(
            "impl A { fn f() { vec![evil::g()]; } }",
            Some("the path evil::g"),
        );
        check(
            "#[no_mangle] pub struct A;",
            Some("the attribute no_mangle"),
        );
        check("extern crate evil;", Some("an item of another kind"));
        check("use std::fs::File;", Some("the use of std"));
        check("fn", Some("it does not parse"));
    }
}
