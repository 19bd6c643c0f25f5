"""The report of an evaluation as one HTML file, for people.

document  the whole file
tables    tables of figures
charts    figures with intervals, and shares, as inline SVG
missed    the missed questions with what was expected and found
"""

from omni_server.eval_report.document import document as document
