use std::io::Write;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

fn file_with(bytes: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("output");
    std::fs::write(&path, bytes).unwrap();
    (dir, path)
}

fn limits(head_bytes_max: u64, tail_bytes_max: u64) -> KeptLimits {
    KeptLimits { head_bytes_max, tail_bytes_max }
}

#[test]
fn what_fits_is_kept_whole() {
    let (_dir, path) = file_with(b"one\ntwo\xff\n");
    let output = read_kept(&path, limits(4, 5), Whole::Stays).unwrap();
    assert_eq!(output, Output { head: "one\ntwo\u{FFFD}\n".to_owned(), tail: None });
}

#[test]
fn what_does_not_fit_is_cut_between_lines() {
    let (_dir, path) = file_with(b"first\nsecond\nthird\nlast\n");
    let output = read_kept(&path, limits(8, 8), Whole::Goes).unwrap();
    assert_eq!(output.head, "first\n");
    let kept = Kept { omitted_bytes: 13, text: "last\n".to_owned(), whole: None };
    assert_eq!(output.tail, Some(kept));
}

#[test]
fn where_the_whole_is_gets_told_when_it_stays() {
    let (_dir, path) = file_with(&[b'x'; 100]);
    let output = read_kept(&path, limits(10, 10), Whole::Stays).unwrap();
    assert_eq!(output.head, "x".repeat(10));
    let kept = output.tail.unwrap();
    assert_eq!((kept.omitted_bytes, kept.text.len()), (80, 10));
    assert_eq!(kept.whole, Some(path.display().to_string()));
}

#[test]
fn the_ends_of_a_gibibyte_are_read_without_the_rest() {
    const GIB: u64 = 1 << 30;
    let (_dir, path) = file_with(b"the head\n");
    let mut file = File::options().append(true).open(&path).unwrap();
    file.set_len(GIB).unwrap();
    file.write_all(b"\nthe tail\n").unwrap();
    let output = read_kept(&path, KeptLimits::default(), Whole::Stays).unwrap();
    let kept = output.tail.unwrap();
    assert!(output.head.starts_with("the head\n") && kept.text.ends_with("\nthe tail\n"));
    let bytes = output.head.len() + kept.text.len();
    assert_eq!(bytes as u64 + kept.omitted_bytes, GIB + 10);
    assert_eq!(bytes as u64, HEAD_BYTES_MAX + TAIL_BYTES_MAX);
}

#[test]
fn a_missing_file_is_an_error_to_read_and_nothing_yet_to_follow() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("output");
    assert!(read_kept(&path, KeptLimits::default(), Whole::Goes).is_err());
    let mut follower = Follower::new(path.clone());
    assert_eq!(follower.poll().unwrap(), "");
    std::fs::write(&path, "here\n").unwrap();
    assert_eq!(follower.poll().unwrap(), "here\n");
}

#[test]
fn a_follower_gives_whole_lines_and_the_rest_at_the_end() {
    let (_dir, path) = file_with(b"a\nb");
    let mut file = File::options().append(true).open(&path).unwrap();
    let mut follower = Follower::new(path);
    assert_eq!(follower.poll().unwrap(), "a\n");
    assert_eq!(follower.poll().unwrap(), "");
    file.write_all(b"c\nd\ne").unwrap();
    assert_eq!(follower.poll().unwrap(), "bc\nd\n");
    assert_eq!(follower.finish(), "e");
}

#[test]
fn a_follower_starts_again_when_the_file_is_emptied() {
    let (_dir, path) = file_with(b"long enough\n");
    let mut follower = Follower::new(path.clone());
    assert_eq!(follower.poll().unwrap(), "long enough\n");
    std::fs::write(&path, "new\n").unwrap();
    assert_eq!(follower.poll().unwrap(), "new\n");
}

#[test]
fn a_line_without_end_is_given_in_pieces() {
    let line = "ü".repeat(POLL_BYTES_MAX);
    let (_dir, path) = file_with(line.as_bytes());
    let mut follower = Follower::new(path);
    let mut got = String::new();
    loop {
        let piece = follower.poll().unwrap();
        assert!(piece.len() <= 2 * POLL_BYTES_MAX);
        if piece.is_empty() {
            break;
        }
        got.push_str(&piece);
    }
    got.push_str(&follower.finish());
    assert!(got == line);
}

proptest! {
    #[test]
    fn cuts_never_split_a_character_nor_lose_count(
        text in "[aüñ€😀\n]{0,60}", head in 0u64..40, tail in 0u64..40
    ) {
        let (_dir, path) = file_with(text.as_bytes());
        let output = read_kept(&path, limits(head, tail), Whole::Goes).unwrap();
        let Some(kept) = output.tail else {
            prop_assert_eq!(output.head, text);
            return Ok(());
        };
        prop_assert!(text.starts_with(&output.head) && text.ends_with(&kept.text));
        prop_assert!(output.head.len() as u64 <= head && kept.text.len() as u64 <= tail);
        let all = (output.head.len() + kept.text.len()) as u64 + kept.omitted_bytes;
        prop_assert_eq!(all, text.len() as u64);
    }

    #[test]
    fn following_loses_nothing(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..10)
    ) {
        let (_dir, path) = file_with(b"");
        let mut file = File::options().append(true).open(&path).unwrap();
        let mut follower = Follower::new(path);
        let mut got = String::new();
        for piece in &pieces {
            file.write_all(piece).unwrap();
            let lines = follower.poll().unwrap();
            prop_assert!(lines.is_empty() || lines.ends_with('\n'));
            got.push_str(&lines);
        }
        got.push_str(&follower.finish());
        prop_assert_eq!(got, lossy(&pieces.concat()));
    }
}
