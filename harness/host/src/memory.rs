//! The only place that reads or writes guest memory. Everything is
//! range-checked: a guest may hand over any pointer and any length.

use crate::status::Status;
use std::ops::Range;

/// Where `len` bytes at `ptr` lie, if they do.
fn span(memory: &[u8], ptr: u32, len: u32) -> Result<Range<usize>, Status> {
    let start = usize::try_from(ptr).map_err(|_| Status::InvalidMemoryAccess)?;
    let len = usize::try_from(len).map_err(|_| Status::InvalidMemoryAccess)?;
    let end = start.checked_add(len).ok_or(Status::InvalidMemoryAccess)?;
    if end <= memory.len() {
        Ok(start..end)
    } else {
        Err(Status::InvalidMemoryAccess)
    }
}

/// Borrows `len` bytes at `ptr`.
pub(crate) fn read(memory: &[u8], ptr: u32, len: u32) -> Result<&[u8], Status> {
    let span = span(memory, ptr, len)?;
    memory.get(span).ok_or(Status::InvalidMemoryAccess)
}

/// Copies `bytes` to `ptr`.
pub(crate) fn write(memory: &mut [u8], ptr: u32, bytes: &[u8]) -> Result<(), Status> {
    let len = u32::try_from(bytes.len()).map_err(|_| Status::InvalidMemoryAccess)?;
    let span = span(memory, ptr, len)?;
    memory
        .get_mut(span)
        .ok_or(Status::InvalidMemoryAccess)?
        .copy_from_slice(bytes);
    Ok(())
}

/// Reads a little-endian word at `ptr`.
pub(crate) fn read_u32(memory: &[u8], ptr: u32) -> Result<u32, Status> {
    let bytes = read(memory, ptr, 4)?;
    let word: [u8; 4] = bytes.try_into().map_err(|_| Status::InvalidMemoryAccess)?;
    Ok(u32::from_le_bytes(word))
}

/// Whether `len` bytes at `ptr` are inside.
pub(crate) fn contains(memory: &[u8], ptr: u32, len: u32) -> bool {
    span(memory, ptr, len).is_ok()
}
