//! The flat object in space, and where a ray from the camera meets it: a plane, or a cylinder for what is bent.
//!
//! Space is in metres from the camera: x to the right, y down, z away. On the object, u and v are x and y from its middle,
//! along its surface.

/// A vector.
pub(crate) type Vector = [f32; 3];

/// How the object is held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// Where its middle is, in metres.
    pub at: [f32; 3],
    /// Turned about the vertical, in radians: its right edge away from the camera is positive.
    pub yaw: f32,
    /// Turned about the horizontal, in radians: its upper edge away from the camera is positive.
    pub pitch: f32,
    /// Turned in its own plane, in radians, clockwise.
    pub roll: f32,
    /// One by the radius that it is bent to, in 1/m: 0 for a plane, positive with the edges away from the camera.
    pub bend: f32,
    /// Direction of the axis that it is bent about, in radians from its vertical.
    pub axis: f32,
}

/// The surface of the object in one pose.
pub(crate) struct Surface {
    /// From the bent object's space (its axis vertical) to the camera's, by rows.
    turn: [Vector; 3],
    at: Vector,
    /// The camera, in the object's space.
    eye: Vector,
    bend: f32,
    /// Cosine and sine of `Pose::axis`.
    axis: (f32, f32),
}

/// Where a ray meets the surface.
#[derive(Clone, Copy)]
pub(crate) struct Hit {
    pub(crate) u: f32,
    pub(crate) v: f32,
    /// In the object's space, along its axis.
    inside: Vector,
    /// Direction of the ray, there.
    along: Vector,
}

impl Surface {
    pub(crate) fn new(pose: &Pose) -> Self {
        let [yaw, pitch, roll, axis] = [pose.yaw, pose.pitch, pose.roll, pose.axis].map(f32::sin_cos);
        let yaw = [[yaw.1, 0.0, -yaw.0], [0.0, 1.0, 0.0], [yaw.0, 0.0, yaw.1]];
        let pitch = [[1.0, 0.0, 0.0], [0.0, pitch.1, pitch.0], [0.0, -pitch.0, pitch.1]];
        let flat = |(sin, cos): (f32, f32)| [[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]];
        let turn = product(&product(&yaw, &pitch), &product(&flat(roll), &flat(axis)));
        let eye = back(&turn, pose.at.map(|v| -v));
        Self { turn, at: pose.at, eye, bend: pose.bend, axis: (axis.1, axis.0) }
    }

    /// Where the ray from the camera in this direction meets the surface.
    pub(crate) fn hit(&self, ray: Vector) -> Option<Hit> {
        let (along, eye, bend) = (back(&self.turn, ray), self.eye, self.bend);
        // The cylinder is bend * (x^2 + z^2) = 2 z; with no bend, the plane z = 0.
        let a = bend * (along[0] * along[0] + along[2] * along[2]);
        let b = 2.0 * (bend * (eye[0] * along[0] + eye[2] * along[2]) - along[2]);
        let c = bend * (eye[0] * eye[0] + eye[2] * eye[2]) - 2.0 * eye[2];
        let root = (b * b - 4.0 * a * c).max(0.0).sqrt();
        // Of the two, the one that stays as the bend goes to 0.
        let length = 2.0 * c / (root - b);
        let inside = [0, 1, 2].map(|i| eye[i] + length * along[i]);
        let sine = bend * inside[0];
        if !(length > 0.0 && sine.abs() < 0.99) {
            return None;
        }
        let across = if bend.abs() < 1e-4 { inside[0] } else { sine.asin() / bend };
        let (cos, sin) = self.axis;
        let (u, v) = (cos * across - sin * inside[1], sin * across + cos * inside[1]);
        Some(Hit { u, v, inside, along })
    }

    /// The place of a point of the surface in space.
    pub(crate) fn place(&self, u: f32, v: f32) -> Vector {
        let (cos, sin) = self.axis;
        let (across, down) = (cos * u + sin * v, cos * v - sin * u);
        let angle = self.bend * across;
        let inside = if self.bend.abs() < 1e-4 {
            [across, down, 0.0]
        } else {
            [angle.sin() / self.bend, down, (1.0 - angle.cos()) / self.bend]
        };
        let turned = forth(&self.turn, inside);
        [0, 1, 2].map(|i| turned[i] + self.at[i])
    }

    /// The unit vector that stands on the surface there, towards the side that is shown.
    pub(crate) fn normal(&self, hit: &Hit) -> Vector {
        forth(&self.turn, [self.bend * hit.inside[0], 0.0, self.bend * hit.inside[2] - 1.0])
    }

    /// How far a ray that goes on behind the surface has moved over it at this depth, in metres of u and v.
    pub(crate) fn parallax(&self, hit: &Hit, depth: f32) -> (f32, f32) {
        let (across, down) = (depth * hit.along[0] / hit.along[2], depth * hit.along[1] / hit.along[2]);
        let (cos, sin) = self.axis;
        (cos * across - sin * down, sin * across + cos * down)
    }
}

fn product(left: &[Vector; 3], right: &[Vector; 3]) -> [Vector; 3] {
    left.map(|row| [0, 1, 2].map(|j| (0..3).map(|k| row[k] * right[k][j]).sum()))
}

fn forth(turn: &[Vector; 3], v: Vector) -> Vector {
    turn.map(|row| dot(row, v))
}

fn back(turn: &[Vector; 3], v: Vector) -> Vector {
    [0, 1, 2].map(|i| turn[0][i] * v[0] + turn[1][i] * v[1] + turn[2][i] * v[2])
}

pub(crate) fn dot(a: Vector, b: Vector) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(crate) fn unit(v: Vector) -> Vector {
    let length = dot(v, v).sqrt().max(f32::MIN_POSITIVE);
    v.map(|x| x / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ray_to_a_point_of_the_surface_meets_it_there() {
        let flat = Pose { at: [0.03, -0.02, 0.5], yaw: 0.4, pitch: -0.3, roll: 0.2, bend: 0.0, axis: 0.7 };
        for bend in [0.0, 1e-5, 3.0, -3.0, 7.0] {
            let surface = Surface::new(&Pose { bend, ..flat });
            for (u, v) in [(0.0, 0.0), (0.08, 0.05), (-0.08, 0.05), (0.02, -0.1)] {
                let hit = surface.hit(surface.place(u, v)).expect("in sight");
                assert!((hit.u - u).hypot(hit.v - v) < 1e-5, "{bend} {u} {v}: {} {}", hit.u, hit.v);
                let normal = surface.normal(&hit);
                assert!((dot(normal, normal) - 1.0).abs() < 1e-4 && normal[2] < 0.0, "{normal:?}");
            }
        }
    }

    #[test]
    fn positive_angles_turn_the_right_and_the_upper_edge_away() {
        let level = Pose { at: [0.0, 0.0, 1.0], yaw: 0.0, pitch: 0.0, roll: 0.0, bend: 0.0, axis: 0.0 };
        let depth = |pose: Pose, u: f32, v: f32| Surface::new(&pose).place(u, v)[2];
        assert!(depth(Pose { yaw: 0.2, ..level }, 0.1, 0.0) > 1.01);
        assert!(depth(Pose { pitch: 0.2, ..level }, 0.0, -0.1) > 1.01);
        assert!(depth(Pose { bend: 3.0, ..level }, -0.1, 0.0) > 1.01);
        let clockwise = Surface::new(&Pose { roll: 0.2, ..level }).place(0.1, 0.0);
        assert!(clockwise[1] > 0.01, "the right edge goes down");
    }

    #[test]
    fn nothing_is_met_behind_the_camera_or_past_the_bend() {
        let pose = Pose { at: [0.0, 0.0, -1.0], yaw: 0.0, pitch: 0.0, roll: 0.0, bend: 0.0, axis: 0.0 };
        assert!(Surface::new(&pose).hit([0.0, 0.0, 1.0]).is_none());
        let bent = Surface::new(&Pose { at: [0.0, 0.0, 1.0], bend: 10.0, ..pose });
        assert!(bent.hit([0.5, 0.0, 1.0]).is_none());
        assert!(bent.hit([0.0, 0.0, 1.0]).is_some());
    }
}
