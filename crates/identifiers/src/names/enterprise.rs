//! Comparison of the names of enterprises, which begin with a legal form that is written in several ways.

use std::sync::LazyLock;

use super::key;

/// Whether two names are the same enterprise's.
///
/// Besides what [`same_name`](super::same_name) disregards, these make no difference: the way of writing the legal form
/// (Luật Doanh nghiệp 2020, Điều 37, and what is used besides: `Cty`, `CTCP`, `MTV`), how many members a limited company
/// has, `&` for `và`, and the signs `. , + - _` (Điều 41), quotation marks and brackets. A legal form that one of the names
/// leaves out is not compared; two different ones make different names.
///
/// ```
/// use lgsp_identifiers::names::same_enterprise;
///
/// assert!(same_enterprise("CTY TNHH MTV Hoà Bình", "Công ty Trách nhiệm hữu hạn Hòa Bình"));
/// assert!(same_enterprise("Hòa Bình", "Công ty Cổ phần HOÀ BÌNH"));
/// assert!(!same_enterprise("Công ty TNHH Hòa Bình", "Công ty Cổ phần Hòa Bình"));
/// ```
pub fn same_enterprise(one: &str, other: &str) -> bool {
    let (one, other) = (Name::of(one), Name::of(other));
    let forms_agree = one.form.is_none() || other.form.is_none() || one.form == other.form;
    forms_agree && one.own == other.own
}

struct Name {
    form: Option<Form>,
    /// The words of the enterprise's own name.
    own: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Limited,
    JointStock,
    Partnership,
    Private,
    Cooperative,
    Household,
}

/// Abbreviations of whole words, wherever they stand.
const ABBREVIATIONS: [(&str, &str); 8] = [
    ("cty", "công ty"),
    ("ctcp", "công ty cổ phần"),
    ("tnhh", "trách nhiệm hữu hạn"),
    ("mtv", "một thành viên"),
    ("1tv", "một thành viên"),
    ("dntn", "doanh nghiệp tư nhân"),
    ("htx", "hợp tác xã"),
    ("hkd", "hộ kinh doanh"),
];

/// Abbreviations that mean so only after these words.
const ABBREVIATIONS_AFTER: [(&str, &str, &str); 4] = [
    ("công ty", "cp", "cổ phần"),
    ("công ty", "hd", "hợp danh"),
    ("doanh nghiệp", "tn", "tư nhân"),
    ("hữu hạn", "1", "một"),
];

const FORMS: [(&str, Form); 6] = [
    ("công ty trách nhiệm hữu hạn", Form::Limited),
    ("công ty cổ phần", Form::JointStock),
    ("công ty hợp danh", Form::Partnership),
    ("doanh nghiệp tư nhân", Form::Private),
    ("hợp tác xã", Form::Cooperative),
    ("hộ kinh doanh", Form::Household),
];

/// How many members a limited company has: part of its form, and often left out.
const MEMBERS: [&str; 2] = ["một thành viên", "hai thành viên trở lên"];

/// The tables above as the words of keys.
struct Words {
    and: String,
    abbreviations: Vec<(String, Vec<String>)>,
    abbreviations_after: Vec<(Vec<String>, String, Vec<String>)>,
    forms: Vec<(Vec<String>, Form)>,
    members: Vec<Vec<String>>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| Words {
    and: key("và"),
    abbreviations: ABBREVIATIONS.iter().map(|(short, long)| (key(short), words(long))).collect(),
    abbreviations_after: ABBREVIATIONS_AFTER
        .iter()
        .map(|(before, short, long)| (words(before), key(short), words(long)))
        .collect(),
    forms: FORMS.iter().map(|(text, form)| (words(text), *form)).collect(),
    members: MEMBERS.iter().map(|text| words(text)).collect(),
});

fn words(text: &str) -> Vec<String> {
    key(text).split_whitespace().map(str::to_owned).collect()
}

impl Name {
    fn of(text: &str) -> Self {
        let spaced: String = text.chars().map(|letter| if is_sign(letter) { ' ' } else { letter }).collect();
        let mut own = expanded(joined(words(&spaced.replace('&', " & "))));
        let form = WORDS.forms.iter().find(|(form, _)| own.starts_with(form));
        if let Some((form, _)) = form {
            own.drain(..form.len());
        }
        let form = form.map(|(_, form)| *form);
        let members = WORDS.members.iter().find(|members| own.starts_with(members));
        if let Some(members) = members.filter(|_| form == Some(Form::Limited)) {
            own.drain(..members.len());
        }
        Self { form, own }
    }
}

fn is_sign(letter: char) -> bool {
    matches!(letter, '.' | ',' | '+' | '-' | '_' | '–' | '—' | '"' | '\'' | '“' | '”' | '‘' | '’' | '(' | ')')
}

/// Single letters in a row are one word: `T.N.H.H`, `A.B.C`.
fn joined(words: Vec<String>) -> Vec<String> {
    let is_letter = |word: &str| word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
    let mut joined: Vec<String> = Vec::with_capacity(words.len());
    let mut in_row = false;
    for word in words {
        let continues = in_row && is_letter(&word);
        in_row = is_letter(&word);
        match joined.last_mut().filter(|_| continues) {
            Some(last) => last.push_str(&word),
            None => joined.push(word),
        }
    }
    joined
}

fn expanded(words: Vec<String>) -> Vec<String> {
    let mut expanded: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        let anywhere = WORDS.abbreviations.iter().find(|(short, _)| *short == word).map(|(_, long)| long);
        let here = || {
            let after = |(before, short, _): &&(Vec<String>, String, Vec<String>)| {
                *short == word && expanded.ends_with(before)
            };
            WORDS.abbreviations_after.iter().find(after).map(|(_, _, long)| long)
        };
        match anywhere.or_else(here) {
            Some(long) => expanded.extend(long.iter().cloned()),
            None if word == "&" => expanded.push(WORDS.and.clone()),
            None => expanded.push(word),
        }
    }
    expanded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ways_of_writing_a_legal_form_are_one_name() {
        let ways = [
            ["Công ty TNHH An Bình", "CÔNG TY TRÁCH NHIỆM HỮU HẠN AN BÌNH", "cty t.n.h.h An Bình"],
            [
                "Công ty TNHH Một Thành Viên An Bình",
                "Công ty TNHH MTV An Bình",
                "Công ty TNHH 1 thành viên An Bình",
            ],
            ["Công ty Cổ phần An Bình", "CTCP An Bình", "Công ty CP An Bình"],
            ["Doanh nghiệp tư nhân An Bình", "DNTN An Bình", "Doanh nghiệp TN An Bình"],
            ["Công ty hợp danh An Bình", "Công ty HD An Bình", "CTY HD AN BÌNH"],
            ["Hợp tác xã An Bình", "HTX An Bình", "HTX. An Bình"],
            ["Hộ kinh doanh An Bình", "HKD An Bình", "hộ  kinh doanh an bình"],
        ];
        for names in &ways {
            for (one, other) in names.iter().flat_map(|one| names.iter().map(move |other| (one, other))) {
                assert!(same_enterprise(one, other), "{one} = {other}");
            }
        }
    }

    #[test]
    fn a_legal_form_left_out_is_not_compared_and_another_one_is_another_name() {
        let name = "Công ty Cổ phần Lương Thực Hậu Giang";
        assert!(same_enterprise("lương thực HẬU GIANG", name));
        assert!(!same_enterprise("Công ty TNHH Lương Thực Hậu Giang", name));
        assert!(!same_enterprise("Cổ phần Lương Thực Hậu Giang", name));
        assert!(!same_enterprise("Lương Thực", name));
        assert!(same_enterprise("Công ty TNHH MTV Hậu Giang", "Công ty TNHH Hậu Giang"), "its members");
    }

    #[test]
    fn signs_make_no_difference_and_letters_do() {
        assert!(same_enterprise(
            "Công ty TNHH Thương mại & Dịch vụ A.B.C",
            "Công ty TNHH Thương mại và Dịch vụ ABC"
        ));
        assert!(same_enterprise("Công ty TNHH “Tân-Phát”", "Công ty TNHH Tân Phát"));
        assert!(same_enterprise("Công ty TNHH A&B", "Công ty TNHH A và B"));
        assert!(!same_enterprise("Công ty TNHH Tân Phát", "Công ty TNHH Tân Phất"));
        assert!(!same_enterprise("Công ty TNHH Tân Phát 1", "Công ty TNHH Tân Phát 2"));
        assert!(!same_enterprise("Công ty TNHH", "Công ty TNHH An Bình"));
    }

    #[test]
    fn a_branch_keeps_the_form_of_its_enterprise_in_its_name() {
        let name = "Chi nhánh Công ty TNHH An Bình tại Cần Thơ";
        assert!(same_enterprise("CHI NHÁNH - CTY TRÁCH NHIỆM HỮU HẠN AN BÌNH TẠI CẦN THƠ", name));
        assert!(!same_enterprise("Công ty TNHH An Bình tại Cần Thơ", name));
    }

    #[test]
    fn letters_that_abbreviate_only_after_other_words_are_kept_elsewhere() {
        assert!(!same_enterprise("Công ty TNHH CP Việt Nam", "Công ty TNHH Cổ phần Việt Nam"));
        assert!(same_enterprise("CÔNG TY TNHH CP VIỆT NAM", "Công ty TNHH C.P Việt Nam"));
    }

    proptest! {
        #[test]
        fn a_name_is_its_own_and_none_makes_it_panic(name in any::<String>(), other in any::<String>()) {
            prop_assert!(same_enterprise(&name, &name));
            prop_assert_eq!(same_enterprise(&name, &other), same_enterprise(&other, &name));
        }
    }
}
