//! The operands and operators of one tag.

use super::tokens::{length, number, starts_operand, word};
use crate::chat::limits::FILTER as MEASURED;
use crate::chat::python::PERCENT;

/// The ends of a statement.
pub(super) const STATEMENT_ENDS: [&str; 3] = ["%}", "-%}", "+%}"];

/// The deepest nesting of brackets in a tag.
const DEPTH: usize = 60;

/// The most terms of a sum that are measured together.
const TERMS: usize = 16;

/// A tag, from left to right.
pub(super) struct Scanner<'t> {
    text: String,
    rest: &'t str,
}

/// The sum and the product that are being written: where they begin, and what they hold.
#[derive(Default)]
struct Operation {
    sum: Option<usize>,
    product: Option<usize>,
    terms: usize,
    multiplies: bool,
}

impl<'t> Scanner<'t> {
    /// A tag whose text begins `rest`.
    pub(super) fn of(rest: &'t str) -> Self {
        Self { text: String::new(), rest }
    }

    /// The rewritten text, and what follows.
    pub(super) fn end(self) -> (String, &'t str) {
        (self.text, self.rest)
    }

    fn copy(&mut self, bytes: usize) {
        let (copied, rest) = self.rest.split_at(bytes);
        self.text.push_str(copied);
        self.rest = rest;
    }

    fn copy_space(&mut self) {
        self.copy(self.rest.len() - self.rest.trim_start().len());
    }

    /// Copies white space and the token behind it.
    fn copy_next(&mut self) {
        self.copy_space();
        self.copy(length(self.rest));
    }

    /// The rest behind white space.
    fn next(&self) -> &'t str {
        self.rest.trim_start()
    }

    fn measure(&mut self) {
        self.text.push('|');
        self.text.push_str(MEASURED);
    }

    /// Puts what was written from `begin` on in brackets, without the white space at its end, and measures it.
    fn measure_from(&mut self, begin: usize) {
        let space = self.text.split_off(self.text.trim_end().len());
        self.text.insert(begin, '(');
        self.text.push(')');
        self.measure();
        self.text.push_str(&space);
    }

    fn is_at(&self, ends: &[&str]) -> bool {
        ends.iter().any(|end| self.rest.starts_with(end))
    }

    /// Copies names up to where `is_end` holds or the statement ends.
    pub(super) fn copy_names(&mut self, is_end: impl Fn(&str) -> bool) {
        self.copy_space();
        while !self.rest.is_empty() && !is_end(self.rest) && !self.is_at(&STATEMENT_ENDS) {
            self.copy(length(self.rest));
            self.copy_space();
        }
    }

    /// A statement whose calls have to stay calls: only their arguments are measured.
    pub(super) fn calls(&mut self, tag: &str) -> Result<(), &'static str> {
        self.copy_space();
        let mut takes_names = tag == "macro" || tag == "call" && self.rest.starts_with('(');
        while !self.rest.is_empty() && !self.is_at(&STATEMENT_ENDS) {
            match self.rest.starts_with('(') {
                true if std::mem::take(&mut takes_names) => self.parameters()?,
                true => self.group(0)?,
                false => self.copy(length(self.rest)),
            }
            self.copy_space();
        }
        Ok(())
    }

    /// Names in brackets, with defaults.
    fn parameters(&mut self) -> Result<(), &'static str> {
        self.copy(1);
        loop {
            self.copy_names(|rest| rest.starts_with([')', ',', '=']));
            match self.rest.chars().next() {
                Some('=') => self.level(&[",", ")"], 0)?,
                Some(',') => self.copy(1),
                Some(')') => {
                    self.copy(1);
                    return Ok(());
                }
                _ => return Err("parameters without an end"),
            }
        }
    }

    /// Operands and operators up to one of `ends`.
    pub(super) fn level(&mut self, ends: &[&str], depth: usize) -> Result<(), &'static str> {
        let (mut operation, mut expects_operand) = (Operation::default(), true);
        loop {
            self.copy_space();
            if self.is_at(ends) {
                self.end_product(&mut operation);
                return Ok(());
            }
            let next = self.rest.chars().next().ok_or("a tag without an end")?;
            let is_sign = expects_operand && matches!(next, '+' | '-' | '*');
            let is_operand = starts_operand(self.rest);
            if is_sign || is_operand {
                operation.sum.get_or_insert(self.text.len());
                operation.product.get_or_insert(self.text.len());
            }
            if is_operand {
                self.operand(depth)?;
                expects_operand = false;
                continue;
            }
            match next {
                _ if is_sign => {}
                ')' | ']' | '}' => return Err("a bracket that was not opened"),
                '*' | '/' | '%' => operation.multiplies |= next == '*',
                '+' | '-' => {
                    self.end_product(&mut operation);
                    self.end_term(&mut operation);
                }
                '~' => self.end_product(&mut operation),
                _ => {
                    self.end_product(&mut operation);
                    operation = Operation::default();
                }
            }
            let is_double = matches!(next, '*' | '/') && self.rest[1..].starts_with(next);
            self.copy(if is_double { 2 } else { length(self.rest) });
            expects_operand = true;
        }
    }

    /// Measures a product that may repeat a list.
    fn end_product(&mut self, operation: &mut Operation) {
        if let Some(begin) = operation.product.take().filter(|_| std::mem::take(&mut operation.multiplies)) {
            self.measure_from(begin);
        }
    }

    /// Measures a sum of many lists.
    fn end_term(&mut self, operation: &mut Operation) {
        operation.terms += 1;
        if let Some(begin) = operation.sum.filter(|_| operation.terms.is_multiple_of(TERMS)) {
            self.measure_from(begin);
        }
    }

    /// A value with its attributes, calls, filters and tests.
    fn operand(&mut self, depth: usize) -> Result<(), &'static str> {
        let is_quoted = self.rest.starts_with(['\'', '"']);
        let is_constant = self.value(depth)?;
        // A name before "=" is no value.
        let is_name = self.next().starts_with('=') && !self.next().starts_with("==");
        if !is_constant && !is_name {
            self.measure();
        }
        if is_quoted && is_constant && self.next().starts_with('%') && !self.next().starts_with("%}") {
            self.percent(depth)?;
        }
        self.filters(depth)
    }

    /// `% values` behind a quoted text.
    fn percent(&mut self, depth: usize) -> Result<(), &'static str> {
        self.rest = self.next()[1..].trim_start();
        self.text.push_str(&format!("|{PERCENT}("));
        self.copy(usize::from(self.rest.starts_with(['-', '+'])));
        self.operand(depth)?;
        self.text.push(')');
        self.measure();
        Ok(())
    }

    /// A value with its attributes and calls; true for a quoted text or a number alone.
    fn value(&mut self, depth: usize) -> Result<bool, &'static str> {
        let begin = self.text.len();
        let is_number = self.rest.starts_with(|c: char| c.is_ascii_digit());
        let mut is_constant = is_number || self.rest.starts_with(['\'', '"']);
        match self.rest.starts_with(['(', '[', '{']) {
            true => self.group(depth)?,
            false => self.copy(if is_number { number(self.rest) } else { length(self.rest) }),
        }
        while let Some(open @ ('.' | '(' | '[')) = self.next().chars().next() {
            is_constant = false;
            if open == '.' {
                self.copy_next();
                self.copy_next();
                continue;
            }
            if open == '[' {
                // To find an entry, a text is read from its start.
                self.text.insert(begin, '(');
                self.measure();
                self.text.push(')');
            }
            self.copy_space();
            self.group(depth)?;
        }
        Ok(is_constant)
    }

    /// Filters, each measured, and tests.
    fn filters(&mut self, depth: usize) -> Result<(), &'static str> {
        loop {
            let is_filter = self.next().starts_with('|');
            if !is_filter && word(self.next()) != "is" {
                return Ok(());
            }
            self.copy_next();
            if !is_filter && word(self.next()) == "not" {
                self.copy_next();
            }
            self.copy_next();
            while self.next().starts_with('.') {
                self.copy_next();
                self.copy_next();
            }
            if self.next().starts_with('(') {
                self.copy_space();
                self.group(depth)?;
            } else if !is_filter && starts_operand(self.next()) {
                self.copy_space();
                self.value(depth)?;
            }
            if is_filter {
                self.measure();
            }
        }
    }

    /// A group in brackets.
    fn group(&mut self, depth: usize) -> Result<(), &'static str> {
        if depth == DEPTH {
            return Err("brackets nested more than 60 deep");
        }
        let end = match self.rest.as_bytes()[0] {
            b'(' => ")",
            b'[' => "]",
            _ => "}",
        };
        self.copy(1);
        self.level(&[end], depth + 1)?;
        self.copy(1);
        Ok(())
    }
}
