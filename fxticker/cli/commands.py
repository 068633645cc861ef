"""Commands: their groups in the help, the function of each, and its summary, printed in the help without an import."""

COMMANDS = {
    "Run": {
        "run": ("run.run", "Poll every source on its grid."),
        "serve": ("serve.serve", "Serve the store over HTTP, read-only."),
        "service": ("service.service", "Run as a service of systemd."),
        "alert": ("alert.alert", "Try the alert command of the configuration."),
        "doctor": ("doctor.doctor", "Print what is installed and how it is set up, on one page."),
        "demo": ("demo.demo", "Run a complete example offline."),
        "demo-site": ("demo_site.demo_site", "Serve recorded tickers on loopback, for a recorder to poll."),
        "drill": ("drill.drill", "Test how faults of network and site are recorded."),
    },
    "Record": {
        "snapshot": ("snapshot.snapshot", "Poll every source once, now."),
        "status": ("status.status", "Print the health of each source and of the store."),
        "polls": ("polls.polls", "Print the outcome of each slot, newest last."),
        "gaps": ("polls.gaps", "Print gaps: periods without a successful poll."),
        "coverage": ("analysis.coverage", "Print how many of each period's planned polls succeeded."),
        "check": ("store.check", "Read every file of the store and report damage."),
        "forget": ("forget.forget", "Remove outcomes and ticks that lie in the future."),
        "evidence": ("evidence.evidence", "Show the piece of page that ticks were read from."),
        "reparse": ("evidence.reparse", "Print what the present parsers read otherwise."),
        "mirror": ("mirror.mirror", "Bring a verified copy of the store in DEST up to date."),
        "restore": ("mirror.restore", "Bring a mirror in SRC back as the store."),
    },
    "Import": {
        "import": ("import_files.import_", "Store the ticks of saved pages, WARC files or exports."),
        "backfill": ("backfill.backfill", "Store past rates from a source's history or web archives."),
    },
    "Read": {
        "latest": ("store.latest", "Print the last tick of each pair, and its age."),
        "history": ("store.history", "Print stored ticks with their bands."),
        "export": ("export.export", "Write rates to FILE, in the format of its ending."),
        "publish": ("publish.publish", "Write a page of the rates and its data to DIR."),
    },
    "Ask": {
        "quotes": ("analysis.quotes", "Print rates of stored, inverse and cross pairs."),
        "drift": ("analysis.drift", "Print how far rates moved, with bands."),
        "drift-series": ("analysis.drift_series", "Print the drift of each pair since its first tick."),
        "drift-by-period": ("analysis.drift_by_period", "Print the drift from each period's close to the next one."),
        "changes": ("analysis.changes", "Print runs of equal printed values, and the change to each."),
        "decode": ("analysis.decode", "Print the earlier rates that each percentage allows."),
        "resample": ("analysis.resample", "Print open, high, low and close of each period."),
        "peg": ("analysis.peg", "Print the distance of pegged currencies from their peg."),
        "volatility": ("estimate.volatility", "Print how much rates move in a day, with intervals."),
        "estimate": ("estimate.estimate", "Print what lies behind the digits: two bands."),
        "convert": ("rates.convert", "Convert an AMOUNT into another currency."),
        "compare": ("analysis.compare", "Print each tick beside the official rate."),
        "best": ("rates.best", "Print the narrowest band for a rate, and all other bands."),
        "rate": ("rate.rate", "Print the rate of one source, chosen by a stated order."),
        "explain": ("rate.explain", "Print where a rate comes from."),
    },
    "Draw": {
        "plot": ("plot.plot", "Draw a chart into a file."),
        "report": ("report.report", "Write a page about a month."),
    },
}
"""By group and name: the module in this folder with the name there, and the first sentence of its help."""
