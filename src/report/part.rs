//! JUnit's names of a test, kept beside its id in as little room as can be: a million tests are
//! to fit into memory.

use std::sync::Arc;

/// `classname` and `name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    class: Part,
    case: Part,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// These bytes of the test's own name.
    Within(u32, u32),
    /// A text that neighbours share.
    Shared(Arc<str>),
}

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
        let class = if name.starts_with(class) { Part::within(0, class.len()) } else { None }
            .unwrap_or_else(|| Part::Shared(shared(&mut pool.class, class)));
        let case = if name.ends_with(case) {
            Part::within(name.len() - case.len(), name.len())
        } else {
            None
        }
        .unwrap_or_else(|| Part::Shared(case.into()));
        Self { class, case }
    }

    /// `classname` of the test that is called `name`.
    pub(super) fn class<'a>(&'a self, name: &'a str) -> &'a str {
        self.class.text(name)
    }

    /// `name` of the test that is called `name`.
    pub(super) fn case<'a>(&'a self, name: &'a str) -> &'a str {
        self.case.text(name)
    }
}

impl Part {
    fn within(from: usize, to: usize) -> Option<Self> {
        Some(Self::Within(u32::try_from(from).ok()?, u32::try_from(to).ok()?))
    }

    fn text<'a>(&'a self, name: &'a str) -> &'a str {
        match self {
            Self::Within(from, to) => name.get(*from as usize..*to as usize).unwrap_or_default(),
            Self::Shared(text) => text,
        }
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
        let [one, two] = [(); 2].map(|()| Names::new("x", "far", "away", &mut pool));
        let (Part::Shared(one), Part::Shared(two)) = (one.class, two.class) else { panic!() };
        assert!(Arc::ptr_eq(&one, &two), "neighbours share their class");
    }

    #[test]
    fn they_take_little_room() {
        assert!(size_of::<Names>() <= 32, "{}", size_of::<Names>());
        let test = size_of::<crate::report::TestReport>();
        assert!(test <= 152, "a million tests take {test} MB before their names");
    }
}
