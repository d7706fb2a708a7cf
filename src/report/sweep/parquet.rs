//! `sweep.parquet`: the columns of `sweep.csv` with their types, a row group for every thousand points.

use std::io::{self, Write};
use std::sync::Arc;

use ::parquet::basic::{LogicalType, Repetition, Type as PhysicalType};
use ::parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::types::{Type, TypePtr};

use super::{Cell, Column, Kind, Manifest, PointResult, cells, columns};

const GROUP: usize = 1_000;

/// Writes rows to `out`, group by group.
pub struct Writer<W: Write + Send> {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    out: SerializedFileWriter<W>,
}

impl<W: Write + Send> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

fn failed(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

impl<W: Write + Send> Writer<W> {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn new(out: W, manifest: &Manifest) -> io::Result<Self> {
        let columns = columns(manifest);
        let fields: Result<Vec<TypePtr>, ParquetError> = columns.iter().map(field).collect();
        let schema = Type::group_type_builder("sweep").with_fields(fields.map_err(failed)?).build().map_err(failed)?;
        // The writer's own name and version would make files differ between builds of one version of ours.
        let properties = WriterProperties::builder().set_created_by("rollsim".to_owned()).build();
        let out = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
        Ok(Writer { columns, rows: Vec::new(), out })
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn row(&mut self, row: &PointResult) -> io::Result<()> {
        self.rows.push(cells(row));
        if self.rows.len() == GROUP { self.group() } else { Ok(()) }
    }

    /// Writes what is left and gives `out` back.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.group()?;
        self.out.into_inner().map_err(failed)
    }

    fn group(&mut self) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut group = self.out.next_row_group().map_err(failed)?;
        let mut index = 0;
        while let Some(mut writer) = group.next_column().map_err(failed)? {
            let values = self.rows.iter().map(|row| &row[index]);
            write_column(&mut writer, self.columns[index].kind, values).map_err(failed)?;
            writer.close().map_err(failed)?;
            index += 1;
        }
        group.close().map_err(failed)?;
        self.rows.clear();
        Ok(())
    }
}

fn field(column: &Column) -> Result<TypePtr, ParquetError> {
    let (physical, logical) = match column.kind {
        Kind::Whole => (PhysicalType::INT64, None),
        Kind::Number => (PhysicalType::DOUBLE, None),
        Kind::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let field = Type::primitive_type_builder(&column.name, physical).with_logical_type(logical);
    Ok(Arc::new(field.with_repetition(Repetition::OPTIONAL).build()?))
}

fn write_column<'a>(
    writer: &mut SerializedColumnWriter<'_>,
    kind: Kind,
    cells: impl Iterator<Item = &'a Cell> + Clone,
) -> Result<(), ParquetError> {
    let levels: Vec<i16> = cells.clone().map(|cell| i16::from(*cell != Cell::Empty)).collect();
    match kind {
        Kind::Whole => {
            let values: Vec<i64> = cells.filter_map(whole).collect();
            writer.typed::<Int64Type>().write_batch(&values, Some(&levels), None)?;
        }
        Kind::Number => {
            let values: Vec<f64> = cells.filter_map(number).collect();
            writer.typed::<DoubleType>().write_batch(&values, Some(&levels), None)?;
        }
        Kind::Text => {
            let values: Vec<ByteArray> = cells.filter_map(text).collect();
            writer.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
        }
    }
    Ok(())
}

fn whole(cell: &Cell) -> Option<i64> {
    if let Cell::Whole(value) = cell { Some(*value) } else { None }
}

fn number(cell: &Cell) -> Option<f64> {
    if let Cell::Number(value) = cell { Some(*value) } else { None }
}

fn text(cell: &Cell) -> Option<ByteArray> {
    if let Cell::Text(text) = cell { Some(text.as_str().into()) } else { None }
}
