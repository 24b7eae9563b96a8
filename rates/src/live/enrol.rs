//! Templates as `facelatch enroll` takes them: the daemon's own pipeline before a clip, with its spacing and its refusals.

use std::ops::ControlFlow;
use std::sync::Arc;

use facelatch::config::{AttackLevel, Config};
use facelatch::embed::{Embedding, TemplateKey};
use facelatch::head::Head;
use facelatch::people::{Account, UserName};
use facelatch::pipeline::{Camera, Cause, EnrollError, EnrollRequest, Networks, Pipeline, Rules};
use facelatch::store::TemplateStore;

use crate::RatesError;
use crate::attack::clips::Clip;
use crate::attack::stage::{Once, Stage};
use crate::attack::store::MemoryStore;

/// A daemon that enrols one person after another and forgets each.
pub struct Enroller {
    stage: Stage,
    pipeline: Pipeline,
    store: Arc<MemoryStore>,
    head: Arc<Head>,
}

/// Templates of one enrolment.
pub struct Enrolled {
    /// As the embedder gave them.
    pub templates: Vec<Embedding>,
    /// Number of the clip they are from.
    pub clip: usize,
    /// The last frame that was taken.
    pub last: usize,
}

impl Enroller {
    /// With these networks and the daemon's defaults; attacks are not looked for.
    pub fn new(networks: Networks) -> Self {
        let mut config = Config::default();
        config.attack.level = AttackLevel::Off;
        let head = Arc::new(networks.head.clone());
        let (stage, store) = (Stage::of("clips"), Arc::new(MemoryStore::default()));
        let camera = Camera::new(&config.camera, Box::new(stage.clone()));
        let clock = Arc::new(stage.clone());
        let pipeline =
            Pipeline::new(networks, Rules::of(&config), camera, clock, store.clone(), Arc::new(|| 0));
        Self { stage, pipeline, store, head }
    }

    /// The head that templates are compared with.
    pub fn head(&self) -> Arc<Head> {
        self.head.clone()
    }

    /// Name of the embedder.
    pub fn embedder(&self) -> String {
        self.pipeline.network_info().embedder
    }

    /// Enrols a person from the first of their clips that suffices. The inner `Err` is why none does, of the last one.
    ///
    /// # Errors
    /// [`RatesError`]: a network fails.
    pub fn enrol(
        &mut self,
        clips: &[&Clip],
        templates: usize,
    ) -> Result<Result<Enrolled, String>, RatesError> {
        let asked = |e: &dyn std::fmt::Display| RatesError::Asked(e.to_string());
        let mut refused = String::new();
        for (number, clip) in clips.iter().enumerate() {
            let user = UserName::new("person").map_err(|e| asked(&e))?;
            self.stage.play(clip, Box::new(Once::from(0, clip)));
            let (account, label) = (Account::Door, String::new());
            let request = EnrollRequest {
                user: user.clone(),
                account,
                label,
                templates,
                camera: None,
                allow_child: false,
            };
            match self.pipeline.enroll(request, &mut |_| ControlFlow::Continue(())) {
                Ok(_) => {
                    let templates = self.forget(&user)?;
                    return Ok(Ok(Enrolled {
                        templates,
                        clip: number,
                        last: self.stage.shown().0.unwrap_or(0),
                    }));
                }
                Err(EnrollError::Store(error)) => return Err(asked(&error)),
                Err(EnrollError::Unavailable(Cause::Failed(why))) => return Err(RatesError::Asked(why)),
                Err(error) => refused = error.to_string(),
            }
        }
        Ok(Err(refused))
    }

    /// Takes their templates out of the store.
    fn forget(&self, user: &UserName) -> Result<Vec<Embedding>, RatesError> {
        let failed = |e: facelatch::store::StoreError| RatesError::Asked(e.to_string());
        let kept = self.store.templates(Some(user)).map_err(failed)?;
        self.store.remove(user, None).map_err(failed)?;
        let plain = |template: &facelatch::store::Template| {
            TemplateKey::identity().undo(&template.embedding).map_err(|e| RatesError::Asked(e.to_string()))
        };
        kept.iter().map(plain).collect()
    }
}
