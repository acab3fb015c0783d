mod decoded;
mod wire;

use std::collections::BTreeSet;

use lgsp_core::Plan;
use lgsp_gateway::filter::{Error, Subjects};

use crate::choice;
use crate::contracts::{ANSWERS, Contract, Granted};

/// Of an answer leaves what the mask grants, byte for byte, and nothing else; whose data it is is known.
///
/// The first byte chooses a contract, the second how many paths are granted (none: all), two more bytes each of them; the rest
/// is the answer.
pub fn filter(data: &[u8]) {
    let (chosen, rest) = choice(data);
    let contract = &ANSWERS[chosen % ANSWERS.len()];
    let (paths, answer) = paths(contract, rest);
    let owned: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let plan = Plan::compile(&contract.message, &owned).expect("every path is one of the contract");
    let granted = Granted::by(&paths);

    let expected = wire::filtered(&contract.message, &granted, answer);
    let filtered = match run(&plan, answer) {
        Ok(filtered) => filtered,
        Err(Error::TooManySubjects) => return,
        Err(Error::Malformed) => return assert!(expected.is_none(), "a good answer is refused"),
    };
    let (out, subjects) = &filtered;
    assert_eq!(Some(&filtered), expected.as_ref(), "what leaves is what the slow walk lets out");
    assert!(out.len() <= answer.len(), "nothing grows");
    assert_eq!(run(&plan, out).as_ref(), Ok(&filtered), "what was filtered stays as it is");
    let whole = Plan::compile(&contract.message, &["*".to_owned()]).expect("all of it");
    // A mask does not look into what it drops, so that more can be malformed without one.
    if let Ok((all, _)) = run(&whole, answer) {
        assert_eq!(run(&plan, &all).as_ref(), Ok(&filtered), "a mask grants a part of all");
    }

    decoded::hold(&contract.message, &granted, answer, out, subjects);
}

fn paths<'a, 'b>(contract: &'a Contract, data: &'b [u8]) -> (Vec<&'a str>, &'b [u8]) {
    let (count, rest) = choice(data);
    let (chosen, answer) = rest.split_at((2 * (count % 9)).min(rest.len()) & !1);
    let index = |pair: &[u8]| usize::from(u16::from_le_bytes([pair[0], pair[1]])) % contract.paths.len();
    let paths: Vec<&str> = chosen.chunks_exact(2).map(|pair| contract.paths[index(pair)].as_str()).collect();
    if paths.is_empty() { (vec!["*"], answer) } else { (paths, answer) }
}

fn run(plan: &Plan, answer: &[u8]) -> Result<(Vec<u8>, BTreeSet<String>), Error> {
    let (mut out, mut subjects) = (Vec::new(), Subjects::default());
    lgsp_gateway::filter::filter(plan, answer, &mut out, &mut subjects)?;
    Ok((out, subjects.to_refs().into_iter().map(|subject| subject.value).collect()))
}
