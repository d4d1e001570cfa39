//! Plain text for LaTeX.

/// Escapes what LaTeX would take for commands, and spells out the symbols that the report uses.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        match c {
            // After `\item` or `\\` these would be read as an argument and as the starred command.
            '[' | '*' => out.extend(['{', c, '}']),
            // Two would become a dash, and an option of a command line another one.
            '-' if before == '-' => out.push_str("{}-"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            '\\' => out.push_str(r"\textbackslash{}"),
            '~' => out.push_str(r"\textasciitilde{}"),
            '^' => out.push_str(r"\textasciicircum{}"),
            '<' => out.push_str(r"\textless{}"),
            '>' => out.push_str(r"\textgreater{}"),
            '|' => out.push_str(r"\textbar{}"),
            '"' | '”' => out.push_str("''"),
            '`' => out.push_str(r"\textasciigrave{}"),
            '“' => out.push_str("``"),
            '‘' => out.push('`'),
            '’' => out.push('\''),
            '–' => out.push_str("--"),
            '—' => out.push_str("---"),
            '\u{a0}' => out.push('~'),
            _ if c.is_ascii() && !c.is_ascii_control() => out.push(c),
            '\n' | '\t' => out.push(' '),
            _ => out.push_str(&symbol(c)),
        }
        before = c;
    }
    out
}

fn symbol(c: char) -> String {
    let math = match c {
        '−' => "-",
        '×' | '✗' => r"\times",
        '≤' => r"\le",
        '≥' => r"\ge",
        '≈' => r"\approx",
        '≉' => r"\not\approx",
        '✓' => r"\checkmark",
        '±' => r"\pm",
        'ℓ' => r"\ell",
        '√' => r"\surd",
        'σ' => r"\sigma",
        'μ' => r"\mu",
        'θ' => r"\theta",
        'τ' => r"\tau",
        'α' => r"\alpha",
        'ε' => r"\varepsilon",
        'π' => r"\pi",
        'ρ' => r"\rho",
        'Φ' => r"\Phi",
        '→' => r"\to",
        '·' => r"\cdot",
        '⁻' => "^-",
        '∞' => r"\infty",
        _ => {
            if let Some(digit) = "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().position(|s| s == c) {
                return format!("$^{digit}$");
            }
            // Letters of Latin scripts are known to `inputenc`; anything else would stop the compilation.
            return if c.is_alphabetic() && (c as u32) < 0x180 {
                c.to_string()
            } else {
                format!("{{[}}U+{:04X}]", c as u32)
            };
        }
    };
    format!("${math}$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_latex_would_take_for_commands_is_escaped() {
        assert_eq!(escape(r"a_b & <c> %"), r"a\_b \& \textless{}c\textgreater{} \%");
        assert_eq!(
            escape(r"\input{x} ~ ^ 1×10⁻⁹"),
            r"\textbackslash{}input\{x\} \textasciitilde{} \textasciicircum{} 1$\times$10$^-$$^9$"
        );
        assert_eq!(escape("火 é"), "{[}U+706B] é");
    }

    #[test]
    fn nothing_at_the_start_of_an_item_or_a_row_becomes_an_argument() {
        assert_eq!(escape("[x] *y"), "{[}x] {*}y");
    }

    #[test]
    fn an_option_keeps_its_two_hyphens() {
        assert_eq!(escape("--only a-b – c"), "-{}-only a-b -- c");
    }
}
