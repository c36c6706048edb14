//! Reading a record that becomes a loan.

use super::reader::Reader;
use super::{Drift, Rejected, Why};
use crate::loan::{Field, FlagCode, Loan, Missing, Money, Named, Note, Notes, Origin};

impl Reader<'_, Field> {
    /// An id the record cannot do without.
    pub fn id(&mut self, key: &'static str) -> Result<String, Rejected> {
        let id = self
            .text(Field::ProviderRefs, key)
            .ok_or(Rejected::new(key, Why::NoId))?;
        self.is(Field::Id, Origin::Derived, key);
        Ok(id)
    }

    /// An id that is filed under the loan's references.
    pub fn reference(
        &mut self,
        refs: &mut Named<String>,
        name: &'static str,
        key: &'static str,
    ) -> Option<String> {
        let id = self.text(Field::ProviderRefs, key)?;
        refs.push(name, id.clone());
        self.refers(name, key);
        Some(id)
    }

    /// Notes that a field has the value of another one, or lacks one for the same reason.
    pub fn follows(&mut self, field: Field, leader: Field) {
        if let Some(found) = self.found.iter().rfind(|found| found.field == leader) {
            let found = Note { field, ..*found };
            self.found.push(found);
        }
    }

    /// Forgets what was noted of a field, which another record decides after all.
    pub fn yields(&mut self, field: Field) {
        self.found.retain(|note| note.field != field);
    }

    /// Notes where a reference of the loan came from.
    pub fn refers(&mut self, name: &'static str, source: &'static str) {
        self.references.push((name, source));
    }

    /// A balance that may go below zero: what is owed, and what the lender owes the borrower instead.
    pub fn balance(
        &mut self,
        field: Field,
        key: &'static str,
    ) -> Result<(Option<Money>, Option<Money>), Rejected> {
        let (owed, credit) = self.signed(field, key)?;
        match (owed, credit) {
            (_, Some(_)) => {
                self.flag(FlagCode::BalanceDerived, field);
                self.flag(FlagCode::BalanceDerived, Field::CreditBalance);
                self.is(Field::CreditBalance, Origin::Derived, key);
                self.keep(key);
            }
            // The lender owes nothing to somebody who owes the lender.
            (Some(_), None) => self.lacks(Field::CreditBalance, Missing::NotApplicable, key),
            (None, None) => self.lacks(Field::CreditBalance, Missing::AbsentInResponse, key),
        }
        Ok((owed, credit))
    }

    /// Ends the reading, of the record that the loan itself is made from before those beside it: what nobody read goes to
    /// `extensions`, and what no document names is reported as drift. The loan keeps a copy of the record, and where each of
    /// its fields came from.
    pub fn finish(mut self, documented: &[&'static str], loan: &mut Loan) -> Vec<Drift> {
        let (extensions, personal) = self.leftover(documented);
        if self.name.is_empty() {
            loan.extensions = extensions;
        } else if let Some(text) = extensions.into_text() {
            loan.extensions.push(self.name, |out| out.push_str(&text));
        }
        for flag in &self.flags {
            loan.flag(flag.code, flag.field);
        }
        let notes = Notes {
            fields: self.found,
            references: self.references,
        };
        loan.received.push(self.name, self.text, personal, notes);
        self.drift
    }
}
