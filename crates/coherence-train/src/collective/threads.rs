//! Workers that are threads of one program.

use super::{Collective, Exchange, block};
use coherence_cpu::Element;
use std::sync::{
    Arc, Mutex,
    mpsc::{Receiver, Sender, channel},
};

/// Workers 0 to P − 1, one for each thread. What they exchange is copied through channels.
///
/// A worker that waits holds its thread: if workers train, each needs a pool of threads of its own
/// (`rayon::ThreadPool::install`), or they wait for each other in one pool.
///
/// ```
/// use coherence_train::collective::{Collective, threads};
/// std::thread::scope(|scope| {
///     for worker in threads(3) {
///         scope.spawn(move || {
///             let mut all = [0.0; 3];
///             worker.gather_f64(&[worker.rank() as f64], &mut all);
///             assert_eq!(all, [0.0, 1.0, 2.0]);
///         });
///     }
/// });
/// ```
///
/// # Panics
///
/// A worker panics in an exchange with one that has ended.
pub fn threads(size: usize) -> Vec<Arc<dyn Collective>> {
    let mut inboxes: Vec<Vec<Mutex<Receiver<Vec<f64>>>>> = (0..size).map(|_| Vec::new()).collect();
    let mut outboxes: Vec<Vec<Sender<Vec<f64>>>> = (0..size).map(|_| Vec::new()).collect();
    for outbox in &mut outboxes {
        for inbox in &mut inboxes {
            let (sender, receiver) = channel();
            outbox.push(sender);
            inbox.push(Mutex::new(receiver));
        }
    }
    let boxes = outboxes.into_iter().zip(inboxes).enumerate();
    boxes
        .map(|(rank, (outbox, inbox))| {
            Arc::new(Worker { rank, outbox, inbox }) as Arc<dyn Collective>
        })
        .collect()
}

/// One of them; values of `f32` travel as `f64`, which is exact.
#[derive(Debug)]
struct Worker {
    rank: usize,
    /// To each worker.
    outbox: Vec<Sender<Vec<f64>>>,
    /// From each worker.
    inbox: Vec<Mutex<Receiver<Vec<f64>>>>,
}

impl Worker {
    fn send(&self, to: usize, values: Vec<f64>) {
        self.outbox[to].send(values).unwrap_or_else(|_| panic!("worker {to} has ended"));
    }

    fn receive(&self, from: usize) -> Vec<f64> {
        let inbox = self.inbox[from].lock().expect("a worker receives on one thread");
        inbox.recv().unwrap_or_else(|_| panic!("worker {from} has ended"))
    }
}

impl Collective for Worker {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.outbox.len()
    }
}

impl<T: Element> Exchange<T> for Worker {
    fn exchange(&self, values: &[T], rows: &mut [T]) {
        for to in 0..self.size() {
            self.send(to, widen(&values[block(values.len(), self.size(), to)]));
        }
        let width = rows.len() / self.size();
        for from in 0..self.size() {
            narrow(&self.receive(from), &mut rows[from * width..][..width]);
        }
    }

    fn gather(&self, values: &mut [T]) {
        let blocks = |rank| block(values.len(), self.size(), rank);
        let mine = widen(&values[blocks(self.rank)]);
        (0..self.size()).for_each(|to| self.send(to, mine.clone()));
        for from in 0..self.size() {
            let place = block(values.len(), self.size(), from);
            narrow(&self.receive(from), &mut values[place]);
        }
    }
}

fn widen<T: Element>(values: &[T]) -> Vec<f64> {
    values.iter().map(|&value| value.widen()).collect()
}

fn narrow<T: Element>(values: &[f64], out: &mut [T]) {
    assert_eq!(values.len(), out.len(), "the workers' vectors differ in length");
    out.iter_mut().zip(values).for_each(|(out, &value)| *out = T::narrow(value));
}
