"""Keeps out what is imported on the way, takes long, and serves nobody here: import it first.

nbformat imports jsonschema, which compiles a grammar of international addresses in 1.1 s, in every
process anew; no notebook's schema asks for one. jsonschema goes without where it is missing.
"""

import sys
from typing import Any

_absent: Any = None
sys.modules.setdefault("rfc3987_syntax", _absent)  # None there reads as: cannot be imported
