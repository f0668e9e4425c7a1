//! Text in columns of a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text, padded or cut at its end to exactly `columns`.
#[must_use]
pub fn fit(text: &str, columns: usize) -> String {
    let width = text.width();
    if width <= columns {
        return format!("{text}{}", " ".repeat(columns - width));
    }
    let mut cut = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        cut.push(c);
    }
    cut.push('…');
    cut.push_str(&" ".repeat(columns.saturating_sub(used + 1)));
    cut
}

/// The text, padded at its start.
#[must_use]
pub fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(text.width())))
}

/// A bar of `us` where `columns` stand for `longest`, to an eighth of a column; never empty.
#[must_use]
pub fn bar(us: u64, longest: u64, columns: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let whole = columns as u128 * 8;
    let eighths = u128::from(us) * whole / u128::from(longest.max(1));
    let eighths = usize::try_from(eighths.min(whole)).unwrap_or(usize::MAX).max(1);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}
