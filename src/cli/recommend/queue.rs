//! The queue of requests: those that can be answered, and those refused with the user's name.

use crate::constrain::Mode;
use crate::data::Catalogue;
use crate::data::titles::clean;
use crate::recommend::PreparedRequest;
use crate::request::Request;
use crate::{Error, Result};

/// A prepared request and its user.
pub struct UserRequest {
    /// The user's key; nobody's where the history came by hand.
    pub user: Option<String>,
    /// The user's request.
    pub prepared: PreparedRequest,
}

/// Requests on their way to the model, made ready one by one. Whoever cannot be answered is named, and the others go on.
pub struct RequestQueue<'a> {
    requests: std::vec::IntoIter<(Option<String>, Request)>,
    mode: Mode,
    catalogue: &'a Catalogue,
    asked: usize,
    refused: usize,
    /// The first request that can be answered.
    first: Option<UserRequest>,
}

impl<'a> RequestQueue<'a> {
    /// A queue in which somebody can be answered: that is known before a model is loaded.
    ///
    /// # Errors
    /// Why no list satisfies the request, where it is the only one; that nobody can be answered, where there are more.
    pub fn new(requests: Vec<(Option<String>, Request)>, mode: Mode, catalogue: &'a Catalogue) -> Result<Self> {
        let asked = requests.len();
        let mut queue = Self { requests: requests.into_iter(), mode, catalogue, asked, refused: 0, first: None };
        queue.first = queue.find()?;
        if queue.first.is_none() { queue.refusals().map(|()| queue) } else { Ok(queue) }
    }

    /// The number of requests at the start.
    pub fn asked(&self) -> usize {
        self.asked
    }

    /// The next request that can be answered; `None` behind the last one.
    fn find(&mut self) -> Result<Option<UserRequest>> {
        for (user, request) in self.requests.by_ref() {
            match (PreparedRequest::new(request, self.mode, self.catalogue), user) {
                (Ok(prepared), Some(user)) => {
                    return Ok(Some(UserRequest { prepared: prepared.of_user(&user), user: Some(user) }));
                }
                (Ok(prepared), None) => return Ok(Some(UserRequest { prepared, user: None })),
                (Err(error), Some(user)) if self.asked > 1 => {
                    eprintln!("user {}: {error}", clean(&user));
                    self.refused += 1;
                }
                (Err(error), _) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Up to `count` requests; none behind the last one.
    pub fn take(&mut self, count: usize) -> Result<Vec<UserRequest>> {
        let mut taken: Vec<UserRequest> = self.first.take().into_iter().collect();
        while taken.len() < count
            && let Some(asked) = self.find()?
        {
            taken.push(asked);
        }
        Ok(taken)
    }

    /// The error at the end if a request was refused.
    pub fn refusals(&self) -> Result<()> {
        if self.refused == 0 {
            return Ok(());
        }
        Err(Error::bad_input("--user")
            .expected(format!("{} users who can all have such a list", self.asked))
            .found(format!("{} who cannot, named above", self.refused))
            .next("ask for less, or leave them out")
            .into())
    }
}
