//! The free pages of the cache, in the order in which they became free.

/// A queue that also gives up any of its pages in O(1): a doubly linked list in one array.
#[derive(Debug)]
pub(super) struct FreeQueue {
    /// The page before and the page after each page of the queue, in a ring whose last entry is the sentinel between back and front.
    links: Vec<Link>,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    before: u32,
    after: u32,
}

impl FreeQueue {
    /// All pages from 0 to `count - 1`, in this order.
    pub(super) fn new(count: usize) -> Self {
        let count = count as u32;
        let link = |page| Link { before: (page + count) % (count + 1), after: (page + 1) % (count + 1) };
        Self { links: (0..=count).map(link).collect() }
    }

    fn sentinel(&self) -> u32 {
        self.links.len() as u32 - 1
    }

    /// Takes the page that has been free for longest.
    pub(super) fn pop_front(&mut self) -> Option<u32> {
        let front = self.links[self.sentinel() as usize].after;
        (front != self.sentinel()).then(|| {
            self.remove(front);
            front
        })
    }

    /// Appends a page that is not in the queue.
    pub(super) fn push_back(&mut self, page: u32) {
        let after = self.sentinel();
        let before = self.links[after as usize].before;
        self.links[page as usize] = Link { before, after };
        self.links[before as usize].after = page;
        self.links[after as usize].before = page;
    }

    /// Removes a page of the queue.
    pub(super) fn remove(&mut self, page: u32) {
        let Link { before, after } = self.links[page as usize];
        self.links[before as usize].after = after;
        self.links[after as usize].before = before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(mut queue: FreeQueue) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop_front()).collect()
    }

    #[test]
    fn pages_leave_in_the_order_in_which_they_came() {
        assert_eq!(drained(FreeQueue::new(0)), [0; 0]);
        let mut queue = FreeQueue::new(4);
        assert_eq!([queue.pop_front(), queue.pop_front()], [Some(0), Some(1)]);
        queue.push_back(1);
        queue.push_back(0);
        assert_eq!(drained(queue), [2, 3, 1, 0]);
    }

    #[test]
    fn any_page_can_be_removed() {
        let mut queue = FreeQueue::new(5);
        for page in [0, 2, 4] {
            queue.remove(page);
        }
        queue.push_back(2);
        assert_eq!(drained(queue), [1, 3, 2]);
    }
}
