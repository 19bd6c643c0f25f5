"""Every change made to objects of torch, transformers and sentence-transformers, and nothing else.

The libraries promise none of the names used here. `registry` lists each patch with the names it
needs; one whose names are gone is left out, with one line in the log, and the libraries' own way
is used. `Settings.model_patches = "off"` leaves out all of them: slower, the same vectors.
"""
