//! Every case of `tests/cases` on every driver that is there.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "without its cases this test can only fail"
)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};
use sluice_policy::DiagnosticCode;
use sluice_tests::cases::driver::{self, DriverKind};
use sluice_tests::cases::own::{self, Document};
use sluice_tests::cases::reject;
use sluice_tests::cases::scenario::Driver;
use sluice_tests::cases::verdict::Verdict;

const DRIVERS: [(&str, DriverKind); 3] = [
    ("engine", DriverKind::Engine),
    ("harness", DriverKind::Harness),
    ("envoy", DriverKind::Envoy),
];

/// Folders of cases that drivers run, by filter.
const FOLDERS: [&str; 4] = ["authz", "jwt", "routing", "fault"];

fn main() -> std::process::ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = rejects();
    for (name, kind) in DRIVERS {
        match driver::start(kind) {
            Ok(driver) => trials.extend(cases(name, driver)),
            Err(reason) => trials.push(missing(name, &reason)),
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("cases")
        .join(folder);
    let mut files: Vec<PathBuf> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// A driver that is not there shows as ignored, with the reason.
fn missing(name: &str, reason: &str) -> Trial {
    eprintln!("no cases on {name}: {reason}");
    Trial::test(format!("{name}: {reason}"), || Ok(())).with_ignored_flag(true)
}

type SharedDriver = Arc<Mutex<Box<dyn Driver + Send>>>;

fn cases(name: &str, driver: Box<dyn Driver + Send>) -> Vec<Trial> {
    let driver: SharedDriver = Arc::new(Mutex::new(driver));
    let files = FOLDERS.map(files).concat();
    files
        .iter()
        .flat_map(|path| trials_of(name, path, &driver))
        .collect()
}

fn trials_of(driver_name: &str, path: &Path, driver: &SharedDriver) -> Vec<Trial> {
    let file = Arc::new(File {
        documents: own::read(path).unwrap(),
        verdicts: OnceLock::new(),
        driver: Arc::clone(driver),
    });
    let names = file.documents.iter().enumerate().map(|(index, document)| {
        let file = Arc::clone(&file);
        let name = format!("{driver_name} {}: {}", stem(path), document.name());
        Trial::test(name, move || verdict(file.verdict(index)))
    });
    names.collect()
}

/// The cases of one file, run together once one of them is wanted.
struct File {
    documents: Vec<Document>,
    verdicts: OnceLock<Vec<Verdict>>,
    driver: SharedDriver,
}

impl File {
    fn verdict(&self, index: usize) -> &Verdict {
        let run = || {
            let mut driver = self.driver.lock().unwrap_or_else(PoisonError::into_inner);
            own::judge_documents(&self.documents, driver.as_mut())
        };
        &self.verdicts.get_or_init(run)[index]
    }
}

fn verdict(verdict: &Verdict) -> Result<(), Failed> {
    match verdict {
        Verdict::Passed => Ok(()),
        Verdict::Failed(mismatch) => Err(format!(
            "found    {}\nexpected {}",
            mismatch.found, mismatch.expected
        )
        .into()),
        Verdict::Skipped(reason) => {
            eprintln!("skipped: {reason}");
            Ok(())
        }
    }
}

fn rejects() -> Vec<Trial> {
    let mut trials = vec![Trial::test(
        "every diagnostic has a reject case",
        every_code,
    )];
    for path in files("reject") {
        for (line, case) in reject::read(&path).unwrap() {
            let name = case
                .as_ref()
                .map_or_else(|_| format!("line {line}"), |case| case.name.clone());
            let run = move || verdict(&case.map_err(Failed::from)?.judge());
            trials.push(Trial::test(format!("reject {}: {name}", stem(&path)), run));
        }
    }
    trials
}

fn every_code() -> Result<(), Failed> {
    let cases = files("reject")
        .into_iter()
        .flat_map(|path| reject::read(&path).unwrap());
    let named: Vec<String> = cases
        .flat_map(|(_, case)| case.unwrap().findings)
        .map(|finding| finding.code)
        .collect();
    let unnamed: Vec<&str> = DiagnosticCode::ALL
        .iter()
        .map(|code| code.name())
        .filter(|name| !named.iter().any(|n| n == name))
        .collect();
    if unnamed.is_empty() {
        Ok(())
    } else {
        Err(format!("no reject case gives {unnamed:?}").into())
    }
}
