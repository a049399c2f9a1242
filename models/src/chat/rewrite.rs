//! A template in minijinja's terms, before it is compiled.
//!
//! Two things are written differently:
//! - Every operand gets a [filter](super::limits) that measures it: `a + b|trim` becomes `a|measured + b|measured|trim|measured`. Operators
//!   cannot be replaced, so this is the place where the size of values can be bounded.
//! - Python's `%` between a text and values, which minijinja has as a filter: `'%s: %d' % (name, age)` becomes
//!   `'%s: %d'|percent((name, age))`. Only behind a quoted text is `%` certain to mean that; elsewhere it stays the remainder of a division.

mod scanner;
mod tokens;

use self::scanner::{STATEMENT_ENDS, Scanner};
use self::tokens::word;

/// The longest template in bytes: ten times the longest one of a known model.
const LONGEST: usize = 1 << 17;

/// Tags that load another template; a model has one.
const LOADING: [&str; 4] = ["include", "import", "from", "extends"];

/// The template `source`, rewritten. The error is what was found wrong.
pub(super) fn rewrite(source: &str) -> Result<String, &'static str> {
    if source.len() > LONGEST {
        return Err("a template of more than 128 KiB");
    }
    let mut tags = Tags { text: String::with_capacity(2 * source.len()), rest: source };
    while let Some(begin) = ["{{", "{%", "{#"].iter().filter_map(|open| tags.rest.find(open)).min() {
        tags.copy(begin + 2);
        match tags.text.as_bytes()[tags.text.len() - 1] {
            b'#' => tags.copy(tags.rest.find("#}").unwrap_or(tags.rest.len())),
            b'{' => tags.expression()?,
            _ => tags.statement()?,
        }
    }
    tags.copy(tags.rest.len());
    Ok(tags.text)
}

/// The text as far as it is rewritten, and the rest.
struct Tags<'t> {
    text: String,
    rest: &'t str,
}

impl<'t> Tags<'t> {
    fn copy(&mut self, bytes: usize) {
        let (copied, rest) = self.rest.split_at(bytes);
        self.text.push_str(copied);
        self.rest = rest;
    }

    /// An expression behind its "{{".
    fn expression(&mut self) -> Result<(), &'static str> {
        self.copy_sign();
        self.scan(|scanner| scanner.level(&["}}", "-}}", "+}}"], 0))
    }

    /// A statement behind its "{%".
    fn statement(&mut self) -> Result<(), &'static str> {
        self.copy_sign();
        self.copy(self.rest.len() - self.rest.trim_start().len());
        let name = word(self.rest);
        self.copy(name.len());
        match name {
            "raw" => {
                self.copy(self.rest.find("endraw").unwrap_or(self.rest.len()));
                Ok(())
            }
            "set" | "for" => self.scan(|scanner| {
                let is_end = |rest: &str| if name == "set" { rest.starts_with(['=', '|']) } else { word(rest) == "in" };
                scanner.copy_names(is_end);
                scanner.level(&STATEMENT_ENDS, 0)
            }),
            "macro" | "call" | "do" | "filter" => self.scan(|scanner| scanner.calls(name)),
            "block" | "endblock" => Ok(()),
            _ if LOADING.contains(&name) => Err("a tag that loads another template"),
            _ => self.scan(|scanner| scanner.level(&STATEMENT_ENDS, 0)),
        }
    }

    /// The sign behind "{{" or "{%" that takes white space away.
    fn copy_sign(&mut self) {
        self.copy(usize::from(self.rest.starts_with(['-', '+'])));
    }

    fn scan(&mut self, scan: impl FnOnce(&mut Scanner<'t>) -> Result<(), &'static str>) -> Result<(), &'static str> {
        let mut scanner = Scanner::of(self.rest);
        scan(&mut scanner)?;
        let (text, rest) = scanner.end();
        self.text.push_str(&text);
        self.rest = rest;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The template with "#" in place of the filter that measures.
    fn rewritten(source: &str) -> String {
        rewrite(source).unwrap().replace("|measured", "#")
    }

    #[test]
    fn operands_are_measured_where_they_are_used() {
        for (source, expected) in [
            ("{{ a.b + 'c' }}", "{{ a.b# + 'c' }}"),
            ("{{- a|trim -}}", "{{- a#|trim# -}}"),
            ("{{ a * 2 * b + -c }}", "{{ (a# * 2 * b#)# + -c# }}"),
            ("{{ -a * b ~ [c, 1.5e-3] }}", "{{ (-a# * b#)# ~ [c#, 1.5e-3]# }}"),
            ("{{ a[1:b]['x'] }}", "{{ ((a#)[1:b#]#)['x']# }}"),
            ("{{ f(a, k=b, *c) }}", "{{ f(a#, k=b#, *c#)# }}"),
            ("{{ {'a': {}} }}", "{{ {'a': {}#}# }}"),
            ("{% if not a is defined and b is not none %}", "{% if not a# is defined and b# is not none %}"),
            ("{% if a is divisibleby 3 or a is in(b) %}", "{% if a# is divisibleby 3 or a# is in(b#) %}"),
            ("{%- set x, ns.y = a, b %}", "{%- set x, ns.y = a#, b# %}"),
            ("{% set x %}{{ a }}{% endset %}", "{% set x %}{{ a# }}{% endset %}"),
            ("{% for k, v in a.items() if v recursive %}", "{% for k, v in a.items()# if v# recursive %}"),
            ("{% macro f(a, b=[c]) -%}", "{% macro f(a, b=[c#]#) -%}"),
            ("{% call(x) f(a) %}{% filter replace(a, 'b') %}", "{% call(x) f(a#) %}{% filter replace(a#, 'b') %}"),
            (
                "{{ a if b else c }}{# a #} a {% raw %}{{ a }}{% endraw %}",
                "{{ a# if b# else c# }}{# a #} a {% raw %}{{ a }}{% endraw %}",
            ),
            ("{{ (a, b)|join('}}') }}", "{{ (a#, b#)#|join('}}')# }}"),
            ("{% if a == b and a <= b %}", "{% if a# == b# and a# <= b# %}"),
        ] {
            assert_eq!(rewritten(source), expected);
        }
        let many = rewritten(&format!("{{{{ {} }}}}", vec!["a"; 40].join("+")));
        assert_eq!(many.matches(')').count(), 2, "long sums are measured on the way: {many}");
    }

    #[test]
    fn a_percent_sign_behind_a_quoted_text_is_a_filter() {
        for (source, expected) in [
            ("{{ '%s!' % name }}", "{{ '%s!'|percent(name#)# }}"),
            ("{{ \"%s-%d\" % (a.b, c['%}']) ~ x }}", "{{ \"%s-%d\"|percent((a.b#, (c#)['%}']#)#)# ~ x# }}"),
            ("{%- set x = '%s' % m | trim -%}", "{%- set x = '%s'|percent(m# | trim#)# -%}"),
            ("{% if '%d' % (i % 2) == '1' %}", "{% if '%d'|percent((i# % 2)#)# == '1' %}"),
            ("{{ '%s' % ('%d' % 3) }}", "{{ '%s'|percent(('%d'|percent(3)#)#)# }}"),
            ("{{ '%d' % -3 }}", "{{ '%d'|percent(-3)# }}"),
            ("{% if i % 2 == 0 %}50 % 3 '%s' % x{% endif %}", "{% if i# % 2 == 0 %}50 % 3 '%s' % x{% endif %}"),
            ("{{ 'a' }}{% set y = 'b' %}", "{{ 'a' }}{% set y = 'b' %}"),
        ] {
            assert_eq!(rewritten(source), expected);
        }
    }

    #[test]
    fn what_no_template_needs_is_refused() {
        for source in ["{{ (a }}", "{{ a) }}", "{{ a", "{% macro f(a %}", "{% include 'chat' %}"] {
            assert!(rewrite(source).is_err(), "{source}");
        }
        assert!(rewrite(&format!("{{{{ {}a", "(".repeat(1000))).unwrap_err().contains("deep"));
        assert!(rewrite(&" ".repeat(LONGEST + 1)).is_err());
    }
}
