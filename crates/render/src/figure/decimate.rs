//! Fewer points for drawing, by a rule that loses no peak.

/// The points drawn per figure, over all of its lines.
pub const BUDGET: usize = 12_000;

/// Text of the rule, for captions.
pub const RULE: &str = "Lines with many epochs are thinned for drawing: each is cut into spans of equal length, and of each \
    span the first, the least, the greatest and the last point are drawn (M4), so that no peak is lost. A \
    figure’s CSV holds every point that it was given; every epoch of every setting is in `data/tables/curves.csv`.";

/// How many spans each of `lines` lines may have.
pub fn spans(lines: usize) -> usize {
    (BUDGET / (4 * lines.max(1))).clamp(7, 150)
}

/// Of each of `spans` spans of equal length along x: the first, the least, the greatest and the last point.
pub fn m4(points: &[(f64, f64)], spans: usize) -> Vec<(f64, f64)> {
    if points.len() <= 4 * spans {
        return points.to_vec();
    }
    let per_span = points.len().div_ceil(spans);
    let mut kept = Vec::with_capacity(4 * spans);
    for span in points.chunks(per_span) {
        let by = |a: &usize, b: &usize| span[*a].1.total_cmp(&span[*b].1).then(a.cmp(b));
        let least = (0..span.len()).min_by(by).expect("a chunk is not empty");
        let greatest = (0..span.len()).max_by(by).expect("a chunk is not empty");
        let mut indices = [0, least, greatest, span.len() - 1];
        indices.sort_unstable();
        for (i, index) in indices.iter().enumerate() {
            if i == 0 || indices[i - 1] != *index {
                kept.push(span[*index]);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_ends_and_every_peak() {
        let mut points: Vec<_> = (0..1000).map(|i| (f64::from(i), (f64::from(i) * 0.01).sin())).collect();
        points[437].1 = 9.0;
        points[438].1 = -9.0;
        let thin = m4(&points, 50);
        assert!(thin.len() <= 200, "{}", thin.len());
        assert_eq!((thin[0], thin[thin.len() - 1]), (points[0], points[999]));
        assert!(thin.contains(&points[437]) && thin.contains(&points[438]));
        assert!(thin.windows(2).all(|w| w[0].0 < w[1].0));
    }

    #[test]
    fn short_lines_are_drawn_whole() {
        let points: Vec<_> = (0..40).map(|i| (f64::from(i), 0.0)).collect();
        assert_eq!(m4(&points, 10), points);
    }
}
