"""Patches of torch, transformers and sentence-transformers: all of them, and nothing else.

They use private names of the libraries. `registry` lists each patch with the names it needs; a
patch whose names are missing is skipped, with one line in the log, and the library stays as it is.
`Settings.model_patches = "off"` skips all of them: slower, the same vectors.
"""
