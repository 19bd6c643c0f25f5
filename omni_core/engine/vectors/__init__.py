"""A library as a folder of Parquet and JSON, or one Parquet file: out of it, and into another of
the same model.

parquet    the file: its columns, read and written in batches; it and `images` alone import pyarrow
images     the file of small images
folder     the folder: its manifest, and what is checked before it is read
sources    a source as JSON, checked when it is read
exporting  a library into a folder or a file
importing  a folder or a file into a library
"""
