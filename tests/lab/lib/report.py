"""What a lab found: runs, summaries, checks; as a table and as JSON."""

import json
import statistics

COLUMNS = ("event", "family", "streams", "sent", "lost", "longest_gap_ms", "duplicates",
           "reordered")
SUMMED = ("lost", "longest_gap_ms", "duplicates", "reordered")


def spread(values):
    """Median, 95th percentile (the nearest rank) and maximum."""
    ordered = sorted(values)
    rank = max(0, -(-len(ordered) * 95 // 100) - 1)
    return {"median": statistics.median(ordered), "p95": ordered[rank], "max": ordered[-1]}


class Report:
    """Collects runs and checks; finish() prints, writes and answers whether all is well."""

    def __init__(self, lab, timers=None):
        self.lab = lab
        self.timers = dict(timers or {})
        self.runs = []
        self.checks = []
        self.figures = {}
        self._header_printed = False

    def say(self, text):
        print(f"  {text}", flush=True)

    def add_run(self, event, measured, **more):
        """One row. `measured` is a dict of streams.Measurement.window() or of the same form."""
        run = {"event": event, **{name: measured.get(name, 0) for name in COLUMNS[1:]}, **more}
        run["paused"] = measured.get("paused", [])
        for name in ("plain_gap_ms", "duplicates_max", "duplicate_span_ms", "stopped", "silent",
                     "longest_loss_packets", "socket_dropped", "dirty_before"):
            if name in measured:
                run[name] = measured[name]
        self.runs.append(run)
        self._print_run(run)
        return run

    def clean_runs(self, event=None):
        """Runs in which the machine did not pause inside the measured window."""
        return [run for run in self.runs
                if not run["paused"] and event in (None, run["event"])]

    def attempts(self, wanted, *events, extra=3):
        """Counts attempts until each event has `wanted` clean runs, at most `extra` more than that:
        a run during which the machine paused is measured, shown and repeated."""
        for number in range(wanted + extra):
            if number >= wanted and all(len(self.clean_runs(one)) >= wanted for one in events):
                return
            yield number

    def figure(self, name, values, unit="ms"):
        """A spread that is told beside the table, for what no bound of the lab speaks of."""
        values = list(values)
        if values:
            found = self.figures[name] = {"unit": unit, "runs": len(values), **spread(values)}
            self.say(f"{name}: {found['median']:.1f}/{found['p95']:.1f}/{found['max']:.1f} {unit} "
                     f"({len(values)} runs, median/p95/max)")

    def check_median(self, name, field, bound, event=None):
        """The median of `field` over clean runs is at most `bound`."""
        values = [run[field] for run in self.clean_runs(event)]
        median = statistics.median(values) if values else None
        return self.check(name, bool(values) and median <= bound,
                          f"median {median:.1f}, bound {bound:g}" if values else "no clean run")

    def check(self, name, ok, detail=""):
        self.checks.append({"name": name, "ok": bool(ok), "detail": str(detail)})
        mark = "ok  " if ok else "FAIL"
        print(f"  {mark} {name}{': ' + str(detail) if detail else ''}", flush=True)
        return ok

    def check_runs(self, name, field, bound, event=None):
        """`field` is at most `bound` in every clean run; without a clean run it fails."""
        runs = self.clean_runs(event)
        worst = max((run[field] for run in runs), default=None)
        apart = sum(bool(run["paused"]) for run in self.runs if event in (None, run["event"]))
        note = f"; {apart} runs with a paused machine are apart" if apart else ""
        detail = f"worst {worst:g}, bound {bound:g}" if runs else "no run without a machine pause"
        return self.check(name, bool(runs) and worst <= bound, detail + note)

    def summary(self):
        result = {}
        for event in dict.fromkeys(run["event"] for run in self.runs):
            runs = self.clean_runs(event) or [run for run in self.runs if run["event"] == event]
            result[event] = {"runs": len(runs), **{
                name: spread([run[name] for run in runs]) for name in SUMMED}}
        return result

    @property
    def ok(self):
        return bool(self.checks) and all(check["ok"] for check in self.checks)

    def to_json(self):
        return {"lab": self.lab, "timers": self.timers, "runs": self.runs,
                "summary": self.summary(), "figures": self.figures,
                "checks": self.checks, "ok": self.ok}

    def finish(self, path=None):
        for event, values in self.summary().items():
            text = ", ".join(
                f"{name} {v['median']:g}/{v['p95']:g}/{v['max']:g}" for name, v in values.items()
                if name != "runs")
            print(f"  {event} ({values['runs']} runs, median/p95/max): {text}")
        if self.timers:
            print("  timers: " + ", ".join(f"{k} {v}" for k, v in self.timers.items()))
        failed = [check["name"] for check in self.checks if not check["ok"]]
        print(f"{self.lab}: {'ok' if self.ok else 'FAILED: ' + ', '.join(failed or ['no checks'])}",
              flush=True)
        if path:
            with open(path, "w", encoding="utf-8") as out:
                json.dump(self.to_json(), out, indent=1)
                out.write("\n")
        return self.ok

    def _print_run(self, run):
        widths = (18, 6, 7, 8, 7, 14, 10, 9)
        if not self._header_printed:
            print("  " + " ".join(f"{name:>{w}}" for name, w in zip(COLUMNS, widths)))
            self._header_printed = True
        cells = []
        for name, width in zip(COLUMNS, widths):
            value = run[name]
            text = f"{value:.1f}" if isinstance(value, float) else str(value)
            cells.append(f"{text:>{width}}")
        mark = "  machine paused" if run["paused"] else ""
        print("  " + " ".join(cells) + mark, flush=True)
