//! A persistent pool of threads for jobs of some microseconds. Between two jobs its threads spin for a while before
//! they sleep: waking a sleeping thread costs more than a small product.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, PoisonError, RwLock, TryLockError};

/// Checks for the next job before a thread sleeps: some 100 microseconds.
const SPINS: usize = 4096;

/// Checks between two offers of the core to other threads.
const SPINS_PER_YIELD: usize = 256;

/// The threads of a pool. The calling thread works with them.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<PoolState>,
    threads: usize,
    /// Held by the thread whose job is running.
    turn: Mutex<()>,
}

/// The work of a job, by the number of the part.
type Work = &'static (dyn Fn(usize) + Sync);

struct Job {
    work: Work,
    parts: usize,
}

#[derive(Default)]
struct PoolState {
    /// Counts the jobs so far.
    jobs: AtomicUsize,
    /// The running job. A thread that works on it holds a read lock.
    job: RwLock<Option<Job>>,
    /// The next part of the job.
    next: AtomicUsize,
    /// Set if a part has panicked.
    panicked: AtomicBool,
    /// Set when the pool is dropped.
    stopped: AtomicBool,
    /// The number of threads that sleep.
    asleep: Mutex<usize>,
    sleepers: AtomicUsize,
    wake: Condvar,
}

impl std::fmt::Debug for PoolState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} jobs", self.jobs.load(Ordering::Relaxed))
    }
}

/// The pool of this process: as many threads as rayon's.
pub fn pool() -> &'static Pool {
    static POOL: LazyLock<Pool> = LazyLock::new(|| Pool::new(rayon::current_num_threads()));
    &POOL
}

impl Pool {
    /// A pool of `threads` threads, the calling one included.
    pub fn new(threads: usize) -> Self {
        let shared = Arc::new(PoolState::default());
        let spawned = (1..threads.max(1)).map_while(|number| {
            let shared = Arc::clone(&shared);
            // Where the system refuses a thread, the others do its work.
            std::thread::Builder::new().name(format!("decode {number}")).spawn(move || shared.serve()).ok()
        });
        let threads = 1 + spawned.count();
        Self { shared, threads, turn: Mutex::new(()) }
    }

    /// The number of threads that work on a job.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Runs `work` for every part from 0 to `parts - 1`, on all threads, and waits for all of them. While another
    /// job runs, the calling thread does everything alone.
    ///
    /// # Panics
    /// A part that panics.
    pub fn run(&self, parts: usize, work: impl Fn(usize) + Sync) {
        let turn = match self.turn.try_lock() {
            Ok(turn) => Some(turn),
            Err(TryLockError::Poisoned(turn)) => Some(turn.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        if turn.is_none() || parts <= 1 || self.threads == 1 {
            return (0..parts).for_each(work);
        }
        let work: &(dyn Fn(usize) + Sync) = &work;
        // SAFETY: the reference lives as long as this call. Threads reach it only under a read lock of `job`, and
        // `RunningJob` takes it out of there under a write lock before the call ends, even by a panic.
        #[allow(unsafe_code)]
        let work: Work = unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), Work>(work) };
        let running = RunningJob::start(&self.shared, Job { work, parts });
        while let Some(part) = self.shared.next_part(parts) {
            work(part);
        }
        drop(running);
        assert!(!self.shared.panicked.swap(false, Ordering::Relaxed), "a thread of the pool panicked");
    }

    /// Runs `work` for every one of `items`, with its number, on all threads.
    ///
    /// # Panics
    /// An item whose work panics.
    pub fn for_each<T: Send>(&self, items: impl IntoIterator<Item = T>, work: impl Fn(usize, T) + Sync) {
        let items: Vec<Mutex<Option<T>>> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
        self.run(items.len(), |number| {
            let item = items[number].lock().unwrap_or_else(PoisonError::into_inner).take();
            work(number, item.expect("every part runs once"));
        });
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.shared.announce();
    }
}

impl PoolState {
    /// The life of a thread: job after job.
    fn serve(&self) {
        let mut seen = 0;
        loop {
            seen = self.wait_for_job(seen);
            if self.stopped.load(Ordering::SeqCst) {
                return;
            }
            let job = self.job.read().unwrap_or_else(PoisonError::into_inner);
            // A thread that wakes late finds nothing.
            let Some(Job { work, parts }) = &*job else { continue };
            while let Some(part) = self.next_part(*parts) {
                if catch_unwind(AssertUnwindSafe(|| work(part))).is_err() {
                    self.panicked.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    /// Waits until the number of jobs is another than `seen`, and returns it.
    fn wait_for_job(&self, seen: usize) -> usize {
        for spin in 1..=SPINS {
            let jobs = self.jobs.load(Ordering::SeqCst);
            if jobs != seen {
                return jobs;
            }
            pause(spin);
        }
        let mut asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        *asleep += 1;
        self.sleepers.store(*asleep, Ordering::SeqCst);
        while self.jobs.load(Ordering::SeqCst) == seen {
            asleep = self.wake.wait(asleep).unwrap_or_else(PoisonError::into_inner);
        }
        *asleep -= 1;
        self.sleepers.store(*asleep, Ordering::SeqCst);
        self.jobs.load(Ordering::SeqCst)
    }

    /// Counts a job and wakes the threads that sleep.
    fn announce(&self) {
        self.jobs.fetch_add(1, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            // Under the lock nobody is between the last look at `jobs` and sleep.
            drop(self.asleep.lock());
            self.wake.notify_all();
        }
    }

    /// Sets the running job, as soon as no thread is at work.
    fn set_job(&self, job: Option<Job>) {
        for spin in 1.. {
            match self.job.try_write() {
                Ok(mut running) => {
                    self.next.store(0, Ordering::Relaxed);
                    return *running = job;
                }
                Err(TryLockError::Poisoned(running)) => return *running.into_inner() = job,
                Err(TryLockError::WouldBlock) => pause(spin),
            }
        }
    }

    fn next_part(&self, parts: usize) -> Option<usize> {
        Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|part| *part < parts)
    }
}

/// A moment of a waiting thread; now and then its core is offered to others.
fn pause(spin: usize) {
    if spin.is_multiple_of(SPINS_PER_YIELD) {
        std::thread::yield_now();
    } else {
        std::hint::spin_loop();
    }
}

/// The running job, which ends when this is dropped.
struct RunningJob<'a>(&'a PoolState);

impl<'a> RunningJob<'a> {
    fn start(shared: &'a PoolState, job: Job) -> Self {
        shared.set_job(Some(job));
        shared.announce();
        Self(shared)
    }
}

impl Drop for RunningJob<'_> {
    fn drop(&mut self) {
        self.0.set_job(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_runs_once_job_after_job() {
        for threads in [1, 2, 5] {
            let pool = Pool::new(threads);
            for parts in [0, 1, 2, 7, 100].repeat(200) {
                let counts: Vec<AtomicUsize> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
                pool.run(parts, |part| {
                    counts[part].fetch_add(1, Ordering::Relaxed);
                });
                assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1), "{parts} on {threads}");
            }
        }
    }

    #[test]
    fn items_are_written_by_their_own_part_after_sleep_too() {
        let pool = Pool::new(3);
        for _ in 0..3 {
            let mut numbers = vec![0; 40];
            pool.for_each(numbers.chunks_mut(3), |part, chunk| chunk.fill(part));
            assert!(numbers.iter().enumerate().all(|(i, number)| *number == i / 3), "{numbers:?}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    #[test]
    fn a_job_within_a_job_and_jobs_of_two_threads_run_all_the_same() {
        let pool = Pool::new(2);
        let count = AtomicUsize::new(0);
        let add_one = |_| {
            count.fetch_add(1, Ordering::Relaxed);
        };
        let nested = || pool.run(4, |_| pool.run(5, add_one));
        std::thread::scope(|scope| {
            scope.spawn(nested);
            scope.spawn(nested);
        });
        assert_eq!(count.into_inner(), 40);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_goes_on() {
        let pool = Pool::new(2);
        for bad in 0..4 {
            let run = || pool.run(4, |part| assert_ne!(part, bad));
            assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
            let sum = AtomicUsize::new(0);
            pool.run(4, |part| {
                sum.fetch_add(part, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 6);
        }
    }
}
