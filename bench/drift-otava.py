"""Apache Otava as a library: reads {"series": [[...], ...]}, prints its change points and the seconds they took."""
import json
import sys
import time

from otava.analysis import compute_change_points

series = json.load(sys.stdin)["series"]
compute_change_points(series[0][:20])
found = []
started = time.perf_counter()
for values in series:
    change_points, _ = compute_change_points(values)
    found.append([int(point.index) for point in change_points])
json.dump({"found": found, "seconds": time.perf_counter() - started}, sys.stdout)
