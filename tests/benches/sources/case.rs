//! A case: one method of one adapter, asked by one kind of key. It knows its questions and what to expect of the answers.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, TryStreamExt as _};
use tonic::{Code, Request, Response, Status};

use crate::keys::Question;

/// The deadlines of the contracts: the shortest of the unary methods, and that of the streams.
const UNARY_DEADLINE: Duration = Duration::from_secs(5);
const STREAM_DEADLINE: Duration = Duration::from_secs(60);

/// One method, asked by one kind of key.
pub struct Case {
    pub domain: &'static str,
    pub method: &'static str,
    /// The kind of key.
    pub by: &'static str,
    pub is_stream: bool,
    ask: Ask,
}

/// Asks the question of a number, and tells how many records came.
type Ask = Box<dyn Fn(usize) -> BoxFuture<'static, Result<u64>> + Send + Sync>;

/// A unary method of a tonic trait.
type Unary<S, Q, A> = for<'s> fn(&'s S, Request<Q>) -> BoxFuture<'s, Result<Response<A>, Status>>;

/// A streaming one.
type Stream<S, Q, A> = for<'s> fn(&'s S, Request<Q>) -> BoxFuture<'s, Result<Response<Answers<A>>, Status>>;
type Answers<A> = BoxStream<'static, Result<A, Status>>;

/// How a list is read on to its end.
pub struct Paging<Q, A> {
    /// The token of an answer that continues the list; empty in all but the last of a page.
    pub token: fn(&A) -> &str,
    /// The request for what comes after a token.
    pub after: fn(Q, String) -> Q,
}

impl Case {
    /// What is asked of whom, and by what.
    pub fn name(&self) -> String {
        format!("{} {} by {}", self.domain, self.method, self.by)
    }

    /// Asks one question, and tells how many records came. The request is made before the answer is waited for.
    pub fn ask(&self, number: usize) -> BoxFuture<'static, Result<u64>> {
        (self.ask)(number)
    }
}

/// The cases of one adapter's service, as they are made.
pub struct Cases<S> {
    domain: &'static str,
    service: Arc<S>,
    made: Vec<Case>,
}

impl<S: Send + Sync + 'static> Cases<S> {
    pub fn of(domain: &'static str, service: S) -> Self {
        Self { domain, service: Arc::new(service), made: Vec::new() }
    }

    /// Adds a unary method. `finds` tells whether an answer holds what was asked for.
    pub fn unary<Q, A>(
        &mut self,
        (method, by): (&'static str, &'static str),
        questions: Vec<Question<Q>>,
        call: Unary<S, Q, A>,
        finds: fn(&A) -> bool,
    ) where
        Q: Clone + Send + Sync + 'static,
        A: Send + 'static,
    {
        let service = Arc::clone(&self.service);
        let ask: Ask = Box::new(move |number| {
            let service = Arc::clone(&service);
            let Question { request, is_known } = questions[number % questions.len()].clone();
            let request = until(UNARY_DEADLINE, request);
            async move {
                let found = found(call(&service, request).await, finds)?;
                ensure!(found == is_known, "{}", if found { UNEXPECTED } else { MISSING });
                Ok(1)
            }
            .boxed()
        });
        self.made.push(Case { domain: self.domain, method, by, is_stream: false, ask });
    }

    /// Adds a streaming method, of which each list is read to its end.
    pub fn stream<Q, A>(
        &mut self,
        (method, by): (&'static str, &'static str),
        lists: Vec<Q>,
        call: Stream<S, Q, A>,
        paging: Paging<Q, A>,
    ) where
        Q: Clone + Send + Sync + 'static,
        A: Send + 'static,
    {
        let service = Arc::clone(&self.service);
        let Paging { token, after } = paging;
        let ask: Ask = Box::new(move |number| {
            let service = Arc::clone(&service);
            let first = lists[number % lists.len()].clone();
            async move { whole(service.as_ref(), first, call, &Paging { token, after }).await }.boxed()
        });
        self.made.push(Case { domain: self.domain, method, by, is_stream: true, ask });
    }

    pub fn made(self) -> Vec<Case> {
        self.made
    }
}

const MISSING: &str = "a record that is there was not found";
const UNEXPECTED: &str = "a record was found that is not there";

/// A request as the bus hands it to a service.
fn until<Q>(deadline: Duration, request: Q) -> Request<Q> {
    let mut request = Request::new(request);
    request.set_timeout(deadline);
    request
}

fn found<A>(answer: Result<Response<A>, Status>, finds: fn(&A) -> bool) -> Result<bool> {
    match answer {
        Ok(answer) => Ok(finds(answer.get_ref())),
        Err(status) if status.code() == Code::NotFound => Ok(false),
        Err(status) => bail!("{}: {}", status.code(), status.message()),
    }
}

/// Reads a list page after page, and counts its records.
async fn whole<S, Q, A>(service: &S, first: Q, call: Stream<S, Q, A>, paging: &Paging<Q, A>) -> Result<u64>
where
    Q: Clone,
{
    let mut records = 0;
    let mut request = first.clone();
    loop {
        let mut answers =
            call(service, until(STREAM_DEADLINE, request)).await.context("a page")?.into_inner();
        let mut token = String::new();
        while let Some(answer) = answers.try_next().await.context("a page")? {
            records += 1;
            (paging.token)(&answer).clone_into(&mut token);
        }
        if token.is_empty() {
            return Ok(records);
        }
        request = (paging.after)(first.clone(), token);
    }
}
