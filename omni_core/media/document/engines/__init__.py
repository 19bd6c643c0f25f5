"""Engines that open documents with pages: MuPDF, and PDFium for PDF alone, behind one interface."""
