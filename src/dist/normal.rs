//! The inverse of the standard normal distribution function.

/// The `u`-quantile of the standard normal distribution, 0 < `u` < 1, with a relative error of about 1e-16
/// (Wichura 1988, "Algorithm AS 241: the percentage points of the normal distribution", PPND16).
#[inline]
pub fn normal_quantile(u: f64) -> f64 {
    let q = u - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(&CENTRE_NUMERATOR, r) / polynomial(&CENTRE_DENOMINATOR, r);
    }
    tail(u, q)
}

#[cold]
fn tail(u: f64, q: f64) -> f64 {
    let r = libm::sqrt(-libm::log(if q < 0.0 { u } else { 1.0 - u }));
    let value = if r <= 5.0 {
        polynomial(&MIDDLE_NUMERATOR, r - 1.6) / polynomial(&MIDDLE_DENOMINATOR, r - 1.6)
    } else {
        polynomial(&FAR_NUMERATOR, r - 5.0) / polynomial(&FAR_DENOMINATOR, r - 5.0)
    };
    if q < 0.0 { -value } else { value }
}

#[inline]
fn polynomial(coefficients: &[f64; 8], x: f64) -> f64 {
    let c = coefficients;
    ((((((c[7] * x + c[6]) * x + c[5]) * x + c[4]) * x + c[3]) * x + c[2]) * x + c[1]) * x + c[0]
}

/// How far [`QuickQuantile`] is off at most, absolutely. A test derives it from the remainder of Taylor's series.
pub(super) const QUICK_ERROR: f64 = 2e-12;

/// Pieces an octave of the smaller tail, as a power of two.
const PIECE_BITS: u32 = 5;
/// Tails below 2^-12 have no pieces: eleven octaves are left.
const SMALLEST: f64 = 1.0 / 4_096.0;
/// Number of pieces of a tail.
pub(super) const PIECES: usize = 11 << PIECE_BITS;

/// [`normal_quantile`] by Taylor's series around the middle of the piece that holds the smaller tail.
#[derive(Debug)]
pub(super) struct QuickQuantile {
    /// Coefficients of the powers of the distance from the middle.
    pieces: Vec<[f64; 6]>,
}

impl QuickQuantile {
    pub(super) fn new() -> Self {
        QuickQuantile { pieces: pieces().map(|(middle, _)| coefficients(middle)).collect() }
    }

    /// The `u`-quantile, off by less than [`QUICK_ERROR`]; nothing in the far tails and at 1/2.
    #[inline(always)]
    pub(super) fn at(&self, u: f64) -> Option<f64> {
        // As the processor's own minimum does it: no number here is none.
        let tail = if 1.0 - u < u { 1.0 - u } else { u };
        let c = self.pieces.get(piece_of(tail)?)?;
        let x = tail - middle_of(tail);
        let value = ((((c[5] * x + c[4]) * x + c[3]) * x + c[2]) * x + c[1]) * x + c[0];
        Some(value.copysign(u - 0.5))
    }
}

/// Bits of a double below those that number its piece.
const SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - PIECE_BITS;

/// Which piece holds a tail; nothing in the far tails and at 1/2.
#[inline(always)]
pub(super) fn piece_of(tail: f64) -> Option<usize> {
    let piece = (tail.to_bits() >> SHIFT).wrapping_sub(SMALLEST.to_bits() >> SHIFT) as usize;
    (piece < PIECES).then_some(piece)
}

/// The middle of the piece that holds a tail.
#[inline(always)]
pub(super) fn middle_of(tail: f64) -> f64 {
    const BELOW: u64 = 1 << SHIFT;
    f64::from_bits((tail.to_bits() & !(BELOW - 1)) | (BELOW / 2))
}

/// The middles of all pieces, with half the width of each.
pub(super) fn pieces() -> impl Iterator<Item = (f64, f64)> {
    (0..PIECES as u64).map(|piece| {
        let from = f64::from_bits(((SMALLEST.to_bits() >> SHIFT) + piece) << SHIFT);
        (middle_of(from), middle_of(from) - from)
    })
}

/// The derivatives of the inverse at `u`, each divided by the factorial: the n-th is `p_n(z) / density^n`, with `p_1 = 1`
/// and `p_{n+1} = p_n' + n z p_n`.
fn coefficients(u: f64) -> [f64; 6] {
    let z = normal_quantile(u);
    let s = z * z;
    let per_density = libm::sqrt(std::f64::consts::TAU) * libm::exp(s / 2.0);
    let derivatives = [1.0, z, 1.0 + 2.0 * s, z * (7.0 + 6.0 * s), 7.0 + s * (46.0 + 24.0 * s)];
    let mut scale = 1.0;
    let mut all = [z; 6];
    for (order, derivative) in derivatives.into_iter().enumerate() {
        scale *= per_density / (order + 1) as f64;
        all[order + 1] = derivative * scale;
    }
    all
}

const CENTRE_NUMERATOR: [f64; 8] = [
    3.387_132_872_796_366_5,
    133.141_667_891_784_38,
    1_971.590_950_306_551_3,
    13_731.693_765_509_46,
    45_921.953_931_549_87,
    67_265.770_927_008_7,
    33_430.575_583_588_13,
    2_509.080_928_730_122_7,
];
const CENTRE_DENOMINATOR: [f64; 8] = [
    1.0,
    42.313_330_701_600_91,
    687.187_007_492_057_9,
    5_394.196_021_424_751,
    21_213.794_301_586_597,
    39_307.895_800_092_71,
    28_729.085_735_721_943,
    5_226.495_278_852_545,
];
const MIDDLE_NUMERATOR: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    0.241_780_725_177_450_6,
    0.022_723_844_989_269_184,
    7.745_450_142_783_414e-4,
];
const MIDDLE_DENOMINATOR: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    0.689_767_334_985_1,
    0.148_103_976_427_480_08,
    0.015_198_666_563_616_457,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const FAR_NUMERATOR: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    0.296_560_571_828_504_87,
    0.026_532_189_526_576_124,
    0.001_242_660_947_388_078_4,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const FAR_DENOMINATOR: [f64; 8] = [
    1.0,
    0.599_832_206_555_888,
    0.136_929_880_922_735_8,
    0.014_875_361_290_850_615,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_7e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{ContinuousCDF, Normal};

    /// The remainder of the series: the sixth derivative, which grows towards the tail, times the sixth power of half a piece.
    #[test]
    fn the_quick_quantile_keeps_its_error() {
        let quick = QuickQuantile::new();
        for (middle, half) in pieces() {
            let from = middle - half;
            let z = normal_quantile(from).abs();
            let sixth = z * (127.0 + z * z * (326.0 + z * z * 120.0));
            let per_density = libm::pow(libm::sqrt(std::f64::consts::TAU) * libm::exp(z * z / 2.0), 6.0);
            let remainder = sixth * per_density * libm::pow(half, 6.0) / 720.0;
            assert!(remainder < QUICK_ERROR / 1.5, "from {from}: {remainder}");
            for share in [0.0, 0.1, 0.5, 0.77, 0.999_999] {
                let u = from + 2.0 * half * share;
                for u in [u, 1.0 - u] {
                    let off = quick.at(u).unwrap() - normal_quantile(u);
                    assert!(off.abs() < QUICK_ERROR, "{u}: off by {off}");
                }
            }
        }
        assert_eq!((quick.at(0.5), quick.at(SMALLEST / 2.0), quick.at(1.0)), (None, None, None));
    }

    #[test]
    fn inverts_the_distribution_function() {
        let normal = Normal::standard();
        for u in [1e-300, 1e-20, 1e-9, 1e-4, 0.01, 0.074, 0.076, 0.3, 0.5, 0.7, 0.925, 0.99, 1.0 - 1e-9] {
            let back = normal.cdf(normal_quantile(u));
            assert!((back / u - 1.0).abs() < 1e-9, "u {u}, back {back}");
        }
        assert!((normal_quantile(0.99) - 2.326_347_874_040_841).abs() < 1e-14);
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-14);
    }
}
