"""Property tests draw the same examples everywhere, so that a run says something about the change alone.

``HYPOTHESIS_PROFILE=explore pytest`` draws new ones.
"""

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
