//! Lists that come in pages.

use super::{Error, Lang, output};

/// Never more than this many of them.
const MOST: usize = 100;

/// One page, and the token of the next one; an empty one: there is none.
pub(super) type Page<T> = (Vec<T>, String);

/// All of a list, by what tells the page of a token. A list that is longer than anybody would read is cut, and a note says so.
pub(super) async fn all<T>(
    lang: Lang,
    page: impl AsyncFnMut(String) -> Result<Page<T>, Error>,
) -> Result<Vec<T>, Error> {
    let (told, is_cut) = up_to(MOST, page).await?;
    if is_cut {
        output::note(lang.pick(
            "note: the list is cut here: there is more of it",
            "lưu ý: danh sách dừng tại đây và còn nữa",
        ));
    }
    Ok(told)
}

async fn up_to<T>(
    most: usize,
    mut page: impl AsyncFnMut(String) -> Result<Page<T>, Error>,
) -> Result<(Vec<T>, bool), Error> {
    let (mut told, mut token) = (Vec::new(), String::new());
    for _ in 0..most {
        let (items, next) = page(token).await?;
        told.extend(items);
        if next.is_empty() {
            return Ok((told, false));
        }
        token = next;
    }
    Ok((told, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_list_is_read_to_its_end_and_one_that_is_too_long_is_known_to_be_cut() {
        // Three pages with the number of the page.
        let page = async |token: String| {
            let number: usize = token.parse().unwrap_or(0);
            Ok((vec![number], if number < 2 { (number + 1).to_string() } else { String::new() }))
        };
        assert_eq!(up_to(3, page).await.unwrap(), (vec![0, 1, 2], false));
        assert_eq!(up_to(2, page).await.unwrap(), (vec![0, 1], true));
    }
}
