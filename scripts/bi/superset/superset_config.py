"""Settings of the Superset that the test starts. SUPERSET_HOME and SUPERSET_SECRET_KEY come from it."""

import os

SQLALCHEMY_DATABASE_URI = "sqlite:///" + os.path.join(os.environ["SUPERSET_HOME"], "superset.db")
# The check calls the REST interface with a token, as programs do, and from loopback only.
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
# Jinja in SQL Lab and in virtual datasets.
FEATURE_FLAGS = {"ENABLE_TEMPLATE_PROCESSING": True}
