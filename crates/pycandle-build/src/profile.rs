//! Puts the spans of `pycandle_runtime::profile` into the text of generated Rust.
//!
//! They stand around the calls of modules, as `self.fc.forward(x)`, and of `ops::…`, and at the
//! start of each `forward`. No line is added, so that a line keeps its number. A call of another
//! form is left as it is, and its time is its caller's own. It must not know any model.

use crate::tokens::{Kind, Token, tokens};

const PATH: &str = "pycandle_runtime::profile";
/// What may stand before a parenthesis and is no function.
const KEYWORDS: [&str; 6] = ["if", "in", "match", "return", "while", "let"];

/// The same code with its spans.
pub fn instrumented(code: &str) -> String {
    let source = Source {
        code,
        tokens: tokens(code),
    };
    let mut inserts: Vec<Insert> = Vec::new();
    for place in 0..source.tokens.len() {
        let found = source
            .forward(place)
            .or_else(|| source.module(place))
            .or_else(|| source.op(place));
        inserts.extend(found.unwrap_or_default());
    }
    inserts.sort_by_key(|insert| (insert.at, insert.order));
    let mut text = String::with_capacity(code.len() * 2);
    let mut copied = 0;
    for insert in inserts {
        text.push_str(&code[copied..insert.at]);
        text.push_str(&insert.text);
        copied = insert.at;
    }
    text.push_str(&code[copied..]);
    text
}

/// What goes in front of a byte of the code.
struct Insert {
    at: usize,
    order: Order,
    text: String,
}

/// At the same place a call that ends comes before one that begins, and a call of which an argument
/// begins there before the call that is that argument.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    End,
    Argument,
    Call,
}

struct Source<'a> {
    code: &'a str,
    tokens: Vec<Token>,
}

impl Source<'_> {
    fn text(&self, place: usize) -> &str {
        self.tokens
            .get(place)
            .map_or("", |token| &self.code[token.begin..token.end])
    }

    fn is_word(&self, place: usize) -> bool {
        self.tokens
            .get(place)
            .is_some_and(|token| token.kind == Kind::Word)
    }

    fn is_forward(&self, place: usize) -> bool {
        let name = self.text(place);
        let number = name.strip_prefix("forward_");
        name == "forward"
            || name == "forward_once"
            || number.is_some_and(|n| n.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// `fn forward(&self, …) -> … {` is told that it begins.
    fn forward(&self, place: usize) -> Option<Vec<Insert>> {
        if self.text(place) != "fn" || !self.is_forward(place + 1) {
            return None;
        }
        let name = self.struct_around(place)?;
        let body = (place..self.tokens.len()).find(|&each| self.text(each) == "{")?;
        Some(vec![Insert {
            at: self.tokens.get(body)?.end,
            order: Order::Call,
            text: format!(" let _model = {PATH}::model({name:?});"),
        }])
    }

    /// The struct whose `impl` a place is in.
    fn struct_around(&self, place: usize) -> Option<&str> {
        let head = (0..place).rev().find(|&each| self.text(each) == "impl")?;
        self.is_word(head + 1).then(|| self.text(head + 1))
    }

    /// `self.fc.forward(x)`, where `place` is that of `forward`.
    fn module(&self, place: usize) -> Option<Vec<Insert>> {
        if !self.is_forward(place) || self.text(place.checked_sub(1)?) != "." {
            return None;
        }
        let begin = self.receiver(place - 1)?;
        let head = self.text(begin);
        let Some(field) = (head != "self").then(|| self.bound(begin)).flatten() else {
            let name = self.label(begin, place - 1, "");
            return self.call(begin, place + 1, &format!("{PATH}::enter({name:?}, "));
        };
        let name = self.label(begin, place - 1, &field.name);
        let item = format!("{name:?}, &self.{}, {head}, ", field.name);
        match field.is_list {
            true => self.call(begin, place + 1, &format!("{PATH}::enter_item({item}")),
            false => self.call(begin, place + 1, &format!("{PATH}::enter({name:?}, ")),
        }
    }

    /// `ops::gelu(x)`, where `place` is that of `ops`; what only checks a size is not worth a span.
    fn op(&self, place: usize) -> Option<Vec<Insert>> {
        let separate = self.text(place + 1) == ":" && self.text(place + 2) == ":";
        let name = self.text(place + 3);
        let is_path = place > 0 && self.text(place - 1) == ":";
        if self.text(place) != "ops" || is_path || !separate || name.starts_with("expect_") {
            return None;
        }
        let name = format!("ops::{name}");
        self.call(place, place + 4, &format!("{PATH}::enter({name:?}, "))
    }

    /// The inserts for a call from `begin` on whose arguments' parenthesis is at `open`.
    ///
    /// The last argument enters it, or without any what the method is called on. A closure does not,
    /// since its place among them decides its types: what stands before it enters then. None for a
    /// function without such arguments.
    fn call(&self, begin: usize, open: usize, enter: &str) -> Option<Vec<Insert>> {
        if self.text(open) != "(" {
            return None;
        }
        let close = self.closing(open)?;
        let (mut depth, mut first, mut before, mut end_of_last) = (0, open + 1, None, close);
        for place in open + 1..close {
            match self.text(place) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                "|" if depth == 0 && place == first => {
                    (first, end_of_last) = (before?, first - 1);
                    break;
                }
                "|" => return None,
                "," if depth == 0 && place + 1 < close => {
                    (before, first) = (Some(first), place + 1)
                }
                _ => {}
            }
        }
        let last = if self.text(end_of_last - 1) == "," {
            end_of_last - 2
        } else {
            end_of_last - 1
        };
        let is_method = self.text(open - 2) == ".";
        if last < first && !is_method {
            return None;
        }
        let end = |place: usize| Some(self.tokens.get(place)?.end);
        let start = |place: usize| Some(self.tokens.get(place)?.begin);
        let insert = |at: usize, order: Order, text: &str| Insert {
            at,
            order,
            text: text.to_owned(),
        };
        let leave = format!("{PATH}::leave(");
        if last < first {
            return Some(vec![
                insert(start(begin)?, Order::Call, &format!("{leave}{enter}&")),
                insert(end(open - 3)?, Order::End, ")"),
                insert(end(close)?, Order::End, ")"),
            ]);
        }
        Some(vec![
            insert(start(begin)?, Order::Call, &leave),
            insert(start(first)?, Order::Argument, enter),
            insert(end(last)?, Order::End, ")"),
            insert(end(close)?, Order::End, ")"),
        ])
    }

    /// Where the expression begins that a method is called on, whose dot is at `dot`.
    fn receiver(&self, dot: usize) -> Option<usize> {
        let mut place = dot.checked_sub(1)?;
        loop {
            match self.text(place) {
                ")" | "]" => place = self.opening(place)?.checked_sub(1)?,
                "?" => place = place.checked_sub(1)?,
                _ if !self.is_word(place) || KEYWORDS.contains(&self.text(place)) => return None,
                _ if place > 0 && self.text(place - 1) == "." => place = place.checked_sub(2)?,
                // What a path begins with is no part of what is called.
                _ => return (place == 0 || self.text(place - 1) != ":").then_some(place),
            }
        }
    }

    /// What a call is shown as: the fields that it names and the methods that it is done by.
    ///
    /// `self.conv.then(&self.bn).add(&x)` is `conv + bn + add`; `field` is what a local stands for.
    fn label(&self, begin: usize, end: usize, field: &str) -> String {
        let mut name = field.to_owned();
        let mut place = begin;
        if field.is_empty() && self.text(begin) != "self" {
            name.push_str(self.text(begin));
        }
        while place + 1 < end {
            place += 1;
            match self.text(place) {
                "." => {}
                "[" => {
                    let close = self.closing(place).unwrap_or(end);
                    name.extend((place..=close).map(|each| self.text(each)));
                    place = close;
                }
                "(" => {
                    let close = self.closing(place).unwrap_or(end);
                    let what = match self.text(place - 1) {
                        "then" => self.label_of_step(place + 1, close),
                        method => method.to_owned(),
                    };
                    name.push_str(" + ");
                    name.push_str(&what);
                    place = close;
                }
                word if self.text(place + 1) != "(" && self.is_word(place) => {
                    if !name.is_empty() {
                        name.push('.');
                    }
                    name.push_str(word);
                }
                _ => {}
            }
        }
        name
    }

    /// `bn` for `&self.bn`, and `gelu` for `ops::gelu`.
    fn label_of_step(&self, begin: usize, end: usize) -> String {
        let words = (begin..end).map(|place| self.text(place));
        let text: String = words.filter(|&word| word != "&").collect();
        let text = text.strip_prefix("self.").unwrap_or(&text);
        text.strip_prefix("ops::").unwrap_or(text).to_owned()
    }

    /// The field that a local at `place` stands for: `for layer in &self.layers {` makes it one of
    /// a list's, `if let Some(norm) = &self.norm {` an optional one.
    fn bound(&self, place: usize) -> Option<Bound> {
        let local = self.text(place);
        for before in (0..place).rev() {
            match self.text(before) {
                "fn" => return None,
                "for" => {
                    let within = (before..place).find(|&each| self.text(each) == "in")?;
                    // A list's module comes first of what is bound beside it.
                    if (before + 1..within)
                        .find(|&each| self.is_word(each))
                        .is_some_and(|first| self.text(first) == local)
                    {
                        let name = self.field_from(within)?;
                        return Some(Bound {
                            name,
                            is_list: true,
                        });
                    }
                }
                "Some" if self.text(before + 2) == local && self.text(before + 4) == "=" => {
                    let name = self.field_from(before + 4)?;
                    return Some(Bound {
                        name,
                        is_list: false,
                    });
                }
                _ => {}
            }
        }
        None
    }

    /// The field behind the next `self`, before a block begins: `layers`, `encoder.layers`.
    fn field_from(&self, from: usize) -> Option<String> {
        let mut places = from..self.tokens.len();
        let own = places.find(|&each| matches!(self.text(each), "self" | "{"))?;
        let mut names: Vec<&str> = Vec::new();
        let mut place = own;
        while self.text(place + 1) == "." && self.is_word(place + 2) && self.text(place + 3) != "("
        {
            names.push(self.text(place + 2));
            place += 2;
        }
        (!names.is_empty()).then(|| names.join("."))
    }

    fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0;
        (open..self.tokens.len()).find(|&place| {
            depth += self.step(place);
            depth == 0
        })
    }

    fn opening(&self, close: usize) -> Option<usize> {
        let mut depth = 0;
        (0..=close).rev().find(|&place| {
            depth += self.step(place);
            depth == 0
        })
    }

    fn step(&self, place: usize) -> i32 {
        match self.text(place) {
            "(" | "[" | "{" => 1,
            ")" | "]" | "}" => -1,
            _ => 0,
        }
    }
}

struct Bound {
    name: String,
    is_list: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Instruments a body of `forward`, with the path to the spans left out.
    fn check(body: &str, expected: &str) {
        let code =
            format!("impl Net {{ fn forward(&self, x: &Tensor) -> Result<Tensor> {{{body}}} }}");
        let found = instrumented(&code).replace("pycandle_runtime::profile::", "");
        let head = "impl Net { fn forward(&self, x: &Tensor) -> Result<Tensor> { let _model = model(\"Net\");";
        assert_eq!(found, format!("{head}{expected}}} }}"));
    }

    #[test]
    fn calls_of_modules_and_ops_have_spans() {
        check(
            "self.fc.forward(x)?.relu()",
            r#"leave(self.fc.forward(enter("fc", x)))?.relu()"#,
        );
        check(
            "let y = (x + self.norm.forward(&(x + y)?,)?)?;",
            r#"let y = (x + leave(self.norm.forward(enter("norm", &(x + y)?),))?)?;"#,
        );
        check(
            "ops::tanh(&self.fc.forward(&ops::cat(&[a, b], 1)?)?)",
            concat!(
                r#"leave(ops::tanh(enter("ops::tanh", &leave(self.fc.forward(enter("fc", "#,
                r#"&leave(ops::cat(&[a, b], enter("ops::cat", 1)))?)))?)))"#
            ),
        );
        check(
            "ops::mul(&self.table.forward()?, x)",
            concat!(
                r#"leave(ops::mul(&leave(enter("table", &self.table).forward())?, "#,
                r#"enter("ops::mul", x)))"#
            ),
        );
        check(
            "self.fc.forward_once(x)?.relu()",
            r#"leave(self.fc.forward_once(enter("fc", x)))?.relu()"#,
        );
        check(
            "ops::fused((a, &b), |(a, b)| a * b)?",
            r#"leave(ops::fused(enter("ops::fused", (a, &b)), |(a, b)| a * b))?"#,
        );
        check(
            "self.fc.forward_2(ops::gelu(x)?)",
            r#"leave(self.fc.forward_2(enter("fc", leave(ops::gelu(enter("ops::gelu", x)))?)))"#,
        );
    }

    #[test]
    fn what_is_done_in_one_call_is_one_span() {
        check(
            "self.conv.then(&self.bn).add(&self.skip.forward(x)?).then(ops::relu).forward(&y)",
            concat!(
                "leave(self.conv.then(&self.bn)",
                r#".add(&leave(self.skip.forward(enter("skip", x)))?).then(ops::relu)"#,
                r#".forward(enter("conv + bn + add + relu", &y)))"#
            ),
        );
    }

    #[test]
    fn modules_of_lists_and_options_have_their_fields_names() {
        check(
            "for layer in &self.layers { layer.forward(&x)?; }",
            r#"for layer in &self.layers { leave(layer.forward(enter_item("layers", &self.layers, layer, &x)))?; }"#,
        );
        check(
            "for ((h, a), b) in self.h.iter().zip(a).zip(b) { h.forward(&x, a, b)?; a.forward(x)?; }",
            concat!(
                "for ((h, a), b) in self.h.iter().zip(a).zip(b) { ",
                r#"leave(h.forward(&x, a, enter_item("h", &self.h, h, b)))?; "#,
                r#"leave(a.forward(enter("a", x)))?; }"#
            ),
        );
        check(
            "if let Some(down) = &self.down { down.forward(x)? } else { self.items[0].fc.forward(x)? }",
            concat!(
                r#"if let Some(down) = &self.down { leave(down.forward(enter("down", x)))? } "#,
                r#"else { leave(self.items[0].fc.forward(enter("items[0].fc", x)))? }"#
            ),
        );
    }

    #[test]
    fn what_has_another_form_is_left_as_it_is() {
        for body in [
            r#"/* self.fc.forward(x) */ "ops::gelu(x)""#,
            "nn::func(ops::gelu, None)",
            "ops::expect_size(\"x\", 1)?",
            "ops::loops(|x| x + 1)",
            "(a + b).forward(x)",
            "if (a).forward(x) {}",
            "a::b(c).forward(x)",
            "ops::make()",
            "other::ops::gelu(x)",
        ] {
            check(body, body);
        }
    }

    #[test]
    fn every_module_call_of_the_golden_files_has_a_span() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden");
        let folders = std::fs::read_dir(golden).unwrap();
        let files = folders.map(|folder| folder.unwrap().path().join("model.rs"));
        let codes: Vec<_> = files
            .filter_map(|file| std::fs::read_to_string(file).ok())
            .collect();
        assert!(codes.len() > 10, "{} golden files", codes.len());
        for code in codes {
            let found = instrumented(&code);
            assert_eq!(found.lines().count(), code.lines().count());
            let modules =
                found.matches("::enter(\"").count() + found.matches("::enter_item(").count();
            let ops = found.matches("::enter(\"ops::").count();
            assert_eq!(modules - ops, code.matches(".forward(").count(), "{found}");
            assert_eq!(found.matches("::leave(").count(), modules);
        }
    }
}
