"""Summary of a ctest run from its JUnit file: counts per label of outcome,
each skipped test with the reason it printed, each failed test by name.

    test_summary.py FILE
"""
import sys
import xml.etree.ElementTree as ElementTree


def last_line(case):
    """The last line that a test printed; a skipped test's reason."""
    lines = [line.strip() for line in (case.findtext("system-out") or "").splitlines()]
    return next((line for line in reversed(lines) if line), "no reason printed")


def main():
    cases = list(ElementTree.parse(sys.argv[1]).getroot().iter("testcase"))
    skipped = [c for c in cases if c.find("skipped") is not None]
    failed = [c for c in cases if c.find("failure") is not None]
    passed = len(cases) - len(skipped) - len(failed)
    print(f"\nSummary: {passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    for case in skipped:
        print(f"  skipped  {case.get('name')}: {last_line(case)}")
    for case in failed:
        print(f"  FAILED   {case.get('name')}")


main()
