//! The rows a provider answers from: some given as text, the rest made when they are asked for.

use std::sync::Arc;

use super::generate::Recipe;

/// A provider's rows. Cheap to clone; holds no generated row.
#[derive(Clone, Debug)]
pub(super) struct Book {
    given: Arc<[String]>,
    recipe: Option<Recipe>,
}

impl Book {
    pub(super) fn of(rows: Vec<String>) -> Self {
        Self {
            given: rows.into(),
            recipe: None,
        }
    }

    /// The given rows, then as many generated ones as make `total`.
    pub(super) fn continued(rows: Vec<String>, total: usize, recipe: impl Fn(usize) -> Recipe) -> Self {
        let missing = total.saturating_sub(rows.len());
        Self {
            given: rows.into(),
            recipe: Some(recipe(missing)),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.given.len().saturating_add(self.generated())
    }

    fn generated(&self) -> usize {
        self.recipe.as_ref().map_or(0, Recipe::count)
    }

    pub(super) fn row(&self, index: usize) -> Option<String> {
        match index.checked_sub(self.given.len()) {
            None => self.given.get(index).cloned(),
            Some(generated) => self
                .recipe
                .as_ref()
                .filter(|recipe| generated < recipe.count())
                .map(|r| r.row(generated)),
        }
    }

    /// Every row, in the order of `key` among the given ones; generated rows follow in their own order,
    /// which is ascending in every key that a provider sorts by.
    pub(super) fn all<K: Ord>(&self, key: impl Fn(&str) -> K) -> Listing {
        let mut head: Vec<usize> = (0..self.given.len()).collect();
        head.sort_by_cached_key(|index| self.given.get(*index).map(|row| key(row)));
        Listing {
            head,
            tail_from: self.given.len(),
            tail: self.generated(),
        }
    }

    /// The rows that `keep` keeps. `hints` are equality conditions, field and value, which spare looking
    /// through generated rows that cannot match; `keep` still decides.
    pub(super) fn matching(
        &self,
        hints: &[(&str, &str)],
        keep: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = usize> {
        let candidates = self.recipe.as_ref().map_or_else(Vec::new, |recipe| {
            hints
                .iter()
                .find_map(|(field, value)| recipe.candidates(field, value))
                .unwrap_or_else(|| (0..recipe.count()).collect())
        });
        let given = self.given.len();
        let book = self.clone();
        (0..given)
            .chain(
                candidates
                    .into_iter()
                    .map(move |index| index.saturating_add(given)),
            )
            .filter(move |index| book.row(*index).is_some_and(|row| keep(&row)))
    }

    /// The rows that `keep` keeps, in the order of `key`.
    pub(super) fn some<K: Ord>(
        &self,
        hints: &[(&str, &str)],
        keep: impl Fn(&str) -> bool,
        key: impl Fn(&str) -> K,
    ) -> Listing {
        let mut head: Vec<usize> = self.matching(hints, keep).collect();
        head.sort_by_cached_key(|index| self.row(*index).map(|row| key(&row)));
        Listing {
            head,
            tail_from: 0,
            tail: 0,
        }
    }

    /// One page of a listing.
    pub(super) fn page(&self, listing: &Listing, order: Order, page: usize, size: usize) -> Vec<String> {
        self.slice(listing, order, page.saturating_sub(1).saturating_mul(size), size)
    }

    /// Some rows of a listing from a position on.
    pub(super) fn slice(&self, listing: &Listing, order: Order, start: usize, size: usize) -> Vec<String> {
        (start..start.saturating_add(size).min(listing.len()))
            .filter_map(|position| self.row(listing.index(order, position)?))
            .collect()
    }
}

/// Which rows, in ascending order: some by name, then a run of them.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    head: Vec<usize>,
    tail_from: usize,
    tail: usize,
}

/// Which way a listing is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
    /// No order was asked for and none is promised: another one for every request.
    Undefined {
        serial: usize,
    },
}

impl Listing {
    pub(super) fn len(&self) -> usize {
        self.head.len().saturating_add(self.tail)
    }

    /// The first rows in this order, and no others.
    pub(super) fn first(&self, order: Order, count: usize) -> Vec<usize> {
        (0..self.len().min(count))
            .filter_map(|position| self.index(order, position))
            .collect()
    }

    /// A listing of exactly these rows.
    pub(super) fn exactly(head: Vec<usize>) -> Self {
        Self {
            head,
            tail_from: 0,
            tail: 0,
        }
    }

    fn index(&self, order: Order, position: usize) -> Option<usize> {
        let len = self.len();
        let position = match order {
            Order::Ascending => position,
            Order::Descending => len.checked_sub(position)?.checked_sub(1)?,
            Order::Undefined { serial } => scattered(position, serial, len)?,
        };
        match position.checked_sub(self.head.len()) {
            None => self.head.get(position).copied(),
            Some(beyond) => (beyond < self.tail).then(|| self.tail_from.saturating_add(beyond)),
        }
    }
}

/// A permutation of `0..len` that differs from one serial number to the next: a stride that shares no
/// divisor with `len`, from a start that moves.
fn scattered(position: usize, serial: usize, len: usize) -> Option<usize> {
    let from = len.saturating_mul(5) / 8;
    // 1 shares no divisor with anything, so the search ends.
    let stride = (1..=from.max(1)).rev().find(|stride| gcd(*stride, len) == 1)?;
    let start = serial.checked_rem(len)?;
    position.wrapping_mul(stride).wrapping_add(start).checked_rem(len)
}

fn gcd(a: usize, b: usize) -> usize {
    match a.checked_rem(b) {
        None => a,
        Some(rest) => gcd(b, rest),
    }
}
