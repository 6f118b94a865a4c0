//! The names of this machine.

use std::fs;

/// Its names as far as its own files tell: the host name, short and with the domains that it is in, and
/// what `/etc/hosts` calls it. In small letters.
pub fn host_names() -> Vec<String> {
    let read = |file| fs::read_to_string(file).unwrap_or_default();
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let name = name.unwrap_or_default();
    names_of(&name, &read("/etc/hosts"), &read("/etc/resolv.conf"))
}

fn names_of(name: &str, hosts: &str, resolver: &str) -> Vec<String> {
    let name = name.trim().to_ascii_lowercase();
    if name.is_empty() {
        return Vec::new();
    }
    let short = name.split('.').next().unwrap_or_default().to_owned();
    let mut names = vec![name.clone(), short.clone()];
    for words in lines(hosts) {
        // The address, then its names.
        if words.iter().skip(1).any(|word| *word == name || *word == short) {
            names.extend(words.into_iter().skip(1));
        }
    }
    for words in lines(resolver) {
        if matches!(words.first().map(String::as_str), Some("search" | "domain")) {
            names.extend(words.iter().skip(1).map(|domain| format!("{short}.{domain}")));
        }
    }
    names.sort();
    names.dedup();
    names
}

/// The words of each line, in small letters, without comments.
fn lines(text: &str) -> impl Iterator<Item = Vec<String>> {
    let content = |line: &str| line.split(['#', ';']).next().unwrap_or_default().to_owned();
    text.lines()
        .map(move |line| content(line).split_whitespace().map(str::to_ascii_lowercase).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_its_name_with_its_domains_and_what_its_files_call_it() {
        let hosts = "127.0.0.1 localhost\n# 10.0.0.1 cp01\n10.0.0.1 cp01.lst.example CP01 osa\n\
                     10.0.0.2 cp02\n";
        let resolver = "nameserver 10.0.0.9\nsearch lst.example example.org ; both\n";
        assert_eq!(
            names_of("cp01", hosts, resolver),
            ["cp01", "cp01.example.org", "cp01.lst.example", "osa"]
        );
        assert_eq!(names_of("", hosts, resolver), Vec::<String>::new());
        assert_eq!(names_of("Cp03.lst.example\n", "", ""), ["cp03", "cp03.lst.example"]);
    }
}
