//! The people whom the daemon of a made-up machine knows.

use facelatch_setup::ask::Stop;
use facelatch_setup::people::People;
use facelatch_wire::reply::Template;

use super::bench::Bench;

impl People for Bench {
    fn now(&self) -> u64 {
        1000
    }

    fn templates(&mut self, user: &str) -> Result<Vec<Template>, Stop> {
        self.fuse.burn()?;
        if self.running.is_none() {
            return Err(Stop("the daemon does not run".to_owned()));
        }
        Ok(self.enrolled.iter().filter(|template| template.user == user).cloned().collect())
    }

    fn enroll(&mut self, user: &str) -> Result<(), Stop> {
        self.fuse.burn()?;
        if self.failing > 0 {
            self.failing -= 1;
            return Err(Stop("no face was seen".to_owned()));
        }
        self.enrolls(user, 1001);
        self.fuse.burn()
    }

    fn remove(&mut self, user: &str) -> Result<(), Stop> {
        self.fuse.burn()?;
        self.enrolled.retain(|template| template.user != user);
        self.fuse.burn()
    }
}
