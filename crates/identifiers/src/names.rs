//! Comparison of Vietnamese names: Unicode form, case, spacing and the placement of tone marks do not matter;
//! everything else, tones and letters included, does.

mod enterprise;

use unicode_normalization::UnicodeNormalization;

pub use enterprise::same_enterprise;

/// Longest name that is looked at, in characters; the rest is dropped.
const MAX_LENGTH: usize = 512;

/// The name in NFC with its white space collapsed, as it is kept and shown.
///
/// ```
/// assert_eq!(lgsp_identifiers::names::normalise("  Trần   Thị\u{a0}Bé "), "Trần Thị Bé");
/// ```
pub fn normalise(name: &str) -> String {
    // What is invisible goes first: it may stand between a letter and its tone.
    let visible = name.chars().filter(|letter| !is_invisible(*letter));
    let visible: String = visible.nfc().take(MAX_LENGTH).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The key by which names are compared: two names are the same if and only if their keys are equal. Not for showing.
///
/// A syllable carries one tone, and styles differ only in the vowel that they write it on (hoà = hòa, khoẻ = khỏe,
/// thuý = thúy), so the key moves the tone to the end of its word.
pub fn key(name: &str) -> String {
    let mut key = String::with_capacity(name.len() + 8);
    let mut tones = String::new();
    for letter in normalise(name).to_lowercase().nfd() {
        if is_tone(letter) {
            tones.push(letter);
            continue;
        }
        if !letter.is_alphabetic() && !is_vowel_mark(letter) {
            key.push_str(&tones);
            tones.clear();
        }
        // Eth (ð) looks like the Vietnamese đ in capitals and is often typed for it.
        key.push(if letter == 'ð' { 'đ' } else { letter });
    }
    key.push_str(&tones);
    key.nfc().collect()
}

/// Whether two names are the same name.
///
/// ```
/// use lgsp_identifiers::names::same_name;
///
/// assert!(same_name("Nguyễn Thị Thuý Hoà", "NGUYỄN  THỊ THÚY HÒA"));
/// assert!(!same_name("Hoa", "Hòa"));
/// ```
pub fn same_name(one: &str, other: &str) -> bool {
    key(one) == key(other)
}

/// Grave, acute, tilde, hook above, dot below.
fn is_tone(letter: char) -> bool {
    matches!(letter, '\u{300}' | '\u{301}' | '\u{303}' | '\u{309}' | '\u{323}')
}

/// Circumflex, breve and horn make other vowels: they stay where they are.
fn is_vowel_mark(letter: char) -> bool {
    matches!(letter, '\u{302}' | '\u{306}' | '\u{31b}')
}

fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_two_placements_of_a_tone_mark_are_one_name() {
        let pairs = [
            "hòa hoà",
            "hóa hoá",
            "hỏa hoả",
            "hõa hoã",
            "họa hoạ",
            "hòe hoè",
            "hóe hoé",
            "khỏe khoẻ",
            "hõe hoẽ",
            "họe hoẹ",
            "thùy thuỳ",
            "thúy thuý",
            "thủy thuỷ",
            "thũy thuỹ",
            "thụy thuỵ",
            "qúy quý",
            "gìa già",
        ];
        for (old, new) in pairs.iter().filter_map(|pair| pair.split_once(' ')) {
            assert!(same_name(old, new), "{old} = {new}");
            assert!(same_name(&format!("Nguyễn Thị {old}"), &format!("NGUYỄN  THỊ {}", new.to_uppercase())));
        }
    }

    #[test]
    fn unicode_form_case_and_spacing_do_not_matter() {
        let decomposed: String = "Trần Thị Thuý Hằng".nfd().collect();
        assert!(same_name(&decomposed, " trần\u{a0}thị  THÚY hằng\u{200b}"));
        assert!(same_name("Ðặng Văn Đức", "Đặng Văn Đức"));
        assert_eq!(normalise(&format!("  {decomposed} ")), "Trần Thị Thuý Hằng");
    }

    #[test]
    fn what_is_invisible_parts_no_tone_from_its_letter() {
        assert_eq!(normalise("Tra\u{302}\u{200b}\u{300}n"), "Trần");
    }

    #[test]
    fn tones_letters_and_order_matter() {
        for (one, other) in
            [("Hoa", "Hòa"), ("Hoà", "Hoá"), ("Lan", "Lân"), ("Văn An", "An Văn"), ("Dung", "Đung")]
        {
            assert!(!same_name(one, other), "{one} ≠ {other}");
        }
        assert!(!same_name("Tuấn Anh", "Tuân Ánh"), "a tone stays in its word");
        assert!(!same_name("Quý", "Quí"), "i and y are different spellings on papers");
    }

    #[test]
    fn an_empty_name_has_an_empty_key() {
        assert_eq!(key(" \t"), "");
    }

    proptest! {
        #[test]
        fn the_key_of_a_name_is_its_own_key(name in "[a-zA-ZÀ-ÃÈ-ÊÌÍÒ-ÕÙÚÝà-ãè-êìíò-õùúýĂăĐđĨĩŨũƠơƯưẠ-ỹ '-]{0,40}") {
            let key = key(&name);
            prop_assert_eq!(super::key(&key), key);
        }

        #[test]
        fn no_text_makes_a_key_panic_and_each_name_is_its_own(name in any::<String>()) {
            let decomposed: String = name.nfd().collect();
            prop_assert!(same_name(&name, &decomposed));
        }
    }
}
