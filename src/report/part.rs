//! JUnit's names of a test, kept beside its id in as little room as can be: a million tests are
//! to fit into memory.

use std::sync::Arc;

/// `classname` and `name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    /// What of them does not stand in the test's own name: the class, which neighbours share; or
    /// the class and behind it the case.
    own: Option<Arc<str>>,
    /// Where the class ends, in the test's name or in `own`.
    class_end: u32,
    /// Where the case begins in the test's name, to whose end it goes; [`IN_OWN`] if it does not.
    case_start: u32,
}

/// The case stands in [`Names::own`].
const IN_OWN: u32 = u32::MAX;

/// The texts that were shared last: tests stand by classes and files.
#[derive(Debug, Default)]
pub(super) struct Pool {
    class: Option<Arc<str>>,
    file: Option<Arc<str>>,
}

impl Pool {
    /// A file's name.
    pub(super) fn file(&mut self, name: &str) -> Arc<str> {
        shared(&mut self.file, name)
    }
}

fn shared(last: &mut Option<Arc<str>>, text: &str) -> Arc<str> {
    match last {
        Some(known) if **known == *text => Arc::clone(known),
        Some(_) | None => Arc::clone(last.insert(text.into())),
    }
}

impl Names {
    /// The names of the test that is called `name`.
    pub(super) fn new(name: &str, class: &str, case: &str, pool: &mut Pool) -> Self {
        let place = |at: usize| u32::try_from(at).unwrap_or(IN_OWN - 1);
        let class_end = place(class.len());
        if !name.ends_with(case) {
            let own = Some(format!("{class}{case}").into());
            return Self { own, class_end, case_start: IN_OWN };
        }
        let own = (!name.starts_with(class)).then(|| shared(&mut pool.class, class));
        Self { own, class_end, case_start: place(name.len() - case.len()) }
    }

    /// `classname` of the test that is called `name`.
    pub(super) fn class<'a>(&'a self, name: &'a str) -> &'a str {
        let text = self.own.as_deref().unwrap_or(name);
        text.get(..self.class_end as usize).unwrap_or_default()
    }

    /// `name` of the test that is called `name`.
    pub(super) fn case<'a>(&'a self, name: &'a str) -> &'a str {
        let (text, start) = match (&self.own, self.case_start) {
            (Some(own), IN_OWN) => (&**own, self.class_end),
            (_, start) => (name, start),
        };
        text.get(start as usize..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_wherever_they_are_kept() {
        let mut pool = Pool::default();
        for (name, class, case) in [
            ("shop.Cart::adds", "shop.Cart", "adds"),
            ("t/test_cart.py::Cart::adds", "t.test_cart.Cart", "adds"),
            ("t/test_cart.py::Cart::adds", "t.test_cart.Cart", "adds one"),
            ("adds", "", "adds"),
            ("adds", "", ""),
            ("ä::ä", "ä", "ä"),
        ] {
            let names = Names::new(name, class, case, &mut pool);
            assert_eq!((names.class(name), names.case(name)), (class, case));
        }
        let one = Names::new("x", "far", "away", &mut pool);
        assert_eq!((one.class("x"), one.case("x")), ("far", "away"));
        let [one, two] = [(); 2].map(|()| Names::new("x", "far", "x", &mut pool));
        let (Some(one), Some(two)) = (one.own, two.own) else { panic!("kept elsewhere") };
        assert!(Arc::ptr_eq(&one, &two), "neighbours share their class");
    }

    #[test]
    fn they_take_little_room() {
        assert!(size_of::<Names>() <= 24, "{}", size_of::<Names>());
        let test = size_of::<crate::report::TestReport>();
        assert!(test <= 144, "a million tests take {test} MB before their names");
    }
}
