"""What Lambda runs as `admit.aws.authorizer`, with the settings of its environment.

Raises:
    SettingsError: at the start, where the settings can't work.
"""

from __future__ import annotations

import os

from admit.aws.authorizing import Authorizer
from admit.aws.authorizing.settings import read

authorizer = Authorizer(read(os.environ))
