//! Numbers as the original reads and writes them: it writes with Python and reads with YAML.

use super::Literal;

/// A number as Python's `repr()` and `str()` print it: `1e-07`, `1.5e+16`, `nan`.
pub fn python_float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    // The same digits, and an exponent from the same magnitudes on; only that is written differently.
    let text = format!("{number:?}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// A number as YAML reads it, with which the original reads records: one that has an exponent and no
/// point (`1e-07`, as Python writes it), `inf` and `nan` are texts there.
pub(super) fn number(word: &str) -> Option<Literal> {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    if ["inf", "nan", "Infinity", "NaN"].contains(&digits) {
        return Some(Literal::from(word));
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(word.parse().map_or_else(|_| Literal::Big(whole(word)), Literal::Int));
    }
    let number = word.parse().ok()?;
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let signed = exponent.is_none_or(|exponent| exponent.starts_with(['+', '-']));
    match mantissa.contains('.') && signed {
        true => Some(Literal::Float(number)),
        false => Some(Literal::from(word)),
    }
}

/// A whole number without a plus sign or leading zeros.
fn whole(word: &str) -> String {
    let (minus, digits) = match word.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", word.strip_prefix('+').unwrap_or(word)),
    };
    format!("{minus}{}", digits.trim_start_matches('0'))
}

#[cfg(test)]
mod tests {
    use crate::provenance::literal::Dict;

    /// Each number of a record, as `str(yaml.safe_load(…))` prints it and as it stands in the dictionary
    /// that the original writes again (Python 3.11, PyYAML 6.0).
    #[test]
    fn numbers_are_those_that_the_original_makes_of_them() {
        for (read, text, written) in [
            ("12345678901234567890", "12345678901234567890", "12345678901234567890"),
            ("-9223372036854775809", "-9223372036854775809", "-9223372036854775809"),
            ("9223372036854775807", "9223372036854775807", "9223372036854775807"),
            ("1e-07", "1e-07", "'1e-07'"),
            ("1.5e-07", "1.5e-07", "1.5e-07"),
            ("1.0e-7", "1e-07", "1e-07"),
            ("1e+16", "1e+16", "'1e+16'"),
            ("1.0e+16", "1e+16", "1e+16"),
            ("1E5", "1E5", "'1E5'"),
            ("1.5e5", "1.5e5", "'1.5e5'"),
            ("1234567890123456.0", "1234567890123456.0", "1234567890123456.0"),
            ("0.0001", "0.0001", "0.0001"),
            ("0.00001", "1e-05", "1e-05"),
            ("1.5e+300", "1.5e+300", "1.5e+300"),
            ("1.0e+400", "inf", "inf"),
            ("-0.0", "-0.0", "-0.0"),
            ("+7", "7", "7"),
            ("nan", "nan", "'nan'"),
            ("inf", "inf", "'inf'"),
        ] {
            let dict = Dict::parse(format!("{{'a': {read}}}").as_bytes()).unwrap();
            assert_eq!(dict.get("a").unwrap().plain(), text, "{read}");
            assert_eq!(dict.to_string(), format!("{{'a': {written}}}"), "{read}");
        }
    }
}
