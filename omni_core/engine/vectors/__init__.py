"""Vectors and payloads as one Parquet file: out of a library, and into one of the same model.

parquet    the file: its columns, read and written in batches; the only file that imports pyarrow
sources    a source as JSON, checked when it is read
exporting  a library into a file
importing  a file into a library
"""
