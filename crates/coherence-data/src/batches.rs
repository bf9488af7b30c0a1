//! Batches that are decoded in the background.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use crate::{Dataset, ReadError, Target};

/// Some examples of a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Their indices \[k\] in the data set.
    pub indices: Vec<usize>,
    /// Their images [k, height, width, channels].
    pub inputs: Vec<f32>,
    /// Their targets \[k\].
    pub targets: Vec<Target>,
}

impl Batch {
    /// Reads the examples `indices` of `data`.
    ///
    /// # Errors
    /// The first [`ReadError`].
    ///
    /// # Panics
    /// If an index is not below the number of examples.
    pub fn read(data: &dyn Dataset, indices: Vec<usize>) -> Result<Self, ReadError> {
        let never = AtomicBool::new(false);
        Ok(Self::read_unless(&never, data, indices)?.expect("nothing stops it"))
    }

    /// [`read`](Self::read); `None` as soon as `stop` is set.
    fn read_unless(
        stop: &AtomicBool,
        data: &dyn Dataset,
        indices: Vec<usize>,
    ) -> Result<Option<Self>, ReadError> {
        let features = data.shape().features();
        let mut inputs = vec![0.0; indices.len() * features];
        let mut targets = Vec::with_capacity(indices.len());
        for (k, &i) in indices.iter().enumerate() {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            targets.push(data.get(i, &mut inputs[k * features..][..features])?);
        }
        Ok(Some(Self { indices, inputs, targets }))
    }
}

/// Batches in a given order; while one is used, a thread decodes the next.
///
/// At most two batches are in memory if the caller drops each before it asks for the next. An error
/// replaces its batch and ends the iteration. Dropping the iterator stops the thread after its current
/// example, and waits for it.
///
/// ```
/// use std::sync::Arc;
/// use coherence_data::{Batches, Dataset, digits};
/// let order = [vec![3, 1], vec![4], vec![1, 5, 9]];
/// for batch in Batches::new(Arc::new(digits::test()), order) {
///     let batch = batch?;
///     assert_eq!(batch.inputs.len(), batch.indices.len() * 784);
/// }
/// # Ok::<(), coherence_data::ReadError>(())
/// ```
#[derive(Debug)]
pub struct Batches {
    /// `None` once the thread has ended or is to end.
    receiver: Option<Receiver<Result<Batch, ReadError>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Batches {
    /// Batches of the examples that `order` lists.
    ///
    /// # Panics
    /// In [`next`](Iterator::next), if an index is not below the number of examples.
    pub fn new<O>(data: Arc<dyn Dataset>, order: O) -> Self
    where
        O: IntoIterator<Item = Vec<usize>>,
        O::IntoIter: Send + 'static,
    {
        let (sender, receiver) = sync_channel(0);
        let stop = Arc::new(AtomicBool::new(false));
        let (order, stopped) = (order.into_iter(), Arc::clone(&stop));
        let thread = thread::spawn(move || send(&*data, order, &stopped, &sender));
        Self { receiver: Some(receiver), stop, thread: Some(thread) }
    }

    /// Waits for the thread; if it panicked, so does the caller.
    fn join(&mut self) {
        self.receiver = None;
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            resume_unwind(panic);
        }
    }
}

/// Reads and sends batches until there are no more, one fails, or nobody wants them.
fn send(
    data: &dyn Dataset,
    order: impl Iterator<Item = Vec<usize>>,
    stop: &AtomicBool,
    sender: &SyncSender<Result<Batch, ReadError>>,
) {
    for indices in order {
        let result = match Batch::read_unless(stop, data, indices) {
            Ok(None) => return,
            Ok(Some(batch)) => Ok(batch),
            Err(error) => Err(error),
        };
        let is_last = result.is_err();
        if sender.send(result).is_err() || is_last {
            return;
        }
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let received = self.receiver.as_ref()?.recv().ok();
        if received.is_none() {
            self.join();
        }
        received
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.receiver = None;
        if let Some(thread) = self.thread.take() {
            // The caller wants no more batches, so a panic of the thread is ignored.
            let _ = thread.join();
        }
    }
}
