//! The names under which a search of the documentation finds the rules.

use std::fs;
use std::path::Path;

/// The source of every aggregator.
fn sources() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/aggregate");
    let files = fs::read_dir(folder).unwrap();
    files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}

/// The aliases in the attributes right before the item that `source` declares, if it does.
fn aliases<'s>(source: &'s str, item: &str) -> Option<Vec<&'s str>> {
    let is_end = |after: &str| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let lines: Vec<&str> = source.lines().collect();
    let at = lines.iter().position(|line| line.strip_prefix(item).is_some_and(is_end))?;
    let attributes = lines[..at].iter().rev().take_while(|line| line.starts_with("#["));
    let alias = |line: &&'s str| line.strip_prefix("#[doc(alias = \"")?.strip_suffix("\")]");
    Some(attributes.filter_map(alias).collect())
}

/// All but the mean tolerate Byzantine vectors, limit them or prepare for a rule that does.
#[test]
fn every_rule_but_the_mean_is_found_by_the_word_byzantine() {
    let mut count = 0;
    for source in sources() {
        let names = ["Requirements for ", "Mixing for "].map(|kind| source.split(kind).skip(1));
        for after in names.into_iter().flatten() {
            let name = after.split(|c: char| !c.is_alphanumeric()).next().unwrap();
            // Enums and rules made of others are not structs of their file or have no bound of their own.
            let Some(aliases) = aliases(&source, &format!("pub struct {name}")) else { continue };
            if !["Mean", "Coordinatewise"].contains(&name) {
                assert!(aliases.contains(&"Byzantine"), "{name}: {aliases:?}");
                count += 1;
            }
        }
    }
    assert!(count >= 18, "15 rules, 3 of Mixing; found {count}");
}

#[test]
fn rules_are_found_by_the_names_of_their_sources() {
    let table: [(&str, &[&str]); 3] = [
        ("pub enum OverTime", &["M3", "RM3", "A3", "RA3"]),
        ("pub struct Bucketing", &["s-resampling", "resampling"]),
        ("pub fn median_of_three", &["M3", "median of three"]),
    ];
    let sources = sources();
    for (item, expected) in table {
        let found = sources.iter().find_map(|source| aliases(source, item)).expect(item);
        assert!(expected.iter().all(|alias| found.contains(alias)), "{item}: {found:?}");
    }
}
