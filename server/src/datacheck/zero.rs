//! How zero is printed.

/// `0` for `-0` and `0.00` for `-0.00`: arithmetic and rounding leave a sign that says nothing.
pub fn without_sign_of_zero(text: String) -> String {
    match text.strip_prefix('-') {
        Some(rest) if !rest.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) => rest.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_zero_loses_its_sign() {
        for (printed, shown) in [
            (format!("{}", -0.0), "0"),
            (format!("{:.2}", -0.001), "0.00"),
            (format!("{:.2}", -0.01), "-0.01"),
            (format!("{}", -7), "-7"),
            (format!("{}", 0), "0"),
        ] {
            assert_eq!(without_sign_of_zero(printed), shown);
        }
    }
}
