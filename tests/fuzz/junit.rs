//! Feeds the JUnit reader with files that are nearly right, for as many seconds as the argument
//! says: `cargo test --test fuzz -- 60`. A stable toolchain is enough. What breaks a promise is
//! printed, with the seed and the file that it takes to see it again.
//!
//! Inputs are the corpus of `tests/data/junit` and documents of our own, cut, spliced, repeated and
//! sprinkled with what XML readers have stumbled over.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use evenly::junit::read::{Case, Document, Limits, read};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

const SECONDS_DEFAULT: u64 = 2;
/// Inputs longer than this teach nothing more and cost rounds.
const BYTES_MAX: usize = 64 << 10;
/// A reader that needs longer for such an input is not linear.
const SLOW: Duration = Duration::from_secs(20);

/// What XML readers have stumbled over.
const PIECES: &[&str] = &[
    "<",
    ">",
    "</",
    "/>",
    "&",
    "&#0;",
    "&#x1F600;",
    "&#xFFFF;",
    "&amp;amp;",
    "&xxe;",
    "]]>",
    "<![CDATA[",
    "<!--",
    "-->",
    "--",
    "<?xml version='1.1' encoding='utf-16'?>",
    "<!DOCTYPE x [",
    "<!ENTITY a '&a;&a;'>",
    "]>",
    "<testsuite>",
    "</testsuite>",
    "<testsuites tests='-1'>",
    "<testcase name='",
    "</testcase>",
    "<failure",
    "<skipped/>",
    "<rerunFailure>",
    "<flakyError/>",
    "time='1,5'",
    "time='1e400'",
    "time=''",
    "timestamp='99999'",
    "xmlns:a=''",
    "a:b:c",
    "\u{0}",
    "\u{1b}[31m",
    "\u{feff}",
    "\u{2028}",
    "\r\n",
    "'",
    "\"",
    "=",
    "<system-out>",
    "%",
    "\u{e9}",
];

/// Something that must hold and does not.
type Broken = String;

fn main() -> ExitCode {
    let seconds = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(SECONDS_DEFAULT));
    let seeds = corpus();
    let mut rounds: u64 = 0;
    let mut broken: u64 = 0;
    while Instant::now() < until {
        rounds += 1;
        let input = mutated(&seeds, rounds);
        if let Err(why) = check(&input) {
            broken += 1;
            let kept = std::env::temp_dir().join(format!("evenly-fuzz-junit-{rounds}.xml"));
            let place = fs::write(&kept, &input).map(|()| kept.display().to_string());
            let place = place.unwrap_or_else(|error| format!("which cannot be kept: {error}"));
            println!("round {rounds}: {why}; {} bytes, {place}", input.len());
        }
    }
    println!("{rounds} inputs from {} files, {broken} broke a promise", seeds.len());
    println!("fuzz: {} passed, {broken} failed", rounds - broken);
    if broken > 0 || rounds == 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn corpus() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/junit"), &mut files);
    files.sort();
    let mut seeds: Vec<Vec<u8>> = files.iter().filter_map(|path| fs::read(path).ok()).collect();
    seeds.retain(|bytes| bytes.len() <= BYTES_MAX);
    let cases = "<testcase classname='a' name='b' time='1'><failure message='m'>t</failure>\
                 <system-out>o</system-out></testcase><testcase name='c'/>";
    seeds.push(format!("<testsuites><testsuite name='s'>{cases}</testsuite></testsuites>").into());
    seeds.push("<testsuite>".repeat(500).into());
    seeds
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// The input of a round: the same on every machine.
fn mutated(seeds: &[Vec<u8>], round: u64) -> Vec<u8> {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&round.to_le_bytes());
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut below = |n: usize| usize::try_from(random.next_u64() % n.max(1) as u64).unwrap_or(0);
    let mut bytes = seeds[below(seeds.len())].clone();
    for _ in 0..=below(6) {
        let at = below(bytes.len() + 1);
        let length = below(64).min(bytes.len() - at);
        match below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..at + length)),
            2 => drop(bytes.splice(at..at, PIECES[below(PIECES.len())].bytes())),
            3 => drop(bytes.splice(at..at + length, PIECES[below(PIECES.len())].bytes())),
            4 => {
                let piece = bytes[at..at + length].to_vec();
                bytes.splice(at..at, piece.repeat(1 + below(9)));
            }
            5 => {
                let other = &seeds[below(seeds.len())];
                let from = below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = u8::try_from(below(256)).unwrap_or(0);
                }
            }
        }
        bytes.truncate(BYTES_MAX);
    }
    bytes
}

fn check(input: &[u8]) -> Result<(), Broken> {
    let began = Instant::now();
    let document = caught(input)?;
    if began.elapsed() > SLOW {
        return Err(format!("it took {} s", began.elapsed().as_secs()));
    }
    bounded(&document)?;
    // Where the file is cut, what was whole before stays, and nothing is invented.
    let part = caught(&input[..input.len() / 2])?;
    let kept = part.cases.iter().zip(&document.cases).all(|(part, whole)| part.name == whole.name);
    // A file's first bytes can settle its encoding only while they are the same.
    let ascii = input.is_ascii();
    if ascii && !(kept && part.cases.len() <= document.cases.len()) {
        return Err("a part of the file has cases that the whole has not".to_owned());
    }
    Ok(())
}

fn caught(input: &[u8]) -> Result<Document, Broken> {
    let limits = Limits { text_bytes_max: 512, ..Limits::default() };
    catch_unwind(AssertUnwindSafe(|| read(input, &limits))).map_err(|_| "it panicked".to_owned())
}

/// Texts are as long as they may be, give or take what is said of the cut.
fn bounded(document: &Document) -> Result<(), Broken> {
    let long = |case: &Case| {
        let texts = [&case.message, &case.detail, &case.output, &case.error_output];
        texts.into_iter().flatten().any(|text| text.len() > 64 << 10)
    };
    match document.cases.iter().find(|case| long(case)) {
        Some(case) => Err(format!("a text of {:?} is too long", case.name)),
        None => Ok(()),
    }
}
