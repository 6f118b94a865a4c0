//! A PDF of one page of text, for the check plots of demo nights: viewers open it.

use std::fmt::Write as _;

/// A page that says `text`. Letters other than ASCII's, and what would end the text, are left out.
pub fn plot(text: &str) -> String {
    let plain = |letter: &char| letter.is_ascii_graphic() || *letter == ' ';
    let said: String = text.chars().filter(plain).filter(|one| !"()\\".contains(*one)).collect();
    let drawing = format!("BT /F1 14 Tf 40 140 Td ({said}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 560 280] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{drawing}\nendstream", drawing.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut file = "%PDF-1.4\n".to_owned();
    let mut places = String::new();
    for (number, object) in (1..).zip(&objects) {
        _ = writeln!(places, "{:010} 00000 n ", file.len());
        _ = writeln!(file, "{number} 0 obj\n{object}\nendobj");
    }
    let (table, count) = (file.len(), objects.len() + 1);
    _ = write!(
        file,
        "xref\n0 {count}\n0000000000 65535 f \n{places}trailer\n<< /Size {count} /Root 1 0 R >>\n\
         startxref\n{table}\n%%EOF\n"
    );
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_tells_where_each_object_begins() {
        let file = plot("check plot (of) run 19100\n");
        assert!(file.contains("(check plot of run 19100) Tj"), "{file}");
        let places = file.lines().filter_map(|line| line.strip_suffix(" 00000 n "));
        let places: Vec<usize> = places.map(|place| place.parse().unwrap()).collect();
        assert_eq!(places.len(), 5);
        for (number, place) in (1..).zip(places) {
            assert!(file[place..].starts_with(&format!("{number} 0 obj")), "object {number}");
        }
        let table = file.rsplit("startxref\n").next().unwrap().lines().next().unwrap();
        assert!(file[table.parse::<usize>().unwrap()..].starts_with("xref\n"));
    }
}
