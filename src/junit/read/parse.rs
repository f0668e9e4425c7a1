//! The pass over the file: XML events in, the assembler's calls out.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::assemble::Assembler;
use super::decode::decode;
use super::notes::{Notes, Oddity};
use super::text::{unix_lines, utf8};
use super::{Case, Document, Limits, Remarks};

/// Reads one file into memory. Never fails; see the module's contract.
#[must_use]
pub fn read(bytes: &[u8], limits: &Limits) -> Document {
    let mut cases = Vec::new();
    let Remarks { broken, notes, root: _, other_root: _ } =
        read_each(bytes, limits, &mut |case| cases.push(case));
    Document { cases, broken, notes }
}

/// Reads one file and hands over each case as soon as it is whole, so that memory does not grow
/// with their number.
pub fn read_each(bytes: &[u8], limits: &Limits, on_case: &mut dyn FnMut(Case)) -> Remarks {
    read_borrowed(bytes, limits, &mut |case| on_case(case.into_owned()))
}

/// As [`read_each`], with texts that are the file's own wherever they stand there in one piece.
pub fn read_borrowed(
    bytes: &[u8],
    limits: &Limits,
    on_case: &mut dyn FnMut(Case<Cow<'_, str>>),
) -> Remarks {
    let mut notes = Notes::default();
    let text = decode(bytes, &mut notes);
    let mut reader = Reader::from_str(&text);
    reader.config_mut().allow_dangling_amp = true;
    let mut assembler = Assembler::new(limits, notes, on_case);
    let torn = run(&text, &mut reader, &mut assembler).err().map(|Stop { at, why }| {
        let at = usize::try_from(at).map_or(text.len(), |at| at.min(text.len()));
        let line = text.as_bytes()[..at].split(|&byte| byte == b'\n').count();
        format!("line {line}: {why}")
    });
    let broken = torn.or_else(|| assembler.foreign());
    let (root, other_root) = assembler.roots();
    Remarks { broken, notes: assembler.notes.into_lines(), root, other_root }
}

/// Where and why reading stopped; bytes into the decoded text.
struct Stop {
    at: u64,
    why: String,
}

/// What stands between a tag's `<` and its `>` or `/>`.
#[derive(Clone, Copy)]
pub(super) struct Tag<'t> {
    pub(super) text: &'t str,
    /// How much of it is the element's name.
    pub(super) name_bytes: usize,
}

impl<'t> Tag<'t> {
    /// The same, borrowed from the file: the events lend it for as long as they live.
    fn of(file: &'t str, tag: &BytesStart<'_>) -> Self {
        let start = tag.as_ptr().addr().wrapping_sub(file.as_ptr().addr());
        let text = file.get(start..start.saturating_add(tag.len())).unwrap_or_default();
        Self { text, name_bytes: tag.name().as_ref().len().min(text.len()) }
    }

    /// The element's name without a prefix.
    pub(super) fn local_name(self) -> &'t str {
        let name = &self.text[..self.name_bytes];
        name.split_once(':').map_or(name, |(_, local)| local)
    }
}

fn run<'t>(
    file: &'t str,
    reader: &mut Reader<&'t [u8]>,
    assembler: &mut Assembler<'t, '_>,
) -> Result<(), Stop> {
    loop {
        let event = reader
            .read_event()
            .map_err(|error| Stop { at: reader.error_position(), why: error.to_string() })?;
        let stop = |why| Err(Stop { at: reader.buffer_position(), why });
        match event {
            Event::Start(tag) => {
                if let Err(why) = assembler.start(Tag::of(file, &tag)) {
                    return stop(why);
                }
            }
            Event::Empty(tag) => {
                if let Err(why) = assembler.empty(Tag::of(file, &tag)) {
                    return stop(why);
                }
            }
            Event::End(_) => assembler.end(),
            Event::Text(text) => assembler.text(unix_lines(utf8(text.into_inner()))),
            Event::CData(text) => assembler.text(unix_lines(utf8(text.into_inner()))),
            Event::GeneralRef(reference) => assembler.reference(&utf8(reference.into_inner())),
            Event::DocType(text) => assembler.notes.add(Oddity::Doctype, &utf8(text.into_inner())),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => {
                return assembler.unfinished().map_or(Ok(()), |why| stop(why.to_owned()));
            }
        }
    }
}
