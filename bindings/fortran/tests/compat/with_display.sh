# Runs a program on an X server without a screen; a skip where there is none.
#
#   with_display.sh PROGRAM [ARGUMENT...]
# SPDX-License-Identifier: MIT
if ! command -v xvfb-run >/dev/null || ! command -v Xvfb >/dev/null; then
  echo "skipped: no Xvfb (apt-get install xvfb xauth)"
  exit 77
fi
exec xvfb-run --auto-servernum --server-args="-screen 0 640x480x24 +extension GLX" "$@"
