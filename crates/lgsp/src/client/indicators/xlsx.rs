//! A report as a workbook: a sheet for each table, numbers as numbers.

use lgsp_core::indicators::Period;
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use super::letter::{self, OPEN};
use super::tables::{Cell, Letterhead, Report, Table};
use crate::client::Error;

/// Milliseconds of a day, in which Excel counts time.
const DAY_MS: f64 = 86_400_000.0;
/// A4, as the format numbers paper.
const A4: u8 = 9;
const FONT: &str = "Times New Roman";

pub(super) fn workbook(report: &Report, period: &Period) -> Result<Vec<u8>, Error> {
    let failed =
        |error: XlsxError| Error::Folder { path: "xlsx".into(), source: std::io::Error::other(error) };
    made(report, period).map_err(failed)
}

fn made(report: &Report, period: &Period) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    // A workbook says when it was made: at the end of its period, whoever computes it again.
    let made = ExcelDateTime::parse_from_str(&period.last())?;
    book.set_properties(&DocProperties::new().set_title(&report.title).set_creation_datetime(&made));
    first(book.add_worksheet(), report)?;
    for table in &report.tables {
        sheet(book.add_worksheet(), table)?;
    }
    book.save_to_buffer()
}

fn plain() -> Format {
    Format::new().set_font_name(FONT).set_font_size(11)
}

fn wrapped() -> Format {
    plain().set_text_wrap().set_align(FormatAlign::Top)
}

/// Letterhead, title, head and what each figure is.
fn first(sheet: &mut Worksheet, report: &Report) -> Result<(), XlsxError> {
    let (bold, middle) = (plain().set_bold(), plain().set_align(FormatAlign::Center));
    let strong = middle.clone().set_bold();
    let words = letter::words(report.lang);
    sheet.set_name(report.lang.pick("Report", "Báo cáo"))?.set_landscape().set_paper_size(A4);
    sheet.set_print_fit_to_pages(1, 0).set_column_width(0, 48)?.set_column_width(1, 100)?;
    let Letterhead { superior, agency, place } = &report.letterhead;
    let place = if place.is_empty() { OPEN } else { place };
    sheet.write_string_with_format(0, 0, superior.to_uppercase(), &middle)?;
    sheet.write_string_with_format(0, 1, words.country, &strong)?;
    sheet.write_string_with_format(1, 0, agency.to_uppercase(), &strong.clone().set_text_wrap())?;
    sheet.write_string_with_format(1, 1, words.motto, &strong)?;
    sheet.write_string_with_format(2, 0, words.number, &middle)?;
    sheet.write_string_with_format(2, 1, format!("{place}, {}", words.date), &middle.clone().set_italic())?;
    let title = strong.clone().set_font_size(14);
    sheet.merge_range(4, 0, 4, 1, &report.title.to_uppercase(), &title)?;
    sheet.merge_range(5, 0, 5, 1, &report.subtitle, &middle)?;
    let mut row = 7;
    for (label, value) in &report.head {
        sheet.write_string_with_format(row, 0, label, &bold)?;
        sheet.write_string_with_format(row, 1, value, &wrapped())?;
        row += 1;
    }
    for table in &report.tables {
        row += 1;
        sheet.write_string_with_format(row, 0, table.number, &plain().set_align(FormatAlign::Right))?;
        sheet.write_string_with_format(row, 1, &table.title, &plain())?;
    }
    row += 2;
    sheet.write_string_with_format(row, 0, &report.notes_title, &bold)?;
    for (name, means) in &report.notes {
        row += 1;
        sheet.write_string_with_format(row, 0, name, &wrapped())?;
        sheet.write_string_with_format(row, 1, means, &wrapped())?;
    }
    sheet.write_string_with_format(row + 2, 0, words.maker, &strong)?;
    sheet.write_string_with_format(row + 2, 1, words.head, &strong)?;
    sheet.write_string_with_format(row + 3, 1, words.sign, &middle.set_italic())?;
    Ok(())
}

fn sheet(sheet: &mut Worksheet, table: &Table) -> Result<(), XlsxError> {
    let header =
        plain().set_bold().set_border(FormatBorder::Thin).set_background_color(Color::RGB(0xEE_F2_F6));
    let header = header.set_text_wrap().set_align(FormatAlign::Center).set_align(FormatAlign::VerticalCenter);
    sheet.set_name(table.number)?.set_landscape().set_paper_size(A4).set_print_fit_to_pages(1, 0);
    let title = format!("{}. {}", table.number, table.title);
    sheet.write_string_with_format(0, 0, title, &plain().set_bold().set_font_size(13))?;
    sheet.write_string_with_format(1, 0, &table.note, &plain().set_italic())?;
    for (row, cells) in (3_u32..).zip(&table.rows) {
        let is_trial = cells.iter().any(Cell::is_trial);
        for (column, cell) in (0_u16..).zip(cells) {
            write(sheet, (row, column), cell, is_trial)?;
        }
    }
    widths(sheet, table)?;
    for (column, name) in (0_u16..).zip(&table.header) {
        sheet.write_string_with_format(2, column, name, &header)?;
    }
    let last = (table.header.len().max(1) - 1) as u16;
    sheet.set_freeze_panes(3, 0)?.set_repeat_rows(2, 2)?;
    if !table.rows.is_empty() {
        sheet.autofilter(2, 0, 2 + table.rows.len() as u32, last)?;
    }
    sheet.set_footer("&L&A&R&P/&N");
    Ok(())
}

fn write(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    cell: &Cell,
    is_trial: bool,
) -> Result<(), XlsxError> {
    let mut format = plain().set_border(FormatBorder::Thin);
    if is_trial {
        format = format.set_italic().set_background_color(Color::RGB(0xFB_F6_E6));
    }
    match cell {
        Cell::Text(text) | Cell::Environment(text) => {
            sheet.write_string_with_format(row, column, text, &format)?
        }
        Cell::Percent(text) => {
            sheet.write_string_with_format(row, column, text, &format.set_align(FormatAlign::Right))?
        }
        Cell::Count(count) => {
            sheet.write_number_with_format(row, column, *count as f64, &format.set_num_format("#,##0"))?
        }
        Cell::Took(us) => {
            let format = format.set_num_format("#,##0.000");
            sheet.write_number_with_format(row, column, *us as f64 / 1_000.0, &format)?
        }
        Cell::Lasted(ms) => {
            let (days, format) = ((ms / 1_000 * 1_000) as f64 / DAY_MS, format.set_num_format("[h]:mm:ss"));
            sheet.write_number_with_format(row, column, days, &format)?
        }
        Cell::Nothing => {
            sheet.write_string_with_format(row, column, "–", &format.set_align(FormatAlign::Right))?
        }
    };
    Ok(())
}

/// As wide as the longest text of a column, within reason: headers wrap.
fn widths(sheet: &mut Worksheet, table: &Table) -> Result<(), XlsxError> {
    for (column, name) in (0_u16..).zip(&table.header) {
        let cells = table.rows.iter().filter_map(|row| row.get(usize::from(column)));
        let longest = cells.map(|cell| cell.text().chars().count()).max().unwrap_or_default();
        let word = name.split(' ').map(|word| word.chars().count()).max().unwrap_or_default();
        sheet.set_column_width(column, longest.max(word + 2).clamp(9, 60) as f64 + 1.5)?;
    }
    Ok(())
}
