//! A report as a workbook: a sheet for each table, numbers as numbers.

use lgsp_core::indicators::Period;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::tables::{Cell, Report, Table};
use crate::client::Error;

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

/// Title, head and what each figure is.
fn first(sheet: &mut Worksheet, report: &Report) -> Result<(), XlsxError> {
    let (bold, wrapped) = (Format::new().set_bold(), Format::new().set_text_wrap());
    sheet.set_name(if report.lang == "vi" { "Báo cáo" } else { "Report" })?;
    sheet.set_column_width(0, 48)?.set_column_width(1, 110)?;
    sheet.write_string_with_format(0, 0, &report.title, &bold)?;
    let mut row = 2;
    for (label, value) in &report.head {
        sheet.write_string(row, 0, label)?.write_string(row, 1, value)?;
        row += 1;
    }
    for table in &report.tables {
        sheet.write_string(row + 1, 0, format!("{}. {}", table.number, table.title))?;
        row += 1;
    }
    row += 2;
    sheet.write_string_with_format(row, 0, &report.notes_title, &bold)?;
    for (name, means) in &report.notes {
        row += 1;
        sheet.write_string_with_format(row, 0, name, &wrapped)?;
        sheet.write_string_with_format(row, 1, means, &wrapped)?;
    }
    Ok(())
}

fn sheet(sheet: &mut Worksheet, table: &Table) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    sheet.set_name(table.number)?.set_landscape().set_paper_size(9);
    sheet.write_string_with_format(0, 0, format!("{}. {}", table.number, table.title), &bold)?;
    for (column, name) in (0_u16..).zip(&table.header) {
        sheet.write_string_with_format(2, column, name, &bold)?;
    }
    for (row, cells) in (3_u32..).zip(&table.rows) {
        for (column, cell) in (0_u16..).zip(cells) {
            match cell {
                Cell::Text(text) | Cell::Percent(text) => sheet.write_string(row, column, text)?,
                Cell::Count(count) => sheet.write_number(row, column, *count as f64)?,
                Cell::Took(us) => sheet.write_number(row, column, *us as f64 / 1_000.0)?,
                Cell::Nothing => sheet.write_string(row, column, "–")?,
            };
        }
    }
    sheet.set_freeze_panes(3, 0)?.set_repeat_rows(0, 2)?;
    sheet.autofit();
    Ok(())
}
