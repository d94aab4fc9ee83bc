//! A table and a stream that several runs share, where making them anew for
//! each run would take minutes.

use super::error::RunError;
use super::event::Event;
use super::identity::Identity;
use super::interrupt::Interrupts;
use super::preflight;
use super::request::{Request, Target};
use super::run::{check_made, provisioning, wanted};
use super::setting::Setting;
use super::target::{self, Connected};
use crate::aws::{self, Provisioned};

/// What was made, and the way to take it away again.
pub(super) struct Site {
    connected: Connected,
    made: Provisioned,
    setting: Setting,
    keep: bool,
}

impl Site {
    /// Makes table and stream as `request` would, large enough for its rate.
    /// Embedded services are made in a moment, and each run has its own: then
    /// there is no site.
    ///
    /// # Errors
    /// As [`run`](super::run()) has them while setting up; what was made until
    /// then is removed.
    pub(super) async fn open(
        request: &Request,
        interrupts: &mut Interrupts,
        tell: &mut dyn FnMut(Event<'_>),
    ) -> Result<Option<Self>, RunError> {
        if matches!(request.target, Target::Embedded(_)) {
            return Ok(None);
        }
        let workload = request.workload()?;
        let identity = Identity::now();
        let setting = Setting::choose(request, &workload, &identity.id);
        tell(Event::Step("connecting"));
        let connected = target::connect(request, &setting).await?;
        preflight::look(request, &setting, &connected.connection, tell).await;
        let mut site = Self {
            connected,
            made: Provisioned::default(),
            keep: request.resources.keep,
            setting,
        };
        let wanted = wanted(request, &site.setting, &identity);
        let failed = provisioning(&site.setting);
        let mut tell_step = |step: &str| tell(Event::Step(step));
        let connection = &site.connected.connection;
        let made = tokio::select! {
            made = async {
                check_made(request, &site.setting, connection).await?;
                let made = aws::provision(connection, &wanted, &mut site.made, &mut tell_step);
                made.await.map_err(failed)
            } => made,
            () = interrupts.next() => Err(RunError::Stopped),
        };
        match made {
            Ok(()) => Ok(Some(site)),
            Err(error) => {
                // It failed for a reason that says more than what follows from it.
                let _ = site.close(interrupts, tell).await;
                Err(error)
            }
        }
    }

    /// Makes `request` use the site.
    pub(super) fn settle(&self, request: &mut Request) {
        request.resources.table = Some(self.setting.table.clone());
        request.resources.stream.clone_from(&self.setting.stream);
        request.resources.keep = true;
        request.look_around = false;
        request.cloudwatch = None;
    }

    /// Takes away what was made, unless it is to be kept. What cannot be removed is
    /// told; what was found is worth keeping all the same.
    pub(super) async fn close(
        self,
        interrupts: &mut Interrupts,
        tell: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), RunError> {
        if self.keep {
            return Ok(());
        }
        tell(Event::Step("removing what was created"));
        tokio::select! {
            removed = aws::tear_down(&self.connected.connection, &self.made) => {
                if let Err(error) = removed.map_err(provisioning(&self.setting)) {
                    tell(Event::NotRemoved(&error));
                }
                Ok(())
            }
            () = interrupts.next() => Err(RunError::Stopped),
        }
    }
}
