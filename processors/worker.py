"""The worker as Faust's own command line loads it: `faust -A processors.worker:app worker`.

`beckon worker` runs the same, and waits more patiently for brokers and topics.
"""

from processors import app as composition
from processors import logs
from processors.settings import Settings

settings = Settings.from_env()
logs.configure(settings.log.level, settings.log.format)
app = composition.hosted(composition.worker(settings))
app.conf.logging_config = logs.as_config(settings.log.level, settings.log.format)
