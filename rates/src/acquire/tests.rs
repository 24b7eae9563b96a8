use super::*;

#[test]
fn the_labelled_face_is_the_largest_or_the_most_central() {
    let frame = Frame::new(100, 100, vec![0; 30_000], Default::default()).expect("a frame");
    let face = |x: f32, w: f32| Face { bbox: Bbox { x, y: 40.0, w, h: 20.0 }, ..face_of_chip() };
    let faces = [face(0.0, 40.0), face(44.0, 20.0), face(70.0, 30.0)];
    let left = |central| labelled(&frame, &faces, central).map(|face| face.bbox.x);
    assert_eq!((left(false), left(true)), (Some(0.0), Some(44.0)));
    assert!(labelled(&frame, &[], true).is_none());
}
