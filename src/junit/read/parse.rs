//! The pass over the file: XML events in, the assembler's calls out.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::assemble::Assembler;
use super::decode::decode;
use super::notes::{Notes, Oddity};
use super::text::unix_lines;
use super::{Case, Document, Limits, Remarks};

/// Reads one file into memory. Never fails; see the module's contract.
#[must_use]
pub fn read(bytes: &[u8], limits: &Limits) -> Document {
    let mut cases = Vec::new();
    let Remarks { broken, notes } = read_each(bytes, limits, &mut |case| cases.push(case));
    Document { cases, broken, notes }
}

/// Reads one file and hands over each case as soon as it is whole, so that memory does not grow
/// with their number.
pub fn read_each(bytes: &[u8], limits: &Limits, on_case: &mut dyn FnMut(Case)) -> Remarks {
    let mut notes = Notes::default();
    let text = decode(bytes, &mut notes);
    let mut reader = Reader::from_str(&text);
    reader.config_mut().allow_dangling_amp = true;
    let mut assembler = Assembler::new(limits, notes, on_case);
    let torn = run(&mut reader, &mut assembler).err().map(|Stop { at, why }| {
        let at = usize::try_from(at).map_or(text.len(), |at| at.min(text.len()));
        let line = text.as_bytes()[..at].split(|&byte| byte == b'\n').count();
        format!("line {line}: {why}")
    });
    let broken = torn.or_else(|| assembler.foreign());
    Remarks { broken, notes: assembler.notes.into_lines() }
}

/// Where and why reading stopped; bytes into the decoded text.
struct Stop {
    at: u64,
    why: String,
}

fn run(reader: &mut Reader<&[u8]>, assembler: &mut Assembler<'_>) -> Result<(), Stop> {
    loop {
        let event = reader
            .read_event()
            .map_err(|error| Stop { at: reader.error_position(), why: error.to_string() })?;
        let stop = |why| Err(Stop { at: reader.buffer_position(), why });
        match event {
            Event::Start(tag) => {
                if let Err(why) = assembler.start(&tag) {
                    return stop(why);
                }
            }
            Event::Empty(tag) => {
                if let Err(why) = assembler.start(&tag) {
                    return stop(why);
                }
                assembler.end();
            }
            Event::End(_) => assembler.end(),
            Event::Text(text) => assembler.text(&unix_lines(&utf8(&text))),
            Event::CData(text) => assembler.text(&unix_lines(&utf8(&text))),
            Event::GeneralRef(reference) => assembler.reference(&utf8(&reference)),
            Event::DocType(text) => assembler.notes.add(Oddity::Doctype, &utf8(&text)),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => {
                return assembler.unfinished().map_or(Ok(()), |why| stop(why.to_owned()));
            }
        }
    }
}

/// Loses nothing: the reader cuts valid UTF-8 at ASCII characters.
fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
