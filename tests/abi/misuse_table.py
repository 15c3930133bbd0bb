"""The table of misuse in docs/fence_api_design.md names the ids of src/core/misuse.def."""

import re
import sys
from pathlib import Path

root = Path(sys.argv[1])
numbers = re.findall(r"^SPORKLE_MISUSE\(\w+, (\d+), ", (root / "src/core/misuse.def").read_text(), re.M)
in_code = [f"SPORKLE-FENCE-{int(n):04d}" for n in numbers]
documented = re.findall(r"^\| (SPORKLE-FENCE-\d{4}) \|", (root / "docs/fence_api_design.md").read_text(), re.M)
if not in_code or in_code != documented:
    sys.exit(f"src/core/misuse.def has {in_code}, docs/fence_api_design.md {documented}")
print(f"checked: {len(in_code)} ids of misuse, documented and in order")
