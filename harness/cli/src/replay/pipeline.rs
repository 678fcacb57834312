//! Blocks of exchanges, dealt to simulated workers, their reports back in order.
//!
//! A plugin may keep state between exchanges, and what it keeps decides what
//! it does next. A report that must not depend on the machine can therefore
//! not deal work to whichever thread is idle. Instead there is a fixed number
//! of simulated Envoy workers, as Envoy has a number of worker threads: block
//! *k* of the recordings always goes to worker *k* modulo their number.
//! Threads (`--jobs`) only carry the workers; how many there are changes the
//! time a replay takes and nothing else.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use sluice_recording::{Batch, BatchLimits, Paths, Reader};

use super::ids::Ids;
use super::simulation::{Setup, Worker};
use crate::failure::Failure;
use crate::report::{ExchangeReport, Summary};

/// Blocks on their way to or from each thread: enough that none waits, few
/// enough that memory does not follow the length of a recording.
const QUEUE: usize = 4;

/// An opened recording.
pub struct Recording {
    /// The file's name.
    pub name: String,
    /// Its lines.
    pub reader: Reader<Input>,
}

/// Where a recording is read from.
pub type Input = BufReader<Counted<Box<dyn Read + Send>>>;

/// Counts what is read, for the progress bar on another thread.
pub struct Counted<R> {
    inner: R,
    bytes: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    /// Adds to `bytes` whatever is read.
    pub fn new(inner: R, bytes: Arc<AtomicU64>) -> Self {
        Self { inner, bytes }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes
            .fetch_add(u64::try_from(read).unwrap_or(0), Ordering::Relaxed);
        Ok(read)
    }
}

/// How the work is split.
#[derive(Debug, Clone, Copy)]
pub struct Split {
    /// Threads.
    pub jobs: NonZeroUsize,
    /// Simulated Envoy workers.
    pub workers: NonZeroUsize,
}

/// What came of one block.
pub struct Block<R> {
    /// The rendered reports of its exchanges, in order.
    pub rendered: Vec<R>,
    /// The ids of the exchanges, in order.
    pub ids: Ids,
    /// Place among the recordings of the one that it is from.
    pub recording: usize,
    /// What stopped the replay in it.
    failure: Option<Failure>,
}

/// Work for one simulated worker.
struct Job {
    part: Part,
    batch: Result<Batch, Failure>,
}

/// Where a block comes from, and whose it is.
struct Part {
    block: u64,
    worker: usize,
    recording: usize,
    /// The recording's name.
    name: String,
    paths: Option<Paths>,
}

/// Replays recordings one after the other.
///
/// `render` runs on the threads; `sink` on the calling one, in the order of
/// the recordings.
///
/// # Errors
/// The first thing that stops the replay, in the order of the recordings:
/// a line that is wrong, a chain that does not start, a sink that fails.
pub fn replay<R: Send>(
    setup: &Setup,
    recordings: Vec<Recording>,
    split: Split,
    render: impl Fn(&ExchangeReport) -> R + Sync,
    sink: impl FnMut(Block<R>) -> Result<(), Failure>,
) -> Result<Summary, Failure> {
    // A thread without a worker would only wait.
    let jobs = split.jobs.min(split.workers).get();
    let (used, spare) = channel();
    let blocks = Blocks::new(recordings, split.workers, spare);
    if jobs == 1 {
        here(Lane::new(setup, used), blocks, &render, sink)
    } else {
        let lanes = (0..jobs).map(|_| Lane::new(setup, used.clone())).collect();
        threaded(lanes, blocks, &render, sink)
    }
}

fn here<R>(
    mut lane: Lane<'_>,
    blocks: Blocks,
    render: &impl Fn(&ExchangeReport) -> R,
    mut sink: impl FnMut(Block<R>) -> Result<(), Failure>,
) -> Result<Summary, Failure> {
    for job in blocks {
        deliver(lane.process(job, render), &mut sink)?;
    }
    Ok(merged([lane.summaries()]))
}

fn deliver<R>(
    mut block: Block<R>,
    sink: &mut impl FnMut(Block<R>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let failure = block.failure.take();
    sink(block)?;
    failure.map_or(Ok(()), Err)
}

fn threaded<R: Send>(
    lanes: Vec<Lane<'_>>,
    blocks: Blocks,
    render: &(impl Fn(&ExchangeReport) -> R + Sync),
    mut sink: impl FnMut(Block<R>) -> Result<(), Failure>,
) -> Result<Summary, Failure> {
    let workers = blocks.workers;
    thread::scope(|scope| {
        let mut threads = Vec::with_capacity(lanes.len());
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for lane in lanes {
            let (input, todo) = sync_channel::<Job>(QUEUE);
            let (done, output) = sync_channel::<Block<R>>(QUEUE);
            threads.push(scope.spawn(move || run_lane(lane, &todo, &done, render)));
            inputs.push(input);
            outputs.push(output);
        }
        scope.spawn(move || deal(blocks, &inputs));
        let result = collect(&outputs, workers, &mut sink);
        // Threads that are still busy find nobody to send to, and stop.
        drop(outputs);
        let summaries: Vec<_> = threads
            .into_iter()
            .filter_map(|thread| joined(thread.join()))
            .collect();
        result.map(|()| merged(summaries))
    })
}

/// A thread's result; its panic goes on in the calling thread.
fn joined<T>(result: thread::Result<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Hands every job to the thread that carries its worker.
///
/// Nobody can wait for ever: jobs are dealt and results collected in the same
/// order, so the oldest job under way always has a free place ahead of it.
fn deal(blocks: Blocks, inputs: &[SyncSender<Job>]) {
    for job in blocks {
        let lane = job.part.worker % inputs.len();
        let sent = inputs
            .get(lane)
            .is_some_and(|input| input.send(job).is_ok());
        if !sent {
            break;
        }
    }
}

fn collect<R>(
    outputs: &[Receiver<Block<R>>],
    workers: usize,
    sink: &mut impl FnMut(Block<R>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for worker in (0..workers).cycle() {
        let Some(Ok(block)) = outputs.get(worker % outputs.len()).map(Receiver::recv) else {
            break;
        };
        deliver(block, sink)?;
    }
    Ok(())
}

type Summaries = BTreeMap<usize, Summary>;

fn run_lane<R>(
    mut lane: Lane<'_>,
    todo: &Receiver<Job>,
    done: &SyncSender<Block<R>>,
    render: &impl Fn(&ExchangeReport) -> R,
) -> Summaries {
    while let Ok(job) = todo.recv() {
        if done.send(lane.process(job, render)).is_err() {
            break;
        }
    }
    lane.summaries()
}

/// Workers' summaries, merged in the order of the workers, whoever carried them.
fn merged(lanes: impl IntoIterator<Item = Summaries>) -> Summary {
    let by_worker: Summaries = lanes.into_iter().flatten().collect();
    let mut total = Summary::default();
    for summary in by_worker.values() {
        total.merge(summary);
    }
    total
}

/// The workers that one thread carries.
struct Lane<'a> {
    setup: &'a Setup,
    workers: BTreeMap<usize, (Worker<'a>, Summary)>,
    /// Where batches go to be filled again: fresh memory for each would be given
    /// to the process page by page, and threads wait for each other there.
    used: Sender<Batch>,
}

impl<'a> Lane<'a> {
    fn new(setup: &'a Setup, used: Sender<Batch>) -> Self {
        Self {
            setup,
            workers: BTreeMap::new(),
            used,
        }
    }

    fn process<R>(&mut self, job: Job, render: &impl Fn(&ExchangeReport) -> R) -> Block<R> {
        let mut block = Block {
            rendered: Vec::new(),
            ids: Ids::default(),
            recording: job.part.recording,
            failure: None,
        };
        match job.batch {
            Ok(batch) => {
                block.failure = self.run(&job.part, &batch, render, &mut block).err();
                // At the end of the recordings nobody is left to fill it.
                let _unwanted = self.used.send(batch);
            }
            Err(failure) => block.failure = Some(failure),
        }
        block
    }

    fn run<R>(
        &mut self,
        part: &Part,
        batch: &Batch,
        render: &impl Fn(&ExchangeReport) -> R,
        block: &mut Block<R>,
    ) -> Result<(), Failure> {
        let number = u64::try_from(part.worker).unwrap_or(u64::MAX);
        let fresh = || (Worker::new(self.setup, number), Summary::default());
        let (worker, summary) = self.workers.entry(part.worker).or_insert_with(fresh);
        let first = part.block.saturating_mul(lines_of_a_block());
        for (sequence, exchange) in (first..).zip(batch.exchanges()) {
            let exchange =
                exchange.map_err(|diagnostics| Failure::lines(&part.name, diagnostics))?;
            let report = worker.run(sequence, &exchange, part.paths)?;
            summary.add(&report);
            block.rendered.push(render(&report));
            block.ids.push(&report.id);
        }
        Ok(())
    }

    fn summaries(self) -> Summaries {
        self.workers
            .into_iter()
            .map(|(number, (_, summary))| (number, summary))
            .collect()
    }
}

fn lines_of_a_block() -> u64 {
    u64::try_from(BatchLimits::default().lines).unwrap_or(u64::MAX)
}

/// The jobs of all recordings, in order.
struct Blocks {
    recordings: std::vec::IntoIter<Recording>,
    current: Option<Recording>,
    /// Place of the current one among the recordings.
    place: usize,
    next: u64,
    workers: usize,
    /// Batches that were replayed.
    spare: Receiver<Batch>,
}

impl Blocks {
    fn new(recordings: Vec<Recording>, workers: NonZeroUsize, spare: Receiver<Batch>) -> Self {
        let mut recordings = recordings.into_iter();
        let current = recordings.next();
        Self {
            recordings,
            current,
            place: 0,
            next: 0,
            workers: workers.get(),
            spare,
        }
    }

    fn job(&mut self, name: String, paths: Option<Paths>, batch: Result<Batch, Failure>) -> Job {
        let block = self.next;
        self.next += 1;
        let workers = u64::try_from(self.workers).unwrap_or(u64::MAX);
        let worker = usize::try_from(block % workers).unwrap_or(0);
        let part = Part {
            block,
            worker,
            recording: self.place,
            name,
            paths,
        };
        Job { part, batch }
    }
}

impl Iterator for Blocks {
    type Item = Job;

    fn next(&mut self) -> Option<Job> {
        loop {
            let recording = self.current.as_mut()?;
            let (name, paths) = (recording.name.clone(), recording.reader.header().paths);
            let mut batch = self.spare.try_recv().unwrap_or_default();
            match recording.reader.fill(&mut batch, BatchLimits::default()) {
                Ok(true) => return Some(self.job(name, paths, Ok(batch))),
                Ok(false) => {
                    self.current = self.recordings.next();
                    self.place += 1;
                }
                Err(diagnostic) => {
                    self.current = None;
                    let failure = Failure::lines(&name, vec![diagnostic]);
                    return Some(self.job(name, paths, Err(failure)));
                }
            }
        }
    }
}
