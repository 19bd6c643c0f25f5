"""Order in time: what comes right after, the first and the last time, how often.

`reading` understands a question, `timeline` knows what comes before and after a moment, `episodes`
tells distinct moments apart, to order or to count them.
"""
