use url::Url;

use super::*;
use crate::model::RunKey;
use crate::publish::site::Commit;
use crate::report::merge;

fn site(run_url: Option<&str>) -> Common {
    Common {
        api: Url::parse("https://api.github.com").unwrap(),
        commit: Commit::new(&"ab".repeat(20)),
        run: RunKey { id: Some("77".to_owned()), number: Some(77), attempt: 2 },
        run_url: run_url.map(str::to_owned),
        remarks: Vec::new(),
    }
}

fn marker(digest: &str) -> Marker {
    Marker { name: "a".to_owned(), run: Some(77), attempt: 2, digest: digest.to_owned() }
}

#[test]
fn a_comment_begins_with_its_marker_and_ends_with_where_it_comes_from() {
    let report = merge(Vec::new(), |_| None);
    let body = comment(&report, &marker(&digest(&report)), &site(Some("https://ci.example/77")));
    let read = Marker::read(&body).unwrap();
    assert_eq!(read, marker(&digest(&report)));
    assert!(body.contains("## ✗ not whole"), "{body}");
    let foot = body.trim_end().lines().last().unwrap();
    assert_eq!(foot, "commit abababa · [run 77](https://ci.example/77), attempt 2");
    assert!(!is_good(&report));
}

#[test]
fn an_address_that_could_end_its_link_is_left_out() {
    for odd in ["javascript:alert(1)", "https://x/)![](y", "https://x/ y", "https://x/\ny"] {
        assert_eq!(footer(&site(Some(odd))), "\ncommit abababa\n", "{odd}");
    }
}
