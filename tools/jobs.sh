#!/bin/sh
# Prints how many compilers to run at once: one a core, but no more than memory has room for
# (1.5 GB each: Arrow's headers are heavy), and at least one. JOBS overrides it.
[ -n "${JOBS:-}" ] && { echo "$JOBS"; exit; }
cores=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
free_kb=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo 2>/dev/null)
limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null) # "max", or bytes
case $limit in
  '' | *[!0-9]*) ;;
  *) [ "$((limit / 1024))" -lt "${free_kb:-0}" ] && free_kb=$((limit / 1024)) ;;
esac
fitting=$((${free_kb:-1572864} / 1572864))
[ "$fitting" -ge 1 ] || fitting=1
if [ "$fitting" -lt "$cores" ]; then echo "$fitting"; else echo "$cores"; fi
