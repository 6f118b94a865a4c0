//! Judgements agree with what the original's long-term check reports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use server::datacheck::figure::{NightSheet, RunSheet, Sheet, SubrunRings, night_sheet, run_sheet};
use server::datacheck::{
    NightData, Quantity, RunData, RunJudgement, Thresholds, Verdict, judge, read_muons,
};

use super::{fixture, golden, night_file};
use crate::support::TestCommand;

fn judgements() -> Vec<RunJudgement> {
    let dir = tempfile::tempdir().unwrap();
    let night = NightData::read(&[night_file(dir.path())], true).unwrap();
    judge(&night, &Thresholds::shipped().unwrap())
}

/// The original's report by section: a line that ends with a colon begins one.
fn report() -> BTreeMap<String, Vec<String>> {
    let golden = golden();
    let mut sections: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut section = String::new();
    for line in golden["expected_longterm_log"].as_array().unwrap() {
        let line = line.as_str().unwrap();
        if line.ends_with(':') && !line.starts_with(' ') {
            line.trim_end_matches(':').clone_into(&mut section);
        } else if !line.trim().is_empty() {
            sections.entry(section.clone()).or_default().push(line.trim().to_owned());
        }
    }
    sections
}

#[test]
fn runs_beyond_limits_are_those_that_the_original_reports() {
    let sections = [
        ("Anomalies in Interleaved pedestals rate (Hz)", Quantity::PedestalRate),
        ("Anomalies in Interleaved flat field rate (Hz)", Quantity::FlatfieldRate),
        ("Anomalies in Cosmics rate (/s)", Quantity::CosmicsRate),
        ("Anomalies in Contained mu-rings rate (/s)", Quantity::MuonRate),
        ("Anomalies in telescope efficiency from mu-rings", Quantity::MuonEfficiency),
        ("Anomalies in muon ring width (deg)", Quantity::MuonWidth),
        ("Anomalies in mean muon ring intensity (p.e.)", Quantity::MuonIntensity),
        ("Anomalies in HG global peak sample id (mean&RMS)", Quantity::MuonPeakSample),
        ("Anomalies in Fraction of pedestals surviving cleaning", Quantity::PedestalSurvival),
        ("Anomalies in Cam-averaged FF Q (pe/pixel)", Quantity::FlatfieldCharge),
        ("Anomalies in Cam-averaged FF Q std dev (pe/pixel)", Quantity::FlatfieldChargeStd),
        ("Anomalies in Cam-averaged FF time (ns)", Quantity::FlatfieldTime),
        ("Anomalies in Cam-averaged FF time std dev (ns)", Quantity::FlatfieldTimeStd),
        ("Anomalies in Cam-averaged FF rel. pix t std dev (ns)", Quantity::FlatfieldRelTimeStd),
        ("Anomalies in Camera-averaged rate of >30pe pulses (/s)", Quantity::CosmicsRateAbove30),
    ];
    let (report, judgements) = (report(), judgements());
    for (section, quantity) in sections {
        let lines = &report[section];
        for judgement in &judgements {
            let finding = judgement.findings.iter().find(|f| f.quantity == quantity).unwrap();
            let named = lines.iter().any(|line| line.contains(&judgement.run.to_string()));
            assert_eq!(named, finding.verdict != Verdict::Ok, "{section} run {}", judgement.run);
            if named {
                let how =
                    if finding.reason.contains("too low") { "(too low)" } else { "(too high)" };
                let value = format!("{:.2} {how}", finding.value.unwrap());
                assert!(lines.iter().any(|line| line.ends_with(&value)), "{section}: {value}");
            }
        }
    }
}

#[test]
fn pixels_beyond_limits_are_those_that_the_original_reports() {
    let sections = [
        ("Pedestal standard deviation, anomalous pixels", Quantity::PixelPedestalStd),
        ("Flat-Field mean charge, anomalous pixels", Quantity::PixelFlatfieldCharge),
        ("Flat-Field mean relative time, anomalous pixels", Quantity::PixelFlatfieldRelTime),
        ("Flat-Field rel. time std dev, anomalous pixels", Quantity::PixelFlatfieldRelTimeStd),
        ("Cosmics, rate of >30pe pulses, anomalous pixels", Quantity::PixelCosmicsRateAbove30),
    ];
    let (report, judgements) = (report(), judgements());
    for (section, quantity) in sections {
        let mut runs: BTreeMap<(u16, bool), usize> = BTreeMap::new();
        let findings = judgements.iter().flat_map(|run| &run.findings);
        for pixel in findings.filter(|f| f.quantity == quantity).flat_map(|f| &f.pixels) {
            *runs.entry((pixel.pixel, pixel.high)).or_default() += 1;
        }
        // The original lists pixels beyond limits in half of the runs or more.
        let ours: BTreeSet<String> = runs
            .into_iter()
            .filter(|(_, count)| 2 * count >= judgements.len())
            .map(|((pixel, high), count)| {
                format!("{pixel} {} {count}", if high { "too high" } else { "too low" })
            })
            .collect();
        let theirs: BTreeSet<String> = report
            .get(section)
            .into_iter()
            .flatten()
            .map(|line| {
                let pixel = line.split_whitespace().nth(1).unwrap();
                let how = if line.contains("too high") { "too high" } else { "too low" };
                let count = line.split(" in ").nth(1).unwrap().split(' ').next().unwrap();
                format!("{pixel} {how} {count}")
            })
            .collect();
        assert_eq!(ours, theirs, "{section}");
    }
}

#[test]
fn healthy_runs_are_ok_and_the_troubled_one_is_bad_with_reasons() {
    let judgements = judgements();
    let verdicts: Vec<_> = judgements.iter().map(|run| (run.run, run.verdict)).collect();
    assert_eq!(verdicts, [(20601, Verdict::Ok), (20602, Verdict::Ok), (20603, Verdict::Bad)]);
    let reasons: Vec<&str> = judgements[2]
        .findings
        .iter()
        .filter(|finding| finding.verdict != Verdict::Ok)
        .map(|finding| finding.reason.as_str())
        .collect();
    insta::assert_snapshot!(reasons.join("\n"));
}

#[test]
fn every_quantity_is_shown_by_a_figure_of_runs_and_of_nights() {
    let dir = tempfile::tempdir().unwrap();
    let night = NightData::read(&[night_file(dir.path())], true).unwrap();
    let run = RunData::read(&[fixture("datacheck_dl1_LST-1.Run20601.h5")]).unwrap();
    let rings = read_muons(&fixture("muons_LST-1.Run20601.0000.fits")).unwrap();
    let rings = [SubrunRings { subrun: 0, rings: Some(rings) }];
    let has = |sheet: Sheet, figure: &str| sheet.figures.iter().any(|own| own.id == figure);
    let thresholds = Thresholds::shipped().unwrap();
    for quantity in Quantity::ALL {
        assert!(thresholds.judges(quantity), "{}", quantity.key());
        let sheet = RunSheet::by_key(quantity.sheet()).unwrap();
        assert!(has(run_sheet(&run, &rings, sheet), quantity.figure()), "{}", quantity.key());
        let (sheet, figure) = quantity.of_night();
        let sheet = NightSheet::by_key(sheet).unwrap();
        assert!(has(night_sheet(&night, &thresholds, sheet, 0), &figure), "{}", quantity.key());
    }
}

#[test]
fn the_command_judges_nights_and_runs_and_refuses_a_mixture() {
    let judge =
        |files: &[PathBuf]| TestCommand::osa().args(["datacheck", "judge"]).args(files).run();
    let dir = tempfile::tempdir().unwrap();
    let night = judge(&[night_file(dir.path())]).succeeds().out;
    let mut of_run = vec![fixture("datacheck_dl1_LST-1.Run20603.h5")];
    of_run.extend([0, 1].map(|n| fixture(&format!("muons_LST-1.Run20603.000{n}.fits"))));
    let run = judge(&of_run).succeeds().out;
    let verdicts = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split(':').next().unwrap().to_owned()).collect()
    };
    assert!(verdicts(&run).len() > 3);
    assert!(verdicts(&night).ends_with(&verdicts(&run)), "{night}\n{run}");
    of_run.push(fixture("datacheck_dl1_LST-1.Run20601.h5"));
    judge(&of_run).fails().says("nor of one run");
}
