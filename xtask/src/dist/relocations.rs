//! What the linker tells of a module that it made with `--emit-relocs`: where the
//! code and the data of the module name data, or functions of the table.
//!
//! <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md>

use std::collections::HashMap;
use std::ops::Range;

use anyhow::{Context, Result, bail};
use wasmparser::{
    CustomSectionReader, DefinedDataSymbol, KnownCustom, Linking, Parser, Payload, RelocationEntry,
    RelocationType, SymbolFlags, SymbolInfo,
};

/// What some bytes of a module name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// A symbol of data, by its number in [`Relocations::symbols`].
    Data(usize),
    /// A function, by its slot in the table.
    Slot,
    /// A function, which the instruction names by itself.
    Function,
}

/// A reference from data.
#[derive(Debug, Clone)]
pub(super) struct FromData {
    /// Number of the segment that it stands in.
    pub(super) segment: usize,
    /// Its bytes in that segment.
    pub(super) bytes: Range<usize>,
    pub(super) named: Named,
}

/// Bytes of a segment that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Symbol {
    pub(super) segment: usize,
    pub(super) bytes: Range<usize>,
}

/// All that the linker tells.
#[derive(Debug, Default)]
pub(super) struct Relocations {
    /// References from code, by their place in the file.
    pub(super) code: HashMap<usize, Named>,
    pub(super) data: Vec<FromData>,
    /// By number; `None` is no data, or data that no segment holds.
    pub(super) symbols: Vec<Option<Symbol>>,
}

/// Reads the sections `linking`, `reloc.CODE` and `reloc.DATA`.
pub(super) fn read(wasm: &[u8]) -> Result<Relocations> {
    let mut reader = Reader::default();
    for payload in Parser::new(0).parse_all(wasm) {
        reader.receive(payload?)?;
    }
    reader
        .found
        .data
        .sort_by_key(|from| (from.segment, from.bytes.start));
    Ok(reader.found)
}

#[derive(Default)]
struct Reader {
    found: Relocations,
    code_start: usize,
    data_start: usize,
    /// Where the bytes of each segment are in the file.
    segments: Vec<Range<usize>>,
}

impl Reader {
    /// The sections about a section come after it.
    fn receive(&mut self, payload: Payload<'_>) -> Result<()> {
        match payload {
            Payload::CodeSectionStart { range, .. } => self.code_start = range.start,
            Payload::DataSection(section) => {
                self.data_start = section.range().start;
                for segment in section {
                    let segment = segment?;
                    let start = segment.range.end - segment.data.len();
                    self.segments.push(start..segment.range.end);
                }
            }
            Payload::CustomSection(section) => self.custom(&section)?,
            _ => {}
        }
        Ok(())
    }

    fn custom(&mut self, section: &CustomSectionReader<'_>) -> Result<()> {
        match (section.name(), section.as_known()) {
            ("linking", KnownCustom::Linking(linking)) => {
                for part in linking.subsections() {
                    if let Linking::SymbolTable(symbols) = part? {
                        for symbol in symbols {
                            self.found.symbols.push(data_symbol(&symbol?));
                        }
                    }
                }
            }
            ("reloc.CODE", KnownCustom::Reloc(relocations)) => {
                for entry in relocations.entries() {
                    self.code_names(&entry?)?;
                }
            }
            ("reloc.DATA", KnownCustom::Reloc(relocations)) => {
                for entry in relocations.entries() {
                    self.data_names(&entry?)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn code_names(&mut self, entry: &RelocationEntry) -> Result<()> {
        if let Some(named) = named(entry)? {
            let place = self.code_start + entry.offset as usize;
            self.found.code.insert(place, named);
        }
        Ok(())
    }

    fn data_names(&mut self, entry: &RelocationEntry) -> Result<()> {
        let Some(named) = named(entry)? else {
            return Ok(());
        };
        let place = self.data_start + entry.offset as usize;
        let mut segments = self.segments.iter().enumerate();
        let (segment, bytes) = segments
            .find(|(_, bytes)| bytes.contains(&place))
            .context("a relocation of data is in no segment")?;
        let start = place - bytes.start;
        self.found.data.push(FromData {
            segment,
            bytes: start..start + entry.ty.extent(),
            named,
        });
        Ok(())
    }
}

/// `None` if it is neither data nor a function.
fn named(entry: &RelocationEntry) -> Result<Option<Named>> {
    use RelocationType as T;
    Ok(match entry.ty {
        T::MemoryAddrLeb | T::MemoryAddrSleb | T::MemoryAddrI32 => {
            Some(Named::Data(entry.index as usize))
        }
        T::TableIndexSleb | T::TableIndexI32 => Some(Named::Slot),
        T::FunctionIndexLeb => Some(Named::Function),
        T::TypeIndexLeb | T::GlobalIndexLeb | T::TableNumberLeb => None,
        other => bail!("found a relocation {other:?}, expected none but those of static code"),
    })
}

fn data_symbol(symbol: &SymbolInfo<'_>) -> Option<Symbol> {
    let SymbolInfo::Data { flags, symbol, .. } = symbol else {
        return None;
    };
    let DefinedDataSymbol {
        index,
        offset,
        size,
    } = (*symbol)?;
    // Addresses that the linker sets, such as the start of the heap.
    if flags.contains(SymbolFlags::ABSOLUTE) {
        return None;
    }
    let start = offset as usize;
    Some(Symbol {
        segment: index as usize,
        bytes: start..start + size as usize,
    })
}
