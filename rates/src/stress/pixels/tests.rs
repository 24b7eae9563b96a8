use super::*;

/// Bright on the left, dark at the top, with some texture.
fn picture() -> RgbImage {
    RgbImage::from_fn(60, 40, |x, y| {
        Rgb([(240 - 3 * x) as u8, (4 * y) as u8, ((x * 7 + y * 13) % 200) as u8])
    })
}

fn contrast(picture: &RgbImage) -> f64 {
    let values: Vec<f64> = picture.as_raw().iter().map(|v| f64::from(*v)).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64
}

#[test]
fn half_a_turn_is_the_picture_upside_down_and_no_move_changes_nothing() {
    let (picture, upside_down) = (picture(), image::imageops::rotate180(&picture()));
    let off =
        |a: &RgbImage, b: &RgbImage| a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(off(&moved(&picture, 180.0, 1.0, (0.0, 0.0)), &upside_down) <= Some(1));
    assert_eq!(moved(&picture, 0.0, 1.0, (0.0, 0.0)), picture);
    let shifted = moved(&picture, 0.0, 1.0, (0.5, 0.0));
    assert_eq!(shifted.get_pixel(40, 7), picture.get_pixel(10, 7));
    let clockwise = moved(&RgbImage::from_fn(41, 41, |x, _| Rgb([6 * x as u8; 3])), 90.0, 1.0, (0.0, 0.0));
    assert!(clockwise.get_pixel(20, 40)[0] > 230 && clockwise.get_pixel(20, 0)[0] < 10, "right becomes down");
}

#[test]
fn blur_keeps_the_light_and_takes_contrast_the_more_the_wider_it_is() {
    let picture = picture();
    let light = |picture: &RgbImage| picture.as_raw().iter().map(|v| f64::from(*v)).sum::<f64>();
    let levels = [0.5, 1.0, 2.0, 4.0].map(|sigma| blurred(&picture, sigma));
    assert!(levels.windows(2).all(|two| contrast(&two[0]) > contrast(&two[1])));
    assert!((light(&levels[3]) / light(&picture) - 1.0).abs() < 0.05);
    let smeared =
        smeared(&RgbImage::from_fn(41, 41, |x, _| Rgb([if x < 20 { 0 } else { 250 }; 3])), 10.0, 90.0);
    assert_eq!((smeared.get_pixel(19, 20)[0], smeared.get_pixel(20, 20)[0]), (0, 250), "along the edge");
}

#[test]
fn noise_has_the_deviation_that_was_asked_for_and_comes_from_the_seed() {
    let grey = RgbImage::from_pixel(80, 80, Rgb([128; 3]));
    let noise = |seed| noisy(&grey, 20.0, &mut SplitMix64(seed));
    assert!((contrast(&noise(1)).sqrt() - 20.0).abs() < 1.0);
    assert_eq!(noise(1), noise(1));
    assert_ne!(noise(1), noise(2));
}

#[test]
fn a_drawing_has_as_many_tones_as_were_asked_for() {
    let mut tones: Vec<u8> = drawn(&picture(), 3.0).as_raw().clone();
    tones.sort_unstable();
    tones.dedup();
    assert!(tones.len() <= 3 && tones.iter().all(|tone| [0, 127, 128, 255].contains(tone)), "{tones:?}");
}

#[test]
fn jpeg_of_low_quality_is_further_off() {
    let off = |quality| {
        let compressed = compressed(&picture(), quality);
        compressed
            .as_raw()
            .iter()
            .zip(picture().as_raw())
            .map(|(a, b)| u64::from(a.abs_diff(*b)))
            .sum::<u64>()
    };
    assert!(off(1) > off(10) && off(10) > off(90));
}
