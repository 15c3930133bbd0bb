"""A plan of faults that means nothing ends the program under test, and says which word it was."""
import os
import subprocess
import sys

program = sys.argv[1]
NUMBER = "is no call index or count"
for plan, word, why in [("no-such@1", "no-such", "is no fault"), ("null-sync@abc", "abc", NUMBER),
                        ("null-sync@-1", "-1", NUMBER), ("null-sync@1x*2", "1x", NUMBER),
                        ("null-sync@1*zz", "zz", NUMBER), ("null-sync@", "", NUMBER),
                        ("late=5*;hung", "hung", "is no fault")]:
    done = subprocess.run([program, "sync"], env=os.environ | {"TEST_FAULTS": plan},
                          capture_output=True, text=True, timeout=60)
    text = done.stderr
    if done.returncode != 127 or f'"{word}" {why}' not in text or " null-sync " not in text:
        sys.exit(f"TEST_FAULTS={plan}: exit code {done.returncode}, {text}")
print("checked: seven plans that mean nothing")
