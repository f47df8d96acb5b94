//! Where the time of a model's forward goes, module by module and op by op.
//!
//! With `PYCANDLE_PROFILE=1` `pycandle_build::compile()` hands out a copy of the generated Rust in
//! which [`enter`] and [`leave`] stand around the calls of modules and of ops, and [`model`] at the
//! start of each `forward`. They measure only if the variable is set when the program runs, too.
//! What was measured is printed to standard error when the thread ends that ran the model, which is
//! the program's end if it did so in `main`, and every ten seconds before that.
//!
//! A span costs some 0.15 µs, most of which counts as its caller's own time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// Set to anything but `0` when a crate is built and run, it has its models measured.
pub const VARIABLE: &str = "PYCANDLE_PROFILE";

const BETWEEN_PRINTS: Duration = Duration::from_secs(10);
/// What takes less of the whole than this is left out of a printed table.
const LEAST_SHARE: f64 = 0.001;

/// Begins the model's own span until the end of its scope, unless it runs inside of another one.
///
/// A model is what is called from outside of generated code: mostly the whole, maybe a part of it.
#[must_use]
pub fn model(name: &'static str) -> Outermost {
    let begins = is_asked_for() && THREAD.with_borrow(|thread| thread.spans.is_empty());
    if begins {
        begin(name, None, true);
    }
    Outermost(begins)
}

/// Begins the span of a module or an op, once the last of its arguments is computed; gives that.
pub fn enter<T>(name: &'static str, argument: T) -> T {
    begin(name, None, false);
    argument
}

/// As [`enter`], of one of a list's modules.
pub fn enter_item<M, T>(name: &'static str, list: &[M], item: &M, argument: T) -> T {
    begin(
        name,
        list.iter().position(|each| std::ptr::eq(each, item)),
        false,
    );
    argument
}

/// Ends the span that began last; gives what was computed in it.
pub fn leave<T>(result: T) -> T {
    THREAD.with_borrow_mut(|thread| {
        // The outermost one ends with its scope.
        if thread.spans.len() > 1 {
            thread.end();
        }
    });
    result
}

/// What was measured since the program began or this was called last; it is not printed any more.
pub fn take() -> Profile {
    let mut table = table();
    let profile = Profile::of(&table);
    // Spans that are open now have their places among them.
    for node in &mut table.nodes {
        (node.calls, node.total, node.inside) = (0, Duration::ZERO, Duration::ZERO);
    }
    table.unprinted = false;
    profile
}

/// Ends the model's span where it goes out of scope, be it by an error.
#[derive(Debug)]
pub struct Outermost(bool);

impl Drop for Outermost {
    fn drop(&mut self) {
        if !self.0 {
            return;
        }
        THREAD.with_borrow_mut(|thread| {
            thread.spans.truncate(1);
            thread.end();
        });
        let mut table = table();
        table.unprinted = true;
        if table.printed.get_or_insert_with(Instant::now).elapsed() > BETWEEN_PRINTS {
            table.print();
        }
    }
}

/// What was measured, as a tree in the order of the first calls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    pub rows: Vec<Row>,
}

/// A module at one place of the model, or an op that it calls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Where it is in Rust: `encoder.layer[3].output`, empty for the model itself. A layer and what
    /// is done to its result in the same call are `conv1 + bn1 + relu`.
    pub path: String,
    /// The last part of that, the model's own name, or that of an op: `ops::gelu`.
    pub name: String,
    pub is_op: bool,
    /// How many modules it is called in.
    pub depth: usize,
    /// The model that was called from outside.
    pub model: &'static str,
    pub calls: u64,
    /// Seconds of all calls.
    pub total: f64,
    /// Those of them that no row below it accounts for.
    pub own: f64,
}

impl fmt::Display for Profile {
    /// A table; modules of one list are one row, and what takes next to nothing has none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left_out = 0;
        let (mut calls, mut whole) = (1.0, 0.0);
        for row in &self.merged() {
            if row.depth == 0 {
                (calls, whole) = (row.calls as f64, row.total);
                writeln!(
                    f,
                    "profile of {}: {} calls, {:.3} ms each",
                    row.model,
                    row.calls,
                    1e3 * whole / calls
                )?;
                writeln!(
                    f,
                    "{:>10} {:>10} {:>7} {:>7}",
                    "total ms", "own ms", "own", "calls"
                )?;
            }
            if row.total < LEAST_SHARE * whole {
                left_out += 1;
                continue;
            }
            let each = |seconds: f64| 1e3 * seconds / calls;
            writeln!(
                f,
                "{:>10.3} {:>10.3} {:>6.1}% {:>7}  {:width$}{}",
                each(row.total),
                each(row.own),
                100.0 * row.own / whole.max(f64::MIN_POSITIVE),
                row.calls as f64 / calls,
                "",
                without_numbers(&row.name),
                width = 2 * row.depth
            )?;
        }
        if left_out > 0 {
            writeln!(
                f,
                "and {left_out} that take less than {}% each",
                100.0 * LEAST_SHARE
            )?;
        }
        Ok(())
    }
}

impl Profile {
    fn of(table: &Table) -> Self {
        let mut rows = Vec::new();
        let mut waiting: Vec<(usize, String, usize, &'static str)> = Vec::new();
        let roots = table.roots().rev();
        waiting.extend(roots.map(|root| (root, String::new(), 0, table.nodes[root].name)));
        while let Some((index, path, depth, model)) = waiting.pop() {
            let node = &table.nodes[index];
            if node.calls == 0 {
                continue;
            }
            rows.push(Row {
                path: path.clone(),
                name: node.label(),
                is_op: node.is_op(),
                depth,
                model,
                calls: node.calls,
                total: node.total.as_secs_f64(),
                own: node.total.saturating_sub(node.inside).as_secs_f64(),
            });
            for &child in node.children.iter().rev() {
                let inner = &table.nodes[child];
                let path = if inner.is_op() {
                    path.clone()
                } else {
                    inner.below(&path)
                };
                waiting.push((child, path, depth + 1, model));
            }
        }
        Self { rows }
    }

    /// The rows, those of a list's modules added up.
    fn merged(&self) -> Vec<Row> {
        let mut places = HashMap::new();
        let mut rows: Vec<Row> = Vec::new();
        for row in &self.rows {
            let path = without_numbers(&row.path);
            let key = (row.model, path.clone(), row.is_op.then(|| row.name.clone()));
            let place = *places.entry(key).or_insert(rows.len());
            match rows.get_mut(place) {
                Some(same) => {
                    same.calls += row.calls;
                    same.total += row.total;
                    same.own += row.own;
                }
                None => rows.push(Row {
                    path,
                    ..row.clone()
                }),
            }
        }
        rows
    }
}

/// `layer[*].output` for `layer[3].output`.
fn without_numbers(path: &str) -> String {
    let mut parts = path.split('[');
    let mut found = parts.next().unwrap_or("").to_string();
    for part in parts {
        let rest = part.split_once(']').map_or("", |(_, rest)| rest);
        found.push_str("[*]");
        found.push_str(rest);
    }
    found
}

thread_local! {
    static THREAD: RefCell<Thread> = const { RefCell::new(Thread { spans: Vec::new() }) };
}

/// The spans that are open in one thread, the outermost first.
struct Thread {
    spans: Vec<Span>,
}

struct Span {
    node: usize,
    began: Instant,
}

impl Thread {
    fn end(&mut self) {
        if let Some(span) = self.spans.pop() {
            let took = span.began.elapsed();
            let outer = self.spans.last().map(|outer| outer.node);
            table().add(span.node, outer, took);
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        table().print();
    }
}

fn begin(name: &'static str, item: Option<usize>, outermost: bool) {
    THREAD.with_borrow_mut(|thread| {
        let outer = thread.spans.last().map(|span| span.node);
        if outer.is_some() || outermost {
            let node = table().node(outer, name, item);
            thread.spans.push(Span {
                node,
                began: Instant::now(),
            });
        }
    });
}

/// All threads' spans, by the modules that they are of.
struct Table {
    nodes: Vec<Node>,
    printed: Option<Instant>,
    unprinted: bool,
}

struct Node {
    outer: Option<usize>,
    name: &'static str,
    item: Option<usize>,
    children: Vec<usize>,
    calls: u64,
    total: Duration,
    /// What the spans inside of it took.
    inside: Duration,
}

impl Node {
    fn is_op(&self) -> bool {
        self.name.starts_with("ops::")
    }

    fn label(&self) -> String {
        let item = self.item.map_or(String::new(), |item| format!("[{item}]"));
        format!("{}{item}", self.name)
    }

    /// Its path, from that of the module around it.
    fn below(&self, path: &str) -> String {
        let dot = if path.is_empty() { "" } else { "." };
        format!("{path}{dot}{}", self.label())
    }
}

impl Table {
    fn roots(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        (0..self.nodes.len()).filter(|&index| self.nodes[index].outer.is_none())
    }

    fn node(&mut self, outer: Option<usize>, name: &'static str, item: Option<usize>) -> usize {
        let is_it = |index: &usize| {
            let node = &self.nodes[*index];
            node.item == item && node.name == name
        };
        let found = match outer {
            Some(outer) => self.nodes[outer].children.iter().copied().find(is_it),
            None => self.roots().find(is_it),
        };
        found.unwrap_or_else(|| {
            let index = self.nodes.len();
            self.nodes.push(Node {
                outer,
                name,
                item,
                children: Vec::new(),
                calls: 0,
                total: Duration::ZERO,
                inside: Duration::ZERO,
            });
            if let Some(outer) = outer {
                self.nodes[outer].children.push(index);
            }
            index
        })
    }

    fn add(&mut self, node: usize, outer: Option<usize>, took: Duration) {
        if let Some(outer) = outer.and_then(|outer| self.nodes.get_mut(outer)) {
            outer.inside += took;
        }
        if let Some(node) = self.nodes.get_mut(node) {
            node.calls += 1;
            node.total += took;
        }
    }

    fn print(&mut self) {
        if std::mem::take(&mut self.unprinted) {
            eprint!("{}", Profile::of(self));
            self.printed = Some(Instant::now());
        }
    }
}

fn table() -> MutexGuard<'static, Table> {
    static TABLE: Mutex<Table> = Mutex::new(Table {
        nodes: Vec::new(),
        printed: None,
        unprinted: false,
    });
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_asked_for() -> bool {
    static ASKED: OnceLock<bool> = OnceLock::new();
    *ASKED.get_or_init(|| std::env::var_os(VARIABLE).is_some_and(|v| !v.is_empty() && v != "0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &'static str, list: &[u8]) {
        begin(name, None, true);
        let _model = Outermost(true);
        let _inner = model("Inner");
        for item in list {
            let x = enter_item("layers", list, item, 1);
            let x = leave(leave(enter("ops::gelu", x)) + leave(enter("fc", x)));
            assert_eq!(x, 2);
        }
    }

    fn refused() -> Result<(), ()> {
        begin("Refused", None, true);
        let _model = Outermost(true);
        enter("fc", ());
        Err(())
    }

    #[test]
    fn spans_are_a_tree_of_modules_and_ops() {
        // Outside of a model nothing is measured.
        assert_eq!(leave(enter("fc", 7)), 7);
        run("Net", &[1, 2]);
        run("Net", &[1, 2]);
        assert_eq!(refused(), Err(()));
        run("Other", &[1]);

        let profile = take();
        let rows = |model: &'static str| profile.rows.iter().filter(move |r| r.model == model);
        let found: Vec<_> = rows("Net")
            .map(|r| (r.path.as_str(), r.name.as_str(), r.depth, r.calls))
            .collect();
        let expected = [
            ("", "Net", 0, 2),
            ("layers[0]", "layers[0]", 1, 2),
            ("layers[0]", "ops::gelu", 2, 2),
            ("layers[0].fc", "fc", 2, 2),
            ("layers[1]", "layers[1]", 1, 2),
            ("layers[1]", "ops::gelu", 2, 2),
            ("layers[1].fc", "fc", 2, 2),
        ];
        assert_eq!(found, expected);
        assert_eq!(rows("Refused").map(|r| r.calls).collect::<Vec<_>>(), [1]);
        assert_eq!(rows("Other").count(), 4);
        let own: f64 = rows("Net").map(|row| row.own).sum();
        let whole = rows("Net").map(|row| row.total).fold(0.0, f64::max);
        assert!((own - whole).abs() < 1e-9, "{own} {whole}");
        assert_eq!(take().rows, []);
    }

    #[test]
    fn a_table_has_one_row_for_a_list() {
        let row = |path: &str, name: &str, depth, calls, total, own| Row {
            path: path.to_string(),
            name: name.to_string(),
            is_op: name.starts_with("ops::"),
            depth,
            model: "Net",
            calls,
            total,
            own,
        };
        let profile = Profile {
            rows: vec![
                row("", "Net", 0, 2, 0.016, 0.002),
                row("layers[0]", "layers[0]", 1, 2, 0.006, 0.006),
                row("layers[1]", "layers[1]", 1, 2, 0.008, 0.004),
                row("layers[1]", "ops::gelu", 2, 4, 0.004, 0.004),
                row("flatten", "flatten", 1, 2, 1e-9, 1e-9),
            ],
        };
        let expected = "\
profile of Net: 2 calls, 8.000 ms each
  total ms     own ms     own   calls
     8.000      1.000   12.5%       1  Net
     7.000      5.000   62.5%       2    layers[*]
     2.000      2.000   25.0%       2      ops::gelu
and 1 that take less than 0.1% each
";
        assert_eq!(profile.to_string(), expected);
    }
}
