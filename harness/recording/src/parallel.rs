//! Batches on several threads, results in the order of the recording.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::{Batch, BatchLimits, Diagnostic, Reader};

/// Batches under way for each thread: enough that none waits for the reader,
/// few enough that memory does not follow the length of the recording.
const BATCHES_PER_JOB: u64 = 4;

/// Parses and processes the rest of a recording on `jobs` threads.
///
/// Each thread calls `start` once and hands its batches to what that made; it
/// need not be `Send`. `sink` gets the results on the calling thread, in the order
/// of the recording. With one job everything runs on the calling thread.
///
/// # Errors
///
/// The first error of the input or of `sink`, in the order of the recording; nothing
/// later reaches `sink`.
///
/// # Panics
///
/// When a worker panics, with what it panicked with.
pub fn process_in_order<R, W, T, E>(
    reader: &mut Reader<R>,
    jobs: NonZeroUsize,
    limits: BatchLimits,
    start: impl Fn() -> W + Sync,
    mut sink: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E>
where
    R: BufRead,
    W: FnMut(&Batch) -> T,
    T: Send,
    E: From<Diagnostic>,
{
    if jobs.get() == 1 {
        return process_here(reader, limits, start(), sink);
    }
    let (work, todo) = channel::<Batch>();
    let (done, results) = channel::<Message<T>>();
    let todo = Mutex::new(todo);
    thread::scope(|scope| {
        for _ in 0..jobs.get() {
            let (todo, start, done) = (&todo, &start, done.clone());
            scope.spawn(move || run_worker(todo, start, &done));
        }
        drop(done);
        let jobs = u64::try_from(jobs.get()).unwrap_or(u64::MAX);
        let mut ordered = Ordered::new(work, results, jobs.saturating_mul(BATCHES_PER_JOB));
        ordered.run(reader, limits, &mut sink)
    })
}

fn process_here<R: BufRead, T, E: From<Diagnostic>>(
    reader: &mut Reader<R>,
    limits: BatchLimits,
    mut worker: impl FnMut(&Batch) -> T,
    mut sink: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let mut batch = Batch::default();
    while reader.fill(&mut batch, limits)? {
        sink(worker(&batch))?;
    }
    Ok(())
}

enum Message<T> {
    Done(Batch, T),
    Panicked,
}

fn run_worker<W, T>(todo: &Mutex<Receiver<Batch>>, start: impl Fn() -> W, done: &Sender<Message<T>>)
where
    W: FnMut(&Batch) -> T,
{
    let farewell = Farewell(done);
    let mut worker = start();
    loop {
        // The lock guard lives for this statement alone, so others can take work meanwhile.
        let next = todo.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = next else { break };
        let result = worker(&batch);
        if done.send(Message::Done(batch, result)).is_err() {
            break;
        }
    }
    drop(farewell);
}

/// Tells the reading thread of a panic, or it would wait for ever for the batch that died.
struct Farewell<'d, T>(&'d Sender<Message<T>>);

impl<T> Drop for Farewell<'_, T> {
    fn drop(&mut self) {
        if thread::panicking() {
            // Nobody is listening any more: there is nobody to tell.
            let _unheard = self.0.send(Message::Panicked);
        }
    }
}

/// The reading side: hands out batches and puts results back in order.
struct Ordered<T> {
    work: Option<Sender<Batch>>,
    results: Receiver<Message<T>>,
    /// Batches handed out and not yet given to the sink, at most.
    limit: u64,
    /// The sequence number of the first batch: the reader may have been used before.
    first: Option<u64>,
    read: u64,
    delivered: u64,
    waiting: BTreeMap<u64, T>,
    spare: Vec<Batch>,
}

impl<T> Ordered<T> {
    fn new(work: Sender<Batch>, results: Receiver<Message<T>>, limit: u64) -> Self {
        let (waiting, spare) = (BTreeMap::new(), Vec::new());
        Self {
            work: Some(work),
            results,
            limit,
            first: None,
            read: 0,
            delivered: 0,
            waiting,
            spare,
        }
    }

    fn run<R: BufRead, E: From<Diagnostic>>(
        &mut self,
        reader: &mut Reader<R>,
        limits: BatchLimits,
        sink: &mut impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut failure = None;
        loop {
            while self.work.is_some() && self.read - self.delivered < self.limit {
                failure = self.hand_out(reader, limits).err();
            }
            if self.delivered == self.read {
                return failure.map_or(Ok(()), |error| Err(error.into()));
            }
            let Ok(Message::Done(batch, result)) = self.results.recv() else {
                // A worker panicked: the end of the scope passes its panic on.
                return Ok(());
            };
            self.waiting.insert(batch.sequence(), result);
            self.spare.push(batch);
            self.deliver(sink)?;
        }
    }

    /// Reads a batch and gives it to the workers; closes the work at the end of the input.
    fn hand_out<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        limits: BatchLimits,
    ) -> Result<(), Diagnostic> {
        let mut batch = self.spare.pop().unwrap_or_default();
        let filled = reader.fill(&mut batch, limits);
        let sent = match (&filled, &self.work) {
            (Ok(true), Some(work)) => {
                self.first.get_or_insert(batch.sequence());
                work.send(batch).is_ok()
            }
            _ => false,
        };
        if sent {
            self.read += 1;
        } else {
            self.work = None;
        }
        filled.map(|_| ())
    }

    fn deliver<E>(&mut self, sink: &mut impl FnMut(T) -> Result<(), E>) -> Result<(), E> {
        let first = self.first.unwrap_or_default();
        while let Some(result) = self.waiting.remove(&(first + self.delivered)) {
            self.delivered += 1;
            sink(result)?;
        }
        Ok(())
    }
}
