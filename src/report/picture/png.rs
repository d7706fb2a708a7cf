//! The scene as PNG: drawn at twice the size with the shipped font and averaged down, because plotters does not smooth
//! polygons and places letters on whole pixels.

use std::sync::LazyLock;

use plotters::prelude::BitMapBackend;
use plotters::style::{FontStyle, register_font};
use thiserror::Error;

use super::draw::{Medium, draw};
use super::scene::Scene;

/// Why a picture could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PictureError {
    /// The shipped font cannot be read.
    #[error("the font shipped for pictures cannot be read")]
    Font,
    /// plotters gave up.
    #[error("the picture cannot be drawn: {0}")]
    Draw(String),
    /// The PNG encoder gave up.
    #[error("the picture cannot be encoded: {0}")]
    Encode(String),
}

/// Pixels drawn for each pixel kept.
const FINER: u32 = 2;

/// Font sizes are heights from ascent to descent here, 1.164 em; glyphs stand too high by an eighth of them.
const RASTER: Medium = Medium { scale: FINER as f64, font: 1.164, sink: 0.16 };

static FONT: LazyLock<bool> = LazyLock::new(|| {
    let bytes = include_bytes!("../font/DejaVuSans-subset.ttf");
    register_font("sans-serif", FontStyle::Normal, bytes).is_ok()
});

/// The scene as the bytes of a PNG file.
pub(super) fn png(scene: &Scene) -> Result<Vec<u8>, PictureError> {
    if !*FONT {
        return Err(PictureError::Font);
    }
    let size = (scene.width * FINER, scene.height * FINER);
    let mut pixels = blank(size.0 as usize * size.1 as usize * 3)?;
    draw(BitMapBackend::with_buffer(&mut pixels, size), scene, RASTER)
        .map_err(|error| PictureError::Draw(error.to_string()))?;
    encode(&averaged(&pixels, size.0 as usize), (scene.width, scene.height))
        .map_err(|error| PictureError::Encode(error.to_string()))
}

/// A picture may be larger than the memory there is, which is no reason to end the program.
fn blank(bytes: usize) -> Result<Vec<u8>, PictureError> {
    let mut pixels = Vec::new();
    let reserved = pixels.try_reserve_exact(bytes);
    reserved.map_err(|_| PictureError::Draw(format!("there is no memory of {} MB for it", bytes / 1_000_000)))?;
    pixels.resize(bytes, 0);
    Ok(pixels)
}

/// Each pixel of the result is the mean of a square of `FINER` × `FINER` pixels; `width` is that of `pixels`.
fn averaged(pixels: &[u8], width: usize) -> Vec<u8> {
    let finer = FINER as usize;
    let rows = pixels.len() / (width * 3);
    let mut kept = Vec::with_capacity(pixels.len() / (finer * finer));
    for row in (0..rows).step_by(finer) {
        for byte in (0..width / finer).flat_map(|column| (0..3).map(move |channel| column * finer * 3 + channel)) {
            kept.push(mean(pixels, row, byte, width));
        }
    }
    kept
}

fn mean(pixels: &[u8], row: usize, byte: usize, width: usize) -> u8 {
    let finer = FINER as usize;
    let offsets = (0..finer).flat_map(|down| (0..finer).map(move |right| (row + down) * width * 3 + byte + right * 3));
    let sum: usize = offsets.map(|offset| usize::from(pixels[offset])).sum();
    (sum / (finer * finer)) as u8
}

fn encode(pixels: &[u8], (width, height): (u32, u32)) -> Result<Vec<u8>, ::png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(::png::ColorType::Rgb);
    encoder.set_depth(::png::BitDepth::Eight);
    encoder.set_compression(::png::Compression::Default);
    encoder.set_filter(::png::FilterType::Up);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_larger_than_memory_is_an_error_and_no_abort() {
        assert!(matches!(blank(1 << 60), Err(PictureError::Draw(_))));
        assert_eq!(blank(3).unwrap(), [0, 0, 0]);
    }
}
