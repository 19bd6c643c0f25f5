"""Still and animated images through Pillow."""
