use super::*;
use crate::junit::read::{self, Limits};

fn failed<'a>(class: &'a str, name: &'a str) -> Case<'a> {
    Case {
        class,
        name,
        outcome: Outcome::Failed,
        duration_us: Some(1_500_000),
        message: Some("1 != 2"),
        kind: Some("AssertionError"),
        detail: Some("trace"),
        output: Some("out"),
        earlier: Vec::new(),
    }
}
