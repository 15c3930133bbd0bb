"""Parts of scripts/report.py."""
