use std::ops::{Deref, DerefMut};

use deadpool_postgres::Object;

/// A connection that is closed unless it is given back, so that nobody waits behind what it may still do.
pub(super) struct Lent(Option<Object>);

const UNTIL_GIVEN_BACK: &str = "giving back takes the value";

impl Lent {
    pub(super) fn new(client: Object) -> Self {
        Self(Some(client))
    }

    pub(super) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Deref for Lent {
    type Target = Object;

    fn deref(&self) -> &Object {
        self.0.as_ref().expect(UNTIL_GIVEN_BACK)
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Object {
        self.0.as_mut().expect(UNTIL_GIVEN_BACK)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}
