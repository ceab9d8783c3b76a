"""What brings events to the runs of journeys: those they wait for, and what is asked by hand."""

from processors.decisions.journeys import Runner
from processors.decisions.moments import Moment
from processors.decisions.runs import Telling, held, shown
from processors.decisions.triggers import Facts, Woken, record
from processors.state.profiles import Profile
from processors.state.runs import ENDED
from schemas.events import RUN, STEP

NO_STEP = "no-step"


class Hearing(Woken, kw_only=True):
    """Has the runs of a journey hear one event."""

    runner: Runner
    event: str

    def fire(self, profile: Profile, moment: Moment, round_: int) -> Facts:
        """Tells the runs of it."""
        return self.runner.hear(profile, moment, self.event)


class Steering(Hearing, kw_only=True):
    """Ends or moves one run of a journey, where somebody asks for it."""

    def fire(self, profile: Profile, moment: Moment, round_: int) -> Facts:
        """Does so, unless that run is over, or has no such step."""
        runner, found = self.runner, moment.properties
        telling = Telling(runner.id, profile, moment)
        for run in held(profile, runner.id):
            if shown(run) != found.get(RUN) or run.state == ENDED:
                continue
            if not runner.steer(telling, run, found.get(STEP)):
                record(runner, profile, moment, NO_STEP)
                return set()
            return {runner.fact}
        return set()
